"""Reads and changes moves: compared by version and state, never against the one table of transitions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import Case, Column, ColumnElement, Connection, bindparam, case, func, insert, or_, select, update

from core.domain.model.events import Event
from core.domain.model.inventory import HostName, VmId
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
        # A dictionary, not cachetools: thousands are asked for at once, and a look into one of those costs ten times.
        self._moves: dict[MoveId, Move] = {}
        self._size = size

    def get(
        self, connection: Connection, versions: Sequence[tuple[MoveId, int]], *, is_strict: bool
    ) -> tuple[Move, ...]:
        """Return these moves in these versions, reading those that are not in the cache.

        Raises:
            UnreadableRow: one of them cannot be read, and ``is_strict``; otherwise that one is left out.

        """
        found, missing = dict[MoveId, Move](), list[MoveId]()
        for move_id, version in versions:
            known = self._moves.get(move_id)
            if known is not None and known.version == version:
                found[move_id] = known
            else:
                missing.append(move_id)
        for start in range(0, len(missing), BATCH):
            read = by_id(connection, missing[start : start + BATCH], is_strict=is_strict)
            self.put(read.values())
            found |= read
        return tuple(found[move_id] for move_id, _ in versions if move_id in found)

    def put(self, stored: Iterable[Move]) -> None:
        """Take moves as they were just stored."""
        for move in stored:
            self._moves[move.id] = move
        for move_id in list(islice(self._moves, max(0, len(self._moves) - self._size))):
            del self._moves[move_id]


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


def by_id(connection: Connection, ids: Collection[MoveId], *, is_strict: bool = False) -> dict[MoveId, Move]:
    """Read these moves; one that cannot be read is left out, unless ``is_strict``."""
    if not ids:
        return {}
    found = connection.execute(select(*rows.MOVE).where(moves.c.id.in_(ids)))
    read = map(rows.move_of, rows.in_turns(found)) if is_strict else rows.readable(rows.move_of, found)
    return {move.id: move for move in read}


def listed(connection: Connection, cache: MoveCache, job_id: JobId | None, *, open_only: bool) -> tuple[Move, ...]:
    """Read the moves of a job (None: of every job), in the plan's order.

    Of every job: what cannot be read is left out. Of one job: raises UnreadableRow, for without one of its moves
    nobody can say how that job stands.
    """
    query = select(moves.c.id, moves.c.version).order_by(moves.c.job_id, moves.c.id)
    if job_id is not None:
        job_number(job_id)
        query = query.where(moves.c.job_id == job_id)
    if open_only:
        query = query.where(*_open())
    return cache.get(connection, connection.execute(query).all(), is_strict=job_id is not None)


def towards(connection: Connection, host: HostName) -> tuple[Move, ...]:
    """Read the open moves that go to a host."""
    query = select(*rows.MOVE).where(moves.c.destination == host, *_open()).order_by(moves.c.id)
    return tuple(rows.move_of(row) for row in connection.execute(query))


def _open() -> tuple[ColumnElement[bool], ...]:
    running = select(jobs.c.id).where(jobs.c.state == JobState.RUNNING)
    return moves.c.state.in_(OPEN), moves.c.job_id.in_(running)


def renamed(side: Column[str], names: Mapping[HostName, HostName]) -> Case[str]:
    """Return a column of host names with the new names in place of the old ones."""
    return case(dict(names), value=side, else_=side)


def rename_hosts(connection: Connection, names: Mapping[HostName, HostName]) -> None:
    """Call hosts otherwise in open moves and in clean-ups that wait."""
    for side in (moves.c.source, moves.c.destination):
        connection.execute(
            update(moves)
            .where(side.in_(names), or_(moves.c.state.in_(OPEN), moves.c.tidy_at.is_not(None)))
            .values({side: renamed(side, names), moves.c.version: moves.c.version + 1})
        )


def newest(connection: Connection, name: str, vm_ids: Collection[VmId]) -> tuple[Move, ...]:
    """Read the newest move of each VM that has one of these ids, or bears this name or id in a move."""
    # A database compares letters of other alphabets by their case only: those are tried as people write them.
    spelled = {name, name.lower(), name.upper(), name.casefold(), name.capitalize()}
    fits: list[ColumnElement[bool]] = [func.lower(moves.c.vm_name) == name.lower(), moves.c.vm_name.in_(spelled)]
    with suppress(ValueError):
        fits.append(moves.c.vm_id == UUID(name.strip("{}")))
    named = set(connection.execute(select(moves.c.vm_id).where(or_(*fits)).distinct()).scalars())
    last = select(func.max(moves.c.id)).where(moves.c.vm_id.in_({*named, *vm_ids})).group_by(moves.c.vm_id)
    return tuple(by_id(connection, connection.execute(last).scalars().all()).values())


def to_tidy(connection: Connection, at: datetime) -> tuple[Move, ...]:
    """Read the moves whose clean-up had to wait and is due."""
    query = (
        select(*rows.MOVE)
        .where(moves.c.tidy_at.is_not(None), or_(moves.c.tidy_at <= at, moves.c.tidy_at > at + LONGEST_PAUSE))
        .order_by(moves.c.id)
    )
    return tuple(rows.readable(rows.move_of, connection.execute(query)))


def change(connection: Connection, before: Move, after: Move, happened: Sequence[Event]) -> Move:
    """Replace a move that holds no reservation, or goes on holding it.

    Raises:
        IllegalTransition: the table does not allow it, or it would take or free slots without an attempt.
        Outdated: it is not stored as ``before`` any more.

    """
    _check_slots(before, after)
    return replaced(connection, before, after, happened)


def change_all(
    connection: Connection, changes: Sequence[tuple[Move, Move]], happened: Sequence[Event]
) -> tuple[Move, ...]:
    """Replace several moves of one job; the events are of all of them. Raises what ``change`` does."""
    if not changes:
        return ()
    for before, after in changes:
        _check_slots(before, after)
        check_transition(before.state, after.state)
    rows_of_all = [_replacement(before, after) for before, after in changes]
    if connection.dialect.supports_sane_multi_rowcount:
        replaced_rows = connection.execute(_REPLACE, rows_of_all).rowcount
    else:
        replaced_rows = sum(connection.execute(_REPLACE, row).rowcount for row in rows_of_all)
    if replaced_rows != len(changes):
        raise Outdated(f"A move of {changes[0][0].job_id} was changed by somebody else.")
    stored = tuple(_as_stored(before, after) for before, after in changes)
    events.add(connection, happened, changes[0][0].job_id, of=stored)
    return stored


def replaced(connection: Connection, before: Move, after: Move, happened: Sequence[Event]) -> Move:
    """Replace a move by compare-and-set and store the events; the caller sees to attempts."""
    check_transition(before.state, after.state)
    if connection.execute(_REPLACE, _replacement(before, after)).rowcount == 0:
        raise Outdated(f"The move of {before.vm_name} was changed by somebody else.")
    stored = _as_stored(before, after)
    events.add(connection, happened, before.job_id, of=(stored,))
    return stored


def _check_slots(before: Move, after: Move) -> None:
    if before.state.holds_slots is not after.state.holds_slots:
        raise IllegalTransition(f"A move cannot go from {before.state} to {after.state} without its attempt.")


def _replacement(before: Move, after: Move) -> rows.Values:
    """Return what ``_REPLACE`` takes: what is stored now, and only if nobody was there first."""
    values = rows.move_values(after, version=before.version + 1) | {"job_id": before.job_id}
    return values | {"known_id": before.id, "known_version": before.version, "known_state": before.state}


def _as_stored(before: Move, after: Move) -> Move:
    return replace(after, id=before.id, job_id=before.job_id, version=before.version + 1)
