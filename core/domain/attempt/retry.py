"""Decides what follows a failed attempt: try again, wait or end, each with its cost and its delay."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.backoff import delay_s, doubling
from core.domain.attempt.diagnosis import Diagnosis
from core.domain.model import event_data
from core.domain.model.move import Fault, Move, MoveState

FREE_TRIES = 20
"""Attempts that cost nothing (host full, backup, never started) still end: after so many more than allowed."""

LONGEST_DELAY = timedelta(minutes=15)

FREE_DOUBLINGS = 3
"""The delay of what costs nothing grows only so far: a slot that gets free is to be used soon."""


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """A decision after a failure: the next state, the attempts so far, the earliest next one, and what to tell."""

    state: MoveState
    attempts: int
    not_before: datetime | None
    data: event_data.EventData


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
    words, hint, code, where, first = diagnosis.words, diagnosis.hint, diagnosis.code, move.source, diagnosis.first
    is_free = diagnosis.fault in {Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED, Fault.NO_ROOM}
    attempts = move.attempts if is_free or not has_started else move.attempts + 1
    if move.cancel_by:
        text = f"cancelled {'while it ran' if has_started else 'before it started'}; the VM is where it was"
        return RetryDecision(MoveState.CANCELLED, attempts, None, event_data.Cancelled(text=text, where=where))
    if diagnosis.fault in {Fault.VM, Fault.PAIR, Fault.HOST}:
        ended = event_data.Unmigratable(words=words, hint=hint, code=code, where=where, first=first)
        return RetryDecision(MoveState.UNMIGRATABLE, attempts, None, ended)
    if is_free and tries < allowed + FREE_TRIES:
        again = now + delay(min(max(1, tries - move.attempts), FREE_DOUBLINGS + 1), retry_delay, jitter)
        withdrawn = event_data.NotStarted(words=words, hint=hint, code=code, where=where, text=hint)
        return RetryDecision(MoveState.QUEUED, attempts, again, withdrawn)
    if diagnosis.fault in {Fault.OPERATOR, Fault.BOT} or is_free or attempts >= allowed:
        failed = event_data.Failed(
            words=words, hint=hint, code=code, where=where, attempts=attempts, of=allowed, first=first
        )
        return RetryDecision(MoveState.FAILED, attempts, None, failed)
    again = now + delay(attempts, retry_delay, jitter)
    retrying = event_data.Retrying(
        words=words, hint=hint, code=code, where=where, attempt=attempts, of=allowed, again_at=again
    )
    return RetryDecision(MoveState.QUEUED, attempts, again, retrying)


def delay(attempt: int, first: timedelta, jitter: Callable[[], float]) -> timedelta:
    """Return how long to wait after this attempt: doubling up to ``LONGEST_DELAY``, and a quarter more by chance."""
    plain_s = delay_s(doubling(first.total_seconds(), LONGEST_DELAY.total_seconds()), attempt)
    return timedelta(seconds=plain_s) * (1 + jitter() / 4)
