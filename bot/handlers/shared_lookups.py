"""Looks things up once for everybody who asks the same within a second, and one thing at a time.

A look at a job of thousands of moves costs a tenth of a second of the only thread there is; a crowd that asks how it
stands must not keep the bot from acknowledging what comes next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from core.ports import Clock

T = TypeVar("T")
FRESH = timedelta(seconds=1)


class Glances(Generic[T]):
    """What was looked up within the last second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[datetime, asyncio.Task[T]]] = {}
        self._turn = asyncio.Lock()

    async def of(self, what: Hashable, look: Callable[[], Awaitable[T]]) -> T:
        """Return what a look shows that began no longer than a second ago. Raises what the look raises."""
        now = self._clock.now()
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
