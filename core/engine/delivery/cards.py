"""Carries what was recorded to people: notices in order and at least once, cards as they change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from core.domain.model.job import JobId
from core.domain.model.views import JobView
from core.engine.delivery.outbox import LONGEST_DELAY_S
from core.errors import MigrateBotError, NotifierBusy, NotifierDown, StoreError
from core.ports import Clock, Notifier, Store

log = logging.getLogger(__name__)


class Cards:
    """Keeps the cards up to date: one writer per card, many changes one edit."""

    def __init__(
        self, store: Store, notifier: Notifier, clock: Clock, view: Callable[[JobId], Awaitable[JobView]]
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._view = view
        self._dirty: set[JobId] = set()
        self._moving: set[JobId] = set()
        self._writers: dict[JobId, asyncio.Task[None]] = {}

    def touch(self, job_id: JobId) -> None:
        """Note that the job changed: its card is out of date."""
        self._dirty.add(job_id)
        if job_id not in self._writers:
            self._writers[job_id] = asyncio.create_task(self._write(job_id), name=f"card {job_id}")

    async def resume(self) -> None:
        """Bring every card up to date that an earlier process may have left behind."""
        for job in await self._store.jobs(limit=10_000):
            if not job.is_card_final:
                self.touch(job.id)

    def follow(self, jobs: set[JobId]) -> None:
        """Note which jobs have moves under way: their percents and estimates change without an event."""
        self._moving = jobs

    async def run(self, tick_s: float) -> None:
        """Touch the cards of jobs with moves under way, for ever."""
        try:
            while True:
                await self._clock.sleep(tick_s)
                for job_id in self._moving:
                    self.touch(job_id)
        finally:
            writers = list(self._writers.values())
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)

    async def _write(self, job_id: JobId) -> None:
        delay_s = 1.0
        try:
            while job_id in self._dirty:
                self._dirty.discard(job_id)
                try:
                    view = await self._view(job_id)
                    if view.job.card is None:
                        return  # not posted yet: posting touches it again
                    await self._notifier.show(view)
                    if view.is_over:
                        await self._store.set_card_final(job_id)
                    delay_s = 1.0
                except (NotifierBusy, NotifierDown, StoreError) as error:
                    log.warning("the card of %s waits: %s", job_id, error.message)
                    self._dirty.add(job_id)
                    await self._clock.sleep(error.retry_after_s if isinstance(error, NotifierBusy) else delay_s)
                    delay_s = min(LONGEST_DELAY_S, delay_s * 2)
                except MigrateBotError as error:
                    log.warning("the card of %s cannot be shown: %s", job_id, error.message)
        finally:
            del self._writers[job_id]
