"""Watches in every look at a host which VMs are in backup, and writes down when that begins and ends."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.domain.backups.runs import BLIND, BackupRun, HostWatch, changes
from core.domain.model.inventory import HostName, Snapshot, VmId
from core.engine.moments import on_the_wall
from core.errors import StoreError
from core.ports import Clock, Store

log = logging.getLogger(__name__)

SAVE_EVERY_S = 600.0
"""How often it is written down until when hosts were looked at, though nothing changed."""
AGAIN_S = 10.0
RECENT = timedelta(hours=36)
"""For so long it is remembered that a VM was in backup, without a look into the database."""


class BackupWatch:
    """What is known of backups now. A look costs no more than a look at each VM's status; only news is written."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._running: defaultdict[HostName, dict[VmId, BackupRun]] = defaultdict(dict)
        self._newest: dict[VmId, BackupRun] = {}
        self._spans: dict[HostName, HostWatch] = {}
        self._unsaved: dict[tuple[VmId, HostName, datetime], BackupRun] = {}
        self._saved_at = clock.steady_now()
        self.ended: set[VmId] = set()
        """VMs of which a backup has been written down as ended, until somebody has learned from it."""
        self.changed = asyncio.Event()
        """Set when there is something to write down."""

    async def load(self) -> None:
        """Read what earlier processes saw last."""
        now = self._clock.now()
        for run in await self._store.newest_backups(now - RECENT):
            self._remember(run)
        for span in await self._store.host_watches(now - RECENT):
            self._spans[span.host] = span

    def newest(self, vm_id: VmId) -> BackupRun | None:
        """Return the newest backup of a VM, if it goes on or ended not long ago."""
        return self._newest.get(vm_id)

    def spans(self) -> Mapping[HostName, HostWatch]:
        """Return since when each host has been looked at without a gap."""
        return self._spans

    def look(self, snapshot: Snapshot) -> None:
        """Take what a host showed. One that has not answered since the last time is not heard of here."""
        host, at = snapshot.host, on_the_wall(self._clock, snapshot.taken_at)
        span = self._spans.get(host)
        # A clock that was put back a little is no gap in which nobody looked.
        looked_at = min(span.until, at) if span and span.until - at < BLIND else None
        for run in changes(self._running[host], snapshot, at, looked_at):
            self._remember(run)
            self._unsaved[run.vm_id, run.host, run.started_at] = run
            self.changed.set()
        self._spans[host] = span.extended(at) if span else HostWatch(host, at, at)

    async def turn(self) -> float:
        """Write down what is new, and now and then until when hosts were looked at."""
        passed_s = (self._clock.steady_now() - self._saved_at).total_seconds()
        if not self._unsaved and passed_s < SAVE_EVERY_S:
            return SAVE_EVERY_S - passed_s
        try:
            await self.save()
        except StoreError as error:
            log.warning("when VMs were in backup is written down later: %s", error)
            return AGAIN_S
        return max(1.0, SAVE_EVERY_S - (self._clock.steady_now() - self._saved_at).total_seconds())

    async def save(self, *, is_last: bool = False) -> None:
        """Write down backups that began or ended, and until when their hosts were looked at; all hosts now and then."""
        self.changed.clear()
        runs, at = dict(self._unsaved), self._clock.steady_now()
        is_time = (at - self._saved_at).total_seconds() >= SAVE_EVERY_S
        hosts = set(self._spans) if is_time or is_last else {run.host for run in runs.values()}
        spans = tuple(span for host, span in self._spans.items() if host in hosts)
        await self._store.note_backups(tuple(runs.values()), spans)
        if is_time:
            self._saved_at = at
        for key, run in runs.items():
            if self._unsaved.get(key) is run:
                del self._unsaved[key]
            if run.ended_at is not None:
                self.ended.add(run.vm_id)
        self._forget_old()

    def _remember(self, run: BackupRun) -> None:
        known = self._newest.get(run.vm_id)
        if known is None or known.started_at <= run.started_at:
            self._newest[run.vm_id] = run
        running = self._running[run.host]
        if run.ended_at is None:
            running[run.vm_id] = run
        elif (mine := running.get(run.vm_id)) is not None and mine.started_at == run.started_at:
            del running[run.vm_id]

    def _forget_old(self) -> None:
        since = self._clock.now() - RECENT
        self._newest = {
            vm_id: run for vm_id, run in self._newest.items() if run.ended_at is None or run.ended_at >= since
        }
