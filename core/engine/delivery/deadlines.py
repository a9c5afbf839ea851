"""Warns, once, as soon as a job can no longer be over by the time its plan names."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.views import JobView
from core.engine.recorder import TransitionRecorder
from core.errors import Outdated, StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

EVERY_S = 60.0


class DeadlineWarner:
    """The loop that compares each running job's lower bound with the time in its plan."""

    def __init__(self, recorder: TransitionRecorder, clock: Clock, view: Callable[[JobId], Awaitable[JobView]]) -> None:
        self._recorder = recorder
        self._clock = clock
        self._view = view

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            await self._clock.sleep(EVERY_S)
            try:
                for job in await self._recorder.store.jobs(JobState.RUNNING, limit=10_000):
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
            event_data.Late(until=until, soonest=view.soonest, why=view.why_no_eta),
            view.at,
            job=job,
        )
        await self._recorder.store.change_job(job, replace(job, is_late_told=True), late)
        self._recorder.changed(job.id)
