"""Builds what people see of a job and of a host: the store's rows, the board's percents, and an estimate."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.domain import eta
from core.domain.fleet import HostName
from core.domain.forecast import Weather, forecast
from core.domain.freeze import Calendar
from core.domain.job import Attempt, Job, JobState, Move, MoveState
from core.domain.slots import SlotKind, loads, used
from core.domain.view import HostView, JobView, MoveView
from core.engine.board import Board
from core.ports import Store


async def view_job(
    store: Store,
    board: Board,
    job: Job,
    now: datetime,
    *,
    stopped_by: str,
    assumed_bytes_per_s: float,
    calendar: Calendar,
) -> JobView:
    """Build a job's view."""
    moves = await store.moves(job.id)
    attempts = {a.move_id: a for a in await store.attempts(open_only=True)}
    speeds = eta.Speeds(await store.speeds(), assumed_bytes_per_s)
    rows, works, place = [], list[eta.Work](), 0
    for move in moves:
        percent = board.percents.get(move.vm_id) if move.state.holds_slots else None
        if move.state is MoveState.QUEUED:
            place += 1
        work = _work(move, attempts.get(move.id), percent, speeds, now)
        if work is not None:
            works.append(work)
        ends = now + timedelta(seconds=work.seconds) if work is not None and work.is_running else None
        rows.append(MoveView(move, percent, place if move.state is MoveState.QUEUED else None, ends))
    if job.state is not JobState.RUNNING or not works:
        return JobView(job, tuple(rows), now, stopped_by=stopped_by)
    options = job.plan.options
    halted = "all starts are stopped" if stopped_by else f"{job.id} is paused" if job.paused_by else ""
    windows = None if options.override else calendar
    expected = forecast(works, Weather(now, board.snapshots, windows, options.start_at, halted))
    return JobView(job, tuple(rows), now, expected.eta, expected.why_none, expected.soonest, stopped_by)


def view_hosts(hosts: Sequence[HostName], board: Board, reservations: Sequence[Attempt]) -> list[HostView]:
    """Build every host's view, as last seen."""
    return [_view_host(host, board, reservations) for host in hosts]


def _view_host(host: HostName, board: Board, reservations: Sequence[Attempt]) -> HostView:
    snapshot, trouble = board.snapshots.get(host), board.troubles.get(host)
    if snapshot is None:
        text = trouble.text if trouble else "not looked at yet"
        return HostView(host, is_reachable=False, since=trouble.since if trouble else None, trouble=text)
    ours = [attempt for attempt in reservations if host in {attempt.source, attempt.destination}]
    counts = {load.kind: (used(load, ours), load.limit) for load in loads(snapshot)}
    return HostView(
        host,
        is_reachable=trouble is None,
        since=trouble.since if trouble else snapshot.taken_at,
        trouble=trouble.text if trouble else "",
        live_used=counts[SlotKind.LIVE][0],
        live_limit=snapshot.facts.live_limit,
        storage_used=counts[SlotKind.STORAGE][0],
        storage_limit=snapshot.facts.storage_limit,
        ours=len(ours),
        vms=len(snapshot.vms),
        is_migration_enabled=snapshot.facts.is_migration_enabled,
    )


def _work(
    move: Move, attempt: Attempt | None, percent: int | None, speeds: eta.Speeds, now: datetime
) -> eta.Work | None:
    if move.state.is_end or move.state is MoveState.CLEANING:
        return None
    whole = eta.seconds(move.size_bytes, move.source, move.destination, speeds)
    if attempt is None:
        return eta.Work(move.source, move.destination, whole)
    elapsed = (now - attempt.started_at).total_seconds()
    left = elapsed * (100 - percent) / percent if percent else max(0.0, whole - elapsed)
    return eta.Work(move.source, move.destination, left, is_running=True)
