"""What each kind of event says, as typed data. How it is kept: ``event_json.py``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from core.domain.model.move import HoldCode, MoveState


class EventKind(StrEnum):
    """What can happen. ``docs/reference/events.md`` says each in a sentence; the classes below are what each says."""

    PROPOSED = "proposed"
    CHECKED = "checked"
    APPROVAL = "approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    EDITED = "edited"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_UNMET = "cancel_unmet"
    REPLANNED = "replanned"
    HELD = "held"
    STARTING = "starting"
    MOVING = "moving"
    NOT_STARTED = "not_started"
    ADOPTED = "adopted"
    VERIFYING = "verifying"
    MOVED = "moved"
    DONE = "done"
    MOVED_BY_OTHERS = "moved_by_others"
    RETRYING = "retrying"
    FAILED = "failed"
    UNMIGRATABLE = "unmigratable"
    CANCELLED = "cancelled"
    LOST = "lost"
    PAUSED = "paused"
    CONTINUED = "continued"
    STUCK = "stuck"
    ANSWERED = "answered"
    LATE = "late"
    TIDIED = "tidied"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    FINISHED = "finished"
    STOPPED = "stopped"
    RESUMED = "resumed"
    DIGEST = "digest"
    OWNER_TOLD = "owner_told"
    OWNER_HELD = "owner_held"
    OWNER_RELEASED = "owner_released"
    UNSAID = "unsaid"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "EventKind":  # noqa: ARG003
        return cls.OTHER


FEW = 30
"""Up to so many VMs a plan is on its card, and checked in a moment."""

Kept = tuple[tuple[str, str], ...]
"""Pairs of words: a folder that stays and the reason, a VM and its host."""


_ONLY_IF_SET: Mapping[str, bool] = {"only_if_set": True}
"""The key is left out while the field has its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """What an event says besides who and when. Base of the classes below, one for each kind."""

    kind: ClassVar[EventKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(EventData):
    """A job was asked for."""

    kind: ClassVar = EventKind.PROPOSED
    vms: int = 0
    blocked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(EventData):
    """The hosts of a plan have said whether they can take its VMs, or the time for that is over: it can be approved."""

    kind: ClassVar = EventKind.CHECKED
    vms: int = 0
    incompatible: int = 0
    unasked: int = 0
    """Of how many VMs nobody could say."""
    elsewhere: int = 0
    """How many VMs go to another destination of the plan because the first could not take them."""

    @property
    def is_worth_a_line(self) -> bool:
        """Whether people hear of it: it took a while, or something came of it."""
        return self.incompatible > 0 or self.unasked > 0 or self.elsewhere > 0 or self.vms > FEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(EventData):
    """One of several approvals; the actor is the approver."""

    kind: ClassVar = EventKind.APPROVAL
    count: int = 0
    needed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(EventData):
    """The last approval: the job is queued. With what was estimated then, in seconds: until its end, of each move."""

    kind: ClassVar = EventKind.APPROVED
    count: int = 0
    needed: int = 0
    expected_s: float = field(default=0.0, metadata=_ONLY_IF_SET)
    """0: nobody could say."""
    moves_s: tuple[int, ...] = field(default=(), metadata=_ONLY_IF_SET)
    """Of each move by itself, in the plan's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(EventData):
    """An approver said no."""

    kind: ClassVar = EventKind.REJECTED
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(EventData):
    """The actor changed the plan before its approval. ``approvals``: how many no longer count."""

    kind: ClassVar = EventKind.EDITED
    moved: Kept = ()
    """VMs that were put elsewhere, and where."""
    left_out: tuple[str, ...] = ()
    displaced: Kept = ()
    """VMs that had to go elsewhere because of it, and where."""
    approvals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(EventData):
    """Nobody approved in time."""

    kind: ClassVar = EventKind.EXPIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(EventData):
    """The job was cancelled before it was approved."""

    kind: ClassVar = EventKind.WITHDRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked(EventData):
    """A person cancels these VMs; ``running``: how many of them were moving."""

    kind: ClassVar = EventKind.CANCEL_ASKED
    vms: tuple[str, ...] = ()
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelUnmet(EventData):
    """A cancel had no effect. ``code``: refused, unheard or no_job; ``text``: the host's words."""

    kind: ClassVar = EventKind.CANCEL_UNMET
    code: str = ""
    text: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned(EventData):
    """A destination dropped out: what waited for it was placed anew among the plan's other destinations."""

    kind: ClassVar = EventKind.REPLANNED
    host: str = ""
    reason: str = ""
    moved: Kept = ()
    """VMs that go elsewhere now, and where."""
    waiting: tuple[str, ...] = ()
    """VMs that go on waiting for it: no other destination of the plan takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(EventData):
    """A move waits. ``follows``: told already for another VM of the job."""

    kind: ClassVar = EventKind.HELD
    code: HoldCode = HoldCode.HOST
    text: str = ""
    follows: bool = field(default=False, metadata=_ONLY_IF_SET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting(EventData):
    """An attempt was reserved; ``of``: attempts allowed, ``to``: where it goes, which may be elsewhere next time.

    ``order``: why it goes before others, if it does.
    """

    kind: ClassVar = EventKind.STARTING
    attempt: int = 0
    of: int = 0
    reason: str = ""
    to: str = field(default="", metadata=_ONLY_IF_SET)
    order: str = field(default="", metadata=_ONLY_IF_SET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving(EventData):
    """A host shows that the VM is moving."""

    kind: ClassVar = EventKind.MOVING


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted(EventData):
    """The attempt was withdrawn before the host began; it costs nothing."""

    kind: ClassVar = EventKind.NOT_STARTED
    where: str = ""
    words: str = ""
    hint: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted(EventData):
    """A move was found under way after a restart.

    ``vms``: all that this one tells of; ``follows``: not told, for it is one of those, or it may not have begun.
    """

    kind: ClassVar = EventKind.ADOPTED
    state: MoveState = MoveState.MOVING
    vms: tuple[str, ...] = field(default=(), metadata=_ONLY_IF_SET)
    follows: bool = field(default=False, metadata=_ONLY_IF_SET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying(EventData):
    """Both hosts are asked where the VM is."""

    kind: ClassVar = EventKind.VERIFYING


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(EventData):
    """The VM arrived."""

    kind: ClassVar = EventKind.MOVED
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(EventData):
    """The VM arrived and its source is clean. ``differences``: what is not as before."""

    kind: ClassVar = EventKind.DONE
    seconds: float = 0.0
    bytes: int = 0
    attempts: int = 0
    removed: tuple[str, ...] = ()
    kept: Kept = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(EventData):
    """A move that ends without having moved: what is common to the ways it can end."""

    text: str = ""
    hint: str = ""
    words: str = ""
    code: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedByOthers(Ended):
    """The VM is where it should be, by somebody else's doing; ``text``: whose, if a host remembers."""

    kind: ClassVar = EventKind.MOVED_BY_OTHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying(EventData):
    """An attempt failed and another will follow. ``words``: the host's."""

    kind: ClassVar = EventKind.RETRYING
    where: str = ""
    words: str = ""
    hint: str = ""
    code: str = ""
    attempt: int = 0
    of: int = 0
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(EventData):
    """The last attempt failed. ``where``: the host the VM is on now; ``first``: why the first failed, if otherwise."""

    kind: ClassVar = EventKind.FAILED
    where: str = ""
    words: str = ""
    hint: str = ""
    code: str = ""
    attempts: int = 0
    of: int = 0
    first: str = field(default="", metadata=_ONLY_IF_SET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmigratable(Ended):
    """The VM cannot be moved. ``follows``: the first of several was told already; ``first``: as in ``Failed``."""

    kind: ClassVar = EventKind.UNMIGRATABLE
    first: str = field(default="", metadata=_ONLY_IF_SET)
    follows: bool = field(default=False, metadata=_ONLY_IF_SET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Ended):
    """The move was cancelled."""

    kind: ClassVar = EventKind.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Ended):
    """Where the VM is cannot be established."""

    kind: ClassVar = EventKind.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(EventData):
    """The job starts nothing more until it goes on."""

    kind: ClassVar = EventKind.PAUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued(EventData):
    """A paused job goes on."""

    kind: ClassVar = EventKind.CONTINUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(EventData):
    """A move makes no progress: people are asked to wait, cancel or page."""

    kind: ClassVar = EventKind.STUCK
    text: str = ""
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An event as a later one repeats it, so that its message can be said anew; ``data`` as JSON."""

    id: int
    kind: EventKind
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(EventData):
    """A person answered a question. ``answer``: wait, cancel or page."""

    kind: ClassVar = EventKind.ANSWERED
    answer: str = "wait"
    about: Quote | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late(EventData):
    """The time in the plan no longer fits. ``why``: why nobody can say when."""

    kind: ClassVar = EventKind.LATE
    until: datetime | None = None
    soonest: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied(EventData):
    """A clean-up that had to wait was done."""

    kind: ClassVar = EventKind.TIDIED
    host: str = ""
    removed: tuple[str, ...] = ()
    kept: Kept = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(EventData):
    """The actor takes care of a page."""

    kind: ClassVar = EventKind.ACKNOWLEDGED
    about: Quote | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(EventData):
    """Nobody took these pages (event ids) for so long."""

    kind: ClassVar = EventKind.ESCALATED
    pages: tuple[int, ...] = ()
    vms: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(EventData):
    """The job is over: how its moves ended."""

    kind: ClassVar = EventKind.FINISHED
    seconds: float = 0.0
    bytes: int = 0
    done: int = 0
    failed: int = 0
    unmigratable: int = 0
    cancelled: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(EventData):
    """Everything was stopped. Without a job: the act; with one: told to it."""

    kind: ClassVar = EventKind.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(EventData):
    """Migrations may start again; the same two forms."""

    kind: ClassVar = EventKind.RESUMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(EventData):
    """The week from ``since`` until ``until`` is told to the channel; of no job, and kept with the newest one."""

    kind: ClassVar = EventKind.DIGEST
    since: datetime | None = None
    until: datetime | None = None


class News(StrEnum):
    """What an owner is told of: once when his VMs are to move, of each trouble meanwhile, and once when all is over."""

    APPROVED = "approved"
    TROUBLE = "trouble"
    RELEASED = "released"
    ENDED = "ended"

    @classmethod
    def _missing_(cls, value: object) -> "News":  # noqa: ARG003
        return cls.TROUBLE


STUCK_STATE = "stuck"
"""What stands in place of a move's state when it makes no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmNews:
    """What an owner is told of one VM. ``state``: of its move, or that it is stuck; ``words``: what is wrong."""

    move: int
    name: str
    source: str
    destination: str
    state: str
    seconds: float = 0.0
    """How long the move should take, or took; 0: nobody knows."""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerTold(EventData):
    """An owner is told of his VMs of a job, in a direct message."""

    kind: ClassVar = EventKind.OWNER_TOLD
    person: str = ""
    about: News = News.TROUBLE
    vms: tuple[VmNews, ...] = ()
    by: str = field(default="", metadata=_ONLY_IF_SET)
    """Who approved, or released."""
    ends_at: datetime | None = field(default=None, metadata=_ONLY_IF_SET)
    """When the job should be over."""
    why: str = field(default="", metadata=_ONLY_IF_SET)
    """Where it is written down that he is the owner."""
    may_hold: bool = field(default=False, metadata=_ONLY_IF_SET)
    after: int = field(default=0, metadata=_ONLY_IF_SET)
    """The event that it tells of; 0: what the moves show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerHeld(EventData):
    """The actor, who owns these VMs, says not now: nothing starts them in this job until they are released."""

    kind: ClassVar = EventKind.OWNER_HELD
    vms: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerReleased(EventData):
    """The actor lets VMs start that their owner held. ``moves``: their numbers."""

    kind: ClassVar = EventKind.OWNER_RELEASED
    vms: tuple[str, ...] = ()
    moves: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid(EventData):
    """People were never told of an event of this kind: Slack takes it nowhere, in no form."""

    kind: ClassVar = EventKind.UNSAID
    what: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(EventData):
    """What a newer version wrote down and this one does not know."""

    kind: ClassVar = EventKind.OTHER
