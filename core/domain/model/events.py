"""Events: what is recorded of jobs and moves, and in which tone people hear of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.model import event_data
from core.domain.model.event_data import EventData, EventKind
from core.domain.model.job import Job, JobId
from core.domain.model.move import HoldCode, Move, MoveId


class Tone(StrEnum):
    """How loudly an event is told: the card itself, a line in its thread, the channel too, or on-call by mention.

    ``MESSAGE``: a message of its own in the channel of the settings, of no job. ``DIRECT``: one to a single person,
    whom the event names.
    """

    CARD = "card"
    LINE = "line"
    BROADCAST = "broadcast"
    PAGE = "page"
    MESSAGE = "message"
    DIRECT = "direct"

    @classmethod
    def _missing_(cls, value: object) -> "Tone":  # noqa: ARG003
        return cls.LINE


TONES: Mapping[EventKind, Tone] = {
    EventKind.PROPOSED: Tone.CARD,
    EventKind.CHECKED: Tone.LINE,
    EventKind.APPROVAL: Tone.LINE,
    EventKind.APPROVED: Tone.LINE,
    EventKind.REJECTED: Tone.LINE,
    EventKind.EDITED: Tone.LINE,
    EventKind.EXPIRED: Tone.LINE,
    EventKind.WITHDRAWN: Tone.LINE,
    EventKind.CANCEL_ASKED: Tone.LINE,
    EventKind.CANCEL_UNMET: Tone.LINE,
    EventKind.REPLANNED: Tone.LINE,
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
    EventKind.DIGEST: Tone.MESSAGE,
    EventKind.OWNER_TOLD: Tone.DIRECT,
    EventKind.OWNER_HELD: Tone.LINE,
    EventKind.OWNER_RELEASED: Tone.LINE,
}
"""Events that are told. The others are in the history only."""

TOLD_HOLDS = frozenset({HoldCode.BACKUP, HoldCode.BACKUP_DUE, HoldCode.HOST})
"""Holds worth a line in the thread; the card shows every hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, recorded in the transaction that made it happen.

    ``actor`` is a Slack user id or ``bot``. ``tone`` None: kept, not told.
    """

    data: EventData
    at: datetime
    job_id: JobId | None = None
    move_id: MoveId | None = None
    actor: str = "bot"
    tone: Tone | None = None
    id: int = 0

    @property
    def kind(self) -> EventKind:
        """What happened."""
        return self.data.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event that the database has taken, with its id, and the move it is of as it stands after it."""

    event: Event
    move: Move | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An event on its way to people: an outbox row with what it takes to say it."""

    id: int
    event: Event
    job: Job
    move: Move | None
    tries: int = 0
    maybe_said: bool = False
    """An earlier try ended without an answer: look before saying it again."""
    is_plain: bool = False
    """It was not taken in its usual form, again and again: say it in the plainest words there are."""


def event(
    data: EventData, at: datetime, *, move: Move | None = None, job: Job | None = None, actor: str = "bot"
) -> Event:
    """Make an event of a move or a job with the tone that what it says has."""
    job_id = move.job_id if move else job.id if job else None
    return Event(data=data, at=at, job_id=job_id, move_id=move.id if move else None, actor=actor, tone=tone_of(data))


def tone_of(data: EventData) -> Tone | None:
    """Say how loudly people hear of it; None when it is in the history only."""
    match data:
        case event_data.Held(code=code, follows=False) if code in TOLD_HOLDS:
            return Tone.LINE
        case event_data.Checked() if not data.is_worth_a_line:
            return None
        case event_data.Adopted(follows=True):
            return None
        case event_data.Unmigratable(follows=True):
            return Tone.LINE  # the first of them was a page already
        case event_data.Answered(answer="page"):
            return Tone.PAGE
        case _:
            return TONES.get(data.kind)
