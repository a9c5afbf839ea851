"""Decides how a waiting move is ordered around the backup that is expected of its VM: before it, after it, or neither.

It is never a refusal. A backup that has not begun is waited for while others use the slots, and while nothing does for
``IDLE`` at the most; one that does not come in its time is not waited for any longer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.backups.rhythm import Expected
from core.domain.backups.runs import BackupRun
from core.domain.model.move import Move
from core.domain.model.plan import Options
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.links import Place

IDLE = timedelta(hours=2)
"""A free slot that nobody else can use stays free no longer than this for a backup that has not begun."""
DOUBT = 1.2
"""A job may take so much longer than its bytes say."""
SMALL = 0.1
"""A backup that a move meets with no greater probability is not waited for, if the job would end later by that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOutlook:
    """What is known of one waiting move: the backups to come of its VM, the newest one, and how long the move takes.

    ``likely_s`` and ``latest_s`` are seconds: the estimate, and its careful end.
    """

    expected: tuple[Expected, ...]
    likely_s: float
    latest_s: float
    newest: BackupRun | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """The move fits before the next backup if it starts by ``start_by``; otherwise it starts at ``after`` or later."""

    start_by: datetime
    after: datetime
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """The move would meet the next backup, so it starts after it, or at ``until`` if it has not begun by then.

    ``is_far``: that is longer than a slot may stay free for it.
    """

    until: datetime
    text: str
    is_far: bool
    over: datetime
    name: str
    risk: float
    """How probably a start now meets the backup: it may begin at any time between its earliest and its latest."""


@dataclass(frozen=True, slots=True)
class Now:
    """The move is not ordered around any backup, and why not in words."""

    reason: str


Advice = Before | After | Now


def advise(outlook: BackupOutlook, now: datetime, options: Options, calendar: Calendar | None) -> Advice:
    """Decide for one move. ``calendar``: the freezes its job keeps to."""
    coming = next((one for one in outlook.expected if not _is_over(one, outlook.newest, now)), None)
    if coming is None:
        return Now("no backup is expected")
    latest = timedelta(seconds=outlook.latest_s)
    if now + latest <= coming.earliest:
        return Before(coming.earliest - latest, coming.closes_latest, coming.name)
    if why := _why_not_after(coming, outlook.expected, latest, options, calendar):
        return Now(why)
    text = f"waits for {coming.name}; starts after it, {coming.after}"
    return After(
        until=coming.latest,
        text=text,
        is_far=coming.latest - now > IDLE,
        over=coming.closes,
        name=coming.name,
        risk=_risk(coming, now, timedelta(seconds=outlook.likely_s)),
    )


def avoided(
    outlook: BackupOutlook, now: datetime, options: Options, calendar: Calendar | None, *, heeds: bool
) -> tuple[tuple[datetime, datetime], ...]:
    """Return when the move will not start, as ``advise`` will decide then, in order of time.

    From when on it no longer fits before a backup, until that is over as a rule. One that heeds no expected backup
    waits while its VM is in backup all the same.
    """
    ahead = [one for one in outlook.expected if not _is_over(one, outlook.newest, now)]
    latest = timedelta(seconds=outlook.latest_s)
    if not heeds:
        return tuple((one.opens, one.closes) for one in ahead)
    return tuple(
        (max(one.earliest - latest, one.latest - IDLE), one.closes)
        for one in ahead
        if not _why_not_after(one, ahead, latest, options, calendar)
    )


def backup_timeout(outlook: BackupOutlook | None, usual: timedelta, since: datetime) -> timedelta:
    """Return how long a VM in backup since then is waited for: an expected backup until it is over as a rule."""
    if outlook is None:
        return usual
    ends = [one.closes_latest for one in outlook.expected if one.earliest <= since <= one.closes_latest]
    return max([usual, *(end - since for end in ends)])


def goes_first(advice: Before | After, now: datetime, likely_s: float, job_left_s: float) -> datetime | None:
    """Return by when a move is to start, others giving way, because after the backup the job would end later; or None.

    ``job_left_s``: for how long the move's hosts still have work. A job that goes on long after the backup anyway loses
    nothing by waiting, and one that is over long before needs no order.
    """
    # In seconds: this is asked of thousands of moves in every decision.
    if isinstance(advice, Before):
        in_time = (advice.start_by - now).total_seconds() < DOUBT * job_left_s
        is_longer = (advice.after - now).total_seconds() + likely_s > job_left_s
        return advice.start_by if in_time and is_longer else None
    is_longer = (advice.over - now).total_seconds() + likely_s > job_left_s
    return now if advice.risk <= SMALL and is_longer else None


def seconds_left(move: Move, outlook: BackupOutlook, work: Mapping[Place, float]) -> float:
    """Estimate for how long the hosts of a move have work. ``work``: bytes per slot, see ``order.remaining_work``."""
    loaded = max(work[move.source], work[move.destination])
    return outlook.likely_s * loaded / max(1, move.size_bytes)


def _why_not_after(
    coming: Expected, known: Sequence[Expected], latest: timedelta, options: Options, calendar: Calendar | None
) -> str:
    """Say why a move does not wait until this backup is over; empty if it does."""
    later = next((one for one in known if one.earliest > coming.closes_latest), None)
    if later is not None and coming.closes_latest + latest > later.earliest:
        return "its backups come too often for a move of this length"
    if options.until is not None and coming.closes_latest + latest > options.until:
        return "it would be too late after its backup"
    if calendar is not None and not options.override and calendar.frozen_until(coming.closes_latest) is not None:
        return "after its backup moves are frozen"
    return ""


def _risk(one: Expected, now: datetime, takes: timedelta) -> float:
    begin = max(now, one.earliest)
    return min(1.0, max(timedelta(0), now + takes - begin) / max(timedelta(seconds=1), one.latest - begin))


def _is_over(one: Expected, newest: BackupRun | None, now: datetime) -> bool:
    """Whether this backup is behind us: it ended, was due and did not come, or its time is over."""
    if now >= one.closes_latest:
        return True
    has_come = newest is not None and newest.started_at >= one.earliest
    if has_come and newest is not None:
        return newest.ended_at is not None
    return now > one.latest
