"""Runs the loops of the process: goes on with one that breaks, and says which breaks, hangs or has ended.

A loop is a turn and a pause. The turn does the work once and returns after how many seconds it wants the next one; all
else is done here, so that no loop can die, or go on dying, unseen.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from core.backoff import delay_s, doubling
from core.tasks import is_asked_to_end, wait_for

log = logging.getLogger(__name__)

Turn = Callable[[], Awaitable[float]]
"""The work of a loop, once. Returns after how many seconds it is wanted again, unless its event comes first."""

PATIENCE_S = 600.0
"""How long a turn may take, or fail again and again, before the loop is called dead."""
_BACKOFF = doubling(1.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStatus:
    """How a loop is. ``restarts``: how often a turn of it broke; ``error``: what the last turn broke with, if it did.

    ``age_s`` is the time since its last sign of life: the begin or the end of a turn.
    """

    name: str
    age_s: float
    restarts: int
    error: str
    is_alive: bool


@dataclass(slots=True)
class _Loop:
    name: str
    turn: Turn
    wake: asyncio.Event
    patience_s: float
    beat_at: float
    due_at: float
    """By when its next sign of life is due."""
    restarts: int = 0
    failures: int = 0
    failing_since: float = math.inf
    error: str = field(default="", repr=False)

    def is_alive(self, now: float) -> bool:
        return now <= self.due_at and now - self.failing_since <= self.patience_s


class Supervisor:
    """The owner of every loop. ``on_beat`` hears of each sign of life while every loop is alive."""

    def __init__(self) -> None:
        self.on_beat: Callable[[], None] = _nobody
        self.broken = asyncio.Event()
        """Set when a loop has ended for good, which nothing foresees: the process is of no use any more."""
        self._loops: dict[str, _Loop] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(
        self,
        name: str,
        turn: Turn,
        *,
        wake: asyncio.Event | None = None,
        first_after_s: float = 0.0,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Run a loop from now on. ``wake`` ends its pause; ``patience_s`` is how long a turn of it may take."""
        now = asyncio.get_running_loop().time()
        due_at = now + first_after_s + patience_s
        loop = _Loop(name, turn, wake or asyncio.Event(), patience_s, now, due_at)
        self._loops[name] = loop
        self._tasks[name] = asyncio.create_task(self._run(loop, first_after_s), name=name)

    async def stop(self, *names: str) -> None:
        """End these loops (none named: all), what was started last first, and wait until they have ended."""
        tasks = [self._tasks.pop(name) for name in names or reversed(tuple(self._tasks)) if name in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            self._loops.pop(task.get_name(), None)

    def status(self) -> tuple[LoopStatus, ...]:
        """Say how every loop is."""
        now = asyncio.get_running_loop().time()
        return tuple(
            LoopStatus(
                name=loop.name,
                age_s=now - loop.beat_at,
                restarts=loop.restarts,
                error=loop.error,
                is_alive=loop.is_alive(now),
            )
            for loop in self._loops.values()
        )

    @property
    def is_alive(self) -> bool:
        """Whether every loop turns."""
        now = asyncio.get_running_loop().time()
        return not self.broken.is_set() and all(loop.is_alive(now) for loop in self._loops.values())

    async def _run(self, loop: _Loop, first_after_s: float) -> None:
        try:
            if first_after_s:
                await wait_for(loop.wake, first_after_s)
            await self._turn_for_ever(loop)
        except BaseException as error:
            if loop.name in self._tasks:  # nobody has stopped it
                log.critical("the loop %s has ended; nothing goes on without it", loop.name, exc_info=error)
                self.broken.set()
            raise

    async def _turn_for_ever(self, loop: _Loop) -> None:
        while True:
            self._beat(loop, 0.0)
            try:
                pause_s = await loop.turn()
            except asyncio.CancelledError as error:
                # What the turn waited for was cancelled by somebody; that is no reason for the loop to end.
                if is_asked_to_end():
                    raise
                await self._failed(loop, error)
            except Exception as error:  # noqa: BLE001  # whatever it is: a loop goes on
                await self._failed(loop, error)
            else:
                if loop.failures:
                    log.info("%s turns again after %d failures", loop.name, loop.failures)
                loop.failures, loop.failing_since, loop.error = 0, math.inf, ""
                self._beat(loop, pause_s)
                await wait_for(loop.wake, pause_s)

    async def _failed(self, loop: _Loop, error: BaseException) -> None:
        now = asyncio.get_running_loop().time()
        loop.restarts += 1
        loop.failures += 1
        loop.failing_since = min(loop.failing_since, now)
        loop.error = type(error).__name__
        pause_s = delay_s(_BACKOFF, loop.failures)
        log.error("%s broke; it goes on in %.0f s", loop.name, pause_s, exc_info=error)
        self._beat(loop, pause_s)
        # Not to be woken: what broke a moment ago is not tried again with every piece of news.
        await asyncio.sleep(pause_s)

    def _beat(self, loop: _Loop, pause_s: float) -> None:
        now = asyncio.get_running_loop().time()
        loop.beat_at, loop.due_at = now, now + pause_s + loop.patience_s
        if self.is_alive:
            self.on_beat()


def _nobody() -> None:
    pass
