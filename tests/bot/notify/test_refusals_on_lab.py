"""Whatever Slack refuses, people hear of it: in a poorer form, in another place, or later."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.notify.moved_cards import REFUSALS
from bot.notify.notifier import SlackNotifier
from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Card, Job, JobState
from core.domain.model.move import MoveState
from core.domain.model.views import JobView, MoveView
from core.errors import NotifierDown, NotifierRefused, NotifierUnauthorized
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind, When
from lab.slack.workspace.messages import Message
from tests.bot.conftest import slack_settings
from tests.bot.notify.conftest import ASKED, BEGAN, posted, proposal, told
from tests.support.bot_harness import read
from tests.support.view_builders import move

Make = Callable[..., SlackNotifier]
HERE = "C0MIGRATE"


def page(about: Job, number: int = 9) -> Notice:
    return told(EventKind.FAILED, Tone.PAGE, about, number=number, words="No room.", hint="Free some.", where="HV01")


def line(about: Job, number: int = 2) -> Notice:
    return told(EventKind.DONE, Tone.LINE, about, number=number)


async def with_card(notifier: SlackNotifier) -> Job:
    return replace(ASKED, card=await notifier.tell(proposal()))


def direct(slack: SlackLab, user: str) -> list[Message]:
    return list(slack.workspace.direct_message([user]).messages.values())


def disable_oncall(slack: SlackLab) -> None:
    group = slack.workspace.user_groups["S0ONCALL"]
    slack.workspace.user_groups["S0ONCALL"] = group.model_copy(update={"disabled": True})


UNKNOWN = "of_tomorrow"
NOT_ME = ["account_inactive", "invalid_auth", "token_revoked", "missing_scope", "org_login_required"]
NOT_ME += ["ekm_access_denied", "missing_argument", "two_factor_setup_required", "enterprise_is_restricted"]


@pytest.mark.parametrize("code", NOT_ME)
@pytest.mark.parametrize("say", [proposal, line, page])
async def test_a_refusal_of_the_bot_is_no_refusal_of_the_message(
    make: Make, slack: SlackLab, code: str, say: Callable[[Job], Notice]
) -> None:
    """Nothing is given up, nothing else is tried, and the same message is taken when the trouble is over (case 1)."""
    notifier = make()
    about = await with_card(notifier) if say is not proposal else ASKED
    before = len(posted(slack))
    calls = slack.call_log.counts["chat.postMessage"]
    trouble = slack.faults.refuse(code)
    with pytest.raises(NotifierUnauthorized, match=code):
        await notifier.tell(say(about))
    assert slack.call_log.counts["chat.postMessage"] == calls + 1
    slack.faults.end(trouble)
    await notifier.tell(replace(say(about), maybe_said=True))
    assert len(posted(slack)) == before + 1


@pytest.mark.parametrize("name", ["oncall group", "oncall person"])
async def test_a_page_that_no_channel_takes_reaches_people(make: Make, slack: SlackLab, name: str) -> None:
    """The channel is archived: everybody on call and who asked are written to, each once (case 2)."""
    using = slack_settings(slack, slack={"oncall": ("U0DAVE",)}) if name == "oncall person" else slack_settings(slack)
    notifier = make(using)
    about = await with_card(notifier)
    slack.workspace.change_channel(HERE, is_archived=True)
    await notifier.tell(page(about))
    await notifier.tell(replace(page(about), maybe_said=True))
    for user in ("U0DAVE", "U0ALICE"):
        (message,) = direct(slack, user)
        assert "J7" in message.text
        assert "No room." in read(message)
    assert slack.call_log.counts["chat.postMessage"] == 1 + 1 + 2


@pytest.mark.parametrize(
    "change", [{"is_archived": True}, {"id": "C0CONVERTED"}, {"restriction": "restricted_action_read_only_channel"}]
)
async def test_a_line_that_no_channel_takes_is_told_to_who_asked(
    make: Make, slack: SlackLab, change: dict[str, object]
) -> None:
    """Archived, of another id, or read only; the job is named, since the line stands below no card."""
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.change_channel(HERE, **change)
    await notifier.tell(line(about))
    (message,) = direct(slack, "U0ALICE")
    assert message.text.startswith("J7: ")
    assert direct(slack, "U0DAVE") == []


async def test_a_page_goes_on_to_be_tried_when_nobody_can_be_reached(make: Make, slack: SlackLab) -> None:
    """Who asked is no substitute for on-call: a page that reaches nobody on duty is refused to whoever keeps it."""
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.change_channel(HERE, is_archived=True)
    slack.faults.refuse("channel_not_found", "chat.postMessage", channel="U0DAVE")
    with pytest.raises(NotifierRefused):
        await notifier.tell(page(about))
    slack.faults.clear()
    await notifier.tell(replace(page(about), maybe_said=True))
    assert (len(direct(slack, "U0DAVE")), len(direct(slack, "U0ALICE"))) == (1, 1)


@pytest.mark.parametrize("last", ["U0DAVE", "U0ALICE"])
async def test_a_page_written_to_people_is_not_written_again_after_a_death(
    make: Make, slack: SlackLab, last: str
) -> None:
    """The process dies before it knows whom it has written to: the next one looks, and writes to the others."""
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.change_channel(HERE, is_archived=True)
    slack.faults.add(FaultKind.LOST_REPLY, "chat.postMessage", when=When(channel=last))
    with pytest.raises(NotifierDown):
        await notifier.tell(page(about))
    await make().tell(replace(page(about), maybe_said=True))
    await make().tell(replace(page(about), maybe_said=True))
    assert (len(direct(slack, "U0DAVE")), len(direct(slack, "U0ALICE"))) == (1, 1)


@pytest.mark.parametrize("code", ["missing_scope", UNKNOWN])
@pytest.mark.parametrize("method", ["conversations.open", "conversations.history", "conversations.replies"])
async def test_who_may_not_look_speaks_all_the_same(make: Make, slack: SlackLab, method: str, code: str) -> None:
    """Where Slack does not let the bot read, a page that was perhaps said is said: rather twice than not at all."""
    notifier = make()
    about = await with_card(notifier)
    if method != "conversations.replies":
        slack.workspace.change_channel(HERE, is_archived=True)
    slack.faults.refuse(code, method)
    await notifier.tell(replace(page(about), maybe_said=True))
    found = [*posted(slack), *direct(slack, "U0DAVE")]
    assert len([message for message in found if "No room." in read(message)]) == 1


async def test_people_of_a_disabled_group_are_written_to(make: Make, slack: SlackLab) -> None:
    """No channel takes the page, and the group is disabled: who was in it is on call all the same (cases 2 and 19)."""
    disable_oncall(slack)
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.change_channel(HERE, is_archived=True)
    await notifier.tell(page(about))
    assert len(direct(slack, "U0DAVE")) == 1


async def test_plain_words_mention_no_disabled_group(make: Make, slack: SlackLab) -> None:
    """The plainest form of a page calls the same people as its usual form (case 19)."""
    disable_oncall(slack)
    notifier = make()
    about = await with_card(notifier)
    await notifier.tell(replace(page(about), is_plain=True))
    assert posted(slack)[-1].text.startswith("<@U0DAVE> `web01` of J7: *failed*.")


async def test_a_page_goes_without_the_mention_of_a_group(make: Make, slack: SlackLab) -> None:
    """Where groups may not be mentioned its people are, in the thread, and they are written to (case 3)."""
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.may_mention_groups = False
    await notifier.tell(page(about))
    message = posted(slack)[1]
    assert message.thread_ts
    assert "<!subteam" not in f"{message.text}{message.blocks}"
    assert "<@U0DAVE>" in message.text
    assert len(direct(slack, "U0DAVE")) == 1


async def test_a_deleted_card_is_posted_again_once(make: Make, slack: SlackLab) -> None:
    """The line is at the root, the card stands again with a line why, the next line is below it (case 4).

    Deleted once more it stays away, after a restart too.
    """
    notifier = make()
    about = await with_card(notifier)
    channel = slack.workspace.channel(HERE)
    slack.workspace.delete(channel, posted(slack)[0])
    again = await notifier.tell(line(about))
    assert again is not None
    assert again != about.card
    stray, card, why = posted(slack)
    assert (stray.is_reply, card.ts, why.thread_ts) == (False, again.ts, again.ts)
    assert "Somebody deleted the card of J7" in why.text
    assert await notifier.tell(line(replace(about, card=again), 3)) is None
    assert posted(slack)[-1].thread_ts == again.ts
    slack.workspace.delete(channel, card)
    assert await notifier.tell(line(replace(about, card=again), 4)) is None
    assert await make().tell(line(replace(about, card=again, is_card_again=True), 5)) is None
    assert len([one for one in posted(slack) if one.metadata and "instead_of" in str(one.metadata)]) == 0


async def test_a_deleted_card_is_found_by_an_edit_too(make: Make, slack: SlackLab) -> None:
    """An edit finds it gone; a line that still carries the old place goes below the new one; also after a death."""
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.delete(slack.workspace.channel(HERE), posted(slack)[0])
    view = JobView(job=replace(about, state=JobState.RUNNING), moves=(MoveView(move(0, "web01")),), at=BEGAN)
    again = await notifier.show(view)
    assert again is not None
    assert await notifier.show(replace(view, job=replace(view.job, card=again))) is None
    assert await notifier.tell(line(about)) == again
    assert posted(slack)[-1].thread_ts == again.ts
    assert await make().show(view) == again
    assert len([one for one in posted(slack) if not one.is_reply]) == 1


THREAD = ["restricted_action_thread_locked", "restricted_action_non_threadable_channel"]


@pytest.mark.parametrize("code", [UNKNOWN, *THREAD])
@pytest.mark.parametrize("say", [line, page])
async def test_a_refusal_in_a_thread_tries_the_channel(
    make: Make, slack: SlackLab, code: str, say: Callable[[Job], Notice]
) -> None:
    """Whether Slack says that it is the thread, or says something new (case 5)."""
    notifier = make()
    about = await with_card(notifier)
    slack.faults.refuse(code, "chat.postMessage", thread=True)
    await notifier.tell(say(about))
    message = posted(slack)[-1]
    assert not message.is_reply
    assert message.blocks
    assert "J7" in message.text


async def test_an_unknown_refusal_of_everything_gives_nothing_up(make: Make, slack: SlackLab) -> None:
    """Every form and place is tried, people too; then whoever keeps it tries again."""
    notifier = make()
    about = await with_card(notifier)
    slack.faults.refuse(UNKNOWN, "chat.postMessage")
    with pytest.raises(NotifierDown, match=UNKNOWN) as caught:
        await notifier.tell(page(about))
    assert caught.value.about_message
    assert {call.channel for call in slack.call_log.rejected} == {HERE, "U0DAVE", "U0ALICE"}


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", UNKNOWN])
async def test_blocks_that_slack_refuses_are_left_out(make: Make, slack: SlackLab, code: str) -> None:
    """Plain words are better than silence."""
    notifier = make()
    about = await with_card(notifier)
    slack.faults.refuse(code, "chat.postMessage", block="section")
    await notifier.tell(line(about))
    assert posted(slack)[-1].thread_ts
    assert not posted(slack)[-1].blocks


async def test_a_message_refused_in_every_form_is_refused(make: Make, slack: SlackLab) -> None:
    """Whoever keeps it decides: a line is given up, a page is not. No other place is bothered with it."""
    notifier = make()
    about = await with_card(notifier)
    slack.faults.refuse("msg_too_long", "chat.postMessage")
    with pytest.raises(NotifierRefused, match="msg_too_long"):
        await notifier.tell(line(about))
    assert {call.channel for call in slack.call_log.rejected} == {HERE}


def over(card: Card | None) -> JobView:
    ended = replace(ASKED, state=JobState.FINISHED, finished_at=BEGAN, card=card)
    return JobView(job=ended, moves=(MoveView(move(0, "web01", MoveState.DONE)),), at=BEGAN)


@pytest.mark.parametrize("code", ["invalid_blocks", "cant_update_message", UNKNOWN])
async def test_the_end_is_shown_as_text_when_its_blocks_are_refused(make: Make, slack: SlackLab, code: str) -> None:
    """No card keeps its buttons after the end (case 6)."""
    notifier = make()
    about = await with_card(notifier)
    slack.faults.refuse(code, "chat.update", times=1)
    await notifier.show(over(about.card))
    (card,) = posted(slack)
    assert not card.blocks
    assert "web01 moved" in card.text


@pytest.mark.parametrize("code", ["edit_window_closed", UNKNOWN])
async def test_a_card_that_cannot_be_edited_is_said_to_be_out_of_date(make: Make, slack: SlackLab, code: str) -> None:
    """After some tries one line below the card says so, and it is left alone."""
    notifier = make()
    about = await with_card(notifier)
    slack.faults.refuse(code, "chat.update")
    for _ in range(REFUSALS - 1):
        with pytest.raises(NotifierRefused):
            await notifier.show(over(about.card))
    await notifier.show(over(about.card))
    (card, said) = posted(slack)
    assert said.thread_ts == card.ts
    assert "out of date" in said.text


async def test_a_channel_that_takes_no_edit_is_tried_again(make: Make, slack: SlackLab) -> None:
    """Archived for a while: the last state stands as soon as it can."""
    notifier = make()
    about = await with_card(notifier)
    slack.workspace.change_channel(HERE, is_archived=True)
    for _ in range(REFUSALS + 1):
        with pytest.raises(NotifierRefused):
            await notifier.show(over(about.card))
    slack.workspace.change_channel(HERE, is_archived=False)
    await notifier.show(over(about.card))
    assert "web01 moved" in read(posted(slack)[0])


async def test_words_that_cannot_be_made_are_said_plainly(
    make: Make, slack: SlackLab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in a sentence is no silence: people hear what kind of thing happened and where to read on."""
    notifier = make()
    about = await with_card(notifier)
    monkeypatch.setattr("bot.messages.thread_lines.line", lambda _: {"": ""}["count"])
    await notifier.tell(line(about))
    assert "`web01` of J7: *done*." in posted(slack)[-1].text
    assert "could not be made" in caplog.text
