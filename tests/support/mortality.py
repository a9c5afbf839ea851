"""One process that may end at any door: after its end nothing it does has an effect, and nothing it waits for comes."""

import asyncio
from collections.abc import Coroutine
from typing import Any

ON_THE_WIRE_S = 2.0
"""How long an order is on its way to a host."""
READS = {
    "job",
    "jobs",
    "move",
    "moves",
    "moves_to_tidy",
    "attempts",
    "faults_since",
    "switch",
    "speeds",
    "show",
    "observe",
}
"""What changes nothing, and is no place to die."""


class Life:
    """One process: after its end, nothing it does has an effect, and nothing it waits for comes."""

    def __init__(self, passes: int) -> None:
        self.over = asyncio.Event()
        self.writing: set[asyncio.Task[Any]] = set()
        self.sent: set[asyncio.Task[Any]] = set()
        self._passes = passes

    async def breathe(self, name: str) -> None:
        """Pass a door, or die there."""
        self._passes -= name not in READS
        if self._passes < 0:
            self.over.set()
        if self.over.is_set():
            await asyncio.get_running_loop().create_future()

    def write(self, call: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Call the store; a death does not stop the disk in the middle."""
        task = asyncio.create_task(call)
        self.writing.add(task)
        task.add_done_callback(self.writing.discard)
        return task

    def send(self, order: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Send an order to a host; it arrives, though who sent it may be dead by then."""

        async def arrive() -> Any:
            await asyncio.sleep(ON_THE_WIRE_S)
            return await order

        task = asyncio.create_task(arrive())
        self.sent.add(task)
        task.add_done_callback(_heard_by_nobody)
        return task


async def kill(tasks: "set[asyncio.Task[Any]]") -> None:
    """End the tasks of a dead process: one that cleans up waits at a door of the dead, so it is cancelled again."""
    while tasks:
        for task in tasks:
            task.cancel()
            task.add_done_callback(_heard_by_nobody)
        _, tasks = await asyncio.wait(tasks, timeout=1.0)


def _heard_by_nobody(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


class Mortal:
    """A port whose calls a life makes: it may end before each, or before it hears the answer."""

    def __init__(self, inner: object, life: Life, *, is_store: bool) -> None:
        self._inner = inner
        self._life = life
        self._is_store = is_store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def passed(*args: Any, **kwargs: Any) -> Any:
            await self._life.breathe(name)
            if name == "move":
                result = await asyncio.shield(self._life.send(method(*args, **kwargs)))
            elif self._is_store:
                result = await self._life.write(method(*args, **kwargs))
            else:
                result = await method(*args, **kwargs)
            await self._life.breathe(name)
            return result

        return passed
