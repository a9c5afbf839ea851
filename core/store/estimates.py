"""Reads what was estimated of the newest jobs when they were approved, and how long they took."""

from datetime import datetime

from sqlalchemy import Connection, select

from core.domain.model.event_data import Approved, EventKind
from core.domain.model.event_json import from_json
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveState
from core.domain.reporting.estimates import JOBS, Estimated
from core.store.tables import attempts, events, jobs, moves

_HELD_UP = (EventKind.PAUSED, EventKind.STOPPED, EventKind.CANCEL_ASKED, EventKind.REPLANNED)
"""What people or a lost host did to a job meanwhile: of such a job no estimate speaks."""
LARGEST = 300
"""Moves of a job with more of them are not compared one by one."""

Pairs = tuple[Estimated, ...]


def read(connection: Connection, until: datetime | None = None) -> tuple[Pairs, Pairs]:
    """Read the estimates of the newest jobs that ended well, before ``until``: of whole jobs, and of their moves."""
    query = select(jobs.c.id, jobs.c.decided_at, jobs.c.finished_at).where(jobs.c.state == JobState.FINISHED)
    if until is not None:
        query = query.where(jobs.c.finished_at < until)
    ended = {row.id: row for row in connection.execute(query.order_by(jobs.c.id.desc()).limit(JOBS))}
    told, took = _told(connection, list(ended)), _took(connection, list(ended))
    whole, each = list[Estimated](), list[Estimated]()
    for job_id, row in ended.items():
        approved, seconds = told.get(job_id), took.get(job_id)
        if approved is None or not seconds or None in seconds:
            continue
        whole.append(Estimated(approved.expected_s, (row.finished_at - row.decided_at).total_seconds()))
        if len(seconds) == len(approved.moves_s) <= LARGEST:
            each += [Estimated(float(e), s) for e, s in zip(approved.moves_s, seconds, strict=True) if s is not None]
    return tuple(whole), tuple(each)


def _told(connection: Connection, ids: list[JobId]) -> dict[JobId, Approved]:
    """Return what was estimated of each job; nothing of one that was held up."""
    query = select(events.c.job_id, events.c.kind, events.c.data).where(
        events.c.job_id.in_(ids), events.c.kind.in_((EventKind.APPROVED, *_HELD_UP))
    )
    found, held_up = dict[JobId, Approved](), set[JobId]()
    for job_id, kind, data in connection.execute(query):
        approved = from_json(kind, data if isinstance(data, dict) else {})
        if isinstance(approved, Approved):
            found[job_id] = approved
        else:
            held_up.add(job_id)
    return {job_id: approved for job_id, approved in found.items() if approved.expected_s and job_id not in held_up}


def _took(connection: Connection, ids: list[JobId]) -> dict[JobId, list[float | None]]:
    """Return how long each move of each job took, in the plan's order; None of one that the bot did not get done."""
    query = (
        select(moves.c.job_id, moves.c.state, attempts.c.started_at, attempts.c.ended_at)
        .outerjoin(attempts, (attempts.c.move_id == moves.c.id) & attempts.c.fault.is_(None))
        .where(moves.c.job_id.in_(ids))
        .order_by(moves.c.id)
    )
    found: dict[JobId, list[float | None]] = {}
    for job_id, state, begins, ends in connection.execute(query):
        is_done = state is MoveState.DONE and begins is not None and ends is not None
        found.setdefault(job_id, []).append((ends - begins).total_seconds() if is_done else None)
    return found
