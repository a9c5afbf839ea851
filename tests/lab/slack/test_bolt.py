"""A Bolt app as anybody would write it, against the workspace."""

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from lab.slack.workspace.refusals import NotOnScreenError
from tests.support.lab_blocks import actions, button, plain, section

CONFIRM = {"title": plain("Sure?"), "text": plain("It moves VMs."), "confirm": plain("Move"), "deny": plain("No")}


@pytest.fixture
async def card(lab: SlackLab, client: AsyncWebClient) -> Message:
    blocks = [section("Answer & 1"), actions(button("approve", value="job 7", confirm=CONFIRM), button("plain"))]
    answer = await client.chat_postMessage(channel="C0MIGRATE", text="card", blocks=blocks)
    return lab.workspace.channel("#migrations").messages[answer["ts"]]


async def test_a_command_is_answered_privately(lab: SlackLab, app: AsyncApp) -> None:
    """Text in the ack without response_type is ephemeral."""

    @app.command("/migrate")
    async def migrate(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"You said {command['text']}")

    outcome = await lab.person("alice").slash("#migrations", "/migrate help")

    assert outcome.message is not None
    assert lab.person("alice").reads("#migrations") == "migrate-bot (only visible to you): You said help"
    assert lab.person("bob").reads("#migrations") == ""


async def test_a_command_may_answer_in_the_channel(lab: SlackLab, app: AsyncApp) -> None:
    """response_type in_channel shows the answer and what was typed to everybody."""

    @app.command("/migrate")
    async def migrate(ack: Any) -> None:
        await ack(text="Hello all", response_type="in_channel")

    await lab.person("alice").slash("#migrations", "/migrate help")

    assert lab.person("bob").reads("#migrations").splitlines() == [
        "(alice used /migrate help)",
        "migrate-bot: Hello all",
    ]


async def test_slack_itself_answers_unknown_commands_and_threads(lab: SlackLab, card: Message) -> None:
    """An unknown command, or any command in a thread, never reaches the app."""
    alice = lab.person("alice")

    unknown = await alice.slash("#migrations", "/migrat web01")
    threaded = await alice.slash("#migrations", "/migrate help", thread_ts=card.ts)

    assert not unknown.is_sent
    assert not threaded.is_sent
    assert "not a valid command" in alice.reads("#migrations")
    assert not lab.call_log.envelopes


async def test_an_answer_slack_cannot_show_is_a_failure(lab: SlackLab, app: AsyncApp) -> None:
    """Broken blocks in an ack: the person sees an error, the ledger says why."""

    @app.command("/migrate")
    async def migrate(ack: Any) -> None:
        await ack(text="x", blocks=[{"type": "section"}])

    outcome = await lab.person("alice").slash("#migrations", "/migrate help")

    assert outcome.error == "invalid_command_response"
    assert [one.error for one in lab.call_log.violations] == ["invalid_blocks"]


async def test_a_click_carries_the_message_as_stored(lab: SlackLab, app: AsyncApp, card: Message) -> None:
    """block_actions: the value, the container, and the whole message with its texts escaped."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        heard.put_nowait(body)

    outcome = await lab.person("bob").click(card, "approve")
    body = await heard.get()
    assert lab.person("bob").finds("#migrations", "approve") is card

    assert outcome.confirm is not None
    assert outcome.confirm.title == "Sure?"
    assert body["actions"][0]["value"] == "job 7"
    assert body["user"]["id"] == "U0BOB"
    assert body["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": "C0MIGRATE",
        "is_ephemeral": False,
    }
    assert body["message"]["blocks"][0]["text"]["text"] == "Answer &amp; 1"


async def test_a_denied_dialog_sends_nothing(lab: SlackLab, app: AsyncApp, card: Message) -> None:
    """Who answers the confirm dialog with no has clicked nothing."""
    outcome = await lab.person("bob").click(card, "approve", confirm=False)

    assert not outcome.is_sent
    assert not lab.call_log.envelopes


async def test_a_click_nobody_acks_is_seen_as_a_failure(
    lab: SlackLab, clock: ManualClock, app: AsyncApp, card: Message
) -> None:
    """No ack within 3 s: a warning sign, counted in the ledger."""
    clicking = asyncio.create_task(lab.person("bob").click(card, "plain"))
    await lab.workspace.changes.wait_for(lambda: lab.call_log.envelopes["interactive"])
    clock.advance(3)

    assert (await clicking).error == "warning sign"
    assert [(one.user_id, one.what) for one in lab.call_log.failures] == [("U0BOB", "click plain")]


async def test_an_old_card_can_still_be_clicked(
    lab: SlackLab, app: AsyncApp, client: AsyncWebClient, card: Message
) -> None:
    """A button that is gone raises, unless the click names the version that still had it."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        heard.put_nowait(body)

    await client.chat_update(channel="C0MIGRATE", ts=card.ts, text="done", blocks=[section("done")])
    bob = lab.person("bob")

    with pytest.raises(NotOnScreenError, match="no approve here"):
        await bob.click(card, "approve")
    await bob.click(card, "approve", version=0)
    assert (await heard.get())["actions"][0]["action_id"] == "approve"


