"""Decides what became of a waiting VM that its source no longer shows, no sooner than it is sure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Move


@dataclass(frozen=True, slots=True)
class Arrived:
    """The VM is where the job wanted it. ``by``: whose migration brought it there, empty when no host remembers."""

    by: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The VM is on another host."""

    host: HostName


@dataclass(frozen=True, slots=True)
class Vanished:
    """No host shows the VM. ``silent``: those that could not be asked."""

    silent: tuple[HostName, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """The VM is on its way, or a host was asked too long ago to say that it is not there."""


def absence(
    move: Move,
    snapshots: Mapping[HostName, Snapshot],
    silent: Collection[HostName],
    *,
    since: datetime,
    is_last_look: bool,
) -> Arrived | Elsewhere | Vanished | Undecided:
    """Judge a VM that is missing from its source ``since`` then; at the last look nobody is waited for any longer.

    Hosts are asked at different moments: one that was asked before the VM left its source proves nothing.
    """
    shown = {host: vm for host, snapshot in snapshots.items() if (vm := snapshot.own_vm(move.vm_id)) is not None}
    if any(vm.is_migrating for vm in shown.values()) and not is_last_look:
        return Undecided()
    if move.destination in shown:
        return Arrived(_owner(move, snapshots))
    late = [
        host
        for host in {*snapshots, *silent}
        if host != move.source
        and (host in silent or snapshots[host].asked_at < since or snapshots[host].why_unknown(move.vm_id))
    ]
    for host in shown:
        if host not in late:
            return Elsewhere(host)
    if set(late) - set(silent) and not is_last_look:
        return Undecided()
    return Vanished(tuple(sorted(late)))


def _owner(move: Move, snapshots: Mapping[HostName, Snapshot]) -> str:
    """Return whose migration job the source remembers of this VM."""
    source = snapshots.get(move.source)
    job = source.job(move.vm_id) if source else None
    return job.owner if job else ""
