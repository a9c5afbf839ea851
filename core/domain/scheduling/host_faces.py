"""What a decision sees of each host, kept from one decision to the next while the host shows the same."""

from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.units import span
from core.domain.scheduling.situation import Situation
from core.domain.scheduling.slots import bar


class HostFace:
    """One host as decisions see it: why nothing may start there, and each of its VMs.

    It stays the same object while nothing changes that a VM's readiness hangs on.
    """

    __slots__ = ("_vms", "bar", "silence", "snapshot")

    def __init__(self, silence: str, barred: str, snapshot: Snapshot | None) -> None:
        self.silence = silence
        """Why the host cannot be believed now; empty when it can."""
        self.bar = barred
        """Why the host takes part in no migration until somebody changes its settings; empty when it does."""
        self.snapshot = snapshot
        self._vms: dict[int, Vm] | None = None

    def renew(self, snapshot: Snapshot) -> None:
        """Take a newer snapshot that shows the same."""
        self.snapshot, self._vms = snapshot, None

    def vm(self, vm_id: VmId) -> Vm | None:
        """Return a VM the host shows."""
        # By the number of the id: an id itself takes long to look up, and each of thousands of VMs is, several times.
        if self._vms is None:
            self._vms = {vm.id.int: vm for vm in self.snapshot.vms} if self.snapshot else {}
        return self._vms.get(vm_id.int)


class HostFaces:
    """The faces of all hosts."""

    def __init__(self) -> None:
        self._faces: dict[HostName, HostFace] = {}

    def look(self, situation: Situation) -> dict[HostName, HostFace]:
        """Return the face of each host that has been looked at or is silent."""
        hosts = {*situation.snapshots, *situation.trouble}
        self._faces = {host: self._look(host, situation) for host in hosts}
        return self._faces

    def _look(self, host: HostName, situation: Situation) -> HostFace:
        snapshot, silence = situation.snapshots.get(host), why_silent(host, situation)
        known = self._faces.get(host)
        if known is not None and known.silence == silence:
            if known.snapshot is snapshot:
                return known
            if known.snapshot and snapshot and _show_same(known.snapshot, snapshot) and known.bar == bar(snapshot):
                known.renew(snapshot)
                return known
        return HostFace(silence, bar(snapshot) if snapshot else "", snapshot)


def why_silent(host: HostName, situation: Situation) -> str:
    """Say why what a host showed is no basis for a decision; empty when it is."""
    if host in situation.trouble:
        return situation.trouble[host]
    snapshot = situation.snapshots.get(host)
    if snapshot is None:
        return f"{host} has not been looked at yet"
    age = situation.now - snapshot.taken_at
    return f"{host} was last seen {span(age)} ago" if age > situation.policy.snapshot_max_age else ""


def _show_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots of a host show the same of what readiness hangs on (see ``readiness``)."""
    if len(one.vms) != len(other.vms):
        return False
    for a, b in zip(one.vms, other.vms, strict=True):
        if a is not b and (
            a.id.int != b.id.int
            or a.state is not b.state
            or a.status != b.status
            or a.status_text != b.status_text
            or a.replication_mode is not b.replication_mode
            or a.is_clustered is not b.is_clustered
        ):
            return False
    return True
