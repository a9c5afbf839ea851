"""Removes jobs that ended long ago, after their history has been put away in a file."""

import logging
from datetime import datetime, timedelta

from core.errors import StoreError
from core.ports import Clock, Store

log = logging.getLogger(__name__)

EVERY_S = 3600.0
AT_ONCE = 20
"""So many jobs go, then others get a turn."""
PAUSE_S = 1.0
DOUBT = timedelta(days=7)
"""A clock that is farther ahead of the newest thing written down is not believed: it may have gone wrong."""


class Retention:
    """The loop that keeps the database small. ``keep``: how long an ended job stays; nothing: for ever."""

    def __init__(self, store: Store, clock: Clock, keep: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep

    async def turn(self) -> float:
        """Remove some of what is old."""
        try:
            is_there_more = bool(self._keep) and (await self.remove() == AT_ONCE or await self.remove_backups() > 0)
        except StoreError as error:
            log.warning("what is old stays for now: %s", error)
            return EVERY_S
        return PAUSE_S if is_there_more else EVERY_S

    async def remove_backups(self) -> int:
        """Remove some of what is known of old backups: they teach nothing, and are in no file. Returns how many."""
        newest = await self._store.newest_event_at()
        return 0 if newest is None else await self._store.forget_backups(self._before(newest))

    def _before(self, newest: datetime) -> datetime:
        return min(self._clock.now(), newest + DOUBT) - self._keep

    async def remove(self) -> int:
        """Remove the oldest of what is old, ``AT_ONCE`` jobs at the most. Returns how many."""
        newest = await self._store.newest_event_at()
        if newest is None:
            return 0
        removed = await self._store.forget_jobs(self._before(newest), AT_ONCE)
        if removed:
            log.info("%d jobs that ended more than %d days ago are in the history file now", removed, self._keep.days)
        return removed
