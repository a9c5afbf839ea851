"""Finds in what hosts show when VMs were in backup: only begins and ends are news, and what nobody saw is not known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.domain.model.hyperv_enums import QUIET, Operation
from core.domain.model.inventory import HostName, Snapshot, VmId

BLIND = timedelta(hours=1)
"""After so long without a look a VM that is in backup again is in another one."""
UNBROKEN = timedelta(minutes=15)
"""Two looks at a host that lie closer together saw everything between them, for the purpose of backups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRun:
    """One backup of a VM as its host showed it. All times are on the wall.

    It began within ``started_after`` and ``started_at``, and ended within ``ended_after`` and ``ended_at``: the last
    look before and the first look after. No ``started_after``: nobody looked before. No ``ended_at``: it goes on.
    """

    vm_id: VmId
    host: HostName
    started_at: datetime
    started_after: datetime | None = None
    ended_after: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_start_known(self) -> bool:
        """Whether a look shortly before did not show it yet."""
        return self.started_after is not None and self.started_at - self.started_after <= UNBROKEN

    @property
    def minutes(self) -> float | None:
        """How many minutes it took; None: nobody saw it end, or begin."""
        if not self.is_start_known or self.ended_at is None or self.ended_after is None:
            return None
        if self.ended_at - self.ended_after > UNBROKEN:
            return None
        return (self.ended_at - self.started_at).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class HostWatch:
    """A span in which a host was looked at again and again: only then a VM is known not to have been in backup."""

    host: HostName
    since: datetime
    until: datetime

    def extended(self, at: datetime) -> "HostWatch":
        """Return the span with one more look: the same one going on, or a new one after a gap."""
        if abs(at - self.until) <= UNBROKEN:
            return replace(self, until=max(at, self.until))
        return HostWatch(self.host, at, at)


def changes(
    running: Mapping[VmId, BackupRun], snapshot: Snapshot, at: datetime, looked_at: datetime | None
) -> tuple[BackupRun, ...]:
    """Return the backups that began and ended on a host since the last look at it.

    ``running``: those that were seen running on this host last; ``at``: when it showed this; ``looked_at``: the last
    look before. A VM that this host cannot tell of goes on as it was; one that it no longer has is not backed up there.
    """
    news = list[BackupRun]()
    is_blind = looked_at is None or at - looked_at > BLIND
    seen = {vm.id: vm for vm in snapshot.vms if vm.status != QUIET and Operation.BACKING_UP in vm.status}
    for vm_id, run in running.items():
        is_over = vm_id not in seen and (snapshot.vm(vm_id) is not None or snapshot.lacks(vm_id))
        last_seen = max(run.started_at, looked_at or run.started_at)
        if is_over or (vm_id in seen and is_blind):
            news.append(replace(run, ended_after=last_seen, ended_at=max(at, last_seen)))
    for vm_id, vm in seen.items():
        if not vm.is_replica and (vm_id not in running or is_blind):
            news.append(BackupRun(vm_id=vm_id, host=snapshot.host, started_at=at, started_after=looked_at))
    return tuple(news)
