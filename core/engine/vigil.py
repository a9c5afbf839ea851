"""Watches one running move's progress and says when people should be asked about it."""

from datetime import datetime, timedelta

from core.domain.stuck import stuck


class Vigil:
    """Remembers when the percent last rose and when people were last asked."""

    def __init__(self, started_at: datetime, quiet: timedelta) -> None:
        self._started_at = started_at
        self._quiet = quiet
        self._percent: int | None = None
        self._progress_at: datetime | None = None
        self._asked_at: datetime | None = None

    def stands_still(self, percent: int | None, now: datetime) -> bool:
        """Note the percent. Returns whether it rose long ago, and nobody was asked about this standstill of late."""
        if self._progress_at is None or (percent is not None and percent != self._percent):
            self._percent, self._progress_at, self._asked_at = percent, now, None
        if self._asked_at is not None and now - self._asked_at < 3 * self._quiet:
            return False
        return now - self._progress_at >= self._quiet

    def question(self, now: datetime, expected_s: float) -> str:
        """Say why the move that stands still is thought to be stuck; empty when its size explains it."""
        text = stuck(
            now=now,
            started_at=self._started_at,
            progress_at=self._progress_at or now,
            percent=self._percent,
            expected_s=expected_s,
            quiet=self._quiet,
        )
        if text:
            self._asked_at = now
        return text
