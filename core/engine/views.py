"""Builds what people see of a job and of a host: the store's rows, the board's percents, and an estimate. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain import eta
from core.domain.fleet import HostName, Snapshot, VmId
from core.domain.forecast import Forecast, Weather, forecast
from core.domain.freeze import Calendar
from core.domain.job import Attempt, Job, JobState, Move, MoveId, MoveState
from core.domain.slots import SlotKind, loads, used
from core.domain.view import HostView, JobView, MoveView
from core.engine.board import Board


@dataclass(frozen=True, slots=True)
class Known:
    """What a job's view is made of besides the job and its moves: nothing of it changes while a view is built."""

    attempts: Mapping[MoveId, Attempt]
    """The open ones."""
    percents: Mapping[VmId, int]
    speeds: eta.Speeds
    snapshots: Mapping[HostName, Snapshot]
    calendar: Calendar
    stopped_by: str
    max_parallel: int = 0
    """How many moves of one job may run at once when its plan does not say; 0: as many as the hosts allow."""


def view_job(job: Job, moves: Sequence[Move], known: Known, now: datetime, expected: Forecast | None) -> JobView:
    """Build a job's view. ``expected``: what ``expect`` says, None when nothing is left to do."""
    rows, place = [], 0
    for move in moves:
        if move.state is MoveState.QUEUED:
            place += 1
            rows.append(MoveView(move, place=place))
            continue
        percent = known.percents.get(move.vm_id) if move.state.holds_slots else None
        attempt = known.attempts.get(move.id)
        ends = now + timedelta(seconds=_left_s(move, attempt, known, now)) if attempt and _is_to_do(move) else None
        rows.append(MoveView(move, percent, None, ends))
    if expected is None:
        return JobView(job, tuple(rows), now, stopped_by=known.stopped_by)
    return JobView(
        job, tuple(rows), now, expected.eta, expected.why_none, expected.soonest, stopped_by=known.stopped_by
    )


def open_moves(job: Job, moves: Sequence[Move]) -> tuple[Move, ...]:
    """Return what a running job has still to do; nothing of another job."""
    return tuple(move for move in moves if _is_to_do(move)) if job.state is JobState.RUNNING else ()


def halted(job: Job, known: Known) -> str:
    """Say which order of people keeps a job from starting anything; empty when none does."""
    if known.stopped_by:
        return "all starts are stopped"
    return f"{job.id} is paused" if job.paused_by else ""


def expect(job: Job, to_do: Sequence[Move], known: Known, now: datetime) -> Forecast:
    """Estimate when a job ends. For thousands of moves that takes a tenth of a second."""
    options = job.plan.options
    calendar = None if options.override else known.calendar
    works = [_work(move, known, now) for move in to_do]
    at_once = options.parallel or known.max_parallel
    return forecast(works, Weather(now, known.snapshots, calendar, options.start_at, halted(job, known), at_once))


def view_hosts(hosts: Sequence[HostName], board: Board, reservations: Sequence[Attempt]) -> list[HostView]:
    """Build every host's view, as last seen."""
    return [_view_host(host, board, reservations) for host in hosts]


def _view_host(host: HostName, board: Board, reservations: Sequence[Attempt]) -> HostView:
    snapshot, trouble = board.snapshots.get(host), board.troubles.get(host)
    if snapshot is None:
        text = trouble.text if trouble else "not looked at yet"
        since = trouble.since if trouble else None
        return HostView(host, is_reachable=False, since=since, trouble=text, standing=board.standing(host))
    ours = [attempt for attempt in reservations if host in {attempt.source, attempt.destination}]
    counts = {load.kind: (used(load, ours), load.limit) for load in loads(snapshot)}
    return HostView(
        host,
        is_reachable=trouble is None,
        since=trouble.since if trouble else snapshot.taken_at,
        trouble=trouble.text if trouble else "",
        standing=board.standing(host),
        live_used=counts[SlotKind.LIVE][0],
        live_limit=snapshot.facts.live_limit,
        storage_used=counts[SlotKind.STORAGE][0],
        storage_limit=snapshot.facts.storage_limit,
        ours=len(ours),
        vms=len(snapshot.vms),
        is_migration_enabled=snapshot.facts.is_migration_enabled,
    )


def _is_to_do(move: Move) -> bool:
    return not move.state.is_end and move.state is not MoveState.CLEANING


def _work(move: Move, known: Known, now: datetime) -> eta.Work:
    attempt = known.attempts.get(move.id)
    if attempt is not None:
        return eta.Work(move.source, move.destination, _left_s(move, attempt, known, now), is_running=True)
    seconds = eta.seconds(move.size_bytes, move.source, move.destination, known.speeds)
    return eta.Work(move.source, move.destination, seconds)


def _left_s(move: Move, attempt: Attempt, known: Known, now: datetime) -> float:
    elapsed = (now - attempt.started_at).total_seconds()
    percent = known.percents.get(move.vm_id) if move.state.holds_slots else None
    if percent:
        return elapsed * (100 - percent) / percent
    return max(0.0, eta.seconds(move.size_bytes, move.source, move.destination, known.speeds) - elapsed)
