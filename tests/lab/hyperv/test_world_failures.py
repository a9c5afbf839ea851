from __future__ import annotations

from typing import Any

import pytest

from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.enums import ErrorCategory, JobState, ReplicationMode, VMState
from lab.hyperv.world.errors import BadChange, UnknownVM
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import GB, Adapter, Disk, File, Volume
from lab.hyperv.world.host_messages import CAUSES
from lab.hyperv.world.views import CompatibilityReport, ErrorRecord
from tests.support.lab_worlds import host, lab, vm, vm_id, with_quirks

SAME_NAME = (Disk(path="D:\\A\\x.vhdx", size_bytes=GB), Disk(path="D:\\B\\x.vhdx", size_bytes=GB))
DISK = Disk(path="D:\\VMs\\one.vhdx", size_bytes=GB)


@pytest.mark.parametrize(
    ("vm_fields", "host_fields", "text"),
    [
        ({"adapters": (Adapter(switch="Rare"),)}, {}, "Could not find Ethernet switch 'Rare'."),
        ({}, {"memory_bytes": GB // 2}, "could not initialize memory: Ran out of memory (0x8007000E)"),
        ({}, {"volumes": (Volume(root="D:", free_bytes=GB),)}, "0x80070070"),
        ({}, {"volumes": (Volume(root="C:"),), "default_vm_path": "C:\\VMs"}, "0x80070003"),
        ({"version": "11.0"}, {}, "configuration version 11.0"),
        ({"iso_path": "D:\\a.iso"}, {}, "0xC03A0014"),
        ({"floppy_path": "D:\\a.vfd"}, {}, "D:\\a.vfd"),
        ({"captured_dvd_drive": "E:"}, {}, "E:"),
        ({"has_vtpm": True}, {}, "could not be unwrapped"),
        ({"is_processor_compatible": False}, {"processor_family": "amd"}, "processor-specific features not supported"),
        ({"disks": (DISK, Disk(path="", disk_number=2))}, {}, "physical disk 2"),
        ({"disks": (Disk(path="D:\\s.vhds", is_shared=True),)}, {}, "persistent reservations"),
        ({"disks": SAME_NAME}, {}, "0x80070050"),
        ({}, {"files": (File(path="D:\\Moved\\1\\Virtual Hard Disks\\vm1-1.vhdx"),)}, "0x80070050"),
    ],
)
def test_what_the_destination_cannot_take_fails_below_ten_percent(
    vm_fields: dict[str, Any], host_fields: dict[str, Any], text: str
) -> None:
    """The setup finds it, nothing is copied, and both hosts are as before."""
    hosts = (with_quirks(host("HV01"), percent_is_100_after_failure=False), host("HV02", **host_fields))
    it = lab(vm(1, **vm_fields), hosts=hosts)
    before = it.world.all_entries("HV01"), it.world.all_entries("HV02"), it.world.free_memory_bytes("HV02")
    move = it.move(1)
    it.run()
    assert text in move.errors[0].message
    assert move.percent < 10
    assert (it.world.all_entries("HV01"), it.world.all_entries("HV02"), it.world.free_memory_bytes("HV02")) == before
    assert it.world.vm("HV02", vm_id(1)) is None


def test_what_a_vtpm_or_iso_needs_can_be_there() -> None:
    """With the ISO at the same path and the certificates installed, the move succeeds."""
    there = host("HV02", vtpm_owners=("HV01",), files=(File(path="D:\\a.iso"),))
    it = lab(vm(1, iso_path="D:\\a.iso", has_vtpm=True), hosts=(host("HV01"), there))
    move = it.move(1)
    it.run()
    assert move.errors == ()


@pytest.mark.parametrize("percent", [0, 5, 10, 50, 97, 98, 99, 100])
def test_an_ordered_failure_comes_at_its_percentage(percent: int) -> None:
    """The move fails there with the ordered cause, and the VM is as before."""
    it = lab(hosts=(with_quirks(host("HV01"), percent_is_100_after_failure=False), host("HV02")))
    it.world.order(MoveFault(vm=vm_id(1), at_percent=percent))
    move = it.move(1)
    it.run()
    assert "0x80072746" in move.errors[0].message
    assert move.percent == pytest.approx(min(percent, 99), abs=1)
    assert it.world.vm("HV01", vm_id(1)) is not None
    assert it.world.vm("HV02", vm_id(1)) is None
    assert it.world.jobs("HV01")[0].state is JobState.Exception


def test_an_ordered_failure_comes_when_a_good_move_would_be_there() -> None:
    """Until it fails, a doomed move goes exactly as fast as any other."""
    good, doomed = lab(), lab()
    doomed.world.order(MoveFault(vm=vm_id(1), at_percent=50))
    healthy, failing = good.move(1), doomed.move(1)
    doomed.run()
    assert failing.ended_s is not None
    good.wait(failing.ended_s - 0.5)
    assert healthy.percent == 49
    good.wait(1)
    assert healthy.percent == 50


def test_an_ordered_failure_may_bring_its_own_words() -> None:
    """Literal text and HRESULT stand below the wrapper line."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), text="The moon is full.", hresult=0x80004005))
    move = it.move(1)
    it.run()
    assert move.errors[0].lines[1] == "The moon is full. (0x80004005)"


def test_a_failure_happens_as_often_as_ordered() -> None:
    """Twice means two moves fail and the third succeeds."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), times=2, at_percent=20))
    outcomes = []
    for _ in range(3):
        move = it.move(1)
        it.run()
        outcomes.append(move.has_moved)
    assert outcomes == [False, False, True]


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_every_cause_can_be_ordered(cause: str) -> None:
    """Whatever Hyper-V can say, the lab can be made to say."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), cause=cause))
    move = it.move(1)
    it.run()
    assert "{" not in move.errors[0].message


def test_trouble_for_nobody_is_refused() -> None:
    """An unknown VM or cause is a mistake of whoever orders it."""
    it = lab()
    with pytest.raises(UnknownVM):
        it.world.order(MoveFault(vm=vm_id(99)))
    with pytest.raises(BadChange, match="no cause 'moon'"):
        it.world.order(MoveFault(vm=vm_id(1), cause="moon"))


@pytest.mark.parametrize("percent", [50, 99, 100])
def test_a_stalled_move_hangs_until_it_is_cancelled(percent: int) -> None:
    """No progress and no end, for a day; where the job can be cancelled, a cancel ends it."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.STALL, at_percent=percent))
    move = it.move(1)
    it.run()
    it.wait(86_400)
    assert not move.is_done
    assert move.percent == pytest.approx(percent, abs=1)
    assert it.world.counters("HV01").live == 1
    if percent == 50:
        assert it.world.request_state_change("HV01", move.instance_id, 4) == 4096
        it.run()
        assert move.is_done


def test_a_move_may_say_it_failed_and_have_succeeded() -> None:
    """The cmdlet and the job report failure; the VM is on the destination all the same."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.SAYS_FAILED))
    move = it.move(1)
    it.run()
    assert move.errors
    assert move.has_moved
    assert it.world.vm("HV02", vm_id(1)) is not None


def test_a_move_may_say_it_succeeded_and_have_failed() -> None:
    """No error anywhere; the VM never left."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.SAYS_SUCCEEDED))
    move = it.move(1)
    it.run()
    assert move.errors == ()
    assert it.world.jobs("HV01")[0].state is JobState.Completed
    assert it.world.vm("HV01", vm_id(1)) is not None
    assert it.world.vm("HV02", vm_id(1)) is None


def test_a_vm_on_both_hosts_or_on_none_can_be_had_and_is_remembered() -> None:
    """The two outcomes no program may touch are in the ledger as what they are."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.DUPLICATE))
    it.world.order(MoveFault(vm=vm_id(2), kind=MoveFaultKind.VANISH))
    it.move(1)
    it.move(2)
    it.run()
    assert it.world.vm("HV01", vm_id(1)) is not None
    assert it.world.vm("HV02", vm_id(1)) is not None
    assert it.world.vm("HV01", vm_id(2)) is None
    assert it.world.vm("HV02", vm_id(2)) is None
    kinds = {violation.kind for violation in it.world.ledger.violations}
    assert kinds == {ViolationKind.VM_ON_TWO_HOSTS, ViolationKind.VM_LOST}


def test_leftovers_are_a_switch_of_the_destination() -> None:
    """Partial files and a planned VM stay where that is set, and the next try trips over the files."""
    leaky = with_quirks(host("HV02"), partial_files_remain=True, planned_vm_remains=True)
    it = lab(hosts=(host("HV01"), leaky))
    it.world.order(MoveFault(vm=vm_id(1), at_percent=50))
    it.move(1)
    it.run()
    planned = it.world.vm("HV02", vm_id(1))
    assert planned is not None
    assert planned.is_planned
    assert it.world.entry("HV02", "D:\\Moved\\1\\Virtual Hard Disks\\vm1-1.vhdx") is not None
    again = it.move(1)
    it.run()
    assert "0x80070050" in again.errors[0].message


def test_compare_finds_what_a_move_would_and_leaves_a_planned_vm() -> None:
    """Compare-VM writes to the destination; the next move clears that away."""
    it = lab(vm(1, adapters=(Adapter(switch="Rare"),)), vm(2))
    request = it.move(3).request  # a VM that does not exist: only its request is of use here
    for number, ids in ((1, [33012]), (2, [])):
        wanted = type(request)(
            vm_id=vm_id(number), source="HV01", destination="hv02.contoso.com", owner="x", storage_path="D:\\M"
        )
        report = it.world.compare(wanted)
        assert isinstance(report, CompatibilityReport)
        assert [found.message_id for found in report.incompatibilities] == ids
        planned = it.world.vm("HV02", vm_id(number))
        assert planned is not None
        assert planned.is_planned
    assert isinstance(it.world.compare(request), ErrorRecord)
    it.move(2)
    it.wait(0.5)
    assert it.world.vm("HV02", vm_id(2)) is None


def test_a_replica_of_the_same_id_is_no_violation() -> None:
    """A replica pair shares its id by design."""
    primary = vm(1, replication_mode=ReplicationMode.Primary)
    replica = vm(1, "HV02", replication_mode=ReplicationMode.Replica, state=VMState.Off)
    it = lab(primary, replica, hosts=(host("HV01"), host("HV02"), host("HV03")))
    it.move(1, to="HV03")
    it.run()
    assert it.world.vm("HV03", vm_id(1)) is not None
    assert it.world.vm("HV02", vm_id(1)) is not None
    assert it.world.ledger.violations == []


def test_the_categories_follow_the_error_codes() -> None:
    """Access denied and in use have their own ids and categories."""
    it = lab()
    it.world.order(MoveFault(vm=vm_id(1), cause="access-denied", at_percent=3))
    move = it.move(1)
    it.run()
    (error,) = move.errors
    assert (error.error_id, error.category) == ("AccessDenied", ErrorCategory.PermissionDenied)
    assert it.world.jobs("HV01")[0].error_code == 32769
