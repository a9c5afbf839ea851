"""An asyncio event loop on virtual time: when nothing can run, the clock jumps to the next timer.

Hours of simulated work take the time their computation takes. Work outside the loop (a database's thread) is waited for
in real time: whoever starts it counts it with ``outside``, and time stands still meanwhile.
"""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that jumps instead of waiting, unless something outside the loop is under way."""

    jump: Callable[[float], None]
    is_waiting_outside: Callable[[], bool]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None or self.is_waiting_outside():
            return super().select(None)
        self.jump(timeout)
        return []


class _Timer(asyncio.TimerHandle):
    """A timer that keeps its place in line."""

    __slots__ = ("number",)
    number: int

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, _Timer):
            return NotImplemented
        return (self.when(), self.number) < (other.when(), other.number)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The event loop. ``time()`` starts at 0 and is what every sleep and timeout goes by.

    What is due at one instant runs in the order in which it was asked for, whatever else waits: a story goes the same
    way when somebody who has nothing to do with it sleeps, too.
    """

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._numbers = count()
        selector = _JumpingSelector()
        selector.jump = self._jump
        selector.is_waiting_outside = lambda: self._outside > 0
        self._now_s = 0.0
        self._outside = 0
        super().__init__(selector)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now_s

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule as every loop does, but with a place in line: a heap alone keeps none among equals."""
        timer = _Timer(when, callback, args, self, context)
        timer.number = next(self._numbers)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001 (so that cancelling it is counted)
        return timer

    def _jump(self, seconds: float) -> None:
        self._now_s += seconds

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Let time stand still while a thread works (``asyncio.to_thread``)."""
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _: object) -> None:
        self._outside -= 1

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Let time stand still while something outside the loop works."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1


class VirtualClock:
    """The Clock port over a virtual loop."""

    def __init__(self, loop: VirtualTimeLoop, epoch: datetime = EPOCH) -> None:
        self._loop = loop
        self._epoch = epoch
        self._stepped = timedelta(0)

    def now(self) -> datetime:
        """Return the virtual wall clock."""
        return self.steady_now() + self._stepped

    def steady_now(self) -> datetime:
        """Return the time that passed since the epoch, as a moment, whatever was done to the clock on the wall."""
        return self._epoch + timedelta(seconds=self._loop.time())

    def step(self, by: timedelta) -> None:
        """Put the clock on the wall forward, or back, as people and time servers do; no time passes by it."""
        self._stepped += by

    async def sleep(self, seconds: float) -> None:
        """Wait virtually."""
        await asyncio.sleep(seconds)


class Outside:
    """A wrapper of async methods that work in a thread: counts calls under way, so that time waits for them."""

    def __init__(self, inner: object, loop: VirtualTimeLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def counted(*args: Any, **kwargs: Any) -> Any:
            with self._loop.outside():
                return await method(*args, **kwargs)

        return counted


def run_virtually(main: Callable[[VirtualTimeLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function on a fresh virtual loop."""
    loop = VirtualTimeLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(loop))
