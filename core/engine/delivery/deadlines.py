"""Warns, once, as soon as a job can no longer be over by the time its plan names."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from core.domain.model.events import EventKind, event
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.views import JobView
from core.engine.recorder import TransitionRecorder
from core.errors import Outdated, StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

EVERY_S = 60.0


class DeadlineWarner:
    """Compares each running job's lower bound with the time in its plan."""

    def __init__(self, ledger: TransitionRecorder, clock: Clock, view: Callable[[JobId], Awaitable[JobView]]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._view = view

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            await self._clock.sleep(EVERY_S)
            try:
                for job in await self._ledger.store.jobs(JobState.RUNNING, limit=10_000):
                    if job.plan.options.until is not None and not job.is_late_told:
                        await self._check(job)
            except Outdated:
                continue
            except StoreError as error:
                log.warning("deadlines wait for the database: %s", error)

    async def _check(self, job: Job) -> None:
        view = await self._view(job.id)
        until = job.plan.options.until
        if until is None or view.soonest is None or view.soonest <= until:
            return
        late = event(
            EventKind.LATE,
            view.at,
            job=job,
            until=until.isoformat(),
            soonest=view.soonest.isoformat(),
            why=view.why_no_eta,
        )
        await self._ledger.store.change_job(job, replace(job, is_late_told=True), late)
        self._ledger.changed(job.id)
