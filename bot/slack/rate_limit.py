"""Delays calls to Slack: at most so many a minute, and a gap between two to the same place.

Slack allows one message a second per channel and about 50 edits a minute for all cards together (docs: rate-limits).
"""

import asyncio
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from core.ports import Clock

Key = TypeVar("Key")


class ChannelSpacing(Generic[Key]):
    """A gap between two turns of the same key; turns are given in the order they were asked for."""

    def __init__(self, clock: Clock, gap_s: float) -> None:
        self._clock = clock
        self._gap = timedelta(seconds=gap_s)
        self._next: dict[Key, datetime] = {}

    async def turn(self, key: Key) -> None:
        """Wait for the turn."""
        now = self._clock.steady_now()
        self._next = {other: at for other, at in self._next.items() if at > now}
        mine = max(now, self._next.get(key, now))
        self._next[key] = mine + self._gap
        if mine > now:
            await self._clock.sleep((mine - now).total_seconds())


class CallBudget:
    """A budget of ``per_minute`` turns a minute, the first ``burst`` of them at once."""

    def __init__(self, clock: Clock, per_minute: float, burst: int) -> None:
        self._clock = clock
        self._gap = timedelta(seconds=60 / per_minute)
        self._slack = self._gap * burst
        self._spent_until: datetime | None = None
        self._blocked_until: datetime | None = None
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for the turn."""
        async with self._lock:
            now = self._clock.steady_now()
            spent = max(self._spent_until or now - self._slack, now - self._slack)
            free_at = max(spent, self._blocked_until or spent)
            if free_at > now:
                await self._clock.sleep((free_at - now).total_seconds())
            self._spent_until = max(spent, free_at) + self._gap

    def block(self, seconds: float) -> None:
        """Give no turn for a while: Slack asked for it."""
        self._blocked_until = self._clock.steady_now() + timedelta(seconds=seconds)
