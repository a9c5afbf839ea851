"""What happened reaches people once: whatever Slack does with the answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.notify.notifier import SlackNotifier
from core.domain.model.event_data import Answered, EventKind
from core.domain.model.events import Event, Notice, Tone
from core.domain.model.job import Card, Job, JobId
from core.domain.reporting.paging import quote
from core.errors import NotifierBusy, NotifierDown, NotifierRefused, StoreBusy
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import slack_settings
from tests.bot.notify.conftest import ASKED, BEGAN, posted, proposal, told
from tests.support.bot_harness import buttons, read


async def test_a_card_is_posted_where_it_was_asked(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """The card's place comes back, the message knows its notice and job, and nothing in it unfurls."""
    card = await make().tell(proposal())
    (message,) = posted(slack)
    assert card == Card("C0MIGRATE", message.ts)
    assert message.metadata
    assert message.metadata["event_type"] == "migrate_bot"
    assert message.metadata["event_payload"]["notice"] == 1
    assert message.metadata["event_payload"]["job"] == "J7"
    assert buttons(message) == {"migrate_approve", "migrate_reject", "migrate_edit"}
    assert slack.call_log.violations == []


LOSSES = [FaultKind.LOST_REPLY, FaultKind.DONE_BUT_INTERNAL_ERROR]


@pytest.mark.parametrize("fault", LOSSES)
async def test_a_card_whose_answer_was_lost_is_not_posted_twice(
    make: Callable[..., SlackNotifier], slack: SlackLab, fault: FaultKind
) -> None:
    """Done but not told so: the next try, even of another process, finds the card."""
    slack.faults.add(fault, "chat.postMessage")
    with pytest.raises(NotifierDown):
        await make().tell(proposal())
    (message,) = posted(slack)
    card = await make().tell(replace(proposal(), maybe_said=True))
    assert card == Card("C0MIGRATE", message.ts)
    assert len(posted(slack)) == 1


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=400)], ids=["hours", "a year"])
async def test_a_card_is_found_by_a_bot_whose_clock_is_ahead(
    make: Callable[..., SlackNotifier], slack: SlackLab, ahead: timedelta
) -> None:
    """Local time was taken for UTC, or the year is wrong: what Slack has is found by Slack's own time."""
    early = replace(proposal(), event=replace(proposal().event, at=BEGAN + ahead))
    slack.faults.add(FaultKind.LOST_REPLY, "chat.postMessage")
    with pytest.raises(NotifierDown):
        await make().tell(early)
    assert await make().tell(replace(early, maybe_said=True))
    assert len(posted(slack)) == 1


@pytest.mark.parametrize("fault", LOSSES)
async def test_a_line_whose_answer_was_lost_is_not_said_twice(
    make: Callable[..., SlackNotifier], slack: SlackLab, fault: FaultKind
) -> None:
    """The same for a line in the thread."""
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    line = told(EventKind.STARTING, Tone.LINE, about, number=2)
    slack.faults.add(fault, "chat.postMessage")
    with pytest.raises(NotifierDown):
        await notifier.tell(line)
    await make().tell(replace(line, maybe_said=True))
    assert len(posted(slack)) == 2


@pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.UNAVAILABLE, FaultKind.INTERNAL_ERROR])
async def test_what_was_not_posted_is_posted_after_looking(
    make: Callable[..., SlackNotifier], slack: SlackLab, fault: FaultKind
) -> None:
    """Not done: the next try looks, finds nothing, and says it."""
    slack.faults.add(fault, "chat.postMessage")
    with pytest.raises(NotifierDown):
        await make().tell(proposal())
    await make().tell(replace(proposal(), maybe_said=True))
    assert len(posted(slack)) == 1


