"""Warns, once, as soon as a job can no longer be over by the time its plan names."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.views import JobView
from core.engine.recorder import TransitionRecorder
from core.errors import StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

EVERY_S = 60.0


class DeadlineWarner:
    """The loop that compares each running job's lower bound with the time in its plan."""

    def __init__(self, recorder: TransitionRecorder, clock: Clock, view: Callable[[JobId], Awaitable[JobView]]) -> None:
        self._recorder = recorder
        self._clock = clock
        self._view = view

    async def turn(self) -> float:
        """Look at every running job once; what goes wrong with one is no matter of the others."""
        try:
            jobs = await self._recorder.store.jobs(JobState.RUNNING, limit=10_000)
        except StoreError as error:
            log.warning("deadlines wait for the database: %s", error)
            return EVERY_S
        for job in jobs:
            if job.plan.options.until is None or job.is_late_told:
                continue
            try:
                await self._check(job)
            except StoreError as error:
                log.info("the deadline of %s is looked at again in a minute: %s", job.id, error)
            except Exception:
                log.exception("the deadline of %s could not be looked at", job.id)
        return EVERY_S

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
