"""Shares each host's network between the transfers that use it: equally, and the slower end decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.event_queue import Appointment, EventQueue

_EPSILON_BYTES = 1e-3


class Transfer:
    """Bytes on their way from one host to another (or within one host)."""

    def __init__(self, network: Network, hosts: tuple[str, ...], size_bytes: float, on_end: Callable[[], None]) -> None:
        self.hosts = hosts
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

    def __init__(self, timeline: EventQueue, bandwidth_of: Callable[[str], int], stream_bytes_per_s: int = 0) -> None:
        self.timeline = timeline
        self._bandwidth_of = bandwidth_of
        self._stream_bytes_per_s = stream_bytes_per_s or math.inf
        self._users: dict[str, dict[int, Transfer]] = {}

    def send(self, hosts: tuple[str, ...], size_bytes: float, on_end: Callable[[], None]) -> Transfer:
        """Start a transfer that uses the networks of `hosts`."""
        transfer = Transfer(self, hosts, size_bytes, on_end)
        for host in hosts:
            self._users.setdefault(host, {})[id(transfer)] = transfer
        self._share(hosts)
        return transfer

    def leave(self, transfer: Transfer) -> None:
        for host in transfer.hosts:
            self._users.get(host, {}).pop(id(transfer), None)
        self._share(transfer.hosts)

    def reshare(self, host: str) -> None:
        """Give the transfers of a host new shares after its bandwidth changed."""
        self._share((host,))

    def share_of(self, host: str) -> float:
        """Return what each transfer of a host may use there."""
        return self._bandwidth_of(host) / max(1, len(self._users.get(host, ())))

    def _share(self, hosts: tuple[str, ...]) -> None:
        affected = {key: transfer for host in hosts for key, transfer in self._users.get(host, {}).items()}
        for transfer in affected.values():
            transfer.run_at(min(self._stream_bytes_per_s, *(self.share_of(host) for host in transfer.hosts)))
