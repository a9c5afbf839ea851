"""Reads and changes jobs. A job is compared by its version and replaced; its card is set beside that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Connection, false, func, or_, select, update

from core.domain.model.events import Event
from core.domain.model.job import Card, Job, JobId, JobState, transit_job
from core.domain.model.move import Move
from core.domain.model.plan import Plan
from core.errors import Outdated, UnknownJob
from core.store import events, moves, rows
from core.store.column_types import job_number
from core.store.tables import jobs, plans


class PlanCache:
    """A cache of plans. A stored plan never changes, and one of ten thousand moves takes a while to read."""

    def __init__(self, size: int = 128) -> None:
        self._plans: LRUCache[int, Plan] = LRUCache(size)

    def get(self, connection: Connection, ids: Collection[int]) -> dict[int, Plan]:
        """Return these plans, reading those that are not in the cache."""
        found = {plan_id: self._plans[plan_id] for plan_id in ids if plan_id in self._plans}
        missing = [plan_id for plan_id in ids if plan_id not in found]
        if missing:
            query = select(plans.c.id, plans.c.body).where(plans.c.id.in_(missing))
            read = {row.id: row.body for row in rows.in_turns(connection.execute(query), at_once=1)}
            self._plans.update(read)
            found |= read
        return found


def add(connection: Connection, job: Job, happened: Sequence[Event]) -> Job:
    """Store a new job and give it its id."""
    values = rows.job_values(job, version=1) | rows.card_values(job.card)
    values |= {"plan_id": _add_plan(connection, job.plan)}
    values |= {flag: getattr(job, flag) for flag in rows.CARD_FLAGS}
    stored = replace(job, id=rows.add(connection, jobs, values), version=1)
    events.add(connection, happened, stored.id)
    return stored


def read(connection: Connection, cache: PlanCache, job_id: JobId) -> Job:
    """Read one job.

    Raises:
        UnknownJob: there is none of that id.
        UnreadableRow: it cannot be read.

    """
    number = job_number(job_id)
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    if row is None:
        raise UnknownJob(f"There is no job J{number}.")
    return rows.job_of(row, cache.get(connection, {row["plan_id"]})[row["plan_id"]])


def listed(
    connection: Connection,
    cache: PlanCache,
    states: Sequence[JobState],
    limit: int,
    ended_since: datetime | None = None,
) -> tuple[Job, ...]:
    """Read jobs in these states (none given: all), newest first; one that cannot be read is left out."""
    query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if states:
        query = query.where(jobs.c.state.in_(states))
    if ended_since is not None:
        query = query.where(or_(jobs.c.finished_at.is_(None), jobs.c.finished_at > ended_since))
    return _jobs_of(connection, cache, connection.execute(query).mappings().all())


def by_id(connection: Connection, cache: PlanCache, ids: Collection[JobId]) -> dict[JobId, Job]:
    """Read these jobs."""
    query = select(jobs).where(jobs.c.id.in_(ids)) if ids else select(jobs).where(false())
    return {job.id: job for job in _jobs_of(connection, cache, connection.execute(query).mappings().all())}


def with_open_cards(connection: Connection) -> tuple[JobId, ...]:
    """Return the jobs whose card does not show their end yet, newest first."""
    query = select(jobs.c.id).where(jobs.c.is_card_final.is_(False)).order_by(jobs.c.id.desc())
    return tuple(connection.execute(query).scalars())


def change(
    connection: Connection, before: Job, after: Job, happened: Sequence[Event], new_moves: Sequence[Move]
) -> Job:
    """Replace a job, all but its card, and add its moves.

    Raises:
        IllegalTransition: the table of states does not allow it.
        Outdated: it is not stored as ``before`` any more.

    """
    transit_job(before, after.state)
    values = rows.job_values(after, version=before.version + 1)
    if after.plan is not before.plan and after.plan != before.plan:
        values["plan_id"] = _add_plan(connection, after.plan)
    unchanged = (jobs.c.id == before.id, jobs.c.version == before.version, jobs.c.state == before.state)
    query = update(jobs).where(*unchanged).values(values)
    kept = (jobs.c[name] for name in ("id", "card_channel", "card_ts", *rows.CARD_FLAGS))
    card = connection.execute(query.returning(*kept)).mappings().one_or_none()
    if card is None:
        raise Outdated(f"{before.id} was changed by somebody else.")
    stored = replace(
        after,
        id=card["id"],
        version=before.version + 1,
        card=rows.card_of(card),
        **{flag: card[flag] for flag in rows.CARD_FLAGS},
    )
    moves.add(connection, stored.id, new_moves)
    events.add(connection, happened, stored.id)
    return stored


def set_card(connection: Connection, job_id: JobId, card: Card) -> None:
    """Remember where the card is, and whether it stands for an earlier one: another channel id is no other card."""
    is_again = or_(jobs.c.is_card_again, func.coalesce(jobs.c.card_ts != card.ts, false()))
    _set(connection, job_id, rows.card_values(card) | {"is_card_again": is_again})


def set_card_final(connection: Connection, job_id: JobId) -> None:
    """Remember that the card shows the job's end."""
    _set(connection, job_id, {"is_card_final": True})


def _set(connection: Connection, job_id: JobId, values: Mapping[str, Any]) -> None:
    number = job_number(job_id)
    if connection.execute(update(jobs).where(jobs.c.id == job_id).values(values)).rowcount == 0:
        raise UnknownJob(f"There is no job J{number}.")


def _add_plan(connection: Connection, plan: Plan) -> int:
    plan_id: int = rows.add(connection, plans, {"body": plan})
    return plan_id


def _jobs_of(connection: Connection, cache: PlanCache, found: Sequence[Mapping[Any, Any]]) -> tuple[Job, ...]:
    read_plans = cache.get(connection, {row["plan_id"] for row in found})
    return tuple(rows.readable(lambda row: rows.job_of(row, read_plans[row["plan_id"]]), found))
