"""Decides who is told of a stop of all starts, and what a restart says of the moves it finds under way."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from core.domain.model import event_data
from core.domain.model.events import Event, Tone, event
from core.domain.model.job import Job, JobId
from core.domain.model.move import Move, MoveState


def adoptions(moves: Sequence[Move], at: datetime) -> list[Event]:
    """Note in which state each move was found; the first of each job that was moving tells of all of them.

    Of one found starting people have heard nothing yet: it is told as usual once a host shows that it moves.
    """
    told: dict[JobId, list[str]] = {}
    for move in moves:
        if move.state is not MoveState.STARTING:
            told.setdefault(move.job_id, []).append(move.vm_name)
    found = []
    for move in moves:
        names = told.pop(move.job_id, []) if move.state is not MoveState.STARTING else []
        data = event_data.Adopted(state=move.state, vms=tuple(names), follows=not names)
        found.append(event(data, at, move=move))
    return found


def alarm(
    data: event_data.Stopped | event_data.Resumed, at: datetime, by: str, jobs: Iterable[Job]
) -> tuple[Event, ...]:
    """Return what is recorded of the big red stop, pressed or let go: the act, and what each running job is told.

    In each channel the oldest job's line is seen by the whole channel, the others only in their cards' threads.
    """
    told, channels = [event(data, at, actor=by)], set[str]()
    for job in sorted(jobs, key=lambda job: (job.created_at, len(job.id), job.id)):
        channel = job.card.channel if job.card else job.channel
        tone = Tone.LINE if channel in channels else Tone.BROADCAST
        channels.add(channel)
        told.append(replace(event(data, at, job=job, actor=by), tone=tone))
    return tuple(told)
