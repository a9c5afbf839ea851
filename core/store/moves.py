"""Reads and changes moves: compared by version and state, never against the one table of transitions."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cachetools import FIFOCache
from sqlalchemy import Connection, bindparam, insert, or_, select, update

from core.domain.model.events import Event
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Move, MoveId, MoveState, check_transition
from core.errors import IllegalTransition, Outdated, StoreError
from core.store import events, rows
from core.store.column_types import job_number
from core.store.tables import jobs, moves

BATCH = 500
"""Moves are added and read so many at a time, so that a large job does not hold up everything else in the process."""
LONGEST_PAUSE = timedelta(days=1)
"""No clean-up waits longer for its next try: one that seems to was noted by a clock that was put back since."""
OPEN = tuple(state for state in MoveState if not state.is_end)

# Built once: the values come as parameters, so that a change costs no new statement.
_REPLACE = update(moves).where(
    moves.c.id == bindparam("known_id"),
    moves.c.version == bindparam("known_version"),
    moves.c.state == bindparam("known_state"),
)


class MoveCache:
    """A cache of moves. A version of a move never changes, and thousands of them take a tenth of a second to read.

    Which versions there are is asked of the database every time: what another process wrote is seen at once.
    """

    def __init__(self, size: int = 20_000) -> None:
        self._moves: FIFOCache[MoveId, Move] = FIFOCache(size)

    def get(self, connection: Connection, versions: Sequence[tuple[MoveId, int]]) -> tuple[Move, ...]:
        """Return these moves in these versions, reading those that are not in the cache."""
        found, missing = dict[MoveId, Move](), list[MoveId]()
        for move_id, version in versions:
            known = self._moves.get(move_id)
            if known is not None and known.version == version:
                found[move_id] = known
            else:
                missing.append(move_id)
        for start in range(0, len(missing), BATCH):
            read = by_id(connection, missing[start : start + BATCH])
            self._moves.update(read)
            found |= read
        return tuple(found[move_id] for move_id, _ in versions)


def add(connection: Connection, job_id: JobId, new: Sequence[Move]) -> None:
    """Store a job's moves in the plan's order; their ids are given here."""
    for start in range(0, len(new), BATCH):
        batch = [rows.move_values(move, version=1) | {"job_id": job_id} for move in new[start : start + BATCH]]
        connection.execute(insert(moves), batch)


def read(connection: Connection, move_id: MoveId) -> Move:
    """Read one move.

    Raises:
        StoreError: there is none of that id.

    """
    row = connection.execute(select(*rows.MOVE).where(moves.c.id == move_id)).one_or_none()
    if row is None:
        raise StoreError(f"There is no move {move_id}.")
    return rows.move_of(row)


def by_id(connection: Connection, ids: Collection[MoveId]) -> dict[MoveId, Move]:
    """Read these moves."""
    if not ids:
        return {}
    found = connection.execute(select(*rows.MOVE).where(moves.c.id.in_(ids)))
    return {move.id: move for move in map(rows.move_of, found)}


def listed(connection: Connection, cache: MoveCache, job_id: JobId | None, *, open_only: bool) -> tuple[Move, ...]:
    """Read the moves of a job (None: of every job), in the plan's order."""
    query = select(moves.c.id, moves.c.version).order_by(moves.c.job_id, moves.c.id)
    if job_id is not None:
        job_number(job_id)
        query = query.where(moves.c.job_id == job_id)
    if open_only:
        running = select(jobs.c.id).where(jobs.c.state == JobState.RUNNING)
        query = query.where(moves.c.state.in_(OPEN), moves.c.job_id.in_(running))
    return cache.get(connection, connection.execute(query).all())


def to_tidy(connection: Connection, at: datetime) -> tuple[Move, ...]:
    """Read the moves whose clean-up had to wait and is due."""
    query = (
        select(*rows.MOVE)
        .where(moves.c.tidy_at.is_not(None), or_(moves.c.tidy_at <= at, moves.c.tidy_at > at + LONGEST_PAUSE))
        .order_by(moves.c.id)
    )
    return tuple(rows.move_of(row) for row in connection.execute(query))


def change(connection: Connection, before: Move, after: Move, happened: Sequence[Event]) -> Move:
    """Replace a move that holds no reservation, or goes on holding it.

    Raises:
        IllegalTransition: the table does not allow it, or it would take or free slots without an attempt.
        Outdated: it is not stored as ``before`` any more.

    """
    if before.state.holds_slots is not after.state.holds_slots:
        raise IllegalTransition(f"A move cannot go from {before.state} to {after.state} without its attempt.")
    return replaced(connection, before, after, happened)


def change_all(
    connection: Connection, changes: Sequence[tuple[Move, Move]], happened: Sequence[Event]
) -> tuple[Move, ...]:
    """Replace several moves of one job; the events are of all of them. Raises what ``change`` does."""
    stored = tuple(change(connection, before, after, ()) for before, after in changes)
    if stored:
        events.add(connection, happened, stored[0].job_id)
    return stored


def replaced(connection: Connection, before: Move, after: Move, happened: Sequence[Event]) -> Move:
    """Replace a move by compare-and-set and store the events; the caller sees to attempts."""
    check_transition(before.state, after.state)
    version = before.version + 1
    values = rows.move_values(after, version=version) | {"job_id": before.job_id}
    known = {"known_id": before.id, "known_version": before.version, "known_state": before.state}
    if connection.execute(_REPLACE, values | known).rowcount == 0:
        raise Outdated(f"The move of {before.vm_name} was changed by somebody else.")
    events.add(connection, happened, before.job_id)
    return replace(after, id=before.id, job_id=before.job_id, version=version)
