"""Promises of core.domain.planning.placement."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import Adapter, Disk, Volume
from core.domain.planning.placement import Destination, keep_drives, place, subfolder
from tests.support.builders import GB, HV02, HV03, details, room, vm_id

TWO, THREE = Destination(HV02, "D:\\VMs"), Destination(HV03, "D:\\VMs")


def test_one_destination_takes_all() -> None:
    """With one destination nothing is chosen, not even for want of room: preflight says so."""
    rows = [details(1, gb=9), details(2, gb=9)]
    assert place(rows, [TWO], {HV02: room(HV02, free_gb=1)}) == {vm_id(1): TWO, vm_id(2): TWO}


def test_vms_spread_by_the_room_that_is_left() -> None:
    """Largest first, to where most room is left, counting what was placed before."""
    rows = [details(1, gb=10), details(2, gb=40), details(3, gb=20)]
    placed = place(rows, [TWO, THREE], {HV02: room(HV02, free_gb=100), HV03: room(HV03, free_gb=90)})
    assert placed == {vm_id(2): TWO, vm_id(3): THREE, vm_id(1): THREE}


def test_a_host_without_the_switch_comes_last() -> None:
    """A host that has the VM's switch wins over one with more room; switch names have no case."""
    rooms = {HV02: room(HV02, free_gb=900, switches=("WAN",)), HV03: room(HV03, free_gb=100, switches=("lan",))}
    assert place([details(1)], [TWO, THREE], rooms)[vm_id(1)] == THREE


def test_a_host_without_the_memory_comes_after_one_that_has_it() -> None:
    """Room on the volume does not help a VM that finds no memory; an unconnected adapter needs no switch."""
    rooms = {HV02: room(HV02, memory_gb=0), HV03: room(HV03, free_gb=100)}
    row = replace(details(1), adapters=(Adapter("net"),))
    assert place([row], [TWO, THREE], rooms)[vm_id(1)] == THREE


def test_equal_hosts_take_turns() -> None:
    """Ties go to the host with fewer VMs placed, then to the one named first."""
    rows = [details(number, gb=0) for number in range(1, 5)]
    placed = place(rows, [TWO, THREE], {HV02: room(HV02), HV03: room(HV03)})
    assert [placed[vm_id(number)] for number in range(1, 5)] == [TWO, THREE, TWO, THREE]


def test_a_silent_host_comes_last() -> None:
    """A destination that was not inspected is chosen only when it is the only one."""
    assert place([details(1)], [TWO, THREE], {HV03: room(HV03)})[vm_id(1)] == THREE


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("web01", "web01"),
        ("O'Brien", "O'Brien"),
        ("a/b:c*d", "a_b_c_d"),
        ("tail. . ", "tail"),
        ("..", "vm"),
        ("", "vm"),
        ("CON", "_CON"),
        ("lpt1.old", "_lpt1.old"),
        ("console", "console"),
    ],
)
def test_a_subfolder_is_called_like_the_vm(name: str, folder: str) -> None:
    """``subfolder``: the VM's name, as far as Windows allows it for a folder."""
    assert subfolder("D:\\VMs", name, set()) == f"D:\\VMs\\{folder}"


def test_a_taken_name_gets_a_number() -> None:
    """Weakness 26: the name is chosen once, when the plan is made; taken ones get a number, in any case."""
    taken = {"web01", "web01-1"}
    assert subfolder("D:\\VMs", "WEB01", taken) == "D:\\VMs\\WEB01-2"
    assert subfolder("D:\\VMs", "web01", taken) == "D:\\VMs\\web01-3"


@given(st.lists(st.text(max_size=8), max_size=8))
def test_no_two_vms_share_a_subfolder(names: list[str]) -> None:
    """Whatever VMs are called, each gets a folder of its own, directly below the path."""
    taken: set[str] = set()
    folders = [subfolder("D:\\VMs", name, taken) for name in names]
    assert len({windows_paths.name(folder).casefold() for folder in folders}) == len(names)
    assert all(windows_paths.parent(folder) == "D:\\VMs" for folder in folders)


def volumes(*roots: str) -> tuple[Volume, ...]:
    return tuple(Volume(root, 100 * GB, 100 * GB) for root in roots)


def test_drive_letters_are_kept_where_the_destination_has_them() -> None:
    """``keep-drives``: each disk goes to its own letter, one without to where the path says."""
    row = replace(
        details(1), disks=(Disk(path="D:\\x\\a.vhdx"), Disk(path="e:\\x\\b.vhdx"), Disk(path="F:\\x\\c.vhdx"))
    )
    assert keep_drives(row, "D:\\VMs", volumes("C:\\", "D:\\", "E:\\")) == (
        DiskTarget("D:\\x\\a.vhdx", "D:\\VMs\\Virtual Hard Disks\\a.vhdx"),
        DiskTarget("e:\\x\\b.vhdx", "e:\\VMs\\Virtual Hard Disks\\b.vhdx"),
        DiskTarget("F:\\x\\c.vhdx", "D:\\VMs\\Virtual Hard Disks\\c.vhdx"),
    )


def test_a_single_disk_keeps_its_drive_too() -> None:
    """Weakness 25: a VM with one disk keeps its letter like one with several."""
    row = replace(details(1), disks=(Disk(path="E:\\x\\a.vhdx"),))
    assert keep_drives(row, "D:\\VMs", volumes("D:\\", "E:\\"))[0].destination.startswith("E:\\VMs\\")


def test_a_plain_move_needs_no_disk_targets() -> None:
    """Nothing is said of disks that go where the path says anyway."""
    assert keep_drives(details(1), "D:\\VMs", volumes("D:\\")) == ()


def test_a_share_has_no_letter() -> None:
    """Weakness 24: a destination on a share, or disks from one, keep no letter."""
    assert keep_drives(details(1), "\\\\nas\\vms", volumes("D:\\")) == ()
    row = replace(details(1), disks=(Disk(path="\\\\nas\\vms\\a.vhdx"),))
    assert keep_drives(row, "D:\\VMs", volumes("D:\\")) == ()


def test_a_pass_through_disk_has_no_target() -> None:
    """A disk without a file cannot be sent anywhere."""
    row = replace(details(1), disks=(Disk(path="", is_pass_through=True), Disk(path="E:\\a.vhdx")))
    assert [one.source for one in keep_drives(row, "D:\\VMs", volumes("D:\\", "E:\\"))] == ["E:\\a.vhdx"]
