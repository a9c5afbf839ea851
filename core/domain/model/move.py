"""Moves and their attempts, why a move waits, and the one table of legal transitions.

Nothing changes a move's state except ``transit``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import HostName, VmDetails, VmId
from core.domain.model.job import JobId
from core.domain.model.ownership import Owner, OwnerHold
from core.errors import IllegalTransition

MoveId = NewType("MoveId", int)


class MoveState(StrEnum):
    """The states of a move."""

    QUEUED = "queued"
    STARTING = "starting"
    MOVING = "moving"
    VERIFYING = "verifying"
    CLEANING = "cleaning"
    DONE = "done"
    FAILED = "failed"
    UNMIGRATABLE = "unmigratable"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens to the move by itself."""
        return self in _ENDS

    @property
    def holds_slots(self) -> bool:
        """Whether an attempt is open, so that slots are taken on both hosts."""
        return self in _HOLDING


TRANSITIONS: Mapping[MoveState, frozenset[MoveState]] = {
    MoveState.QUEUED: frozenset(
        {
            MoveState.STARTING,
            MoveState.DONE,
            MoveState.CANCELLED,
            MoveState.UNMIGRATABLE,
            MoveState.FAILED,
            MoveState.LOST,
        }
    ),
    MoveState.STARTING: frozenset(
        {
            MoveState.MOVING,
            MoveState.VERIFYING,
            MoveState.QUEUED,
            MoveState.FAILED,
            MoveState.UNMIGRATABLE,
            MoveState.CANCELLED,
        }
    ),
    MoveState.MOVING: frozenset({MoveState.VERIFYING}),
    MoveState.VERIFYING: frozenset(
        {
            MoveState.CLEANING,
            MoveState.QUEUED,
            MoveState.FAILED,
            MoveState.UNMIGRATABLE,
            MoveState.CANCELLED,
            MoveState.LOST,
            MoveState.MOVING,
        }
    ),
    MoveState.CLEANING: frozenset({MoveState.DONE}),
    MoveState.DONE: frozenset(),
    MoveState.FAILED: frozenset(),
    MoveState.UNMIGRATABLE: frozenset(),
    MoveState.CANCELLED: frozenset(),
    MoveState.LOST: frozenset(),
}

# Tuples, for these are asked of every move at every decision: an enum's member is found faster than it is hashed.
_ENDS = tuple(state for state in MoveState if not TRANSITIONS[state])
_HOLDING = (MoveState.STARTING, MoveState.MOVING, MoveState.VERIFYING)


class HoldCode(StrEnum):
    """The reasons why a queued move is not starting now."""

    SLOT = "slot"
    LINK = "link"
    PARALLEL = "parallel"
    BACKUP = "backup"
    BACKUP_DUE = "backup_due"
    """A backup of it is expected; ``BACKUP`` is one that runs."""
    BUSY = "busy"
    MIGRATING = "migrating"
    UNCLEAR = "unclear"
    LAST = "last"
    RETRY = "retry"
    START_TIME = "start_time"
    HOST = "host"
    STOPPED = "stopped"
    PAUSED = "paused"
    FREEZE = "freeze"
    OWNER = "owner"
    """Its owner said not now."""
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "HoldCode":  # noqa: ARG003
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Hold:
    """The reason why a move waits, in words, and since when."""

    code: HoldCode
    text: str
    since: datetime


class Fault(StrEnum):
    """Classes of failures; each has its own limit of tries. See ``core.domain.attempt.diagnosis``."""

    LIMIT = "limit"
    BACKUP = "backup"
    PASSING = "passing"
    VM = "vm"
    PAIR = "pair"
    HOST = "host"
    """The destination's own: whoever goes there meets it."""
    BOT = "bot"
    OPERATOR = "operator"
    CANCELLED = "cancelled"
    NEVER_STARTED = "never_started"
    NO_ROOM = "no_room"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Fault":  # noqa: ARG003
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One VM of a job. ``attempts`` counts the attempts that really started.

    ``before`` is what the VM looked like on the source before its attempt: verification and clean-up need it after the
    VM has left. ``busy_since`` is the clock of what the VM is seen busy with now (``busy_code``), one clock per backup;
    ``not_before`` the earliest next attempt; both are steady times.
    """

    id: MoveId
    job_id: JobId
    vm_id: VmId
    vm_name: str
    source: HostName
    destination: HostName
    path: str
    disks: tuple[DiskTarget, ...] = ()
    size_bytes: int = 0
    is_live: bool = True
    state: MoveState = MoveState.QUEUED
    hold: Hold | None = None
    attempts: int = 0
    not_before: datetime | None = None
    busy_since: datetime | None = None
    busy_code: HoldCode | None = None
    before: VmDetails | None = None
    error: str = ""
    hint: str = ""
    cancel_by: str = ""
    """Who asked to cancel it; empty when nobody did."""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    is_own_folder: bool = False
    """Whether ``path`` was made for this VM alone."""
    tried_folders: tuple[str, ...] = ()
    """Folders of the destination that earlier tries made for this VM alone; it goes beside them now."""
    leftovers: tuple[str, ...] = ()
    """Folders a host did not let us look at yet; they are tried again at ``tidy_at``."""
    tidy_at: datetime | None = None
    owner: Owner | None = None
    """Whose it is; None: nobody has looked yet."""
    owner_hold: OwnerHold | None = None
    """Its owner's *Not now*; nothing starts it until it is released."""
    is_around_backup: bool = False
    """Whether it was ordered around a backup that was expected of its VM."""
    version: int = 0

    @property
    def moved_bytes(self) -> int:
        """How much the bot itself has moved; nothing when somebody else did."""
        return self.size_bytes if self.is_our_doing else 0

    @property
    def is_our_doing(self) -> bool:
        """Whether it is done, and the bot has done it; what somebody else did never started."""
        return self.state is MoveState.DONE and self.started_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a move, and while ``ended_at`` is None the reservation of its slots on both hosts."""

    id: int
    move_id: MoveId
    vm_id: VmId
    source: HostName
    destination: HostName
    number: int
    started_at: datetime
    ordered_at: datetime | None = None
    """When the order was released: before that nothing was sent to any host."""
    confirmed_at: datetime | None = None
    """When a host first showed the migration."""
    ended_at: datetime | None = None
    fault: Fault | None = None
    host_words: str = ""


def transit(move: Move, to: MoveState, **changes: Any) -> Move:
    """Return the move in its next state.

    Raises:
        IllegalTransition: the table does not allow it.

    """
    if to is not move.state and to not in TRANSITIONS[move.state]:
        raise IllegalTransition(f"{move.vm_name} cannot go from {move.state} to {to}.")
    return replace(move, state=to, **changes)


def check_transition(before: MoveState, after: MoveState) -> None:
    """Raise IllegalTransition unless the table allows it; staying is allowed."""
    if after is not before and after not in TRANSITIONS[before]:
        raise IllegalTransition(f"A move cannot go from {before} to {after}.")
