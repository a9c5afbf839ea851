"""Keeps what each host last showed, and wakes whoever watches when that changes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from core.domain.model.inventory import HostName, Snapshot, VmId
from core.errors import HostError, HostUnreachable, Standing


@dataclass(frozen=True, slots=True)
class HostTrouble:
    """Why a host cannot be looked at, and since when; ``standing`` says in short how it stands."""

    text: str
    hint: str
    since: datetime
    standing: Standing = HostUnreachable.standing


class SnapshotCache:
    """A cache of the newest snapshot of each host, its trouble if it is silent, and the percents of running moves."""

    def __init__(self) -> None:
        self.snapshots: dict[HostName, Snapshot] = {}
        self.troubles: dict[HostName, HostTrouble] = {}
        self.percents: dict[VmId, int] = {}
        self._watchers: dict[asyncio.Event, None] = {}
        self.looked: Callable[[Snapshot], None] | None = None
        """Is given every snapshot, also one that shows nothing new."""

    @contextmanager
    def watch(self, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """Set an event, the watcher's own or a new one, at every change; the watcher clears it."""
        event = event or asyncio.Event()
        self._watchers[event] = None
        try:
            yield event
        finally:
            del self._watchers[event]

    def put(self, snapshot: Snapshot) -> None:
        """Take a new snapshot, unless it is older; only one that shows something else is news."""
        known = self.snapshots.get(snapshot.host)
        if known is None or known.asked_at <= snapshot.asked_at:
            self.snapshots[snapshot.host] = snapshot
            if self.looked is not None:
                self.looked(snapshot)
        was_silent = self.troubles.pop(snapshot.host, None) is not None
        for job in snapshot.jobs:
            if job.is_running:
                self.percents[job.vm_id] = job.percent
        if was_silent or known is None or _essence(known) != _essence(snapshot):
            self.wake()

    def silent(self, host: HostName, error: HostError, at: datetime) -> bool:
        """Note that a host cannot be looked at. Returns whether that is news."""
        known = self.troubles.get(host)
        self.troubles[host] = HostTrouble(error.message, error.hint, known.since if known else at, error.standing)
        if known is None or known.text != error.message:
            self.wake()
        return known is None

    def standing(self, host: HostName) -> Standing:
        """Say behind a host's name why it cannot be looked at."""
        trouble = self.troubles.get(host)
        return trouble.standing if trouble else HostUnreachable.standing

    def progress(self, vm_id: VmId, percent: int) -> None:
        """Note a running move's percent."""
        self.percents[vm_id] = percent

    def forget(self, vm_id: VmId) -> None:
        """Drop the percent of a move that ended."""
        self.percents.pop(vm_id, None)

    def wake(self) -> None:
        """Wake everybody who watches, in the order they came."""
        for event in self._watchers:
            event.set()


def _essence(snapshot: Snapshot) -> object:
    """Return what decisions look at: not the times, percents and loads that differ at every look."""
    vms = [(vm.id, vm.state, vm.status, vm.replication_mode, vm.is_clustered) for vm in snapshot.vms]
    return snapshot.facts, vms, snapshot.unreadable, [(job.key, job.vm_id, job.state) for job in snapshot.jobs]
