"""Promises of core.domain.attempt.cleanup."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.attempt.cleanup import folders_made, leftovers, unused_destination
from core.domain.attempt.leftovers import beside
from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import Disk, Vm, VmDetails
from tests.support.builders import details, facts, move, vm, vm_id

ID = str(vm_id(1)).upper()


def at_home(home: str, *disks: str, number: int = 1) -> VmDetails:
    one = vm(number, config_path=home, checkpoint_path=home, paging_path=home)
    return replace(details(number, of=one), disks=tuple(Disk(path=path, file_bytes=1) for path in disks))


def test_lists_what_a_vm_leaves_behind() -> None:
    """Everything Hyper-V leaves of a VM in a folder of its own, the folder itself last."""
    home = "D:\\VMs\\web01"
    plan = leftovers(at_home(home, f"{home}\\Virtual Hard Disks\\web01.vhdx"), facts(), [])
    assert plan.remove == (
        f"{home}\\Virtual Machines\\{ID}",
        f"{home}\\Virtual Machines",
        f"{home}\\UndoLog Configuration",
        f"{home}\\Planned Virtual Machines",
        f"{home}\\Snapshots",
        f"{home}\\Virtual Hard Disks",
        home,
    )
    assert plan.keep == ()


def test_folders_of_one_kind_may_lie_apart() -> None:
    """Configuration, checkpoints, paging file and each disk may be in different places."""
    one = vm(1, config_path="D:\\A\\web", checkpoint_path="E:\\B\\web", paging_path="F:\\C\\web")
    before = replace(details(1, of=one), disks=(Disk(path="G:\\D\\web\\a.vhdx"), Disk(path="H:\\E\\web\\b.vhdx")))
    removed = set(leftovers(before, facts(), []).remove)
    assert {"D:\\A\\web", "E:\\B\\web\\Snapshots", "G:\\D\\web", "H:\\E\\web"} <= removed
    assert f"F:\\C\\web\\Virtual Machines\\{ID}" in removed


def test_a_first_level_folder_and_a_root_stay() -> None:
    """Promise 5: never a volume root or a first-level folder, and the receipt says why."""
    plan = leftovers(at_home("D:\\VMs", "E:\\web01.vhdx"), facts(), [])
    assert ("D:\\VMs", "is a first-level folder") in plan.keep
    assert ("E:\\", "is the root of a volume") in plan.keep
    assert not {"D:\\VMs", "D:\\", "E:\\"} & set(plan.remove)


def test_the_defaults_of_the_host_stay() -> None:
    """Promise 5: the host's default folders stay, with what Hyper-V keeps in them and what they are in."""
    defaults = facts(default_vm_path="C:\\Data\\Hyper-V\\", default_disk_path="C:\\Data\\Hyper-V\\Disks")
    plan = leftovers(at_home("C:\\Data\\Hyper-V", "C:\\Data\\Hyper-V\\Disks\\web.vhdx"), defaults, [])
    assert plan.remove == (f"C:\\Data\\Hyper-V\\Virtual Machines\\{ID}",)
    assert dict(plan.keep)["C:\\Data\\Hyper-V"] == "is a default folder of the host"
    assert dict(plan.keep)["C:\\Data\\Hyper-V\\Snapshots"] == "belongs to a folder that is a default folder of the host"


def test_a_vm_below_the_default_folder_leaves_its_own_folder() -> None:
    """A VM's own folder below the host's default may go; the default itself may not."""
    defaults = facts(default_vm_path="D:\\Hyper-V\\VMs", default_disk_path="D:\\Hyper-V\\VMs")
    plan = leftovers(at_home("d:\\hyper-v\\vms\\web01"), defaults, [])
    assert "d:\\hyper-v\\vms\\web01" in plan.remove
    assert "d:\\hyper-v\\vms" not in plan.remove


def test_a_folder_that_another_vm_names_stays() -> None:
    """Promise 5: what another VM is configured to use stays, however it is spelled, with the name of that VM."""
    other = vm(2, config_path="d:/pool/shared/", checkpoint_path="", paging_path="")
    plan = leftovers(at_home("D:\\Pool\\Shared"), facts(), [other])
    assert dict(plan.keep)["D:\\Pool\\Shared"] == "is named by the VM vm02"
    assert plan.remove == (f"D:\\Pool\\Shared\\Virtual Machines\\{ID}",)


def test_a_folder_around_another_vm_stays() -> None:
    """Promise 5: a folder in which another VM has its own is not even tried."""
    other = vm(2, config_path="D:\\Pool\\Group\\db01")
    assert "D:\\Pool\\Group" not in leftovers(at_home("D:\\Pool\\Group\\web01"), facts(), [other]).remove


