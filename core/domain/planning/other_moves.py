"""Estimates the work that others have given the hosts: moves of other jobs, running or waiting, and those of people."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from core.domain.model.inventory import HostJob, HostName, Snapshot, VmId, same_host
from core.domain.model.move import Attempt, HoldCode, Move, MoveState
from core.domain.planning.speeds import Speeds, seconds
from core.domain.planning.work import Work

_AT_LEAST_S = 60.0
"""What is left of somebody's migration that shows no progress yet, at the least."""

_TAKES_TURNS = {HoldCode.SLOT, HoldCode.LINK, HoldCode.LAST}
"""Who waits for anything else does not stand before others: a time, a person, an end within its own job."""


def in_the_way(moves: Iterable[Move]) -> list[Move]:
    """Return those of other jobs' moves that run, or wait for nothing but room: they go before later ones."""
    return [
        move
        for move in moves
        if move.state.holds_slots
        or (move.state is MoveState.QUEUED and (move.hold is None or move.hold.code in _TAKES_TURNS))
    ]


def other_moves(
    moves: Iterable[Move],
    attempts: Iterable[Attempt],
    snapshots: Mapping[HostName, Snapshot],
    speeds: Speeds,
    now: datetime,
    *,
    percents: Mapping[VmId, int] | None = None,
) -> list[Work]:
    """Return what the hosts have to do besides: ``moves`` are the open ones of the bot's other jobs.

    ``percents``: how far VMs are that move.
    """
    moves = tuple(moves)
    running = [attempt for attempt in attempts if attempt.ended_at is None]
    started = {attempt.move_id: attempt.started_at for attempt in running}
    numbers = Counter(place for one in running for place in speeds.places(one.source, one.destination))
    works = []
    for move in moves:
        whole = seconds(move.size_bytes, move.source, move.destination, speeds)
        began = started.get(move.id)
        left = whole
        if began is not None:
            share = speeds.share(move.source, move.destination, numbers)
            left = share * _left(whole / share, now - began, (percents or {}).get(move.vm_id, 0))
        works.append(Work(move.source, move.destination, left, is_running=began is not None, is_other=True))
    ours = {move.vm_id for move in moves}
    return [*works, *_foreign(ours, snapshots, now)]


def _foreign(ours: Collection[VmId], snapshots: Mapping[HostName, Snapshot], now: datetime) -> Iterable[Work]:
    """Return the migrations of somebody else: one that both of its hosts show is one."""
    found: dict[tuple[VmId, HostName], Work] = {}
    for host, snapshot in snapshots.items():
        for job in snapshot.jobs:
            if not job.is_running or job.vm_id in ours:
                continue
            elsewhere = HostName(f"elsewhere, for {job.vm_id}")
            goes_to = _named(job.destination, tuple(snapshots)) if job.destination else elsewhere
            source = host if host != goes_to else elsewhere
            key = job.vm_id, goes_to if job.destination else host
            if key not in found or source == host:
                found[key] = Work(source, goes_to, _left_of(job, now), is_running=True, is_other=True)
    return found.values()


def _named(destination: str, hosts: Sequence[HostName]) -> HostName:
    return next((host for host in hosts if same_host(host, destination)), HostName(destination))


def _left(whole_s: float, ran: timedelta, percent: int) -> float:
    """Return the seconds that are left of a move: by how far it is, else by how long it should take."""
    ran_s = ran.total_seconds()
    return ran_s * (100 - percent) / percent if percent else max(0.0, whole_s - ran_s)


def _left_of(job: HostJob, now: datetime) -> float:
    ran = now - job.started_at if job.started_at else timedelta()
    return max(_AT_LEAST_S, _left(2 * ran.total_seconds(), ran, job.percent))
