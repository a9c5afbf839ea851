"""Recovers after a restart: finds every move that an earlier process left under way, and writes down what it found."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.model.job import Job, JobState
from core.domain.model.move import Attempt, Move, MoveState
from core.domain.reporting.announcements import adoptions
from core.errors import StoreError
from core.ports import Clock, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftUnderWay:
    """A move that went on without us, with its attempt and its job."""

    move: Move
    attempt: Attempt
    job: Job


async def find_left_under_way(store: Store, clock: Clock) -> Sequence[LeftUnderWay]:
    """Return every move that an earlier process left under way."""
    jobs = {job.id: job for job in await store.jobs(JobState.RUNNING, limit=10_000)}
    attempts = {attempt.move_id: attempt for attempt in await store.attempts_under_way()}
    moves = [
        move for move in await store.moves(open_only=True) if move.state.holds_slots or move.state is MoveState.CLEANING
    ]
    await _note_adopted(store, [move for move in moves if move.state.holds_slots], clock)
    for move in moves:
        log.info("adopting %s of %s, found %s", move.vm_name, move.job_id, move.state)
    return [LeftUnderWay(move, attempts[move.id], jobs[move.job_id]) for move in moves]


async def _note_adopted(store: Store, moves: Sequence[Move], clock: Clock) -> None:
    """Write down what was found, all at once: each transaction waits for the disk."""
    try:
        if moves:
            await store.add_events(*adoptions(moves, clock.now()))
    except StoreError as error:  # following the moves matters more than saying so
        log.warning("the database did not take which moves were found: %s", error)
