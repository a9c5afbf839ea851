"""Recovers after a restart: settles what hosts are called now, and finds every move left under way."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.inventory import HostName
from core.domain.model.job import Job, JobState
from core.domain.model.move import Attempt, Fault, Move, MoveState, transit
from core.domain.reporting.announcements import adoptions
from core.errors import StoreError, UnknownHost
from core.ports import Clock, Store

log = logging.getLogger(__name__)

_FAR = timedelta(days=3650)
GONE_HINT = "Put it back under [hosts] and ask again, or move the VM by hand."
LOST_HINT = "The host can no longer be asked: look where the VM is before anybody starts it."


@dataclass(frozen=True, slots=True)
class LeftUnderWay:
    """A move that went on without us, with its attempt and its job."""

    move: Move
    attempt: Attempt
    job: Job | None
    """None when the job cannot be read; its move is followed all the same."""


async def find_left_under_way(store: Store, clock: Clock) -> Sequence[LeftUnderWay]:
    """Return every move that an earlier process left under way."""
    jobs = {job.id: job for job in await store.jobs(JobState.RUNNING, limit=10_000)}
    # Of a move in clean-up the attempt is over: the newest one is the one that moved it.
    under_way = (*await store.attempts_under_way(), *await store.adopt_attempts())
    attempts = {attempt.move_id: attempt for attempt in under_way}
    moves = [
        move for move in await store.moves(open_only=True) if move.state.holds_slots or move.state is MoveState.CLEANING
    ]
    await _note_adopted(store, [move for move in moves if move.state.holds_slots], clock)
    found = []
    for move in moves:
        if move.id not in attempts:
            log.error(
                "%s of %s is %s, but no attempt of it is known; look at it", move.vm_name, move.job_id, move.state
            )
            continue
        log.info("adopting %s of %s, found %s", move.vm_name, move.job_id, move.state)
        found.append(LeftUnderWay(move, attempts[move.id], jobs.get(move.job_id)))
    return found


async def _note_adopted(store: Store, moves: Sequence[Move], clock: Clock) -> None:
    """Write down what was found, all at once: each transaction waits for the disk."""
    try:
        if moves:
            await store.add_events(*adoptions(moves, clock.now()))
    except StoreError as error:  # following the moves matters more than saying so
        log.warning("the database did not take which moves were found: %s", error)


async def settle_hosts(store: Store, host_name: Callable[[str], HostName], clock: Clock) -> None:
    """Give moves the names their hosts have now; end, with its reason, what names a host that is gone."""
    now = clock.now()
    concerned = [*await store.moves(open_only=True), *await store.moves_to_tidy(now + _FAR)]
    names = {host for move in concerned for host in (move.source, move.destination)}
    known = {name: _known(host_name, name) for name in names}
    renamed = {old: new for old, new in known.items() if new is not None and new != old}
    if renamed:
        log.info("hosts have other names now: %s", ", ".join(f"{old} is {new}" for old, new in renamed.items()))
        await store.rename_hosts(renamed)
    gone = {name for name, new in known.items() if new is None}
    if gone:
        attempts = {attempt.move_id: attempt for attempt in await store.adopt_attempts()}
        for move in await store.moves(open_only=True):
            missing = next((host for host in (move.source, move.destination) if host in gone), None)
            if missing is not None:
                await _end(store, move, attempts.get(move.id), missing, now)


def _known(host_name: Callable[[str], HostName], name: HostName) -> HostName | None:
    try:
        return host_name(name)
    except UnknownHost:
        return None


async def _end(store: Store, move: Move, attempt: Attempt | None, missing: HostName, now: datetime) -> None:
    """End a move one of whose hosts is not in the settings; one that may run is for a human to look at."""
    text = f"{missing} is no longer in the settings"
    log.warning("%s of %s: %s", move.vm_name, move.job_id, text)
    changes = {"error": text, "hold": None, "ended_at": now}
    if attempt is None:
        if move.state is MoveState.QUEUED:
            told = event(event_data.Unmigratable(text=text, hint=GONE_HINT, where=move.source), now, move=move)
            after = transit(move, MoveState.UNMIGRATABLE, hint=GONE_HINT, **changes)
            await store.change_move(move, after, told)
        return  # a clean-up goes on as far as it can
    if attempt.ordered_at is None:
        told = event(event_data.Unmigratable(text=text, hint=GONE_HINT, where=move.source), now, move=move)
        after = transit(move, MoveState.UNMIGRATABLE, hint=GONE_HINT, **changes)
        fault = Fault.OPERATOR
    else:
        if move.state is not MoveState.VERIFYING:
            move = await store.change_move(move, transit(move, MoveState.VERIFYING), attempt=attempt)
        told = event(event_data.Lost(text=text, hint=LOST_HINT), now, move=move)
        after = transit(move, MoveState.LOST, hint=LOST_HINT, attempts=move.attempts + 1, **changes)
        fault = Fault.UNKNOWN
    await store.end_attempt(attempt, move, after, told, at=now, fault=fault, host_words=text)
