"""Keeps what happened, and puts what people must hear into the outbox, in the transaction that made it happen."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, insert, select

from core.domain.model.events import Event
from core.domain.model.job import JobId
from core.errors import StoreError
from core.store import rows
from core.store.column_types import job_number
from core.store.tables import events, outbox


def add(connection: Connection, happened: Iterable[Event], job_id: JobId | None = None) -> None:
    """Store events; those that name no job belong to ``job_id``.

    Raises:
        StoreError: an event is to be told but belongs to no job, so that there is no card to tell it at.

    """
    for event in happened:
        known = event if event.job_id is not None or job_id is None else replace(event, job_id=job_id)
        event_id = rows.add(connection, events, rows.event_values(known))
        if known.tone is None:
            continue
        if known.job_id is None:
            raise StoreError(f"An event that is told needs a job: {known.kind}.")
        connection.execute(
            insert(outbox), {"event_id": event_id, "job_id": known.job_id, "tries": 0, "claimed_by": "", "error": ""}
        )


def of_job(connection: Connection, job_id: JobId) -> tuple[Event, ...]:
    """Read everything that happened to a job, oldest first."""
    job_number(job_id)
    query = select(*rows.EVENT).where(events.c.job_id == job_id).order_by(events.c.id)
    return tuple(rows.readable(rows.event_of, connection.execute(query)))
