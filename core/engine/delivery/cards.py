"""Keeps cards up to date as their jobs change."""

import logging
from collections.abc import Awaitable, Callable

from core.backoff import delay_s
from core.domain.model.job import JobId
from core.domain.model.views import JobView
from core.engine.delivery.outbox import BACKOFF
from core.errors import MigrateBotError, NotifierBusy, NotifierDown, StoreError
from core.ports import Clock, Notifier, Store
from core.tasks import TaskSet

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Between two views of one card: each of hundreds of moves that begin is a change; a view of thousands is costly."""


class Cards:
    """The cards of all jobs: one writer per card, many changes one edit."""

    def __init__(
        self, store: Store, notifier: Notifier, clock: Clock, view: Callable[[JobId], Awaitable[JobView]]
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._view = view
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

    async def run(self, tick_s: float) -> None:
        """Wake the cards of jobs with moves under way, for ever."""
        try:
            while True:
                await self._clock.sleep(tick_s)
                for job_id in self._moving:
                    self.wake(job_id)
        finally:
            await self._writers.cancel()

    async def _write(self, job_id: JobId) -> None:
        failures = 0
        try:
            while job_id in self._dirty:
                self._dirty.discard(job_id)
                try:
                    view = await self._view(job_id)
                    if view.job.card is None:
                        return  # not posted yet: posting wakes it again
                    await self._notifier.show(view)
                    if view.is_over:
                        await self._store.set_card_final(job_id)
                    failures = 0
                    await self._clock.sleep(PAUSE_S)
                except (NotifierBusy, NotifierDown, StoreError) as error:
                    log.warning("the card of %s waits: %s", job_id, error.message)
                    self._dirty.add(job_id)
                    failures += 1
                    wished_s = error.retry_after_s if isinstance(error, NotifierBusy) else None
                    await self._clock.sleep(delay_s(BACKOFF, failures) if wished_s is None else wished_s)
                except MigrateBotError as error:
                    log.warning("the card of %s cannot be shown: %s", job_id, error.message)
        finally:
            self._being_written.discard(job_id)
