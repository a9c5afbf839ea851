"""Jobs, moves, attempts, events, and the one table of legal transitions.

Nothing changes a state except ``transit`` (moves) and ``transit_job`` (jobs).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from core.domain.fleet import DiskTarget, HostName, VmDetails, VmId
from core.domain.plan import Plan
from core.errors import IllegalTransition

JobId = NewType("JobId", str)
"""``J1``, ``J2``, … as people type it."""

MoveId = NewType("MoveId", int)


class MoveState(StrEnum):
    """Where a move stands."""

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


class JobState(StrEnum):
    """Where a job stands."""

    PROPOSED = "proposed"
    RUNNING = "running"
    FINISHED = "finished"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether the job is over."""
        return not JOB_TRANSITIONS[self]


JOB_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.PROPOSED: frozenset({JobState.RUNNING, JobState.REJECTED, JobState.EXPIRED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.FINISHED}),
    JobState.FINISHED: frozenset(),
    JobState.REJECTED: frozenset(),
    JobState.EXPIRED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class HoldCode(StrEnum):
    """Why a queued move is not starting now."""

    SLOT = "slot"
    PARALLEL = "parallel"
    BACKUP = "backup"
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


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a move waits, in words, and since when."""

    code: HoldCode
    text: str
    since: datetime


class Fault(StrEnum):
    """Classes of failures; each has its own patience. See ``core.domain.diagnosis``."""

    LIMIT = "limit"
    BACKUP = "backup"
    PASSING = "passing"
    VM = "vm"
    PAIR = "pair"
    OPERATOR = "operator"
    CANCELLED = "cancelled"
    NEVER_STARTED = "never_started"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Move:
    """One VM of a job. ``attempts`` counts the attempts that really started.

    ``before`` is what the VM looked like on the source before its attempt: verification and clean-up need it after the
    VM has left. ``busy_since`` is the clock of what the VM is seen busy with now (``busy_code``), one clock per backup;
    ``not_before`` the earliest next attempt.
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
    leftovers: tuple[str, ...] = ()
    """Folders a host did not let us look at yet; they are tried again at ``tidy_at``."""
    tidy_at: datetime | None = None
    version: int = 0

    @property
    def moved_bytes(self) -> int:
        """How much the bot itself has moved; nothing when somebody else did."""
        return self.size_bytes if self.is_our_doing else 0

    @property
    def is_our_doing(self) -> bool:
        """Whether it is done, and the bot has done it; what somebody else did never started."""
        return self.state is MoveState.DONE and self.started_at is not None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a move, and while ``ended_at`` is None the reservation of its slots on both hosts."""

    id: int
    move_id: MoveId
    vm_id: VmId
    source: HostName
    destination: HostName
    number: int
    started_at: datetime
    confirmed_at: datetime | None = None
    """When a host first showed the migration."""
    ended_at: datetime | None = None
    fault: Fault | None = None
    host_words: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approver's click."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """Where the job's card is: Slack's channel id and message timestamp."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Job:
    """A plan on its way: proposed, approved, carried out."""

    id: JobId
    plan: Plan
    requester: str
    channel: str
    text: str
    created_at: datetime
    expires_at: datetime
    state: JobState = JobState.PROPOSED
    approvals: tuple[Approval, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""
    paused_by: str = ""
    """Who paused it; empty while it goes on."""
    is_late_told: bool = False
    """Whether people were warned that the time in its plan no longer fits."""
    finished_at: datetime | None = None
    card: Card | None = None
    is_card_final: bool = False
    version: int = 0


class EventKind(StrEnum):
    """What can happen. The comments give the keys of ``Event.data``; times are ISO 8601 texts, spans seconds.

    ``docs/events.md`` says each in a sentence.
    """

    PROPOSED = "proposed"  # vms: int, blocked: int
    APPROVAL = "approval"  # count: int, needed: int (one of several approvals; actor is the approver)
    APPROVED = "approved"  # count: int, needed: int (the last one: the job is queued)
    REJECTED = "rejected"  # reason: str
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # cancelled before it was approved
    CANCEL_ASKED = "cancel_asked"  # vms: list of names, running: int
    CANCEL_UNMET = "cancel_unmet"  # code: refused | unheard | no_job, text: str (the host's), hint: str
    HELD = "held"  # code: HoldCode, text: str, follows: bool (told already for another VM of the job)
    STARTING = "starting"  # attempt: int, of: int, reason: str
    MOVING = "moving"
    NOT_STARTED = "not_started"  # text: str (the attempt was withdrawn before the host began; costs nothing)
    ADOPTED = "adopted"  # state: MoveState it was found in after a restart, vms: [name] (all that this tells of),
    #                      follows: bool (not told: one of those, or it may not have begun)
    VERIFYING = "verifying"
    MOVED = "moved"  # seconds: float, bytes: int
    DONE = "done"  # seconds, bytes, attempts: int, removed: [path], kept: [[path, reason]], differences: [str]
    MOVED_BY_OTHERS = "moved_by_others"  # text: str (who did, if a host remembers), where: str
    RETRYING = "retrying"  # attempt: int, of: int, words: str (the host's), hint: str, code: str, again_at: str
    FAILED = "failed"  # attempts: int, of: int, words: str, hint: str, code: str, where: str (host it is on now)
    UNMIGRATABLE = "unmigratable"  # text: str, words: str, hint: str, code: str, where: str
    CANCELLED = "cancelled"  # text: str, where: str
    LOST = "lost"  # text: str, hint: str
    PAUSED = "paused"  # the job starts nothing more until it goes on
    CONTINUED = "continued"
    STUCK = "stuck"  # text: str, percent: int | None (people are asked: wait, cancel or page)
    ANSWERED = "answered"  # answer: wait | cancel | page, about: the question {id, kind, at, data}
    LATE = "late"  # until, soonest: str, why: str (why nobody can say when; the time in the plan no longer fits)
    TIDIED = "tidied"  # removed: [path], kept: [[path, reason]] (a clean-up that had to wait)
    ACKNOWLEDGED = "acknowledged"  # about: the page {id, kind, at, data} that the actor takes care of
    ESCALATED = "escalated"  # pages: [event id], vms: [name], seconds: float (nobody took these pages)
    FINISHED = "finished"  # done, failed, unmigratable, cancelled, lost: int, seconds: float, bytes: int
    STOPPED = "stopped"  # without a job: the act; with one: told to it, see ``core.domain.alarm``
    RESUMED = "resumed"  # the same


class Tone(StrEnum):
    """How loudly an event is told: the card itself, a line in its thread, the channel too, or on-call by mention."""

    CARD = "card"
    LINE = "line"
    BROADCAST = "broadcast"
    PAGE = "page"


TONES: Mapping[EventKind, Tone] = {
    EventKind.PROPOSED: Tone.CARD,
    EventKind.APPROVAL: Tone.LINE,
    EventKind.APPROVED: Tone.LINE,
    EventKind.REJECTED: Tone.LINE,
    EventKind.EXPIRED: Tone.LINE,
    EventKind.WITHDRAWN: Tone.LINE,
    EventKind.CANCEL_ASKED: Tone.LINE,
    EventKind.CANCEL_UNMET: Tone.LINE,
    EventKind.MOVING: Tone.LINE,
    EventKind.ADOPTED: Tone.LINE,
    EventKind.DONE: Tone.LINE,
    EventKind.MOVED_BY_OTHERS: Tone.LINE,
    EventKind.RETRYING: Tone.LINE,
    EventKind.FAILED: Tone.PAGE,
    EventKind.UNMIGRATABLE: Tone.PAGE,
    EventKind.CANCELLED: Tone.LINE,
    EventKind.LOST: Tone.PAGE,
    EventKind.PAUSED: Tone.LINE,
    EventKind.CONTINUED: Tone.LINE,
    EventKind.STUCK: Tone.LINE,
    EventKind.ANSWERED: Tone.LINE,
    EventKind.LATE: Tone.PAGE,
    EventKind.TIDIED: Tone.LINE,
    EventKind.ACKNOWLEDGED: Tone.LINE,
    EventKind.ESCALATED: Tone.PAGE,
    EventKind.FINISHED: Tone.BROADCAST,
}
"""Events that are told. The others are in the history only."""

TOLD_HOLDS = frozenset({HoldCode.BACKUP, HoldCode.HOST})
"""Holds worth a line in the thread; the card shows every hold."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, recorded in the transaction that made it happen.

    ``data`` is JSON: words, numbers, lists. ``actor`` is a Slack user id or ``bot``. ``tone`` None: kept, not told.
    """

    kind: EventKind
    at: datetime
    job_id: JobId | None = None
    move_id: MoveId | None = None
    actor: str = "bot"
    data: Mapping[str, Any] = field(default_factory=dict)
    tone: Tone | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """An event on its way to people: an outbox row with what it takes to say it."""

    id: int
    event: Event
    job: Job
    move: Move | None
    tries: int = 0
    maybe_said: bool = False
    """An earlier try ended without an answer: look before saying it again."""


def transit(move: Move, to: MoveState, **changes: Any) -> Move:
    """Return the move in its next state.

    Raises:
        IllegalTransition: the table does not allow it.

    """
    if to is not move.state and to not in TRANSITIONS[move.state]:
        raise IllegalTransition(f"{move.vm_name} cannot go from {move.state} to {to}.")
    return replace(move, state=to, **changes)


def transit_job(job: Job, to: JobState, **changes: Any) -> Job:
    """Return the job in its next state.

    Raises:
        IllegalTransition: the table does not allow it.

    """
    if to is not job.state and to not in JOB_TRANSITIONS[job.state]:
        raise IllegalTransition(f"{job.id} cannot go from {job.state} to {to}.")
    return replace(job, state=to, **changes)


def check_transition(before: MoveState, after: MoveState) -> None:
    """Raise IllegalTransition unless the table allows it; staying is allowed."""
    if after is not before and after not in TRANSITIONS[before]:
        raise IllegalTransition(f"A move cannot go from {before} to {after}.")


def event(
    kind: EventKind, at: datetime, *, move: Move | None = None, job: Job | None = None, actor: str = "bot", **data: Any
) -> Event:
    """Make an event of a move or a job with the tone its kind has."""
    job_id = move.job_id if move else job.id if job else None
    tone = TONES.get(kind)
    if kind is EventKind.HELD and data.get("code") in TOLD_HOLDS and not data.get("follows"):
        tone = Tone.LINE
    if kind is EventKind.ADOPTED and data.get("follows"):
        tone = None
    if kind is EventKind.UNMIGRATABLE and data.get("follows"):
        tone = Tone.LINE  # the first of them was a page already
    if kind is EventKind.ANSWERED and data.get("answer") == "page":
        tone = Tone.PAGE
    return Event(kind, at, job_id, move.id if move else None, actor, data, tone)
