"""Delivers notices to people: in order, and at least once; one that nobody takes holds up nothing else for ever."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby

from core import backoff
from core.domain.model.events import Notice
from core.domain.model.job import Card, JobId
from core.errors import NotifierBusy, NotifierDown, NotifierError, StoreError
from core.ports import Clock, Notifier, Store

log = logging.getLogger(__name__)

BATCH = 50
TICK_S = 15.0
"""Every change wakes the outbox, and a failed delivery does when it is due; only what a process that died was saying
becomes due by itself, soon after the start. Later a slow tick does for the death of another process."""
SOON_S = 180.0
SLOW_TICK_S = 120.0
BACKOFF = backoff.doubling(1.0, 60.0)
"""How long people are not told anything after Slack did not answer."""

PLAIN_AFTER = 5
"""So often a notice fails, while others are taken, before it is said in plain words."""
PROBE_S, PROBE_EVERY = 3600.0, 10
"""When nobody else says anything, nothing tells a notice that is never taken from Slack being away: after an hour every
tenth try is in plain words."""
GIVE_UP_AFTER, GIVE_UP_S = 10, 6 * 3600.0
"""After so many of these failures, and so long, it is given up: unsaid in the history, and in the log."""


@dataclass(slots=True)
class _Failing:
    """A notice that is not said yet. ``blamed``: the failures that were its own, not Slack's."""

    since_s: float
    last_s: float
    tries: int = 0
    blamed: int = 0

    def is_plain(self, now_s: float) -> bool:
        is_probe = now_s - self.since_s >= PROBE_S and self.tries % PROBE_EVERY == 0
        return self.blamed >= PLAIN_AFTER or is_probe

    def is_hopeless(self, now_s: float) -> bool:
        return self.blamed >= GIVE_UP_AFTER and now_s - self.since_s >= GIVE_UP_S


class Outbox:
    """The delivery loop of notices: one job's in order, different jobs' side by side."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, card_posted: Callable[[JobId], None]) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._card_posted = card_posted
        self.changed = asyncio.Event()
        """Set when there is something to say."""
        self._began_s: float | None = None
        self._answered_s = -math.inf
        self._failing: dict[int, _Failing] = {}

    def wake(self) -> None:
        """There is something to say."""
        self.changed.set()

    def note_answer(self) -> None:
        """Note that people were just shown something: whoever fails now fails alone."""
        self._answered_s = _now_s()

    async def turn(self) -> float:
        """Deliver what is due, once."""
        now_s = _now_s()
        self._began_s = now_s if self._began_s is None else self._began_s
        try:
            if await self.deliver():
                return 0.0
        except StoreError as error:
            log.warning("the outbox could not be read: %s", error)
            return TICK_S
        return TICK_S if now_s - self._began_s < SOON_S else SLOW_TICK_S

    async def deliver(self) -> bool:
        """Deliver what is due. Returns whether there may be more."""
        notices = await self._store.claim_notices(BATCH, self._clock.now())
        by_job = groupby(sorted(notices, key=lambda n: (n.job.id, n.id)), key=lambda n: n.job.id)
        jobs = [list(group) for _, group in by_job]
        results = await asyncio.gather(*map(self._deliver_job, jobs), return_exceptions=True)
        for error in results:
            if isinstance(error, BaseException):
                raise error
        return bool(notices) and all(results)

    async def _deliver_job(self, notices: list[Notice]) -> bool:
        """Say one job's notices in order. Of several, the later ones are pages that overtake one nobody takes."""
        card: Card | None = None
        is_said = True
        for notice in notices:
            failing = self._failing.get(notice.id)
            told = replace(notice, is_plain=failing is not None and failing.is_plain(_now_s()))
            told = replace(told, job=replace(notice.job, card=card)) if card else told
            try:
                posted = await self._notifier.tell(told)
            except NotifierError as error:
                await self._failed(notice, error)
                is_said = False
                continue
            except Exception as error:
                log.exception("%s of %s could not be put into words", notice.event.kind, notice.job.id)
                await self._broke(notice, error)
                is_said = False
                continue
            self.note_answer()
            self._failing.pop(notice.id, None)
            if posted is not None:
                card = posted
                await self._store.set_card(notice.job.id, posted)
                self._card_posted(notice.job.id)
            await self._store.notice_said(notice.id, self._clock.now())
        return is_said

    async def _failed(self, notice: Notice, error: NotifierError) -> None:
        match error:
            case NotifierBusy(retry_after_s=delay_s):
                pass
            case NotifierDown():
                delay_s = backoff.delay_s(BACKOFF, notice.tries + 1)
                known = self._failing.get(notice.id)
                failing = self._note_failure(notice, is_its_own=known is not None and self._answered_s > known.last_s)
                if failing.is_hopeless(_now_s()):
                    await self._give_up(notice, error.message)
                    return
            case _:
                await self._give_up(notice, error.message)
                return
        log.warning("%s of %s is not said yet: %s", notice.event.kind, notice.job.id, error.message)
        await self._again(notice, error.message, delay_s)

    async def _broke(self, notice: Notice, error: Exception) -> None:
        failing = self._note_failure(notice, is_its_own=True)
        if failing.is_hopeless(_now_s()):
            await self._give_up(notice, type(error).__name__)
        else:
            await self._again(notice, type(error).__name__, backoff.delay_s(BACKOFF, failing.tries))

    def _note_failure(self, notice: Notice, *, is_its_own: bool) -> _Failing:
        now_s = _now_s()
        failing = self._failing.setdefault(notice.id, _Failing(now_s, now_s))
        failing.last_s = now_s
        failing.tries += 1
        failing.blamed += is_its_own
        return failing

    async def _again(self, notice: Notice, error: str, delay_s: float) -> None:
        asyncio.get_running_loop().call_later(delay_s, self.wake)
        await self._store.notice_failed(notice.id, error, self._clock.now() + timedelta(seconds=delay_s))

    async def _give_up(self, notice: Notice, error: str) -> None:
        self._failing.pop(notice.id, None)
        log.error("%s of %s will never be said: %s", notice.event.kind, notice.job.id, error)
        await self._store.notice_failed(notice.id, error, None)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
