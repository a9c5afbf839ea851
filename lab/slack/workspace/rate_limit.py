"""Decides whether a call comes too soon (docs.slack.dev: rate-limits) and how many whole seconds to wait."""

import math
from collections import defaultdict, deque
from enum import StrEnum

from lab.slack.workspace.clock import Clock

WINDOW_S = 60.0
PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
SPECIAL_PER_MINUTE = 600  # auth.test, getPermalink: "hundreds of requests per minute"
WORKSPACE_POSTS_PER_MINUTE = 300  # "several hundred messages per minute", the number itself is unpublished
_TOLERANCE = 1.2  # bursts are tolerated, sizes unpublished
_CHANNEL_BURST = 3


class Strictness(StrEnum):
    """How strictly calls are limited."""

    OFF = "off"
    ON = "on"  # with the small tolerance real Slack shows
    STRICT = "strict"  # to the letter: the published number, one message a second


class _Window:
    """The calls of one sliding window."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def wait_s(self, now_s: float, limit: int, window_s: float) -> float:
        while self._taken and self._taken[0] <= now_s - window_s:
            self._taken.popleft()
        return 0.0 if len(self._taken) < limit else self._taken[0] + window_s - now_s

    def take(self, now_s: float) -> None:
        self._taken.append(now_s)


class RateLimiter:
    """The rate limits of one app in one workspace: a window per method, and one per channel for posting."""

    def __init__(self, clock: Clock, strictness: Strictness = Strictness.OFF) -> None:
        self.strictness = strictness
        self._clock = clock
        self._windows: dict[str, _Window] = defaultdict(_Window)

    def retry_after_s(self, method: str, tier: int | None, posts_to: str = "") -> int | None:
        """Count the call and return None, or refuse it and return the seconds of `Retry-After`."""
        if self.strictness is Strictness.OFF:
            return None
        strict = self.strictness is Strictness.STRICT
        published = SPECIAL_PER_MINUTE if tier is None else PER_MINUTE[tier]
        limits: list[tuple[str, int, float]] = []
        if posts_to:
            burst = 1 if strict else _CHANNEL_BURST
            limits += [(f"channel {posts_to}", burst, float(burst)), ("posts", WORKSPACE_POSTS_PER_MINUTE, WINDOW_S)]
        else:
            limits += [(method, published if strict else math.ceil(published * _TOLERANCE), WINDOW_S)]
        now_s = self._clock.now()
        wait_s = max(self._windows[name].wait_s(now_s, limit, window_s) for name, limit, window_s in limits)
        if wait_s > 0:
            return max(1, math.ceil(wait_s))
        for name, _, _ in limits:
            self._windows[name].take(now_s)
        return None
