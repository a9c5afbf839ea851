"""Decides whether asking a silent host again is worth the wait, or the answer can be given at once."""

import time
from collections.abc import Callable

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable, Standing

_FAILURES = 3
_PAUSE_S = 5.0


class CircuitBreaker:
    """A breaker that opens after a few failures in a row, lets one call through after each pause, closes on success.

    Used in the event loop only, for reads only: whoever moves, cancels or checks wants to hear it from the host.
    """

    def __init__(
        self,
        host: HostName,
        *,
        failures: int = _FAILURES,
        pause_s: float = _PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._failures = failures
        self._pause_s = pause_s
        self._clock = clock
        self._in_a_row = 0
        self._closed_again_at = 0.0
        self._last = ""
        self._standing: Standing = HostUnreachable.standing
        self._hint: str | None = None

    def admit(self) -> None:
        """Let a call pass, or raise HostUnreachable at once. Passing during an outage makes the others wait again."""
        if self._in_a_row < self._failures:
            return
        left_s = self._closed_again_at - self._clock()
        if left_s > 0:
            error = HostUnreachable(
                self._host,
                f"{self._host} failed {self._in_a_row} times in a row, next try in {left_s:.0f} s. Last: {self._last}",
                hint=self._hint,
            )
            error.standing = self._standing  # a host that is full, say, is not silent because nobody asks it
            raise error
        self._closed_again_at = self._clock() + self._pause_s

    def failed(self, text: str, standing: Standing = HostUnreachable.standing, hint: str | None = None) -> None:
        """Count a call that the host did not answer; ``standing`` says how it stands, ``hint`` what helps."""
        self._in_a_row += 1
        self._last, self._standing, self._hint = text, standing, hint
        self._closed_again_at = self._clock() + self._pause_s

    def answered(self) -> None:
        """Note that the host answered, whatever it said."""
        self._in_a_row = 0