async def test_a_double_click_arrives_twice(lab: SlackLab, app: AsyncApp, card: Message) -> None:
    """The double_click fault delivers two clicks with different trigger ids."""
    lab.faults.add(FaultKind.DOUBLE_CLICK, "plain")
    triggers: list[str] = []

    @app.action("plain")
    async def plain_click(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    await lab.person("bob").click(card, "plain")

    assert len(set(triggers)) == 2


async def test_who_is_not_in_the_channel_sees_no_card(lab: SlackLab, client: AsyncWebClient) -> None:
    """A card in a channel without bob is not there for bob."""
    answer = await client.chat_postMessage(channel="C0OTHER", text="x", blocks=[actions(button())])
    message = lab.workspace.channel("#other").messages[answer["ts"]]

    with pytest.raises(NotOnScreenError, match="bob is not in"):
        await lab.person("bob").click(message, "go")


async def test_a_response_url_has_five_uses_in_thirty_minutes(lab: SlackLab, clock: ManualClock, app: AsyncApp) -> None:
    """Ephemeral by default; the sixth use, and any use after half an hour, is refused."""
    urls: asyncio.Queue[Any] = asyncio.Queue()

    @app.command("/migrate")
    async def migrate(ack: Any, respond: Any) -> None:
        await ack()
        urls.put_nowait(respond)

    alice = lab.person("alice")
    await alice.slash("#migrations", "/migrate one")
    respond = await urls.get()
    statuses = [(await respond(f"answer {n}")).status_code for n in range(6)]
    await alice.slash("#migrations", "/migrate two")
    late = await urls.get()
    clock.advance(30 * 60 + 1)

    assert statuses == [200] * 5 + [404]
    assert (await late("late")).status_code == 404
    assert alice.reads("#migrations").count("only visible to you") == 5


async def test_a_response_url_replaces_and_deletes_the_clicked_message(
    lab: SlackLab, app: AsyncApp, card: Message
) -> None:
    """replace_original and delete_original act on the message whose button was clicked."""
    responds: asyncio.Queue[Any] = asyncio.Queue()

    @app.action("plain")
    async def clicked(ack: Any, respond: Any) -> None:
        await ack()
        responds.put_nowait(respond)

    await lab.person("bob").click(card, "plain")
    respond = await responds.get()
    await respond("replaced", replace_original=True)
    assert lab.transcript("#migrations") == "migrate-bot: replaced (edited)"
    await respond(delete_original=True)

    assert lab.transcript("#migrations") == ""


async def test_a_menu_in_a_message_keeps_what_was_chosen(lab: SlackLab, app: AsyncApp, client: AsyncWebClient) -> None:
    """Choosing carries selected_option, and a later click carries it in state.values."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @app.action({"block_id": "row"})
    async def used(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        heard.put_nowait(body)

    hosts = [{"text": plain(name), "value": name.lower()} for name in ("HV01", "HV02")]
    menu = {"type": "static_select", "action_id": "host", "options": hosts}
    blocks = [{**actions(menu, button()), "block_id": "row"}]
    await client.chat_postMessage(channel="C0MIGRATE", text="x", blocks=blocks)
    bob = lab.person("bob")
    card = bob.finds("#migrations", "host")
    assert card is not None
    await bob.click(card, "host", "HV02")
    await bob.click(card, "go")
    chosen, clicked = await heard.get(), await heard.get()

    assert chosen["actions"][0]["selected_option"]["value"] == "hv02"
    assert clicked["state"]["values"]["row"]["host"]["selected_option"]["value"] == "hv02"
    with pytest.raises(NotOnScreenError, match="HV03 is not offered"):
        await bob.click(card, "host", "HV03")


async def test_a_deleted_card_is_only_clicked_by_version(
    lab: SlackLab, app: AsyncApp, client: AsyncWebClient, card: Message
) -> None:
    """A card that was deleted is on nobody's screen; slow fingers may still have it."""

    @app.action("plain")
    async def clicked(ack: Any) -> None:
        await ack()

    await client.chat_delete(channel="C0MIGRATE", ts=card.ts)

    with pytest.raises(NotOnScreenError, match="that message is gone"):
        await lab.person("bob").click(card, "plain")
    assert (await lab.person("bob").click(card, "plain", version=0)).error == ""
