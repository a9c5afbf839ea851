"""The Clock port over the machine's own clocks."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._began, self._began_s = datetime.now(UTC), _passed_s()

    def now(self) -> datetime:
        """Return the time on the wall now."""
        return datetime.now(UTC)

    def steady_now(self) -> datetime:
        """Return the wall's time at the start plus the time that passed since."""
        return self._began + timedelta(seconds=_passed_s() - self._began_s)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _passed_s() -> float:
    # Linux alone has a monotonic clock that stands still while the machine sleeps, and another one that does not.
    sleepless = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if sleepless is None else time.clock_gettime(sleepless)
