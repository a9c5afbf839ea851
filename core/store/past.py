"""Counts what happened in a length of time: the database counts, so what is read is short however much it was.

Each question is one statement; between two of them everybody else has a turn.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from core.domain.model.event_data import EventKind
from core.domain.model.events import Tone
from core.domain.model.inventory import HostName
from core.domain.model.job import JobState
from core.domain.model.move import Fault, HoldCode, MoveState
from core.domain.reporting.past import FaultTally, PairTally, Past, VmFaultTally, WaitTally
from core.store import estimates
from core.store.sql_functions import json_text, seconds_between
from core.store.tables import attempts, events, jobs, moves

_ENDS = tuple(state for state in MoveState if state.is_end)
_ENDS_OF_ATTEMPTS = (EventKind.RETRYING, EventKind.NOT_STARTED, EventKind.FAILED, EventKind.UNMIGRATABLE)
"""The events that carry the code of a failed attempt's diagnosis; written at the moment at which it ended."""
WORST = 200
"""So many reasons of VMs are read, the most frequent first."""
PAGES = 2_000
"""So many pages are looked at, the newest first."""


def read(connection: Connection, since: datetime, until: datetime) -> Past:
    """Read what ended, failed and waited from ``since`` on and before ``until``."""
    ends, first_try = _moves(connection, since, until)
    by_pair = (attempts.c.source, attempts.c.destination)
    pages, taken_s = _pages(connection, since, until)
    of_jobs, of_moves = estimates.read(connection, until)
    return Past(
        since=since,
        until=until,
        jobs=_jobs(connection, since, until),
        ends=ends,
        first_try=first_try,
        pairs=_pairs(connection, since, until),
        faults=tuple(
            FaultTally(source=HostName(a), destination=HostName(b), fault=fault, code=code or "", attempts=count)
            for a, b, fault, code, count in _faults(connection, since, until, by_pair)
            if isinstance(fault, Fault)
        ),
        vm_faults=tuple(
            VmFaultTally(vm_name=name, fault=fault, code=code or "", attempts=count)
            for name, fault, code, count in _faults(connection, since, until, (moves.c.vm_name,))
            if isinstance(fault, Fault)
        ),
        waits=_waits(connection, since, until),
        pages=pages,
        taken_s=taken_s,
        job_estimates=of_jobs,
        move_estimates=of_moves,
    )


def _jobs(connection: Connection, since: datetime, until: datetime) -> int:
    when = (jobs.c.state == JobState.FINISHED, jobs.c.finished_at >= since, jobs.c.finished_at < until)
    return connection.execute(select(func.count()).select_from(jobs).where(*when)).scalar() or 0


def _moves(connection: Connection, since: datetime, until: datetime) -> tuple[dict[MoveState, int], int]:
    """Count the moves by how they ended, and of those done by the bot how many took one attempt."""
    when = (moves.c.state.in_(_ENDS), moves.c.ended_at >= since, moves.c.ended_at < until)
    is_ours = moves.c.started_at.is_not(None).label("is_ours")
    took_one = (moves.c.attempts <= 1).label("took_one")
    query = select(moves.c.state, is_ours, took_one, func.count()).where(*when)
    query = query.group_by(moves.c.state, is_ours, took_one)
    ends, first_try = dict[MoveState, int](), 0
    for state, was_ours, took_only_one, count in connection.execute(query):
        if state is MoveState.DONE and not was_ours:
            continue  # somebody else did it
        ends[state] = ends.get(state, 0) + count
        first_try += count if state is MoveState.DONE and took_only_one else 0
    return ends, first_try


def _pairs(connection: Connection, since: datetime, until: datetime) -> tuple[PairTally, ...]:
    took = seconds_between(attempts.c.started_at, attempts.c.ended_at)
    query = (
        select(attempts.c.source, attempts.c.destination, func.count(), func.sum(moves.c.size_bytes), func.sum(took))
        .join(moves, moves.c.id == attempts.c.move_id)
        .where(moves.c.state == MoveState.DONE, attempts.c.fault.is_(None))
        .where(attempts.c.ended_at >= since, attempts.c.ended_at < until)
        .group_by(attempts.c.source, attempts.c.destination)
    )
    return tuple(
        PairTally(
            source=HostName(source),
            destination=HostName(destination),
            moves=count,
            size_bytes=int(size_bytes or 0),
            seconds=max(0.0, float(seconds or 0.0)),
        )
        for source, destination, count, size_bytes, seconds in connection.execute(query)
    )


def _faults(connection: Connection, since: datetime, until: datetime, by: tuple[Any, ...]) -> list[Any]:
    """Count failed attempts by these columns, their fault and the code of their diagnosis."""
    code, count = json_text(events.c.data, "code"), func.count(attempts.c.id.distinct())
    told = and_(
        events.c.move_id == attempts.c.move_id,
        events.c.at == attempts.c.ended_at,
        events.c.kind.in_(_ENDS_OF_ATTEMPTS),
    )
    query = (
        select(*by, attempts.c.fault, code, count)
        .select_from(attempts)
        .join(moves, moves.c.id == attempts.c.move_id)
        .outerjoin(events, told)
        .where(attempts.c.fault.is_not(None), attempts.c.ended_at >= since, attempts.c.ended_at < until)
        .group_by(*by, attempts.c.fault, code)
        .order_by(count.desc())
    )
    return list(connection.execute(query.limit(WORST) if len(by) == 1 else query))


def _waits(connection: Connection, since: datetime, until: datetime) -> tuple[WaitTally, ...]:
    """Add up, by reason, the time from each hold to what happened next to the same move."""
    next_at = func.lead(events.c.at).over(partition_by=events.c.move_id, order_by=events.c.id)
    happened = (
        select(events.c.move_id, events.c.kind, events.c.at, events.c.data, next_at.label("next_at"))
        .where(events.c.move_id.is_not(None), events.c.at >= since, events.c.at < until)
        .subquery()
    )
    code = json_text(happened.c.data, "code")
    took = seconds_between(happened.c.at, func.coalesce(happened.c.next_at, until))
    query = (
        select(code, func.count(happened.c.move_id.distinct()), func.sum(took))
        .where(happened.c.kind == EventKind.HELD)
        .group_by(code)
    )
    return tuple(
        WaitTally(code=HoldCode(found or ""), moves=count, seconds=max(0.0, float(seconds or 0.0)))
        for found, count, seconds in connection.execute(query)
    )


def _pages(connection: Connection, since: datetime, until: datetime) -> tuple[int, tuple[float, ...]]:
    """Count the pages, reminders left out, and say after how many seconds each was taken that was."""
    query = (
        select(events.c.id, events.c.at)
        .where(events.c.tone == Tone.PAGE, events.c.kind != EventKind.ESCALATED)
        .where(events.c.at >= since, events.c.at < until)
        .order_by(events.c.id.desc())
        .limit(PAGES)
    )
    asked: dict[int, datetime] = {row.id: row.at for row in connection.execute(query)}
    answers = select(json_text(events.c.data, "about", "id"), events.c.at).where(
        events.c.kind == EventKind.ACKNOWLEDGED, events.c.at >= since
    )
    taken: dict[int, float] = {}
    for about, at in connection.execute(answers):
        page = int(about or 0)
        if page in asked:
            taken.setdefault(page, max(0.0, (at - asked[page]).total_seconds()))
    return len(asked), tuple(taken.values())
