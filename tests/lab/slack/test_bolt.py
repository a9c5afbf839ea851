"""A Bolt app as anybody would write it, against the workspace."""

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from lab.slack.workspace.refusals import FormIncompleteError, NotOnScreenError
from tests.support.lab_blocks import actions, button, plain, section

CONFIRM = {"title": plain("Sure?"), "text": plain("It moves VMs."), "confirm": plain("Move"), "deny": plain("No")}
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
    assert not lab.ledger.envelopes


async def test_an_answer_slack_cannot_show_is_a_failure(lab: SlackLab, app: AsyncApp) -> None:
    """Broken blocks in an ack: the person sees an error, the ledger says why."""

    @app.command("/migrate")
    async def migrate(ack: Any) -> None:
        await ack(text="x", blocks=[{"type": "section"}])

    outcome = await lab.person("alice").slash("#migrations", "/migrate help")

    assert outcome.error == "invalid_command_response"
    assert [one.error for one in lab.ledger.violations] == ["invalid_blocks"]


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
    assert not lab.ledger.envelopes


async def test_a_click_nobody_acks_is_seen_as_a_failure(
    lab: SlackLab, clock: ManualClock, app: AsyncApp, card: Message
) -> None:
    """No ack within 3 s: a warning sign, counted in the ledger."""
    clicking = asyncio.create_task(lab.person("bob").click(card, "plain"))
    await lab.workspace.changes.wait_for(lambda: lab.ledger.envelopes["interactive"])
    clock.advance(3)

    assert (await clicking).error == "warning sign"
    assert [(one.user_id, one.what) for one in lab.ledger.failures] == [("U0BOB", "click plain")]


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
    answers = [
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