async def test_a_notice_of_another_database_is_not_taken_for_this_one(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """Notice 1 of job J7 may exist twice in a channel when the database was made anew."""
    await make().tell(proposal())
    later = proposal()
    later = replace(later, event=replace(later.event, at=later.event.at + timedelta(minutes=1)), maybe_said=True)
    await make().tell(later)
    assert len(posted(slack)) == 2


async def test_the_same_notice_is_said_once(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """Telling it again in the same process posts nothing and gives the same place."""
    notifier = make()
    assert await notifier.tell(proposal()) == await notifier.tell(proposal())
    assert len(posted(slack)) == 1


async def test_slack_asking_to_wait_is_passed_on(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """Nothing sleeps or retries here: whoever keeps the outbox learns how long to wait."""
    slack.faults.add(FaultKind.RATE_LIMITED, "chat.postMessage", seconds=7)
    with pytest.raises(NotifierBusy) as caught:
        await make().tell(proposal())
    assert caught.value.retry_after_s >= 1
    assert posted(slack) == []


async def test_an_unanswered_call_is_not_repeated(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """The client's own retry handlers are off: one call, one attempt."""
    slack.faults.add(FaultKind.LOST_REPLY, "chat.postMessage", times=None)
    with pytest.raises(NotifierDown):
        await make().tell(proposal())
    assert slack.call_log.counts["chat.postMessage"] == 1


async def test_a_closed_channel_sends_the_card_to_the_common_one(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """Where the bot cannot post it goes to [slack] channel, and who asked is told."""
    card = await make().tell(proposal(replace(ASKED, channel="C0PRIVATE")))
    assert card is not None
    assert card.channel == "C0MIGRATE"
    (note,) = slack.workspace.direct_message(["U0ALICE"]).messages.values()
    assert "<#C0MIGRATE>" in note.text


@pytest.mark.parametrize("channel", ["", "C0ARCHIVE", "C0NOSUCH"])
async def test_no_channel_at_all_is_confessed(
    make: Callable[..., SlackNotifier], slack: SlackLab, channel: str
) -> None:
    """When the card can go nowhere, who asked hears it and what to do."""
    using = slack_settings(slack, slack={"channel": channel})
    with pytest.raises(NotifierRefused):
        await make(using).tell(proposal(replace(ASKED, channel="C0PRIVATE")))
    (note,) = slack.workspace.direct_message(["U0ALICE"]).messages.values()
    assert "Invite me" in note.text


async def test_a_page_mentions_on_call_once_in_thread_and_channel(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """A failure is a broadcast reply with one mention."""
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    await notifier.tell(
        told(EventKind.FAILED, Tone.PAGE, about, number=2, words="No <room>.", hint="Free some.", where="HV01")
    )
    page = posted(slack)[1]
    assert page.thread_ts == posted(slack)[0].ts
    assert page.is_broadcast
    assert page.text.count("<!subteam^S0ONCALL>") == 1
    assert "No &lt;room&gt;." in read(page)
    assert slack.call_log.violations == []


async def test_a_line_stays_in_the_thread_and_the_end_is_for_all(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """Progress is quiet; the end is broadcast and mentions who asked."""
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    await notifier.tell(told(EventKind.STARTING, Tone.LINE, about, number=2))
    await notifier.tell(told(EventKind.FINISHED, Tone.BROADCAST, about, number=3, done=1))
    _, line, end = posted(slack)
    assert (line.is_reply, line.is_broadcast) == (True, False)
    assert (end.is_reply, end.is_broadcast) == (True, True)
    assert "<@U0ALICE>" in end.text


async def test_a_question_loses_its_buttons_when_its_move_ends(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """Asked, asked again, over: only what can still be answered has buttons; Slack's trouble with it is no trouble."""
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    for number in (2, 3):
        stuck = told(EventKind.STUCK, Tone.LINE, about, number=number, text="it stands")
        await notifier.tell(replace(stuck, event=replace(stuck.event, id=number)))
    _, first, second = posted(slack)
    assert (buttons(first), len(buttons(second))) == (set(), 3)
    slack.faults.add(FaultKind.INTERNAL_ERROR, "chat.update")
    await notifier.tell(told(EventKind.DONE, Tone.LINE, about, number=4))
    assert len(posted(slack)) == 4
    assert "Asked again" in read(first)
    assert slack.call_log.violations == []


def numbered(kind: EventKind, about: Job, number: int) -> Notice:
    words = {"text": "it stands"} if kind is EventKind.STUCK else {}
    made = told(kind, Tone.LINE, about, number=number, **words)
    return replace(made, event=replace(made.event, id=number))


@pytest.mark.parametrize("answers", [0, 1])
async def test_a_question_of_an_earlier_process_loses_its_buttons(
    make: Callable[..., SlackNotifier], slack: SlackLab, answers: int
) -> None:
    """A restart forgets nothing: the history tells what was asked, read once; what was answered is left as it is."""
    before = make()
    about = replace(ASKED, card=await before.tell(proposal()))
    asked = numbered(EventKind.STUCK, about, 2)
    await before.tell(asked)
    told_since = [numbered(EventKind.ANSWERED, about, 3)] * answers
    ends = [numbered(kind, about, number) for kind, number in ((EventKind.RETRYING, 4), (EventKind.DONE, 5))]
    reads = []

    async def history(job_id: JobId) -> list[Event]:
        reads.append(job_id)
        return [one.event for one in (asked, *told_since, *ends)]

    after = make(history=history)
    for end in ends:
        await after.tell(end)
    question = posted(slack)[1]
    assert len(buttons(question)) == (3 if answers else 0)
    assert ("nobody had to decide" in read(question)) is not bool(answers)
    assert reads == ["J7"]
    assert slack.call_log.violations == []


async def test_a_question_keeps_its_buttons_while_the_history_cannot_be_read(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """The line that ends the move is said all the same; the next event asks again."""
    before = make()
    about = replace(ASKED, card=await before.tell(proposal()))
    asked, *ends = (
        numbered(kind, about, number)
        for kind, number in ((EventKind.STUCK, 2), (EventKind.RETRYING, 3), (EventKind.DONE, 4))
    )
    await before.tell(asked)
    troubles = [StoreBusy("locked")]

    async def history(_: JobId) -> list[Event]:
        if troubles:
            raise troubles.pop()
        return [asked.event]

    after = make(history=history)
    await after.tell(ends[0])
    assert len(buttons(posted(slack)[1])) == 3
    await after.tell(ends[1])
    assert buttons(posted(slack)[1]) == set()
    assert len(posted(slack)) == 4


async def test_an_answer_edits_its_question_even_after_a_restart(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """Found by its metadata; when it was deleted, the answer is a line of its own."""
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    stuck = told(EventKind.STUCK, Tone.LINE, about, number=2, text="it stands")
    await notifier.tell(stuck)
    quoted = quote(replace(stuck.event, id=2))
    answer = told(EventKind.ANSWERED, Tone.LINE, about, number=3)
    answer = replace(answer, event=replace(answer.event, data=Answered(answer="wait", about=quoted)))
    await make().tell(answer)
    (_, asked) = posted(slack)
    assert "decided to wait" in read(asked)
    assert buttons(asked) == set()
    assert asked.metadata
    slack.workspace.delete(slack.workspace.channel("C0MIGRATE"), asked)
    await make().tell(replace(answer, id=4))
    assert "decided about `web01`: wait" in posted(slack)[-1].text
    assert slack.call_log.violations == []


async def test_a_disabled_group_is_replaced_by_its_people(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """Field case 19: mentioning a disabled group calls nobody; its people are called, and the page says why."""
    group = slack.workspace.user_groups["S0ONCALL"]
    slack.workspace.user_groups["S0ONCALL"] = group.model_copy(update={"disabled": True})
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    await notifier.tell(told(EventKind.FAILED, Tone.PAGE, about, number=2, words="No room.", where="HV01"))
    page = posted(slack)[1]
    assert "<@U0DAVE>" in page.text
    assert "subteam" not in page.text
    assert "The on-call group S0ONCALL is disabled in Slack" in read(page)


async def test_a_group_without_people_is_replaced_by_who_is_concerned(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """An on-call group that is empty or does not exist calls nobody: approvers and who asked are called."""
    slack.workspace.set_group_users("S0ONCALL", ())
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    await notifier.tell(told(EventKind.FAILED, Tone.PAGE, about, number=2, words="No room.", where="HV01"))
    page = posted(slack)[1]
    assert "<!subteam^S0APPROVE>" in page.text
    assert "<@U0ALICE>" in page.text
    assert "has nobody in it" in read(page)


async def test_a_message_that_slack_never_takes_is_said_in_plain_words(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """Slack fails on whatever holds these words, for ever; the plain form needs nothing of the event."""
    notifier = make()
    about = replace(ASKED, card=await notifier.tell(proposal()))
    page = told(EventKind.FAILED, Tone.PAGE, about, number=2, words="the poison")
    slack.faults.add(FaultKind.INTERNAL_ERROR, "chat.postMessage", times=None, words="the poison")
    for _ in range(2):
        with pytest.raises(NotifierDown):
            await notifier.tell(replace(page, maybe_said=True))
    await notifier.tell(replace(page, maybe_said=True, is_plain=True))
    await make().tell(replace(page, maybe_said=True))
    said = posted(slack)[1:]
    assert [read(one) for one in said] == [
        "<!subteam^S0ONCALL> `web01` of J7: *failed*. More about it could not be shown here; see `/migrate status J7`."
    ]
    assert slack.call_log.violations == []


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.OWNER_TOLD])
async def test_every_kind_has_plain_words(make: Callable[..., SlackNotifier], slack: SlackLab, kind: EventKind) -> None:
    """Whatever an event holds, or lacks: Slack takes its plain form."""
    await make().tell(replace(told(kind, Tone.LINE, number=3), is_plain=True))
    (message,) = posted(slack)
    assert "J7" in message.text


async def test_the_plain_words_for_an_owner_stay_with_them(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """The channel sees nothing of it; for whom it is must be known, or nobody is told."""
    owned = told(EventKind.OWNER_TOLD, Tone.DIRECT, number=3, person="U0CAROL")
    await make().tell(replace(owned, is_plain=True))
    (note,) = slack.workspace.direct_message(["U0CAROL"]).messages.values()
    assert "J7" in note.text
    assert posted(slack) == []
    nobody = told(EventKind.OWNER_TOLD, Tone.DIRECT, number=4, person="")
    with pytest.raises(NotifierRefused):
        await make().tell(replace(nobody, is_plain=True))
