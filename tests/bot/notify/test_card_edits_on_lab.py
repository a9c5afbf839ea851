"""How often a card is edited, and what becomes of one that cannot be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.notify.notifier import SlackNotifier
from core.domain.model.job import Card, JobId, JobState
from core.domain.model.move import MoveState
from core.domain.model.views import JobView, MoveView
from core.errors import NotifierBusy
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import slack_settings
from tests.bot.notify.conftest import ASKED, posted, proposal
from tests.support.bot_harness import buttons, read
from tests.support.view_builders import JumpClock, move, view


def running(card: Card | None, percent: int, at_s: float = 0.0) -> JobView:
    about = replace(ASKED, state=JobState.RUNNING, card=card)
    shown = view(about, MoveView(move(0, "web01", MoveState.MOVING), percent=percent))
    return replace(shown, at=shown.at + timedelta(seconds=at_s), number=int(at_s * 10))


async def test_a_card_is_edited_only_when_it_changes(
    make: Callable[..., SlackNotifier], slack: SlackLab, clock: JumpClock
) -> None:
    """The same view twice is one edit; the message keeps its metadata."""
    notifier = make()
    card = await notifier.tell(proposal())
    await notifier.show(running(card, 10))
    await notifier.show(running(card, 10, 1))
    (message,) = posted(slack)
    assert message.edit_count == 1
    assert message.metadata
    assert "10 %" in read(message)
    assert buttons(message) == {"migrate_cancel"}


async def test_edits_of_a_card_keep_their_distance(
    make: Callable[..., SlackNotifier], slack: SlackLab, clock: JumpClock
) -> None:
    """Two changes of one card are at least three seconds apart."""
    notifier = make()
    card = await notifier.tell(proposal())
    began = clock.now()
    for percent in (10, 20, 30):
        await notifier.show(running(card, percent, percent))
    assert clock.now() - began >= timedelta(seconds=6)


async def test_all_cards_share_forty_edits_a_minute(
    make: Callable[..., SlackNotifier], slack: SlackLab, clock: JumpClock
) -> None:
    """However many jobs run, there are ten edits at once and then forty a minute: Slack allows fifty."""
    notifier = make()
    card = await notifier.tell(proposal())
    began = clock.now()
    for number in range(90):
        shown = running(card, 10)
        about = replace(shown.job, id=JobId(f"J{number}"))
        await notifier.show(replace(shown, job=about))
    assert clock.now() - began >= timedelta(seconds=(90 - 1 - 10) * 60 / 40)
    assert slack.call_log.counts["chat.update"] == 90


async def test_an_older_view_never_replaces_a_newer_one(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """The newest view wins, in whatever order they arrive."""
    notifier = make()
    card = await notifier.tell(proposal())
    await notifier.show(running(card, 80, 10))
    await notifier.show(running(card, 20, 5))
    assert "80 %" in read(posted(slack)[0])


async def test_a_view_from_before_the_clock_was_put_back_is_the_older_one(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """The wall shows an earlier time than it did: the later view is still the newer one, and the card shows it."""
    notifier = make()
    card = await notifier.tell(proposal())
    await notifier.show(running(card, 40, 10))
    await notifier.show(replace(running(card, 90, 20), at=running(card, 0).at - timedelta(hours=1)))
    assert "90 %" in read(posted(slack)[0])


async def test_a_job_without_a_card_shows_nothing(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """Before the card is posted there is nothing to edit."""
    await make().show(running(None, 10))
    assert slack.call_log.counts["chat.update"] == 0


async def test_a_busy_slack_quiets_all_edits(
    make: Callable[..., SlackNotifier], slack: SlackLab, clock: JumpClock
) -> None:
    """After 429 on an edit the next one waits as long as Slack asked."""
    notifier = make()
    card = await notifier.tell(proposal())
    slack.faults.add(FaultKind.RATE_LIMITED, "chat.update", seconds=20)
    with pytest.raises(NotifierBusy) as caught:
        await notifier.show(running(card, 10))
    before = clock.now()
    await notifier.show(running(card, 10))
    assert clock.now() - before >= timedelta(seconds=caught.value.retry_after_s - 1)


async def test_a_card_says_when_nobody_can_approve(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """An approver list that leaves only the requester is noticed when the plan is posted."""
    await make(slack_settings(slack, access={"approvers": ("U0ALICE",)})).tell(proposal())
    assert "Nobody can approve this" in read(posted(slack)[0])
