"""Delivers notices to people: in order, and at least once."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from core import backoff
from core.domain.model.events import Notice
from core.domain.model.job import Card, JobId
from core.errors import NotifierBusy, NotifierDown, NotifierError, StoreError
from core.ports import Clock, Notifier, Store
from core.tasks import wait_for

log = logging.getLogger(__name__)

BATCH = 50
TICK_S = 15.0
"""Every change wakes the outbox, and a failed delivery does when it is due; only what a process that died was saying
becomes due by itself, soon after the start. Later a slow tick does for the death of another process."""
SOON = timedelta(minutes=3)
SLOW_TICK_S = 120.0
BACKOFF = backoff.doubling(1.0, 60.0)
"""How long people are not told anything after Slack did not answer."""


class Outbox:
    """The delivery loop of notices: one job's in order, different jobs' side by side."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, card_posted: Callable[[JobId], None]) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._card_posted = card_posted
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """There is something to say."""
        self._changed.set()

    async def run(self) -> None:
        """Deliver for ever."""
        began = self._clock.steady_now()
        while True:
            self._changed.clear()
            tick_s = TICK_S if self._clock.steady_now() - began < SOON else SLOW_TICK_S
            try:
                while await self.deliver():
                    pass
            except StoreError as error:
                log.warning("the outbox could not be read: %s", error)
                tick_s = TICK_S
            await wait_for(self._changed, tick_s)

    async def deliver(self) -> bool:
        """Deliver what is due. Returns whether there may be more."""
        notices = await self._store.claim_notices(BATCH, self._clock.steady_now())
        by_job = groupby(sorted(notices, key=lambda n: (n.job.id, n.id)), key=lambda n: n.job.id)
        results = await asyncio.gather(*(self._deliver_job(list(group)) for _, group in by_job))
        return bool(notices) and all(results)

    async def _deliver_job(self, notices: list[Notice]) -> bool:
        """Say one job's notices in order; stop at the first that fails, so that nothing overtakes it."""
        card: Card | None = None
        for index, notice in enumerate(notices):
            told = replace(notice, job=replace(notice.job, card=card)) if card else notice
            try:
                posted = await self._notifier.tell(told)
            except NotifierError as error:
                await self._failed(notice, error)
                for later in notices[index + 1 :]:
                    await self._store.notice_failed(later.id, "", self._clock.steady_now())
                return False
            if posted is not None:
                card = posted
                await self._store.set_card(notice.job.id, posted)
                self._card_posted(notice.job.id)
            await self._store.notice_said(notice.id, self._clock.now())
        return True

    async def _failed(self, notice: Notice, error: NotifierError) -> None:
        match error:
            case NotifierBusy(retry_after_s=delay_s):
                pass
            case NotifierDown():
                delay_s = backoff.delay_s(BACKOFF, notice.tries + 1)
            case _:
                log.error("%s of %s will never be said: %s", notice.event.kind, notice.job.id, error.message)
                await self._store.notice_failed(notice.id, error.message, None)
                return
        log.warning("%s of %s is not said yet: %s", notice.event.kind, notice.job.id, error.message)
        asyncio.get_running_loop().call_later(delay_s, self.wake)
        await self._store.notice_failed(notice.id, error.message, self._clock.steady_now() + timedelta(seconds=delay_s))
