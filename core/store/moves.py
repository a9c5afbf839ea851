"""Reads and changes moves: compared by version and state, never against the one table of transitions."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert, select, update

from core.domain.job import Event, JobId, JobState, Move, MoveId, MoveState, check_transition
from core.errors import IllegalTransition, Outdated, StoreError
from core.store import events, rows
from core.store.columns import job_number
from core.store.tables import jobs, moves

OPEN = tuple(state for state in MoveState if not state.is_end)


def add(connection: Connection, job_id: JobId, new: Sequence[Move]) -> None:
    """Store a job's moves in the plan's order; their ids are given here."""
    if new:
        values = [rows.move_values(move, version=1) | {"job_id": job_id} for move in new]
        connection.execute(insert(moves), values)


def read(connection: Connection, move_id: MoveId) -> Move:
    """Read one move.

    Raises:
        StoreError: there is none of that id.

    """
    row = connection.execute(select(moves).where(moves.c.id == move_id)).mappings().one_or_none()
    if row is None:
        raise StoreError(f"There is no move {move_id}.")
    return rows.move_of(row)


def by_id(connection: Connection, ids: Collection[MoveId]) -> dict[MoveId, Move]:
    """Read these moves."""
    if not ids:
        return {}
    found = connection.execute(select(moves).where(moves.c.id.in_(ids))).mappings()
    return {move.id: move for move in map(rows.move_of, found)}


def listed(connection: Connection, job_id: JobId | None, *, open_only: bool) -> tuple[Move, ...]:
    """Read the moves of a job (None: of every job), in the plan's order."""
    query = select(moves).order_by(moves.c.job_id, moves.c.id)
    if job_id is not None:
        job_number(job_id)
        query = query.where(moves.c.job_id == job_id)
    if open_only:
        running = select(jobs.c.id).where(jobs.c.state == JobState.RUNNING)
        query = query.where(moves.c.state.in_(OPEN), moves.c.job_id.in_(running))
    return tuple(rows.move_of(row) for row in connection.execute(query).mappings())


def change(connection: Connection, before: Move, after: Move, happened: Sequence[Event]) -> Move:
    """Replace a move that holds no reservation, or goes on holding it.

    Raises:
        IllegalTransition: the table does not allow it, or it would take or free slots without an attempt.
        Outdated: it is not stored as ``before`` any more.

    """
    if before.state.holds_slots is not after.state.holds_slots:
        raise IllegalTransition(f"A move cannot go from {before.state} to {after.state} without its attempt.")
    return replaced(connection, before, after, happened)


def replaced(connection: Connection, before: Move, after: Move, happened: Sequence[Event]) -> Move:
    """Replace a move by compare-and-set and store the events; the caller sees to attempts."""
    check_transition(before.state, after.state)
    version = before.version + 1
    unchanged = (moves.c.id == before.id, moves.c.version == before.version, moves.c.state == before.state)
    values = rows.move_values(after, version=version) | {"job_id": before.job_id}
    if connection.execute(update(moves).where(*unchanged).values(values)).rowcount == 0:
        raise Outdated(f"The move of {before.vm_name} was changed by somebody else.")
    events.add(connection, happened, before.job_id)
    return replace(after, id=before.id, job_id=before.job_id, version=version)
