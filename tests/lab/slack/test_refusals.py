"""The lab refuses as Slack does: any code, for chosen calls; and what Slack does silently, it does too."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.transport.api.table import METHODS
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.error_codes import ANY_METHOD, BY_METHOD, documented

HERE = "C0MIGRATE"


async def refusal(call: Any) -> str:
    """The code a call is refused with; empty when it is not."""
    try:
        await call
    except SlackApiError as error:
        return str(error.response["error"])
    return ""


def test_every_method_has_its_documented_codes() -> None:
    """The table names exactly the methods of the lab, and none without the codes that any method may answer."""
    assert set(BY_METHOD) == set(METHODS)
    assert documented("auth.test") >= ANY_METHOD
    assert "is_archived" in documented("chat.postMessage")


async def test_any_method_answers_any_code(lab: SlackLab, client: AsyncWebClient) -> None:
    """A code nobody has heard of is answered like any other, until it is ended."""
    fault = lab.faults.refuse("not_in_any_book", "chat.*")
    assert await refusal(client.chat_postMessage(channel=HERE, text="x")) == "not_in_any_book"
    assert await refusal(client.auth_test()) == ""
    lab.faults.end(fault)
    assert await refusal(client.chat_postMessage(channel=HERE, text="x")) == ""
    assert lab.call_log.violations == []


@pytest.mark.parametrize(
    ("when", "refused", "taken"),
    [
        ({"channel": HERE}, {"channel": HERE}, {"channel": "C0OTHER"}),
        ({"thread": True}, {"thread_ts": "1.0"}, {}),
        ({"thread": False}, {}, {"thread_ts": "1.0"}),
        ({"block": "divider"}, {"blocks": [{"type": "divider"}]}, {}),
        ({"words": "S0ONCALL"}, {"text": "<!subteam^S0ONCALL> hello"}, {}),
    ],
)
async def test_a_refusal_has_conditions(
    lab: SlackLab, client: AsyncWebClient, when: dict[str, Any], refused: dict[str, Any], taken: dict[str, Any]
) -> None:
    """Channel, thread, kind of block and words decide which call is refused."""
    lab.faults.refuse("no", "chat.postMessage", **when)
    call = {"channel": HERE, "text": "hello"}
    assert await refusal(client.chat_postMessage(**(call | refused))) == "no"
    assert await refusal(client.chat_postMessage(**(call | taken))) == ""


async def test_a_refusal_has_a_count_and_a_span(lab: SlackLab, client: AsyncWebClient, clock: ManualClock) -> None:
    """The second call only; and for a while only."""
    lab.faults.refuse("no", "auth.test", times=1, after=1)
    assert [await refusal(client.auth_test()) for _ in range(3)] == ["", "no", ""]
    lab.faults.refuse("token_revoked", for_s=600)
    clock.advance(599)
    assert await refusal(client.auth_test()) == "token_revoked"
    clock.advance(1)
    assert await refusal(client.auth_test()) == ""


async def test_a_reply_to_a_deleted_parent_lands_at_the_root(lab: SlackLab, client: AsyncWebClient) -> None:
    """Slack answers ``ok``, drops thread_ts and posts in the channel (slack-go#1571)."""
    parent = await client.chat_postMessage(channel=HERE, text="card")
    await client.chat_delete(channel=HERE, ts=parent["ts"])
    answer = await client.chat_postMessage(channel=HERE, text="line", thread_ts=parent["ts"], reply_broadcast=True)
    assert "thread_ts" not in answer["message"]
    (line,) = lab.workspace.channel(HERE).roots()
    assert (line.text, line.is_reply, line.is_broadcast) == ("line", False, False)


@pytest.mark.parametrize(
    ("restriction", "at_root", "in_thread"),
    [
        ("restricted_action", "restricted_action", "restricted_action"),
        ("restricted_action_read_only_channel",) * 3,
        ("restricted_action_thread_only_channel", "restricted_action_thread_only_channel", ""),
        ("restricted_action_non_threadable_channel", "", "restricted_action_non_threadable_channel"),
    ],
)
async def test_channels_are_restricted(
    lab: SlackLab, client: AsyncWebClient, restriction: str, at_root: str, in_thread: str
) -> None:
    """Each of the family forbids what its name says."""
    parent = await client.chat_postMessage(channel=HERE, text="card")
    lab.workspace.change_channel(HERE, restriction=restriction)
    assert await refusal(client.chat_postMessage(channel=HERE, text="x")) == at_root
    assert await refusal(client.chat_postMessage(channel=HERE, text="x", thread_ts=parent["ts"])) == in_thread


async def test_threads_are_locked_and_groups_not_mentioned(lab: SlackLab, client: AsyncWebClient) -> None:
    """A locked thread takes no reply; where owners forbid it, nobody mentions a group."""
    parent = await client.chat_postMessage(channel=HERE, text="card")
    lab.workspace.channel(HERE).messages[parent["ts"]].is_locked = True
    locked = client.chat_postMessage(channel=HERE, text="x", thread_ts=parent["ts"])
    assert await refusal(locked) == "restricted_action_thread_locked"
    lab.workspace.may_mention_groups = False
    assert await refusal(client.chat_postMessage(channel=HERE, text="<!subteam^S0ONCALL> x")) == "restricted_action"
    assert await refusal(client.chat_postMessage(channel=HERE, text="<@U0ALICE> x")) == ""


async def test_an_org_wide_token_wants_a_team(lab: SlackLab, client: AsyncWebClient) -> None:
    """Lists of a workspace need to know which; auth.test says what kind of install it is."""
    lab.workspace.is_org_wide = True
    assert (await client.auth_test())["is_enterprise_install"] is True
    assert await refusal(client.usergroups_users_list(usergroup="S0ONCALL")) == "missing_argument"
    team = lab.workspace.directory.team.id
    assert await refusal(client.usergroups_users_list(usergroup="S0ONCALL", team_id=team)) == ""


@pytest.mark.parametrize(
    ("order", "reason"), [({"do": "limit", "most": 0}, "too_many_websockets"), ({"do": "disable"}, "link_disabled")]
)
async def test_sockets_are_turned_away(
    lab: SlackLab, http: aiohttp.ClientSession, connect: Any, order: dict[str, Any], reason: str
) -> None:
    """Over the limit, or with Socket Mode off, a connection is told why and closed, however often it is tried."""
    async with http.post(f"{lab.control_url}sockets", json=order) as answer:
        assert answer.status == 200
    for _ in range(2):
        async with http.ws_connect(await connect.url()) as socket:
            assert (await socket.receive_json())["reason"] == reason
    assert lab.sockets.turned_away == 2


async def test_scripts_order_refusals_and_change_channels(lab: SlackLab, http: aiohttp.ClientSession) -> None:
    """The control API has all of it; an unknown condition is an error."""
    order: dict[str, Any] = {"kind": "refused", "target": "chat.*", "error": "is_archived", "when": {"thread": True}}
    async with http.post(f"{lab.control_url}faults", json=order) as answer:
        assert (await answer.json())["when"]["thread"] is True
    async with http.post(f"{lab.control_url}faults", json=order | {"when": {"moon": "full"}}) as answer:
        assert answer.status == 400
    change = {"channel": HERE, "archived": True, "name": "old", "id": "C0CONVERTED"}
    async with http.post(f"{lab.control_url}channels", json=change) as answer:
        assert await answer.json() == {"id": "C0CONVERTED", "name": "old", "is_archived": True}
    assert HERE not in lab.workspace.channels
