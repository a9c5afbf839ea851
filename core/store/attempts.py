"""Opens and closes attempts: an open one is the reservation of its slots. The last slot is given away here, once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Update, bindparam, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from core.domain.model.events import Event
from core.domain.model.inventory import HostName
from core.domain.model.move import Attempt, Fault, Move, MoveId, MoveState
from core.domain.scheduling.links import LinkUsage, refused_by_link
from core.domain.scheduling.slots import SlotUsage, refusal
from core.domain.scheduling.start_permission import STOP, withdrawn
from core.errors import AttemptClosed, IllegalTransition, Outdated, StartWithdrawn
from core.store import jobs, moves, rows, switches
from core.store.column_types import Moment
from core.store.jobs import PlanCache
from core.store.moves import renamed
from core.store.tables import attempts
from core.store.tables import moves as moves_table

_is_open = attempts.c.ended_at.is_(None)
# An attempt is known by itself, never by its move: the move may have the next one already.
_OWN = (attempts.c.id == bindparam("known_id"), attempts.c.owner == bindparam("known_owner"), _is_open)
_IS_OURS = select(attempts.c.id).where(*_OWN)
_NOTE = update(attempts).where(*_OWN)
_ORDER = _NOTE.values(ordered_at=bindparam("sent_at", type_=Moment))
_CONFIRM = _NOTE.values(confirmed_at=func.coalesce(attempts.c.confirmed_at, bindparam("seen_at", type_=Moment)))


def listed(connection: Connection, move_id: MoveId | None = None, *, open_only: bool = False) -> tuple[Attempt, ...]:
    """Read attempts, oldest first."""
    query = select(*rows.ATTEMPT).order_by(attempts.c.id)
    if move_id is not None:
        query = query.where(attempts.c.move_id == move_id)
    if open_only:
        query = query.where(_is_open)
    return tuple(rows.readable(rows.attempt_of, connection.execute(query)))


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
    return tuple(rows.readable(rows.attempt_of, connection.execute(query)))


def between(connection: Connection, since: datetime, until: datetime) -> tuple[Attempt, ...]:
    """Read the attempts that began before ``until`` and had not ended by ``since``, oldest first."""
    is_later = attempts.c.ended_at >= since
    query = select(*rows.ATTEMPT).where(or_(_is_open, is_later), attempts.c.started_at <= until)
    return tuple(rows.readable(rows.attempt_of, connection.execute(query.order_by(attempts.c.id))))


def ended_since(connection: Connection, since: datetime) -> tuple[Attempt, ...]:
    """Read the attempts that ended with a fault since then, oldest first."""
    query = select(*rows.ATTEMPT).where(attempts.c.ended_at >= since, attempts.c.fault.is_not(None))
    return tuple(rows.readable(rows.attempt_of, connection.execute(query.order_by(attempts.c.id))))


def adopt(connection: Connection, owner: str) -> tuple[Attempt, ...]:
    """Take over every open attempt: what an earlier owner still tries to write about one is refused from now on."""
    connection.execute(update(attempts).where(_is_open).values(owner=owner))
    return listed(connection, open_only=True)


def rename_hosts(connection: Connection, names: Mapping[HostName, HostName]) -> None:
    """Call hosts otherwise: in open moves, open attempts and clean-ups that wait."""
    moves.rename_hosts(connection, names)
    for side in (attempts.c.source, attempts.c.destination):
        connection.execute(update(attempts).where(_is_open, side.in_(names)).values({side: renamed(side, names)}))


def begin(
    connection: Connection,
    before: Move,
    after: Move,
    claims: Sequence[SlotUsage],
    happened: Sequence[Event],
    *,
    on_links: Sequence[LinkUsage],
    cache: PlanCache,
    owner: str,
    at: datetime,
    frozen_until: datetime | None,
) -> tuple[Move, Attempt]:
    """Reserve the slots and open an attempt.

    Raises:
        IllegalTransition: ``after`` would hold no slots, or ``before`` holds them already.
        Outdated: the claims or the links no longer allow it, the VM has an open attempt, the move was changed, or
            people stopped, paused or froze its job since it was decided.

    """
    if before.state.holds_slots or not after.state.holds_slots:
        raise IllegalTransition(f"An attempt does not begin by going from {before.state} to {after.state}.")
    reason: str | None = _unwanted(connection, cache, before, at, frozen_until)
    if reason:
        raise Outdated(f"{before.vm_name} may not start now: {reason}.")
    reservations = _open_around(connection, before, is_everywhere=bool(on_links))
    if any(attempt.vm_id == before.vm_id for attempt in reservations):
        raise Outdated(f"{before.vm_name} has an open attempt already.")
    reason = refusal(claims, reservations) or refused_by_link(on_links, reservations, at)
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
        attempt_id = rows.add(connection, attempts, rows.attempt_values(attempt) | {"owner": owner})
    except IntegrityError:
        raise Outdated(f"{before.vm_name} has an open attempt already.") from None
    return stored, replace(attempt, id=attempt_id)


def order(
    connection: Connection,
    attempt: Attempt,
    *,
    cache: PlanCache,
    owner: str,
    at: datetime,
    frozen_until: datetime | None,
) -> Attempt:
    """Release the order of an attempt: the last word before a host is asked.

    Raises:
        AttemptClosed: it is over, or another process follows it.
        StartWithdrawn: people stopped, paused, froze or cancelled it since it was reserved.

    """
    reason = _unwanted(connection, cache, moves.read(connection, attempt.move_id), at, frozen_until)
    if reason:
        raise StartWithdrawn(reason)
    _note(connection, _ORDER, owner, attempt, {"sent_at": at})
    return replace(attempt, ordered_at=at)


def change_move(
    connection: Connection, attempt: Attempt, before: Move, after: Move, happened: Sequence[Event], *, owner: str
) -> Move:
    """Replace a move for its attempt. Raises AttemptClosed unless that is open and ours."""
    if connection.execute(_IS_OURS, {"known_id": attempt.id, "known_owner": owner}).first() is None:
        raise _closed(attempt)
    return moves.change(connection, before, after, happened)


def confirm(
    connection: Connection,
    attempt: Attempt,
    before: Move,
    after: Move,
    happened: Sequence[Event],
    *,
    owner: str,
    at: datetime,
) -> Move:
    """Replace a move and note when a host first showed the migration of this attempt."""
    if not (before.state.holds_slots and after.state.holds_slots):
        raise IllegalTransition(f"An attempt is not open from {before.state} to {after.state}.")
    _note(connection, _CONFIRM, owner, attempt, {"seen_at": at})
    return moves.replaced(connection, before, after, happened)


def end(
    connection: Connection,
    attempt: Attempt,
    before: Move,
    after: Move,
    happened: Sequence[Event],
    *,
    owner: str,
    at: datetime,
    fault: Fault | None,
    host_words: str,
) -> Move:
    """Replace a move, close this attempt and so free the slots."""
    if after.state.holds_slots or not before.state.holds_slots:
        raise IllegalTransition(f"An attempt does not end by going from {before.state} to {after.state}.")
    _note(connection, _NOTE, owner, attempt, {"ended_at": at, "fault": fault, "host_words": host_words})
    return moves.replaced(connection, before, after, happened)


def _open_around(connection: Connection, move: Move, *, is_everywhere: bool) -> tuple[Attempt, ...]:
    """Read the open attempts that concern a move: of its VM, and on its hosts, or on all where it is on links."""
    if is_everywhere:
        return listed(connection, open_only=True)
    hosts = (move.source, move.destination)
    concerns = or_(attempts.c.vm_id == move.vm_id, attempts.c.source.in_(hosts), attempts.c.destination.in_(hosts))
    query = select(*rows.ATTEMPT).where(_is_open, concerns).order_by(attempts.c.id)
    return tuple(rows.readable(rows.attempt_of, connection.execute(query)))


def _unwanted(connection: Connection, cache: PlanCache, move: Move, at: datetime, frozen_until: datetime | None) -> str:
    """Say which order of people forbids this start, as written down at this moment."""
    job = jobs.read(connection, cache, move.job_id)
    return withdrawn(job, move, stopped_by=switches.read(connection, STOP), frozen_until=frozen_until, now=at)


def _note(connection: Connection, change: Update, owner: str, attempt: Attempt, values: rows.Values) -> None:
    known = {"known_id": attempt.id, "known_owner": owner}
    if connection.execute(change, values | known).rowcount != 1:
        raise _closed(attempt)


def _closed(attempt: Attempt) -> AttemptClosed:
    return AttemptClosed(f"Attempt {attempt.number} of move {attempt.move_id} is over, or followed by another process.")
