"""The lab's clock: real time multiplied by a speed, and jumps for tests that will not wait."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class LabClock:
    """Lab seconds since the lab started; `speed` lab seconds pass in one real second."""

    def __init__(self, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError("the speed of the lab must be positive")
        self.speed = speed
        self._monotonic = monotonic
        self._started = monotonic()
        self._jumped_s = 0.0
        self._jump = asyncio.Event()

    def now(self) -> float:
        return (self._monotonic() - self._started) * self.speed + self._jumped_s

    def jump(self, lab_seconds: float) -> None:
        """Let time pass at once and wake everyone who sleeps, to look at the clock again."""
        self._jumped_s += lab_seconds
        self._jump.set()
        self._jump = asyncio.Event()

    async def wait(self, lab_seconds: float) -> None:
        """Let so much lab time pass; a jump counts as far as it goes."""
        until = self.now() + lab_seconds
        while (left := until - self.now()) > 0:
            await self.sleep(left)

    async def sleep(self, lab_seconds: float) -> None:
        """Sleep so long in lab time, or until the next jump."""
        try:
            async with asyncio.timeout(lab_seconds / self.speed):
                await self._jump.wait()
        except TimeoutError:
            return
