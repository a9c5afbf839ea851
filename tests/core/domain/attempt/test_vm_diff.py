"""What is different about a VM after its move."""

from dataclasses import replace
from uuid import UUID

from core.domain.attempt.vm_diff import differences
from core.domain.model.hyperv_enums import ReplicationMode, VmState
from core.domain.model.inventory import Adapter, Disk, Vm, VmDetails, VmId

BEFORE = VmDetails(
    vm=Vm(id=VmId(UUID(int=1)), name="web01", state=VmState.RUNNING, heartbeat=6),
    disks=(Disk(path="D:\\VMs\\web01\\a.vhdx"), Disk(path="E:\\data\\b.vhdx")),
    adapters=(Adapter("Network Adapter", "Production"), Adapter("Backup", "Backup")),
    checkpoints=1,
)


def test_a_vm_that_only_changed_its_place_has_no_differences() -> None:
    """Paths and case of file names differ by nature."""
    after = replace(BEFORE, disks=(Disk(path="D:\\VMs\\Virtual Hard Disks\\A.vhdx"), Disk(path="D:\\VMs\\x\\b.vhdx")))
    assert differences(BEFORE, after) == ()


def test_each_difference_is_said() -> None:
    """State, heartbeat, disks, adapters, replication and checkpoints."""
    vm = replace(BEFORE.vm, state=VmState.OFF, heartbeat=2, replication_mode=ReplicationMode.PRIMARY)
    after = replace(
        BEFORE, vm=vm, disks=BEFORE.disks[:1], adapters=(Adapter("Network Adapter"), BEFORE.adapters[1]), checkpoints=0
    )
    text = "; ".join(differences(BEFORE, after))
    for words in (
        "was running before the move and is off now",
        "heartbeat was good",
        "disk b.vhdx is missing",
        "adapter Network Adapter was connected to Production",
        "replication is not as it was",
        "its checkpoints were 1 and are 0 now",
    ):
        assert words in text


def test_a_heartbeat_that_was_never_good_is_no_difference() -> None:
    """A guest without integration services shows none before either."""
    silent = replace(BEFORE, vm=replace(BEFORE.vm, heartbeat=2))
    assert differences(silent, silent) == ()
