"""Decides what follows a failed attempt: try again, wait or end, each with its cost and its delay."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.backoff import delay_s, doubling
from core.domain.attempt.diagnosis import Diagnosis
from core.domain.model.events import EventKind
from core.domain.model.move import Fault, Move, MoveState

FREE_TRIES = 20
"""Attempts that cost nothing (host full, backup, never started) still end: after so many more than allowed."""

LONGEST_DELAY = timedelta(minutes=15)

FREE_DOUBLINGS = 3
"""The delay of what costs nothing grows only so far: a slot that gets free is to be used soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """A decision after a failure: the next state, the attempts so far, the earliest next one, and the event to tell."""

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
        return RetryDecision(
            state=MoveState.CANCELLED,
            attempts=attempts,
            not_before=None,
            event=EventKind.CANCELLED,
            data={"text": text},
        )
    if diagnosis.fault in {Fault.VM, Fault.PAIR}:
        return RetryDecision(
            state=MoveState.UNMIGRATABLE,
            attempts=attempts,
            not_before=None,
            event=EventKind.UNMIGRATABLE,
            data=said | {"text": ""},
        )
    if is_free and tries < allowed + FREE_TRIES:
        again = now + delay(min(max(1, tries - move.attempts), FREE_DOUBLINGS + 1), retry_delay, jitter)
        return RetryDecision(
            state=MoveState.QUEUED,
            attempts=attempts,
            not_before=again,
            event=EventKind.NOT_STARTED,
            data=said | {"text": diagnosis.hint},
        )
    if diagnosis.fault is Fault.OPERATOR or is_free or attempts >= allowed:
        data = said | {"attempts": attempts, "of": allowed}
        return RetryDecision(
            state=MoveState.FAILED, attempts=attempts, not_before=None, event=EventKind.FAILED, data=data
        )
    again = now + delay(attempts, retry_delay, jitter)
    data = said | {"attempt": attempts, "of": allowed, "again_at": again.isoformat()}
    return RetryDecision(
        state=MoveState.QUEUED, attempts=attempts, not_before=again, event=EventKind.RETRYING, data=data
    )


def delay(attempt: int, first: timedelta, jitter: Callable[[], float]) -> timedelta:
    """Return how long to wait after this attempt: doubling up to ``LONGEST_DELAY``, and a quarter more by chance."""
    plain_s = delay_s(doubling(first.total_seconds(), LONGEST_DELAY.total_seconds()), attempt)
    return timedelta(seconds=plain_s) * (1 + jitter() / 4)
