"""Threads of large jobs stay quiet, nothing is lost in them, and pages and failures stand alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.notify.notifier import SlackNotifier
from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Job
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from tests.bot.notify.conftest import ASKED, BEGAN, posted, proposal
from tests.support.bot_harness import read
from tests.support.view_builders import move, notice, plan

NAMES = [f"web{number:02}" for number in range(50)]
LARGE = replace(ASKED, plan=plan(NAMES))


def about_vm(kind: EventKind, index: int, about: Job, minute: float, tone: Tone = Tone.LINE) -> Notice:
    number = 10 + len(EventKind) * index + list(EventKind).index(kind)
    made = notice(kind, move(index, NAMES[index]), number=number, about=about)
    return replace(made, event=replace(made.event, tone=tone, at=BEGAN + timedelta(minutes=minute)))


async def large_job(notifier: SlackNotifier, of: Job = LARGE) -> Job:
    return replace(of, card=await notifier.tell(proposal(of)))


def lines(slack: SlackLab) -> list[Message]:
    return [message for message in posted(slack) if message.is_reply]


@pytest.mark.parametrize("hours", [0.1, 1, 4])
async def test_fifty_vms_end_in_thirty_lines(make: Callable[..., SlackNotifier], slack: SlackLab, hours: float) -> None:
    """However long it takes: every VM is named by both of its lines, in at most 30 messages."""
    notifier = make()
    about = await large_job(notifier)
    for index in range(50):
        minute = hours * 60 * index / 50
        await notifier.tell(about_vm(EventKind.MOVING, index, about, minute))
        await notifier.tell(about_vm(EventKind.DONE, index, about, minute + 5))
    assert len(lines(slack)) <= 30
    thread = "\n".join(read(message) for message in lines(slack))
    for name in NAMES:
        assert f"🚚 `{name}` is moving" in thread
        assert f"✅ `{name}` is on" in thread
    assert slack.call_log.violations == []


async def test_pages_and_failures_stand_alone(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """A page, a failed try and a question each are a message of their own, in the order they came."""
    notifier = make()
    about = await large_job(notifier)
    await notifier.tell(about_vm(EventKind.MOVING, 0, about, 0))
    for index in (1, 2):
        await notifier.tell(about_vm(EventKind.RETRYING, index, about, 0))
        await notifier.tell(about_vm(EventKind.UNMIGRATABLE, index, about, 0))
        await notifier.tell(about_vm(EventKind.FAILED, index, about, 0, Tone.PAGE))
    await notifier.tell(about_vm(EventKind.MOVING, 3, about, 0.5))
    assert len(lines(slack)) == 7
    assert "`web00` is moving" in read(lines(slack)[0])
    assert "`web03` is moving" in read(lines(slack)[0])


async def test_a_small_job_speaks_line_by_line(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """Up to a dozen VMs nothing is grouped."""
    notifier = make()
    about = await large_job(notifier, replace(LARGE, plan=plan(NAMES[:12])))
    for index in range(12):
        await notifier.tell(about_vm(EventKind.MOVING, index, about, 0))
    assert len(lines(slack)) == 12


async def test_a_grouped_line_is_not_said_again_after_a_restart(
    make: Callable[..., SlackNotifier], slack: SlackLab
) -> None:
    """The message knows every notice it says: a new process finds it and starts a message of its own."""
    notifier = make()
    about = await large_job(notifier)
    told = [about_vm(EventKind.MOVING, index, about, 0) for index in range(4)]
    await notifier.tell(told[0])
    await notifier.tell(told[1])
    slack.faults.add(FaultKind.LOST_REPLY, "chat.update")
    with pytest.raises(Exception, match="did not answer"):
        await notifier.tell(told[2])
    again = make()
    for one in told[:3]:
        await again.tell(replace(one, maybe_said=True))
    await again.tell(told[3])
    assert len(lines(slack)) == 2
    assert [read(lines(slack)[0]).count(f"`{name}`") for name in NAMES[:3]] == [2, 2, 2]
    assert "`web03`" in read(lines(slack)[1])


async def test_a_message_that_is_gone_starts_anew(make: Callable[..., SlackNotifier], slack: SlackLab) -> None:
    """When somebody deleted the message before, the line is posted by itself."""
    notifier = make()
    about = await large_job(notifier)
    await notifier.tell(about_vm(EventKind.MOVING, 0, about, 0))
    slack.workspace.delete(slack.workspace.channel("C0MIGRATE"), lines(slack)[0])
    await notifier.tell(about_vm(EventKind.MOVING, 1, about, 0))
    assert ["`web01` is moving" in read(message) for message in lines(slack)] == [True]
