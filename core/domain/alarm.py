"""Who is told when everything is stopped, or may start again: every running job, and each channel once."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core.domain.job import Event, EventKind, Job, Tone, event


def alarm(kind: EventKind, at: datetime, by: str, jobs: Iterable[Job]) -> tuple[Event, ...]:
    """Return what is recorded of the big red stop, pressed or let go: the act, and what each running job is told.

    In each channel the oldest job's line is seen by the whole channel, the others only in their cards' threads.
    """
    told, channels = [event(kind, at, actor=by)], set[str]()
    for job in sorted(jobs, key=lambda job: (job.created_at, len(job.id), job.id)):
        channel = job.card.channel if job.card else job.channel
        tone = Tone.LINE if channel in channels else Tone.BROADCAST
        channels.add(channel)
        told.append(replace(event(kind, at, job=job, actor=by), tone=tone))
    return tuple(told)
