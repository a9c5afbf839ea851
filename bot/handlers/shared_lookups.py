"""Answers the same question once for everybody who asks it within a second, and one question at a time.

The engine shares the view of a job; drawing it for one person costs as much again. With thousands of moves that is a
tenth of a second of the only thread there is: without this, benchmarks/ack.py measures three to five times the p99.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from core.ports import Clock

T = TypeVar("T")
FRESH = timedelta(seconds=1)


class SharedLookups(Generic[T]):
    """The answers of the last second, and those under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[datetime, asyncio.Task[T]]] = {}
        self._turn = asyncio.Lock()

    async def of(self, what: Hashable, look: Callable[[], Awaitable[T]]) -> T:
        """Return what a look shows that began no longer than a second ago. Raises what the look raises."""
        now = self._clock.steady_now()
        self._known = {
            one: (at, task) for one, (at, task) in self._known.items() if not task.done() or now - at < FRESH
        }
        _, task = self._known.get(what, (now, None))
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._look(look), name=f"look {what}")
            self._known[what] = (now, task)
        # Whoever stops waiting must not take the answer from the others.
        return await asyncio.shield(task)

    async def _look(self, look: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            return await look()
