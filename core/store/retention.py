"""Puts away what ended long ago, line by line into a file, and then removes it from the database.

It goes in slices, each a transaction of its own, so that a job of thousands holds nothing up. Whoever dies in between
begins anew with what is left: a line may then stand in the file twice, and none is missing.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Integer, Table, delete, exists, func, literal_column, make_url, select, type_coerce
from sqlalchemy.exc import ArgumentError

from core.domain.model.job import JobId, JobState
from core.store.ownership import belongs_to_the_folder
from core.store.tables import attempts, events, jobs, moves, outbox, plans

SLICE = 100
"""So many rows are read, or removed, in one transaction: each is a few milliseconds of the loop, at load too."""

Line = dict[str, Any]
"""A row and the name of its table; a plan of thousands of VMs is one of them, and takes long to write as JSON."""

# In this order they are removed: what names another row goes before it.
_OF_A_JOB: tuple[Table, ...] = (outbox, events, attempts, moves, jobs, plans)
_OVER = tuple(state for state in JobState if state.is_end)


def file_beside(url: str) -> Path | None:
    """Return where history goes if nobody says: beside the database's own file; None: it has none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    file = Path(parsed.database)
    return file.with_name(f"{file.stem}-history.jsonl")


def old_jobs(connection: Connection, ended_before: datetime, limit: int) -> tuple[JobId, ...]:
    """Return the oldest jobs that ended before then, were told to their end, and have nothing left to clean up."""
    waits_to_be_said = exists().where(outbox.c.job_id == jobs.c.id, outbox.c.outcome.is_(None))
    waits_for_a_host = exists().where(moves.c.job_id == jobs.c.id, moves.c.tidy_at.is_not(None))
    ended_at = func.coalesce(jobs.c.finished_at, jobs.c.decided_at, jobs.c.created_at)
    query = (
        select(jobs.c.id)
        .where(jobs.c.state.in_(_OVER), ended_at < ended_before, ~waits_to_be_said, ~waits_for_a_host)
        .order_by(jobs.c.id)
        .limit(limit)
    )
    return tuple(connection.execute(query).scalars())


def newest_event_at(connection: Connection) -> datetime | None:
    """Return when the newest thing happened that is written down."""
    query = select(events.c.at).order_by(events.c.id.desc()).limit(1)
    found: datetime | None = connection.execute(query).scalar()
    return found


def rows_of(connection: Connection, table: Table, job_id: JobId, after: int) -> tuple[list[Line], int]:
    """Return the next rows of a job in a table as they are stored, and the key of the last."""
    key = _key(table)
    # As the database has them: reading a plan of thousands of moves into objects, to write it again, takes seconds.
    columns: list[Any] = [literal_column(f"{table.name}.{column.name}").label(column.name) for column in table.columns]
    query = select(*columns).where(_is_of(table, job_id), key > after).order_by(key).limit(SLICE).select_from(table)
    found = connection.execute(query).mappings().all()
    return [{"table": table.name, **row} for row in found], found[-1][key.name] if found else after


def remove_slice(connection: Connection, table: Table, job_id: JobId) -> bool:
    """Remove some rows of a job from a table. Returns whether there may be more."""
    key = _key(table)
    chosen = select(key).where(_is_of(table, job_id)).limit(SLICE)
    return connection.execute(delete(table).where(key.in_(chosen))).rowcount == SLICE


def remove_job(connection: Connection, job_id: JobId) -> None:
    """Remove a job of which nothing but itself is left, and its plan."""
    plan_id = connection.execute(delete(jobs).where(jobs.c.id == job_id).returning(jobs.c.plan_id)).scalar()
    if plan_id is not None and not connection.execute(select(exists().where(jobs.c.plan_id == plan_id))).scalar():
        connection.execute(delete(plans).where(plans.c.id == plan_id))


PARTS = _OF_A_JOB[:4]
"""The tables of which a job has many rows, in the order in which they are removed."""
ALL = tuple(reversed(_OF_A_JOB))
"""Every table that holds something of a job, in the order in which it is put away."""


def append(file: Path, lines: Sequence[Line]) -> None:
    """Put rows away for good, each a line of JSON: when this returns, the disk has them. Made for a thread."""
    with file.open("a", encoding="utf-8") as out:
        out.writelines(f"{json.dumps(line, ensure_ascii=False, default=str)}\n" for line in lines)
        out.flush()
        os.fsync(out.fileno())
    belongs_to_the_folder(file)


def _key(table: Table) -> Any:
    key: Any = table.c.event_id if table is outbox else table.c.id
    return type_coerce(key, Integer).label(key.name)


def _is_of(table: Table, job_id: JobId) -> Any:
    if table is attempts:
        return table.c.move_id.in_(select(moves.c.id).where(moves.c.job_id == job_id))
    if table is plans:
        return table.c.id.in_(select(jobs.c.plan_id).where(jobs.c.id == job_id))
    return table.c.id == job_id if table is jobs else table.c.job_id == job_id
