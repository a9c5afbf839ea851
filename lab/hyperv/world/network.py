"""Shares each host's network, and each uplink, between the transfers that use it: equally, and the slowest decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.event_queue import Appointment, EventQueue
    from lab.hyperv.world.fleet import Uplink

_EPSILON_BYTES = 1e-3


class Transfer:
    """Bytes on their way from one host to another (or within one host)."""

    def __init__(
        self, network: Network, lines: tuple[str | Uplink, ...], size_bytes: float, on_end: Callable[[], None]
    ) -> None:
        self.lines = lines
        """The networks of its hosts, by their names, and the uplinks between them."""
        self.size_bytes = size_bytes
        self._network = network
        self._left_bytes = float(size_bytes)
        self._rate_bytes_per_s = 0.0
        self._since_s = network.timeline.time_s
        self._end: Appointment | None = None
        self._on_end = on_end

    @property
    def left_bytes(self) -> float:
        """What has not arrived yet."""
        passed_s = self._network.timeline.time_s - self._since_s
        return max(0.0, self._left_bytes - passed_s * self._rate_bytes_per_s)

    @property
    def rate_bytes_per_s(self) -> float:
        return self._rate_bytes_per_s

    def stop(self) -> None:
        """End the transfer early; `on_end` is not called."""
        self._left_bytes, self._rate_bytes_per_s = self.left_bytes, 0.0
        self._cancel_end()
        self._network.leave(self)

    def run_at(self, rate_bytes_per_s: float) -> None:
        """Go on at another rate from now."""
        if rate_bytes_per_s == self._rate_bytes_per_s and self._end is not None:
            return
        timeline = self._network.timeline
        self._left_bytes = self.left_bytes
        self._since_s = timeline.time_s
        self._rate_bytes_per_s = rate_bytes_per_s
        self._cancel_end()
        if self._left_bytes < _EPSILON_BYTES:
            self._end = timeline.after(0.0, self._finish)
        elif rate_bytes_per_s > 0:
            self._end = timeline.after(self._left_bytes / rate_bytes_per_s, self._finish)

    def _finish(self) -> None:
        self._end = None
        self._left_bytes = self._rate_bytes_per_s = 0.0
        self._network.leave(self)
        self._on_end()

    def _cancel_end(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None


class Network:
    """The transfers of all hosts. None is faster than `stream_bytes_per_s`, if that is not 0."""

    def __init__(
        self,
        timeline: EventQueue,
        bandwidth_of: Callable[[str], int],
        stream_bytes_per_s: int = 0,
        uplinks: tuple[Uplink, ...] = (),
    ) -> None:
        self.timeline = timeline
        self._bandwidth_of = bandwidth_of
        self._stream_bytes_per_s = stream_bytes_per_s or math.inf
        self._uplinks = uplinks
        self._users: dict[str | Uplink, dict[int, Transfer]] = {}

    def send(self, hosts: tuple[str, ...], size_bytes: float, on_end: Callable[[], None]) -> Transfer:
        """Start a transfer that uses the networks of `hosts`, and the uplinks between them."""
        lines: tuple[str | Uplink, ...] = (*hosts, *(uplink for uplink in self._uplinks if uplink.carries(hosts)))
        transfer = Transfer(self, lines, size_bytes, on_end)
        for line in lines:
            self._users.setdefault(line, {})[id(transfer)] = transfer
        self._share(lines)
        return transfer

    def leave(self, transfer: Transfer) -> None:
        for line in transfer.lines:
            self._users.get(line, {}).pop(id(transfer), None)
        self._share(transfer.lines)

    def reshare(self, host: str) -> None:
        """Give the transfers of a host new shares after its bandwidth changed."""
        self._share((host,))

    def share_of(self, line: str | Uplink) -> float:
        """Return what each transfer of a host or an uplink may use there."""
        whole = self._bandwidth_of(line) if isinstance(line, str) else line.bandwidth_bytes_per_s
        return whole / max(1, len(self._users.get(line, ())))

    def _share(self, lines: tuple[str | Uplink, ...]) -> None:
        affected = {key: transfer for line in lines for key, transfer in self._users.get(line, {}).items()}
        for transfer in affected.values():
            transfer.run_at(min(self._stream_bytes_per_s, *(self.share_of(line) for line in transfer.lines)))
