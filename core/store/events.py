"""Keeps what happened, and puts what people must hear into the outbox, in the transaction that made it happen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert, select

from core.domain.model.events import Event, Recorded
from core.domain.model.job import JobId
from core.domain.model.move import Move, MoveId
from core.errors import StoreError
from core.store import rows
from core.store.column_types import job_number
from core.store.tables import events, moves, outbox

# The ids come in the order of the events: people hear them in the order in which they were given.
_INSERT = insert(events).returning(events.c.id, sort_by_parameter_order=True)


RECORDED = "recorded"
"""Where a connection keeps what its transaction has stored of events, for who hears of them once it is committed."""


def add(
    connection: Connection, happened: Iterable[Event], job_id: JobId | None = None, *, of: Iterable[Move] = ()
) -> None:
    """Store events; those that name no job belong to ``job_id``. ``of``: moves as they are stored with them.

    Raises:
        StoreError: an event is to be told but belongs to no job, so that there is no card to tell it at.

    """
    known = [one if one.job_id is not None or job_id is None else replace(one, job_id=job_id) for one in happened]
    if not known:
        return
    untold = next((one for one in known if one.tone is not None and one.job_id is None), None)
    if untold is not None:
        raise StoreError(f"An event that is told needs a job: {untold.kind}.")
    ids = connection.execute(_INSERT, [rows.event_values(one) for one in known]).scalars().all()
    _keep_in_mind(connection, [replace(one, id=event_id) for event_id, one in zip(ids, known, strict=True)], of)
    to_tell = [
        {"event_id": event_id, "job_id": one.job_id, "tries": 0, "claimed_by": "", "error": ""}
        for event_id, one in zip(ids, known, strict=True)
        if one.tone is not None
    ]
    if to_tell:
        connection.execute(insert(outbox), to_tell)


def _keep_in_mind(connection: Connection, stored: Sequence[Event], of: Iterable[Move]) -> None:
    kept: list[Recorded] | None = connection.info.get(RECORDED)
    if kept is None:
        return
    known = {move.id: move for move in of}
    unknown = {one.move_id for one in stored if one.move_id is not None} - set(known)
    known |= _moves(connection, unknown) if unknown else {}
    kept += [Recorded(event=one, move=known.get(one.move_id) if one.move_id else None) for one in stored]


def _moves(connection: Connection, ids: Iterable[MoveId]) -> Mapping[MoveId, Move]:
    query = select(*rows.MOVE).where(moves.c.id.in_(ids))
    return {move.id: move for move in rows.readable(rows.move_of, connection.execute(query))}


def of_job(connection: Connection, job_id: JobId, after: int = 0) -> tuple[Event, ...]:
    """Read everything that happened to a job, or after the event of this id, oldest first."""
    job_number(job_id)
    query = select(*rows.EVENT).where(events.c.job_id == job_id, events.c.id > after).order_by(events.c.id)
    return tuple(rows.readable(rows.event_of, connection.execute(query)))
