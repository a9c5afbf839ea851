"""What a decision is made from: every open move, what the hosts showed, what people ordered, and the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.model.allowed_paths import FolderRules
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.job import Job, JobId
from core.domain.model.move import Attempt, Fault, HoldCode, Move, MoveId
from core.domain.scheduling.around_backups import BackupOutlook, backup_timeout
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.links import NO_LINKS, Links

FOREIGN_TIMEOUT = timedelta(days=1)
"""How long a VM may be seen migrating without us before the bot gives it up: long, but not for ever."""

LESSON = timedelta(seconds=30)
"""How long a refusal because of a limit is believed although the host shows room (a limit we cannot read may hold)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Limits of waiting and of parallel moves, from the settings."""

    backup_threshold: timedelta
    busy_timeout: timedelta
    max_parallel: int
    fail_fast: bool
    snapshot_max_age: timedelta
    replan_after: timedelta | None = None
    """How long a destination may be out before what waits for it is placed anew; None: it waits on."""
    folders: Mapping[HostName, FolderRules] = field(default_factory=dict)
    """Where VMs may go to; they were approved for folders that another start of the bot may have allowed."""
    links: Links = NO_LINKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything one decision looks at. ``trouble`` says of a host why it is silent.

    ``now`` measures: how long a VM is busy, how old a snapshot is, when a delay is over. ``wall`` names: when people
    wanted a start, since when they are told that a move waits.
    """

    now: datetime
    """The steady time. Clocks of moves (``busy_since``, ``not_before``) and times of snapshots are steady, too."""
    wall_now: datetime | None = None
    """The time on the wall; None: as ``now``."""
    jobs: Mapping[JobId, Job]
    moves: Sequence[Move]
    """Every move of the running jobs, ended ones too (fail-fast looks at them), in each plan's order."""
    snapshots: Mapping[HostName, Snapshot]
    reservations: Sequence[Attempt]
    policy: Policy
    trouble: Mapping[HostName, str] = field(default_factory=dict)
    stopped_by: str = ""
    faults: Sequence[Attempt] = ()
    """Attempts that failed since the oldest of these jobs began."""
    frozen_until: datetime | None = None
    """End of the freeze window that holds now, in the calendar's own time zone."""
    calendar: Calendar | None = None
    """The freezes to come; only what is ordered around backups looks at them."""
    backups: Mapping[MoveId, BackupOutlook] = field(default_factory=dict)
    """Of the waiting moves that are to be ordered around backups: what is expected of these."""

    @property
    def wall(self) -> datetime:
        """Return the time on the wall."""
        return self.wall_now or self.now


def wait_timeout(move: Move, code: HoldCode, since: datetime, situation: Situation) -> timedelta:
    """Return how long a VM may stay busy like this, which it is since then; in a backup that is known as long as it."""
    policy = situation.policy
    if code is HoldCode.BACKUP:
        wanted = situation.jobs[move.job_id].plan.options.backup_wait_s
        if wanted is not None:
            return timedelta(seconds=wanted)
        began = situation.wall - (situation.now - since)
        return backup_timeout(situation.backups.get(move.id), policy.backup_threshold, began)
    return policy.busy_timeout if code is HoldCode.BUSY else FOREIGN_TIMEOUT


def lessons(situation: Situation) -> list[Attempt]:
    """Return the refusals because of a limit that are still believed."""
    refused = (attempt for attempt in situation.faults if attempt.fault is Fault.LIMIT)
    # One that ended in the future did so before the clock was put back: nobody knows how long ago.
    return [a for a in refused if a.ended_at and timedelta(0) <= situation.wall - a.ended_at < LESSON]
