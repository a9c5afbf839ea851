"""The one idiom of every loop: keep tasks so that none is lost or breaks unseen, and wait for an event or a time.

And to leave to a thread what takes long.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

MANY = 500
"""From so many moves (or events) on, work on all of them takes long enough to be noticed by people who wait."""


def log_broken(name: str, error: BaseException) -> None:
    """Write down that a task ended with an error that nobody foresaw."""
    log.error("%s broke", name, exc_info=error)


def is_asked_to_end() -> bool:
    """Whether somebody cancels the current task, and not only what it waits for: then it must end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class TaskSet:
    """The tasks of one owner: each is kept until it ends, and all of them end with the owner.

    Not asyncio.TaskGroup: there one task that breaks cancels all the others, and one card that cannot be drawn must not
    stop the loops that follow moves. ``on_broken`` is the one place where the owner hears of a task that broke.
    """

    def __init__(self, on_broken: Callable[[str, BaseException], None] = log_broken) -> None:
        self._on_broken = on_broken
        self._tasks: dict[asyncio.Task[None], None] = {}

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do some work in a task of its own."""
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    async def finish(self, timeout_s: float | None = None) -> None:
        """Let what is under way come to its end; cancel what takes longer than the timeout."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=timeout_s)
            await self.cancel()

    async def cancel(self) -> None:
        """Cancel everything, what was started last first, and wait until it has ended."""
        tasks = tuple(self._tasks)
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_broken(task.get_name(), error)


async def wait_for(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until something happens, or for so long, and clear the event: what happens from now on is news."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()


async def compute(count: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do pure work on so many moves: with many of them in a thread, for the event loop answers people meanwhile."""
    return await asyncio.to_thread(work, *args, **kwargs) if count >= MANY else work(*args, **kwargs)
