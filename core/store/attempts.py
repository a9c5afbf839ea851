"""Opens and closes attempts: an open one is the reservation of its slots. The last slot is given away here, once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Update, bindparam, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from core.domain.model.events import Event
from core.domain.model.move import Attempt, Fault, Move, MoveId, MoveState
from core.domain.scheduling.slots import SlotUsage, refusal
from core.errors import IllegalTransition, Outdated, StoreError
from core.store import moves, rows
from core.store.column_types import Moment
from core.store.tables import attempts
from core.store.tables import moves as moves_table

_is_open = attempts.c.ended_at.is_(None)
_of_move = update(attempts).where(attempts.c.move_id == bindparam("of_move"), _is_open)
_CONFIRM = _of_move.values(confirmed_at=func.coalesce(attempts.c.confirmed_at, bindparam("seen_at", type_=Moment)))


def listed(connection: Connection, move_id: MoveId | None = None, *, open_only: bool = False) -> tuple[Attempt, ...]:
    """Read attempts, oldest first."""
    query = select(*rows.ATTEMPT).order_by(attempts.c.id)
    if move_id is not None:
        query = query.where(attempts.c.move_id == move_id)
    if open_only:
        query = query.where(_is_open)
    return tuple(rows.attempt_of(row) for row in connection.execute(query))


def under_way(connection: Connection) -> tuple[Attempt, ...]:
    """Read, of each move that is between its start and its end, the newest attempt."""
    states = [state for state in MoveState if state.holds_slots or state is MoveState.CLEANING]
    newest = (
        select(func.max(attempts.c.id))
        .join(moves_table, moves_table.c.id == attempts.c.move_id)
        .where(moves_table.c.state.in_(states))
        .group_by(attempts.c.move_id)
    )
    query = select(*rows.ATTEMPT).where(attempts.c.id.in_(newest)).order_by(attempts.c.id)
    return tuple(rows.attempt_of(row) for row in connection.execute(query))


def between(connection: Connection, since: datetime, until: datetime) -> tuple[Attempt, ...]:
    """Read the attempts that began before ``until`` and had not ended by ``since``, oldest first."""
    is_later = attempts.c.ended_at >= since
    query = select(*rows.ATTEMPT).where(or_(_is_open, is_later), attempts.c.started_at <= until)
    return tuple(rows.attempt_of(row) for row in connection.execute(query.order_by(attempts.c.id)))


def ended_since(connection: Connection, since: datetime) -> tuple[Attempt, ...]:
    """Read the attempts that ended with a fault since then, oldest first."""
    query = select(*rows.ATTEMPT).where(attempts.c.ended_at >= since, attempts.c.fault.is_not(None))
    return tuple(rows.attempt_of(row) for row in connection.execute(query.order_by(attempts.c.id)))


def begin(
    connection: Connection,
    before: Move,
    after: Move,
    claims: Sequence[SlotUsage],
    happened: Sequence[Event],
    *,
    at: datetime,
) -> tuple[Move, Attempt]:
    """Reserve the slots and open an attempt.

    Raises:
        IllegalTransition: ``after`` would hold no slots, or ``before`` holds them already.
        Outdated: the claims no longer allow it, the VM has an open attempt, or the move was changed.

    """
    if before.state.holds_slots or not after.state.holds_slots:
        raise IllegalTransition(f"An attempt does not begin by going from {before.state} to {after.state}.")
    reservations = _open_around(connection, before)
    if any(attempt.vm_id == before.vm_id for attempt in reservations):
        raise Outdated(f"{before.vm_name} has an open attempt already.")
    reason = refusal(claims, reservations)
    if reason is not None:
        raise Outdated(f"{reason}.")
    stored = moves.replaced(connection, before, after, happened)
    last = connection.execute(select(func.max(attempts.c.number)).where(attempts.c.move_id == before.id)).scalar()
    attempt = Attempt(
        id=0,
        move_id=stored.id,
        vm_id=stored.vm_id,
        source=stored.source,
        destination=stored.destination,
        number=(last or 0) + 1,
        started_at=at,
    )
    try:
        attempt_id = rows.add(connection, attempts, rows.attempt_values(attempt))
    except IntegrityError:
        raise Outdated(f"{before.vm_name} has an open attempt already.") from None
    return stored, replace(attempt, id=attempt_id)


def confirm(connection: Connection, before: Move, after: Move, happened: Sequence[Event], *, at: datetime) -> Move:
    """Replace a move and note when a host first showed the migration of its open attempt."""
    if not (before.state.holds_slots and after.state.holds_slots):
        raise IllegalTransition(f"An attempt is not open from {before.state} to {after.state}.")
    stored = moves.replaced(connection, before, after, happened)
    _note(connection, stored, _CONFIRM, {"seen_at": at})
    return stored


def end(
    connection: Connection,
    before: Move,
    after: Move,
    happened: Sequence[Event],
    *,
    at: datetime,
    fault: Fault | None,
    host_words: str,
) -> Move:
    """Replace a move, close its open attempt and so free the slots."""
    if after.state.holds_slots or not before.state.holds_slots:
        raise IllegalTransition(f"An attempt does not end by going from {before.state} to {after.state}.")
    stored = moves.replaced(connection, before, after, happened)
    _note(connection, stored, _of_move, {"ended_at": at, "fault": fault, "host_words": host_words})
    return stored


def _open_around(connection: Connection, move: Move) -> tuple[Attempt, ...]:
    """Read the open attempts that concern a move: of its VM, and on either of its hosts."""
    hosts = (move.source, move.destination)
    concerns = or_(attempts.c.vm_id == move.vm_id, attempts.c.source.in_(hosts), attempts.c.destination.in_(hosts))
    query = select(*rows.ATTEMPT).where(_is_open, concerns).order_by(attempts.c.id)
    return tuple(rows.attempt_of(row) for row in connection.execute(query))


def _note(connection: Connection, move: Move, change: Update, values: rows.Values) -> None:
    if connection.execute(change, values | {"of_move": move.id}).rowcount != 1:
        raise StoreError(f"The move of {move.vm_name} has no open attempt.")
