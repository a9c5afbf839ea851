"""slack_bolt and the forms, menus and Home of the workspace."""

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.refusals import FormIncompleteError
from tests.support.lab_blocks import actions, button, plain, section

FIELD = {
    "type": "input",
    "block_id": "why",
    "label": plain("Why"),
    "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    shown = list(blocks) or [FIELD]
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("Form"),
        "submit": plain("Send"),
        "blocks": shown,
        **more,
    }


async def open_form(lab: SlackLab, app: AsyncApp, view: dict[str, Any]) -> None:
    @app.command("/migrate")
    async def migrate(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    await lab.person("alice").slash("#migrations", "/migrate")
    await lab.workspace.changes.wait_for(lambda: lab.person("alice").view)


async def test_a_form_is_filled_in_and_sent(lab: SlackLab, app: AsyncApp) -> None:
    """state.values holds what was typed; a plain ack closes the form."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @app.view("form")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        heard.put_nowait(view)

    await open_form(lab, app, modal(private_metadata="job 7"))
    alice = lab.person("alice")
    with pytest.raises(FormIncompleteError, match="Why"):
        await alice.submit()
    with pytest.raises(FormIncompleteError, match="between 3 and"):
        await alice.submit({"why": "no"})
    await alice.submit({"why": "because"})
    view = await heard.get()

    assert view["state"]["values"]["why"]["text"]["value"] == "because"
    assert view["private_metadata"] == "job 7"
    assert alice.view is None


async def test_errors_update_and_push_answer_a_form(lab: SlackLab, app: AsyncApp) -> None:
    """response_action errors, push and update do what they say."""
    answers: list[dict[str, Any]] = [
        {"response_action": "errors", "errors": {"why": "Say more."}},
        {"response_action": "push", "view": modal(FIELD, title=plain("Second"))},
        {"response_action": "update", "view": modal(FIELD, title=plain("Third"))},
        {"response_action": "clear"},
    ]

    @app.view("form")
    async def submitted(ack: Any) -> None:
        await ack(**answers.pop(0))

    await open_form(lab, app, modal())
    alice = lab.person("alice")

    assert (await alice.submit({"why": "because"})).field_errors == {"why": "Say more."}
    assert "! Say more." in alice.reads_form()
    await alice.submit()
    assert alice.reads_form().startswith("=== Second ===")
    await alice.submit({"why": "because"})
    assert alice.reads_form().startswith("=== Third ===")
    await alice.submit()
    assert alice.view is None


async def test_errors_for_unknown_blocks_are_a_failure(lab: SlackLab, app: AsyncApp) -> None:
    """errors must be keyed by the block_id of an input."""

    @app.view("form")
    async def submitted(ack: Any) -> None:
        await ack(response_action="errors", errors={"nowhere": "x"})

    await open_form(lab, app, modal())

    assert (await lab.person("alice").submit({"why": "because"})).error == "invalid_errors"


async def test_view_closed_only_on_request(lab: SlackLab, app: AsyncApp) -> None:
    """Without notify_on_close closing is silent; with it view_closed says is_cleared."""
    closed: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @app.view_closed("form")
    async def on_close(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        closed.put_nowait(body)

    await open_form(lab, app, modal())
    alice = lab.person("alice")
    await alice.close()
    await alice.slash("#migrations", "/migrate")
    view = await lab.workspace.changes.wait_for(lambda: alice.view)
    await app.client.views_update(view_id=view.id, view=modal(notify_on_close=True))
    await alice.close(everything=True)

    assert (await closed.get())["is_cleared"] is True
    assert closed.empty()


async def test_triggers_live_three_seconds_and_open_one_form(
    lab: SlackLab, clock: ManualClock, app: AsyncApp, client: AsyncWebClient
) -> None:
    """expired_trigger_id after 3 s, exchanged_trigger_id on the second use, invalid_trigger_id for nonsense."""
    triggers: asyncio.Queue[str] = asyncio.Queue()

    @app.command("/migrate")
    async def migrate(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        triggers.put_nowait(body["trigger_id"])

    async def opens() -> str:
        await lab.person("alice").slash("#migrations", "/migrate")
        return await triggers.get()

    trigger = await opens()
    await client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=modal())
    old = await opens()
    clock.advance(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=old, view=modal())
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.3", view=modal())


async def test_a_stack_is_three_high(lab: SlackLab, app: AsyncApp) -> None:
    """The fourth modal is push_limit_reached."""
    errors: asyncio.Queue[str] = asyncio.Queue()

    @app.action("go")
    async def push(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        try:
            await client.views_push(trigger_id=body["trigger_id"], view=modal(actions(button())))
            errors.put_nowait("")
        except SlackApiError as error:
            errors.put_nowait(error.response["error"])

    await open_form(lab, app, modal(actions(button())))
    got = []
    for _ in range(3):
        await lab.person("alice").press("go")
        got.append(await errors.get())

    assert got == ["", "", "push_limit_reached"]


async def test_a_stale_hash_is_a_conflict(lab: SlackLab, app: AsyncApp, client: AsyncWebClient) -> None:
    """views.update with an old hash is hash_conflict; what was typed survives an update."""
    await open_form(lab, app, modal())
    alice = lab.person("alice")
    view = alice.view
    assert view is not None
    alice.fill("why", "because")
    old = view.hash
    await client.views_update(view_id=view.id, hash=old, view=modal(FIELD, section("more")))

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, hash=old, view=modal())
    assert "Why: because" in alice.reads_form()


async def test_views_have_size_and_identity_limits(lab: SlackLab, app: AsyncApp, client: AsyncWebClient) -> None:
    """250 KB, unique external_id, and Block Kit limits as invalid_arguments."""
    large = modal(*[section("x" * 2900, block_id=str(n)) for n in range(90)])
    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(trigger_id="1.2.3", view=large)
    with pytest.raises(SlackApiError, match="invalid_arguments") as refused:
        await client.views_open(trigger_id="1.2.3", view=modal(title=plain("t" * 25)))
    assert "json-pointer:/view/title/text" in refused.value.response["response_metadata"]["messages"][0]
    await open_form(lab, app, modal(external_id="one"))
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await client.views_publish(user_id="U0BOB", view={"type": "home", "external_id": "one", "blocks": []})


async def test_suggestions_are_asked_for_as_somebody_types(lab: SlackLab, app: AsyncApp) -> None:
    """An external select asks from min_query_length characters on, and the answer can be chosen."""

    @app.options("host")
    async def hosts(ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[{"text": plain(f"{payload['value']}-01"), "value": "HV01"}])

    select = {"type": "external_select", "action_id": "host", "min_query_length": 2}
    await open_form(lab, app, modal({"type": "input", "block_id": "to", "label": plain("To"), "element": select}))
    alice = lab.person("alice")

    assert await alice.suggest("host", "h") == []
    (option,) = await alice.suggest("host", "hv")
    alice.fill("host", option)

    assert option["text"]["text"] == "hv-01"
    assert "To: [hv-01 ▾]" in alice.reads_form()


async def test_home_is_published_per_person(lab: SlackLab, app: AsyncApp) -> None:
    """Opening Home raises app_home_opened; what the app publishes is for that person, with hash against races."""

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section("Welcome")]})

    alice = lab.person("alice")
    assert await alice.open_home()
    home = await lab.workspace.changes.wait_for(lambda: alice.home)

    assert alice.reads_home() == "=== Home ===\nWelcome"
    assert lab.person("bob").home is None
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await app.client.views_publish(user_id="U0ALICE", hash=f"{home.hash}x", view={"type": "home", "blocks": []})
