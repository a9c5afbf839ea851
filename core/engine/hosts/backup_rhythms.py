"""Reads of VMs when they were in backup and learns when they will be again; what was learned holds for a while."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.backups.rhythm import NEUTRAL, REMEMBERED, Expected, Rhythm, expected, learn
from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.inventory import HostName, VmId
from core.engine.hosts.backup_watch import BackupWatch
from core.ports import Clock, Store

log = logging.getLogger(__name__)

HOLDS = timedelta(hours=1)
"""What was learned of a VM is learned anew after this time, and when a backup of it ended."""
AHEAD = timedelta(days=3)
"""So far backups to come are worked out."""
AT_ONCE = 200
"""So many VMs are learned of in one go, in a thread: others get a turn."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of one VM: its rhythm, and the backups to come; ``at`` is a steady time."""

    rhythm: Rhythm
    expected: tuple[Expected, ...]
    at: datetime


class BackupRhythms:
    """The rhythms of VMs that somebody asks for."""

    def __init__(self, store: Store, clock: Clock, watch: BackupWatch, zone: ZoneInfo) -> None:
        self._store = store
        self._clock = clock
        self._watch = watch
        self._zone = zone
        self._learned: dict[VmId, Learned] = {}

    async def of(self, vm_ids: Collection[VmId]) -> Mapping[VmId, Learned]:
        """Return what is known of these VMs. Raises StoreError."""
        now = self._clock.steady_now()
        for vm_id in self._watch.ended:
            self._learned.pop(vm_id, None)
        self._watch.ended.clear()
        missing = [v for v in vm_ids if v not in self._learned or now - self._learned[v].at >= HOLDS]
        if missing:
            self._learned = {v: one for v, one in self._learned.items() if now - one.at < HOLDS}
            watched = self._watched(await self._store.host_watches(self._clock.now() - REMEMBERED))
            for start in range(0, len(missing), AT_ONCE):
                await self._learn(missing[start : start + AT_ONCE], watched, now)
        return {vm_id: self._learned[vm_id] for vm_id in vm_ids}

    def newest(self, vm_id: VmId) -> BackupRun | None:
        """Return the newest backup of a VM, if it goes on or ended not long ago."""
        return self._watch.newest(vm_id)

    async def _learn(
        self, vm_ids: Sequence[VmId], watched: Mapping[HostName, Sequence[HostWatch]], at: datetime
    ) -> None:
        now = self._clock.now()
        runs = defaultdict[VmId, list[BackupRun]](list)
        for run in await self._store.backup_runs(vm_ids, now - REMEMBERED):
            runs[run.vm_id].append(run)
        for vm_id in vm_ids:
            if vm_id not in runs:
                self._learned[vm_id] = Learned(NEUTRAL, (), at)
        if runs:
            self._learned |= await asyncio.to_thread(_learn_all, runs, watched, self._zone, now, at)

    def _watched(self, spans: Sequence[HostWatch]) -> Mapping[HostName, Sequence[HostWatch]]:
        """Sort by host what is written down, with what was seen since."""
        by_host = defaultdict[HostName, dict[datetime, HostWatch]](dict)
        for span in (*spans, *self._watch.spans().values()):
            by_host[span.host][span.since] = span
        return {host: tuple(mine.values()) for host, mine in by_host.items()}


def _learn_all(
    runs: Mapping[VmId, Sequence[BackupRun]],
    watched: Mapping[HostName, Sequence[HostWatch]],
    zone: ZoneInfo,
    now: datetime,
    at: datetime,
) -> dict[VmId, Learned]:
    found = {}
    for vm_id, mine in runs.items():
        rhythm = learn(mine, watched, zone, now)
        found[vm_id] = Learned(rhythm, expected(rhythm, zone, now - timedelta(days=1), now + AHEAD), at)
    return found
