"""Promises of core.domain.planning.destinations."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import Disk, Volume
from core.domain.planning.destinations import keep_drives, subfolder
from tests.support.builders import GB, details


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
    taken = {windows_paths.name_key("web01"), windows_paths.name_key("web01-1")}
    assert subfolder("D:\\VMs", "WEB01", taken) == "D:\\VMs\\WEB01-2"
    assert subfolder("D:\\VMs", "web01", taken) == "D:\\VMs\\web01-3"


@given(st.lists(st.text(max_size=8), max_size=8))
def test_no_two_vms_share_a_subfolder(names: list[str]) -> None:
    """Whatever VMs are called, each gets a folder of its own, directly below the path."""
    taken: set[str] = set()
    folders = [subfolder("D:\\VMs", name, taken) for name in names]
    assert len({windows_paths.name_key(folder) for folder in folders}) == len(names)
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
