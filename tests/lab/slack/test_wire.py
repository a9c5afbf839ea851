import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.manifest import load_manifest


async def test_auth_test_says_who_the_app_is(client: AsyncWebClient) -> None:
    """An app can find out its own user id, bot id and team."""
    answer = await client.auth_test()

    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0MIGRATEBOT", "B0MIGRATE", "T0LAB")


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query", "get"])
async def test_every_encoding_carries_the_same_call(lab: SlackLab, http: aiohttp.ClientSession, encoding: str) -> None:
    """JSON, form, multipart and query string, POST and GET, lead to the same message."""
    blocks = [{"type": "divider"}]
    values = {"channel": "C0MIGRATE", "text": "same", "blocks": json.dumps(blocks), "unfurl_links": "0"}
    headers = {"Authorization": f"Bearer {lab.bot_token}"}
    url = f"{lab.api_url}chat.postMessage"
    if encoding == "json":
        send = http.post(url, json={**values, "blocks": blocks, "unfurl_links": False}, headers=headers)
    elif encoding == "form":
        send = http.post(url, data={**values, "token": lab.bot_token})
    elif encoding == "multipart":
        form = aiohttp.FormData(values, default_to_multipart=True)
        send = http.post(url, data=form, headers=headers)
    elif encoding == "query":
        empty = {"Content-Type": "application/x-www-form-urlencoded"}
        send = http.post(url, params=values, headers={**headers, **empty})
    else:
        send = http.get(url, params=values, headers=headers)
    async with send as response:
        body = await response.json()

    assert body["ok"], body
    assert body["message"]["text"] == "same"
    assert body["message"]["blocks"][0]["type"] == "divider"


@pytest.mark.parametrize(
    ("data", "kind", "error"),
    [
        ("{nonsense", "application/json", "invalid_json"),
        ("[]", "application/json", "json_not_object"),
        ("x", "text/plain", "invalid_post_type"),
    ],
)
async def test_a_body_that_is_not_what_it_says_is_refused(
    lab: SlackLab, http: aiohttp.ClientSession, data: str, kind: str, error: str
) -> None:
    """A malformed body is answered with its own error, not with a crash."""
    headers = {"Authorization": f"Bearer {lab.bot_token}", "Content-Type": kind}
    async with http.post(f"{lab.api_url}auth.test", data=data, headers=headers) as response:
        assert (response.status, (await response.json())["error"]) == (200, error)


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("auth.test", "", "not_authed"),
        ("auth.test", "xoxb-wrong", "invalid_auth"),
        ("auth.test", "xapp-lab-migrate-bot", "not_allowed_token_type"),
        ("apps.connections.open", "", "missing_args"),
        ("apps.connections.open", "xapp-wrong", "invalid_auth"),
        ("apps.connections.open", "xoxb-lab-migrate-bot", "not_allowed_token_type"),
        ("chat.shout", "xoxb-lab-migrate-bot", "unknown_method"),
    ],
)
async def test_a_wrong_token_is_refused(
    lab: SlackLab, http: aiohttp.ClientSession, method: str, token: str, error: str
) -> None:
    """Each way to get the token wrong has the error Slack documents for it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.post(lab.api_url + method, headers=headers) as response:
        assert (response.status, (await response.json())["error"]) == (200, error)


async def test_a_socket_is_asked_for_by_post_only(lab: SlackLab, http: aiohttp.ClientSession) -> None:
    """apps.connections.open by GET is an insecure_request."""
    headers = {"Authorization": f"Bearer {lab.app_token}"}
    async with http.get(f"{lab.api_url}apps.connections.open", headers=headers) as response:
        assert (await response.json())["error"] == "insecure_request"


async def test_a_method_outside_the_manifest_names_its_scope(client: AsyncWebClient) -> None:
    """missing_scope says which scope is needed and which are there."""
    with pytest.raises(SlackApiError) as refused:
        await client.pins_add(channel="C0MIGRATE", timestamp="1.0")

    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "pins:write"
    assert "chat:write" in refused.value.response["provided"].split(",")


async def test_scopes_come_from_the_manifest() -> None:
    """An app whose manifest lacks chat:write cannot post, whatever it does."""
    manifest = load_manifest()
    fewer = manifest.oauth_config.model_copy(
        update={"scopes": manifest.oauth_config.scopes.model_copy(update={"bot": ("commands",)})}
    )
    async with SlackLab(manifest=manifest.model_copy(update={"oauth_config": fewer})) as lab:
        client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
        with pytest.raises(SlackApiError, match="missing_scope"):
            await client.chat_postMessage(channel="C0MIGRATE", text="hi")


async def test_the_ledger_counts_calls_and_keeps_the_reasons_of_refusals(lab: SlackLab, client: AsyncWebClient) -> None:
    """Every call is counted by method, and every refusal is kept with its reason."""
    await client.auth_test()
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel="C0MIGRATE", text="t", blocks=[{"type": "section"}])

    assert lab.call_log.counts == {"auth.test": 1, "chat.postMessage": 1}
    (violation,) = lab.call_log.violations
    assert violation.error == "invalid_blocks"
    assert "json-pointer:/blocks/0" in violation.messages[0]


async def test_a_foreign_host_name_is_turned_away(lab: SlackLab, http: aiohttp.ClientSession) -> None:
    """A web page that rebinds its name to 127.0.0.1 reaches nothing."""
    async with http.get(f"{lab.control_url}ledger", headers={"Host": "evil.example"}) as response:
        assert response.status == 421