def test_a_share_is_left_alone_and_the_receipt_says_so() -> None:
    """Weakness 24 and promise 5: folders on a share are never removed; each place is named once, with the reason."""
    home, reason = "\\\\nas\\vms\\pool\\web01", "is on a share; the bot removes folders on the host's own volumes only"
    plan = leftovers(at_home(home, f"{home}\\Virtual Hard Disks\\web01.vhdx", "D:\\VMs\\web01\\b.vhdx"), facts(), [])
    assert plan.keep == ((home, reason),)
    assert plan.remove == ("D:\\VMs\\web01",)
    assert unused_destination([home], vm_id(1), facts(), []) == ()


def test_apostrophes_and_brackets_are_letters() -> None:
    """Weakness 24: names are data: a quote or a bracket changes nothing."""
    home = "D:\\VMs\\O'Brien [test]"
    assert leftovers(at_home(home), facts(), []).remove[-1] == home


def test_relative_and_missing_paths_are_no_folders() -> None:
    """What names no place by itself is never removed."""
    plan = leftovers(at_home("web01", "disks\\web01.vhdx"), facts(), [])
    assert plan.remove == ()
    assert plan.keep
    assert leftovers(at_home(""), facts(), []).remove == ()


def test_a_pass_through_disk_has_no_folder() -> None:
    """A disk without a file leaves nothing."""
    before = replace(at_home("D:\\VMs\\web01"), disks=(Disk(path="", is_pass_through=True),))
    assert "" not in leftovers(before, facts(), []).remove


def test_what_a_failed_move_made_on_the_destination() -> None:
    """Weakness 26: the folder made for one VM goes again, deepest first; one that somebody uses stays."""
    made = unused_destination(["D:\\VMs\\web01"], vm_id(1), facts(), [])
    assert made[-1] == "D:\\VMs\\web01"
    assert "D:\\VMs\\web01\\Virtual Hard Disks" in made
    assert made[0] == f"D:\\VMs\\web01\\Virtual Machines\\{ID}"
    assert "D:\\VMs" not in unused_destination(["D:\\VMs"], vm_id(1), facts(), [])
    used = vm(2, config_path="D:\\VMs\\web01")
    assert "D:\\VMs\\web01" not in unused_destination(["D:\\VMs\\web01"], vm_id(1), facts(), [used])


def test_the_folders_of_disks_on_other_drives_were_made_too() -> None:
    """Weakness 26: keep-drives makes a folder of the VM on each drive; a later try makes them beside the first."""
    disks = (DiskTarget("E:\\a\\data.vhdx", "E:\\VMs\\web01\\Virtual Hard Disks\\data.vhdx"),)
    one = move(1, path="D:\\VMs\\web01", disks=disks, is_own_folder=True, vm_name="web01")
    assert folders_made(one) == ("D:\\VMs\\web01", "E:\\VMs\\web01")
    assert folders_made(replace(one, is_own_folder=False)) == ()
    other = beside(one, 2)
    assert folders_made(other) == ("D:\\VMs\\web01-2", "E:\\VMs\\web01\\Virtual Hard Disks\\web01-2")
    places = unused_destination((*folders_made(other), *folders_made(one)), vm_id(1), facts(), [])
    depths = [windows_paths.depth(place) for place in places]
    assert depths == sorted(depths, reverse=True)


FOLDERS = st.sampled_from(["VMs", "Hyper-V", "a", "o'b", "[x]", "Virtual Machines", "..", "."])
PLACES = st.builds(
    lambda root, names: root + "\\".join(names),
    st.sampled_from(["C:\\", "D:\\", "\\\\nas\\vms\\", "C:", "", "\\"]),
    st.lists(FOLDERS, max_size=4),
)


@settings(max_examples=200)
@given(roots=st.tuples(PLACES, PLACES, PLACES), disks=st.lists(PLACES, max_size=2), default=PLACES, taken=PLACES)
def test_the_list_never_holds_a_folder_that_must_stay(
    roots: tuple[str, str, str], disks: list[str], default: str, taken: str
) -> None:
    """Promise 5: whatever paths a host reports, the list holds no root, first level, default or used folder."""
    one: Vm = vm(1, config_path=roots[0], checkpoint_path=roots[1], paging_path=roots[2])
    before = VmDetails(vm=one, disks=tuple(Disk(path=path) for path in disks))
    plan = leftovers(before, facts(default_vm_path=default), [vm(2, config_path=taken)])
    for path in plan.remove:
        assert windows_paths.is_absolute(path)
        assert windows_paths.depth(path) > 1
        assert not (default and windows_paths.is_below(default, path))
        assert not (taken and windows_paths.is_below(taken, path))
    depths = [windows_paths.depth(path) for path in plan.remove]
    assert depths == sorted(depths, reverse=True)
    keys = [windows_paths.key(path) for path in (*plan.remove, *dict(plan.keep))]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("home", ["D:\\VMs\\web01\\..", "D:\\VMs\\web01\\..\\..", "D:\\."])
def test_dots_do_not_lead_to_a_folder_that_must_stay(home: str) -> None:
    """Promise 5: a path is judged by where it leads."""
    assert home not in leftovers(at_home(home), facts(), []).remove
