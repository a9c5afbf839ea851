"""Promises of the lab's hosts: what belongs to a VM besides its attached disks, and what a move does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.fleet import GB, Checkpoint, Disk, DiskFile
from tests.support.lab_worlds import lab, vm, vm_id

if TYPE_CHECKING:
    from lab.hyperv.world.fleet import VM

BASE = DiskFile(path="D:\\base\\base.vhdx", size_bytes=8 * GB)


def clone(number: int, **fields: Any) -> VM:
    """Return a VM on a disk that differs from one that other clones differ from too."""
    disk = Disk(path=f"D:\\clones\\{number}.vhdx", size_bytes=GB, parents=(BASE,))
    return vm(number, disks=(disk,), **fields)


def test_parents_and_checkpoints_go_along() -> None:
    """What a disk differs from, and what only a checkpoint needs, is copied and then gone from the source."""
    side = Disk(path="D:\\clones\\side.avhdx", size_bytes=2 * GB, parents=(BASE,))
    kept = Checkpoint(id=UUID(int=9), name="before", disks=(side,), state_bytes=GB)
    it = lab(clone(1, checkpoints=(kept,)))
    move = it.move(1)
    it.run()
    assert move.errors == ()
    there = {entry.path: entry.size_bytes for entry in it.world.all_entries("HV02") if not entry.is_folder}
    folder = "D:\\Moved\\1\\Virtual Hard Disks"
    assert {there[f"{folder}\\{name}"] for name in ("1.vhdx", "side.avhdx", "base.vhdx")} == {GB, 2 * GB, 8 * GB}
    assert any(path.endswith("\\00000000-0000-0000-0000-000000000009.VMRS") for path in there)
    assert [entry.path for entry in it.world.all_entries("HV01") if not entry.is_folder] == []
    moved = it.world.vm("HV02", vm_id(1))
    assert moved is not None
    assert moved.checkpoints[0].disks[0].parents[0].path == f"{folder}\\base.vhdx"


@pytest.mark.parametrize("state", [VMState.Off, VMState.Running])
def test_a_move_takes_the_parent_from_linked_clones(state: VMState) -> None:
    """Move-VM removes parents from the source (-RetainVhdCopiesOnSource keeps them); a running VM holds its own."""
    it = lab(clone(1), clone(2, state=state))
    it.move(1)
    it.run()
    is_held = state is VMState.Running
    assert (it.world.entry("HV01", BASE.path) is not None) is is_held
    assert [one.kind for one in it.world.ledger.violations] == ([] if is_held else [ViolationKind.FILES_REMOVED])


def test_a_saved_state_is_a_file() -> None:
    """It lies on the source's volume, needs room on the destination's, and no memory is sent."""
    it = lab(vm(1, state=VMState.Saved, memory_bytes=4 * GB))
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert 4 * GB < view.system_bytes < 5 * GB
    it.world.set_state("HV01", vm_id(1), VMState.Off)
    after = it.world.vm("HV01", vm_id(1))
    assert after is not None
    assert after.system_bytes < GB
    assert sum(entry.size_bytes for entry in it.world.all_entries("HV01") if entry.path.endswith(".VMRS")) < GB


@pytest.mark.parametrize(("letters", "is_opened"), [(150, True), (230, False)])
def test_windows_opens_no_path_of_260_letters(letters: int, is_opened: bool) -> None:
    """MAX_PATH counts the end of the text: 259 letters are left. Source: Microsoft docs, Naming Files."""
    it = lab(vm(1))
    move = it.move(1, storage_path="D:\\" + "f" * letters)
    it.run()
    assert [("0x800700CE" in error.message) for error in move.errors] == ([] if is_opened else [True])
