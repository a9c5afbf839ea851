"""Promises of core.domain.attempt.leftovers: the bot knows its own leftover from a live disk and a stranger's file."""

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.leftovers import InTheWay, Whose, beside, homes_beside, in_the_light_of, in_the_way
from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.move import Fault
from tests.support.builders import move

DISK = "D:\\VMs\\Virtual Hard Disks\\web01.vhdx"
COLLISION = Diagnosis("leftover", Fault.OPERATOR, "look", "Die Datei ist vorhanden. (0x80070050)")
MOVE = move(1, path="D:\\VMs")


def found(*, used: dict[str, str] | None = None, has_tried: bool = True) -> tuple[InTheWay, ...]:
    present = [DISK.upper(), "D:\\VMs\\Virtual Hard Disks\\other.vhdx"]
    return in_the_way(present, [DISK], used or {}, has_tried=has_tried)


def test_only_what_the_move_writes_is_in_its_way() -> None:
    """Other files of the folder are nobody's business; case does not matter to NTFS."""
    assert found() == (InTheWay(DISK.upper(), Whose.OWN),)
    assert in_the_way([], [DISK], {}, has_tried=True) == ()


def test_a_live_disk_is_never_taken_for_a_leftover() -> None:
    """Case 8 of the field: it is the disk of another VM; no hint invites to delete it, and no further try follows."""
    live = found(used={windows_paths.key(DISK): "web07"})
    assert [one.whose for one in live] == [Whose.LIVE]
    said = in_the_light_of(COLLISION, live, MOVE, beside(MOVE, 2))
    assert said.fault is Fault.VM
    assert "is a disk of web07: do not delete it" in said.hint


def test_a_strangers_file_ends_the_move() -> None:
    """It was there before the first try: a human looks whose it is."""
    said = in_the_light_of(COLLISION, found(has_tried=False), MOVE, beside(MOVE, 2))
    assert said.fault is Fault.OPERATOR
    assert "was there before my first try" in said.hint


def test_its_own_leftover_costs_nothing_and_is_gone_around() -> None:
    """Case 15 of the field: what the first try left is no reason to fail, and is not deleted."""
    said = in_the_light_of(COLLISION, found(), MOVE, beside(MOVE, 2))
    assert said.fault is Fault.NEVER_STARTED
    assert "I delete no files" in said.hint
    assert said.hint.endswith("to D:\\VMs\\" + f"{MOVE.vm_name}-2")


def test_nothing_found_leaves_it_to_a_human() -> None:
    """The host says that a file exists, and shows none: nobody guesses."""
    assert in_the_light_of(COLLISION, (), MOVE, beside(MOVE, 2)) == COLLISION


def test_the_way_out_is_on_the_same_volume() -> None:
    """A folder of its own beside the first; disks that keep their drive stay on it; names are ones Windows takes."""
    assert beside(MOVE, 2).path == "D:\\VMs\\web1-2".replace("web1", MOVE.vm_name)
    own = beside(move(1, path="D:\\VMs\\web01", is_own_folder=True), 3)
    assert own.path == f"D:\\VMs\\{own.vm_name}-3"
    assert own.is_own_folder
    disks = (DiskTarget("E:\\a\\data.vhdx", "E:\\VMs\\Virtual Hard Disks\\data.vhdx"),)
    drives = beside(move(1, path="D:\\VMs", disks=disks, vm_name="a/b: c. "), 2)
    assert drives.path == "D:\\VMs\\a_b_ c-2"
    assert drives.disks[0].destination == "E:\\VMs\\Virtual Hard Disks\\a_b_ c-2\\data.vhdx"


def test_the_way_out_is_a_folder_that_nobody_has() -> None:
    """Another VM's folder of that name may hold its disks: the number goes up, on all drives alike; case is NTFS's."""
    name = MOVE.vm_name
    assert beside(MOVE, 2, [f"D:\\VMs\\{name.upper()}-2", f"D:\\VMs\\{name}-3"]).path == f"D:\\VMs\\{name}-4"
    disks = (DiskTarget("E:\\a\\data.vhdx", "E:\\VMs\\data.vhdx"), DiskTarget("E:\\b.vhdx", "E:\\VMs\\b.vhdx"))
    drives = move(1, path="D:\\VMs", disks=disks)
    assert homes_beside(drives) == ("D:\\VMs", "E:\\VMs")
    found = beside(drives, 2, [f"E:\\VMs\\{drives.vm_name}-2"])
    assert found.path == f"D:\\VMs\\{drives.vm_name}-3"
    assert found.disks[0].destination == f"E:\\VMs\\{drives.vm_name}-3\\data.vhdx"
    assert homes_beside(move(1, path="D:\\VMs\\web01", is_own_folder=True)) == ("D:\\VMs",)
