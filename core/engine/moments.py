"""Goes between the time on the wall, which names moments, and steady time, which measures: each has its own zero."""

from collections.abc import Hashable
from datetime import datetime, timedelta

from cachetools import LRUCache

from core.ports import Clock

REMEMBERED = 20_000


def on_the_wall(clock: Clock, steady: datetime) -> datetime:
    """Say what the clock on the wall would have shown at a steady moment, had it gone as it goes now."""
    return clock.now() - (clock.steady_now() - steady)


class SteadyMoments:
    """The steady moments of things that are written down with the time on the wall.

    Each is worked out when it is first seen, which is soon after it happened or after a start: what anybody does to the
    clock on the wall from then on changes nothing about how long ago it was.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: LRUCache[Hashable, datetime] = LRUCache(REMEMBERED)

    def of(self, what: Hashable, at: datetime) -> datetime:
        """Return when this happened. What lies in the future was put there by a clock that went wrong: it is now."""
        known = self._known.get(what)
        if known is None:
            ago = max(timedelta(0), self._clock.now() - at)
            known = self._known[what] = self._clock.steady_now() - ago
        return known
