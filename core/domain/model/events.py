"""Events: what is recorded of jobs and moves, and in which tone people hear of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.domain.model.job import Job, JobId
from core.domain.model.move import HoldCode, Move, MoveId


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
    STOPPED = "stopped"  # without a job: the act; with one: told to it, see ``core.domain.reporting.announcements``
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
