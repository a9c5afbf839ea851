"""The weekly digest reaches the channel once, as a table where that is wanted and taken."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.notify.attachments import LookBack
from bot.notify.notifier import SlackNotifier
from bot.slack.table_form import TableForm
from core.domain.model.event_data import Digest, EventKind
from core.domain.model.events import Tone
from core.domain.model.job import Card
from core.domain.reporting.insights import Insights
from core.errors import NotifierDown, NotifierRefused
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.bot.notify.conftest import ASKED, posted, told
from tests.support.bot_harness import has_table, read
from tests.support.insights_picture import month
from tests.support.view_builders import JumpClock

LOSSES = [FaultKind.LOST_REPLY, FaultKind.DONE_BUT_INTERNAL_ERROR]
WEEK = told(EventKind.DIGEST, Tone.MESSAGE, number=9)


@pytest.fixture(scope="module")
def this_month() -> LookBack:
    """Judge the example once: to write it takes a second or two."""
    judged = asyncio.run(month())

    async def past(_: Digest) -> Insights:
        return judged

    return past


@pytest.mark.parametrize("fault", LOSSES)
async def test_a_digest_is_a_message_of_its_own_and_said_once(
    make: Callable[..., SlackNotifier], slack: SlackLab, fault: FaultKind, this_month: LookBack
) -> None:
    """In the channel of the settings, whatever job it is kept with; another process finds it there."""
    week = told(EventKind.DIGEST, Tone.MESSAGE, replace(ASKED, channel="C0OPS", card=Card("C0OPS", "1.0")), number=9)
    slack.faults.add(fault, "chat.postMessage")
    with pytest.raises(NotifierDown):
        await make(past=this_month).tell(week)
    assert await make(past=this_month).tell(replace(week, maybe_said=True)) is None, "it is no card"
    (message,) = posted(slack)
    assert not message.thread_ts
    assert "59 VMs moved in 20 jobs" in read(message)
    assert slack.call_log.violations == []


async def test_a_digest_is_a_table_where_the_settings_say_so_and_slack_takes_it(
    make: Callable[..., SlackNotifier], slack: SlackLab, clock: JumpClock, this_month: LookBack
) -> None:
    """Slack refuses one: the same digest comes in lines at once, the next ones too."""
    tables = TableForm(clock, is_on=True)
    notifier = make(past=this_month, tables=tables)
    await notifier.tell(WEEK)
    refusal = slack.faults.refuse("invalid_blocks", "chat.postMessage", block="table")
    for number in (10, 11):
        await notifier.tell(replace(WEEK, id=number, event=replace(WEEK.event, id=number)))
    assert [has_table(one) for one in posted(slack)] == [True, False, False]
    assert all("59 VMs moved in 20 jobs" in read(one) for one in posted(slack))
    assert refusal.seen == 1
    assert slack.call_log.violations == []


@pytest.mark.parametrize("fault", [FaultKind.INTERNAL_ERROR, *LOSSES])
async def test_a_digest_that_failed_as_a_table_is_said_once_and_in_lines_if_at_all_again(
    make: Callable[..., SlackNotifier], slack: SlackLab, clock: JumpClock, fault: FaultKind, this_month: LookBack
) -> None:
    """A failure that stays as long as there is a table does not keep the digest from people for ever."""
    tables = TableForm(clock, is_on=True)
    slack.faults.add(fault, "chat.postMessage")
    with pytest.raises(NotifierDown):
        await make(past=this_month, tables=tables).tell(WEEK)
    await make(past=this_month, tables=tables).tell(replace(WEEK, maybe_said=True))
    (message,) = posted(slack)
    assert has_table(message) is (fault is not FaultKind.INTERNAL_ERROR)
    assert tables.is_wanted


async def test_a_digest_that_the_channel_does_not_take_wakes_nobody(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """It is refused, and so given up; no direct message goes to anybody."""
    slack.workspace.change_channel("C0MIGRATE", is_archived=True)
    with pytest.raises(NotifierRefused):
        await make().tell(told(EventKind.DIGEST, Tone.MESSAGE, number=9))
    assert slack.person("alice").sees("@app") == []
