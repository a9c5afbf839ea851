"""Delivers notices to people: in order, pages first, at least once; one that nobody takes holds up nothing else."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from core.domain.model import event_data
from core.domain.model.events import Event, Notice, Tone, event
from core.domain.model.job import Card, JobId
from core.domain.model.views import DeliveryView
from core.domain.reporting.redelivery import LONGEST_PAUSE, GiveUp, TryAgain, after_failure
from core.errors import (
    MigrateBotError,
    NotifierBusy,
    NotifierDown,
    NotifierError,
    NotifierRefused,
    NotifierUnauthorized,
    StoreError,
)
from core.ports import Clock, Notifier, Store

log = logging.getLogger(__name__)

BATCH = 50
TICK_S = 15.0
"""Every change wakes the outbox, and a failed delivery does when it is due; only what a process that died was saying
becomes due by itself, soon after the start. Later a slow tick does for the death of another process."""
SOON = timedelta(minutes=3)
SLOW_TICK_S = 120.0
LOOK_BACK = timedelta(days=7)
"""Pages that an earlier process gave up are tried again by the next start, unless they are older than this."""

PLAIN_AFTER = 5
"""So often a notice fails, while others are taken, before it is said in plain words."""
PROBE_S, PROBE_EVERY = 3600.0, 10
"""When nobody else says anything, nothing tells a notice that is never taken from Slack being away: after an hour every
tenth try is in plain words."""
GIVE_UP_AFTER, GIVE_UP_S = 10, 6 * 3600.0
"""After so many of these failures, and so long, it is given up, unless it is a page."""


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
        self._began: datetime | None = None
        self._answered_s = -math.inf
        self._failing: dict[int, _Failing] = {}
        self._trouble = ""
        self._since: datetime | None = None
        self._has_looked_back = False

    def wake(self) -> None:
        """There is something to say."""
        self.changed.set()

    async def status(self) -> DeliveryView:
        """Say what still waits to be told, and whether Slack takes anything at all."""
        waiting, oldest, given_up = await self._store.outbox_counts()
        return DeliveryView(
            waiting=waiting, oldest=oldest, given_up=given_up, trouble=self._trouble, trouble_since=self._since
        )

    def note_answer(self) -> None:
        """Note that people were just shown something: whoever fails now fails alone."""
        self._answered_s = _now_s()

    async def turn(self) -> float:
        """Deliver what is due, once."""
        now = self._clock.steady_now()
        self._began = now if self._began is None else self._began
        try:
            await self._look_back()
            if await self.deliver():
                return 0.0
        except StoreError as error:
            log.warning("the outbox could not be read: %s", error)
            return TICK_S
        return TICK_S if now - self._began < SOON else SLOW_TICK_S

    async def _look_back(self) -> None:
        if not self._has_looked_back:
            count = await self._store.retry_pages(self._clock.now() - LOOK_BACK)
            self._has_looked_back = True
            if count:
                log.warning("%s pages that were given up earlier are tried again", count)

    async def deliver(self) -> bool:
        """Deliver what is due. Returns whether there may be more."""
        notices = await self._store.claim_notices(BATCH, self._clock.steady_now())
        by_job = groupby(sorted(notices, key=_first_pages), key=lambda n: n.job.id)
        jobs = [list(group) for _, group in by_job]
        results = await asyncio.gather(*map(self._deliver_job, jobs), return_exceptions=True)
        for error in results:
            if isinstance(error, BaseException):
                raise error
        return any(results)

    async def _deliver_job(self, notices: list[Notice]) -> bool:
        """Say one job's notices; stop at the first that fails, so that nothing but a page overtakes it."""
        card: Card | None = None
        for index, notice in enumerate(notices):
            failing = self._failing.get(notice.id)
            told = replace(notice, is_plain=failing is not None and failing.is_plain(_now_s()))
            told = replace(told, job=replace(notice.job, card=card)) if card else told
            posted: Card | None = None
            try:
                posted = await self._notifier.tell(told)
            except StoreError:
                raise
            except MigrateBotError as error:
                failure: Exception | None = error
            except Exception as error:
                # One notice that cannot be said must not silence the others.
                log.exception("%s of %s could not be put into words", notice.event.kind, notice.job.id)
                failure = error
            else:
                failure = None
            if failure is not None:
                is_given_up = await self._failed(notice, failure)
                if is_given_up or (notice.event.tone is Tone.PAGE and not _is_for_all(failure)):
                    continue  # a page overtakes, so it does not hold up what it overtook
                for later in notices[index + 1 :]:
                    await self._store.notice_failed(later.id, "", self._clock.steady_now())
                return False
            self.note_answer()
            self._end_trouble()
            self._failing.pop(notice.id, None)
            if posted is not None:
                card = posted
                await self._store.set_card(notice.job.id, posted)
                self._card_posted(notice.job.id)
            await self._store.notice_said(notice.id, self._clock.now())
        return True

    async def _failed(self, notice: Notice, error: Exception) -> bool:
        """Note a failed delivery. Returns whether the notice is given up."""
        now = self._clock.now()
        said = error.message if isinstance(error, MigrateBotError) else f"An accident of mine: {type(error).__name__}."
        match after_failure(notice, error, is_hopeless=self._is_hopeless(notice, error)):
            case GiveUp():
                self._failing.pop(notice.id, None)
                log.error("%s of %s will never be said: %s", notice.event.kind, notice.job.id, said)
                await self._store.notice_failed(notice.id, said, None, _unsaid(notice, said, now))
                return True
            case TryAgain(after_s=delay_s):
                if isinstance(error, NotifierUnauthorized):
                    self._begin_trouble(error, now)
                else:
                    log.warning("%s of %s is not said yet: %s", notice.event.kind, notice.job.id, said)
                asyncio.get_running_loop().call_later(delay_s, self.wake)
                again_at = self._clock.steady_now() + min(LONGEST_PAUSE, timedelta(seconds=delay_s))
                await self._store.notice_failed(notice.id, said, again_at)
        return False

    def _is_hopeless(self, notice: Notice, error: Exception) -> bool:
        """Count a failure, and say whether it is the notice's own for long enough: others were taken meanwhile."""
        if isinstance(error, NotifierBusy | NotifierUnauthorized | NotifierRefused):
            return False
        now_s, known = _now_s(), self._failing.get(notice.id)
        is_its_own = not isinstance(error, NotifierDown) or (known is not None and self._answered_s > known.last_s)
        failing = self._failing.setdefault(notice.id, _Failing(now_s, now_s))
        failing.last_s = now_s
        failing.tries += 1
        failing.blamed += is_its_own
        return failing.is_hopeless(now_s)

    def _begin_trouble(self, error: NotifierError, now: datetime) -> None:
        """Say once that Slack takes nothing: every notice meets the same from now on."""
        if self._trouble != error.sentence():
            self._trouble, self._since = error.sentence(), self._since or now
            log.error("Slack takes nothing from me: %s Everything is kept, in order, until it does.", error.sentence())

    def _end_trouble(self) -> None:
        if self._trouble:
            log.warning("Slack takes what I say again; what was kept is said now")
            self._trouble, self._since = "", None


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _is_for_all(error: Exception) -> bool:
    """Whether what comes behind would meet the same: Slack is away, busy, or takes nothing from the bot."""
    is_away = isinstance(error, NotifierDown) and not error.about_message
    return is_away or isinstance(error, NotifierUnauthorized | NotifierBusy)


def _first_pages(notice: Notice) -> tuple[JobId, bool, int]:
    return notice.job.id, notice.event.tone is not Tone.PAGE, notice.id


def _unsaid(notice: Notice, reason: str, at: datetime) -> Event:
    data = event_data.Unsaid(what=notice.event.kind.value, reason=reason)
    return replace(event(data, at, job=notice.job), move_id=notice.event.move_id)
