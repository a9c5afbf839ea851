"""Keeps cards up to date as their jobs change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from core.backoff import delay_s
from core.domain.model.job import Job, JobId
from core.domain.model.views import JobView
from core.domain.reporting.redelivery import BACKOFF, SLOW_BACKOFF
from core.errors import MigrateBotError, NotifierBusy, NotifierRefused
from core.ports import Clock, Notifier, Store
from core.tasks import TaskSet, is_asked_to_end

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Between two views of one card: each of hundreds of moves that begin is a change; a view of thousands is costly."""
PATIENCE = timedelta(days=1)
"""How long after the end of a job its card is tried again and again, when Slack refuses the edit."""


class Cards:
    """The cards of all jobs: one writer per card, many changes one edit."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        view: Callable[[JobId], Awaitable[JobView]],
        *,
        tick_s: float,
        shown: Callable[[], None],
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._view = view
        self._tick_s = tick_s
        self._note_shown = shown
        self._dirty: set[JobId] = set()
        self._moving: set[JobId] = set()
        self._being_written: set[JobId] = set()
        self._writers = TaskSet()

    def wake(self, job_id: JobId) -> None:
        """Bring a card up to date: its job changed."""
        self._dirty.add(job_id)
        if job_id not in self._being_written:
            self._being_written.add(job_id)
            self._writers.start(self._write(job_id), f"card {job_id}")

    async def resume(self) -> None:
        """Bring every card up to date that an earlier process may have left behind."""
        for job_id in await self._store.jobs_with_open_cards():
            self.wake(job_id)

    def follow(self, jobs: set[JobId]) -> None:
        """Note which jobs have moves under way: their percents and estimates change without an event."""
        self._moving = jobs

    async def turn(self) -> float:
        """Wake the cards of jobs with moves under way."""
        for job_id in self._moving:
            self.wake(job_id)
        return self._tick_s

    async def stop(self) -> None:
        """Write no more cards."""
        await self._writers.cancel()

    async def _write(self, job_id: JobId) -> None:
        failures = 0
        try:
            while job_id in self._dirty:
                self._dirty.discard(job_id)
                try:
                    if not await self._show(job_id):
                        continue  # not posted yet: posting wakes it again, or has done so meanwhile
                    failures = 0
                    await self._clock.sleep(PAUSE_S)
                except MigrateBotError as error:
                    failures += 1
                    await self._wait(job_id, error, failures)
                except (Exception, asyncio.CancelledError) as error:
                    if is_asked_to_end():
                        raise
                    # A bug in what one view shows; the next view may be fine, and the last one must stand.
                    log.exception("the card of %s broke", job_id)
                    failures += 1
                    await self._wait(job_id, error, failures)
        finally:
            self._being_written.discard(job_id)

    async def _show(self, job_id: JobId) -> bool:
        view = await self._view(job_id)
        if view.job.card is None:
            return False
        try:
            moved = await self._notifier.show(view)
        except NotifierRefused as error:
            if not _is_old(view.job, self._clock.now()):
                raise
            log.warning("the card of %s stays as it is: %s", job_id, error.message)
            return True
        self._note_shown()
        if moved is not None:
            await self._store.set_card(job_id, moved)
        if view.is_over:
            await self._store.set_card_final(job_id)
        return True

    async def _wait(self, job_id: JobId, error: BaseException, failures: int) -> None:
        """Wait before the next try: what a card shows last must be the truth, so it is tried until it stands."""
        log.warning("the card of %s waits: %s", job_id, error)
        self._dirty.add(job_id)
        is_slow = not isinstance(error, MigrateBotError) or isinstance(error, NotifierRefused)
        wished_s = error.retry_after_s if isinstance(error, NotifierBusy) else None
        wait_s = delay_s(SLOW_BACKOFF if is_slow else BACKOFF, failures)
        await self._clock.sleep(wait_s if wished_s is None else wished_s)


def _is_old(job: Job, now: datetime) -> bool:
    return job.finished_at is not None and now - job.finished_at > PATIENCE
