"""Tells systemd that the bot is ready, stops, and lives: the datagrams of sd_notify(3) to the socket it names.

A few lines instead of a library: the one on PyPI that is pure Python has had no release since 2017, the others need
libsystemd and a compiler. Outside systemd nothing is sent.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

_BEATS_PER_LIMIT = 8
"""How often within systemd's limit a sign of life is passed on at most."""


class ServiceManager:
    """The service manager that started this process, if one did and wants to hear of it."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with an @ and addressed with a NUL.
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self._clock = clock
        self._gap_s = _limit_s(environment) / _BEATS_PER_LIMIT
        self._next_at = 0.0
        self._said = ""

    def ready(self) -> None:
        """Say that the start is over."""
        self._send("READY=1\nSTATUS=on duty")

    def waiting(self, words: str) -> None:
        """Say that the bot stands by, and why; that is a start, and a sign of life, as well."""
        if words != self._said:
            self._said = words
            self._send(f"READY=1\nSTATUS=standing by: {words}")
        self.beat()

    def stopping(self) -> None:
        """Say that the bot stops, as it was asked to."""
        self._send("STOPPING=1")

    def beat(self) -> None:
        """Pass on a sign of life; called more often than systemd needs to hear it."""
        now = self._clock()
        if self._gap_s and now >= self._next_at:
            self._next_at = now + self._gap_s
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.connect(self._address)
                line.send(text.encode())
        except OSError as error:
            log.warning("systemd was not told %s: %s", text, error.strerror)


def _limit_s(environment: Mapping[str, str]) -> float:
    """Return within how many seconds systemd wants a sign of life of this process; 0: it does not."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    limit_us = environment.get("WATCHDOG_USEC", "")
    return int(limit_us) / 1_000_000 if limit_us.isdecimal() else 0.0
