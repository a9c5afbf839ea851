"""Builds what people see of a job and of a host: the store's rows, the board's percents, and an estimate."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.domain import eta
from core.domain.fleet import HostName
from core.domain.job import Attempt, Job, JobState, Move, MoveState
from core.domain.slots import SlotKind, loads, used
from core.domain.view import Eta, HostView, JobView, MoveView
from core.engine.board import Board
from core.ports import Store

CAREFUL = 1.5
"""The careful end of an estimate, over the likely one."""


async def view_job(
    store: Store, board: Board, job: Job, now: datetime, *, stopped_by: str, assumed_bytes_per_s: float
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
    is_under_way = any(work.is_running for work in works)
    is_held = bool(stopped_by or job.paused_by) and not is_under_way
    estimate = None
    if job.state is JobState.RUNNING and works and not is_held:
        begins = max(now, job.plan.options.start_at or now)
        estimate = _eta(works, board, now if is_under_way else begins)
    return JobView(job, tuple(rows), now, estimate, stopped_by)


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


def _eta(works: Sequence[eta.Work], board: Board, now: datetime) -> Eta:
    slots = {
        host: max(1, min(snapshot.facts.live_limit, snapshot.facts.storage_limit))
        for host, snapshot in board.snapshots.items()
    }
    likely = eta.makespan(works, slots)
    soonest = min(likely, eta.lower_bound(works, slots))
    return Eta(*(now + timedelta(seconds=s) for s in (soonest, likely, likely * CAREFUL)))
