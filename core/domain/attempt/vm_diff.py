"""Lists what is different about a VM after its move: state, heartbeat, disks, adapters, replication, checkpoints.

A move can lose the network link of an adapter, or leave a VM in another state, and report no error (public reports);
differences are findings for a human, not failures.
"""

from collections import Counter

from core.domain.model import windows_paths
from core.domain.model.inventory import VmDetails

_OK_HEARTBEATS = {5, 6}
"""OkApplicationsUnknown and OkApplicationsHealthy of the Hyper-V module's heartbeat enum."""


def differences(before: VmDetails, after: VmDetails) -> tuple[str, ...]:
    """Compare a VM as it was on the source with what the destination shows, each difference as a short clause."""
    found = []
    was, now = before.vm, after.vm
    if was.state is not now.state:
        found.append(f"it was {was.state.name.lower()} before the move and is {now.state.name.lower()} now")
    if was.heartbeat in _OK_HEARTBEATS and now.heartbeat is not None and now.heartbeat not in _OK_HEARTBEATS:
        found.append("its heartbeat was good before the move and is not now")
    found += _lost("disk", _disks(before), _disks(after))
    found += _adapters(before, after)
    if (was.replication_mode, was.replication_state) != (now.replication_mode, now.replication_state):
        found.append("its replication is not as it was")
    if before.checkpoints != after.checkpoints:
        found.append(f"its checkpoints were {before.checkpoints} and are {after.checkpoints} now")
    return tuple(found)


def _disks(details: VmDetails) -> Counter[str]:
    return Counter(windows_paths.name(disk.path) for disk in details.disks if disk.path)


def _lost(what: str, before: Counter[str], after: Counter[str]) -> list[str]:
    folded = Counter({name.casefold(): count for name, count in after.items()})
    return [f"its {what} {name} is missing" for name in before if folded[name.casefold()] < before[name]]


def _adapters(before: VmDetails, after: VmDetails) -> list[str]:
    was = Counter((adapter.name, adapter.switch) for adapter in before.adapters)
    now = Counter((adapter.name, adapter.switch) for adapter in after.adapters)
    return [
        f"its adapter {name} was connected to {switch} and is not now" if switch else f"its adapter {name} has changed"
        for name, switch in (was - now)
    ]
