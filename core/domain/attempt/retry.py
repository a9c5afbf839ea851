"""What comes after a failed attempt: try again, wait for something, or end, each with its cost and its delay."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.model.events import EventKind
from core.domain.model.move import Fault, Move, MoveState

FREE_TRIES = 20
"""Attempts that cost nothing (host full, backup, never started) still end: after so many more than allowed."""

LONGEST_DELAY = timedelta(minutes=15)

FREE_DOUBLINGS = 3
"""The delay of what costs nothing grows only so far: a slot that gets free is to be used soon."""


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """The next state, the attempts counted so far, the earliest next attempt, and the event to tell."""

    state: MoveState
    attempts: int
    not_before: datetime | None
    event: EventKind
    data: Mapping[str, Any]


def after_failure(
    move: Move,
    diagnosis: Diagnosis,
    *,
    now: datetime,
    tries: int,
    allowed: int,
    retry_delay: timedelta,
    has_started: bool = True,
    jitter: Callable[[], float] = random.random,
) -> RetryDecision:
    """Decide from the class of the failure. ``tries`` counts every attempt, ``move.attempts`` those that cost.

    ``has_started`` is False when the last look forbade the order: then nothing was attempted on a host.
    """
    said: dict[str, Any] = {"words": diagnosis.words, "hint": diagnosis.hint, "code": diagnosis.code}
    is_free = diagnosis.fault in {Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED}
    attempts = move.attempts if is_free or not has_started else move.attempts + 1
    if move.cancel_by:
        text = f"cancelled {'while it ran' if has_started else 'before it started'}; the VM is where it was"
        return RetryDecision(MoveState.CANCELLED, attempts, None, EventKind.CANCELLED, {"text": text})
    if diagnosis.fault in {Fault.VM, Fault.PAIR}:
        return RetryDecision(MoveState.UNMIGRATABLE, attempts, None, EventKind.UNMIGRATABLE, said | {"text": ""})
    if is_free and tries < allowed + FREE_TRIES:
        again = now + delay(min(max(1, tries - move.attempts), FREE_DOUBLINGS + 1), retry_delay, jitter)
        return RetryDecision(MoveState.QUEUED, attempts, again, EventKind.NOT_STARTED, said | {"text": diagnosis.hint})
    if diagnosis.fault is Fault.OPERATOR or is_free or attempts >= allowed:
        data = said | {"attempts": attempts, "of": allowed}
        return RetryDecision(MoveState.FAILED, attempts, None, EventKind.FAILED, data)
    again = now + delay(attempts, retry_delay, jitter)
    data = said | {"attempt": attempts, "of": allowed, "again_at": again.isoformat()}
    return RetryDecision(MoveState.QUEUED, attempts, again, EventKind.RETRYING, data)


def delay(attempt: int, first: timedelta, jitter: Callable[[], float]) -> timedelta:
    """Return how long to wait after this attempt: doubling up to ``LONGEST_DELAY``, and a quarter more by chance."""
    plain = min(LONGEST_DELAY, first * 2.0 ** min(attempt - 1, 10))
    return plain * (1 + jitter() / 4)
