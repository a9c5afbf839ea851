"""Estimates the work that others have given the hosts: moves of other jobs, running or waiting, and those of people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.domain.model.inventory import HostJob, HostName, Snapshot, same_host
from core.domain.model.move import Attempt, Move
from core.domain.planning.speeds import Speeds, seconds
from core.domain.planning.work import Work

_AT_LEAST_S = 60.0
"""What is left of somebody's migration that shows no progress yet, at the least."""


def other_moves(
    moves: Iterable[Move],
    attempts: Iterable[Attempt],
    snapshots: Mapping[HostName, Snapshot],
    speeds: Speeds,
    now: datetime,
) -> list[Work]:
    """Return what the hosts have to do besides: ``moves`` are the open ones of the bot's other jobs."""
    moves = tuple(moves)
    started = {attempt.move_id: attempt.started_at for attempt in attempts if attempt.ended_at is None}
    works = []
    for move in moves:
        whole = seconds(move.size_bytes, move.source, move.destination, speeds)
        began = started.get(move.id)
        left = whole if began is None else max(0.0, whole - (now - began).total_seconds())
        works.append(Work(move.source, move.destination, left, is_running=began is not None))
    ours = {move.vm_id for move in moves}
    for host, snapshot in snapshots.items():
        foreign = [job for job in snapshot.jobs if job.is_running and job.vm_id not in ours]
        works += [
            Work(host, _named(job.destination, tuple(snapshots)), _left(job, now), is_running=True) for job in foreign
        ]
    return works


def _named(destination: str, hosts: Sequence[HostName]) -> HostName:
    return next((host for host in hosts if same_host(host, destination)), HostName(destination))


def _left(job: HostJob, now: datetime) -> float:
    ran = (now - job.started_at).total_seconds() if job.started_at else 0.0
    return max(_AT_LEAST_S, ran * (100 - job.percent) / job.percent if job.percent else ran)
