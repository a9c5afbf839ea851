from __future__ import annotations

import pytest

from lab.hyperv.world.enums import OperationalStatus as Op
from lab.hyperv.world.enums import SnapshotType
from lab.hyperv.world.errors import BadChange, UnknownVM
from lab.hyperv.world.fleet import NIGHTLY_S, BackupVariant, BackupWindow
from tests.support.lab_worlds import Lab, host, lab, vm_id, with_quirks


def status(it: Lab, number: int) -> tuple[int, ...]:
    view = it.world.vm("HV01", vm_id(number))
    assert view is not None
    return view.operational_status


@pytest.mark.parametrize(
    ("variant", "seen", "text"),
    [
        (BackupVariant.A, (Op.InService, Op.BackingUpVirtualMachine), "Backing up"),
        (BackupVariant.B, (Op.InService,), "In service"),
    ],
)
def test_a_backup_looks_like_its_variant(variant: BackupVariant, seen: tuple[int, ...], text: str) -> None:
    """Variant A names the backup in the second status; B is InService and nothing more."""
    it = lab()
    it.world.start_backup(vm_id(1), 60, variant)
    assert status(it, 1) == seen
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.status == text
    it.wait(60)
    assert status(it, 1) == (Op.Ok,)


def test_a_vm_in_backup_or_merging_refuses_to_move_unless_told_otherwise() -> None:
    """The refusal names the operation; a switch of the host lets the move go ahead."""
    it = lab()
    it.world.start_backup(vm_id(1))
    it.world.start_merge(vm_id(2), 60)
    assert "performing the following operation: 'Backing up'" in it.move(1).errors[0].message
    assert "performing the following operation: 'Merging disks'" in it.move(2).errors[0].message
    lenient = lab(hosts=(with_quirks(host("HV01"), backup_blocks_move=False, merge_blocks_move=False), host("HV02")))
    lenient.world.start_backup(vm_id(1))
    lenient.world.start_merge(vm_id(2), 60)
    assert not lenient.move(1).is_done
    assert not lenient.move(2).is_done


def test_a_window_backs_up_its_vms_in_turn_and_merges_after_each() -> None:
    """One at a time, `duration_s` each, then Ok with MergingDisks; and again after `every_s`."""
    window = BackupWindow(start_s=10, vms=(vm_id(1), vm_id(2)), duration_s=100, merge_s=20, every_s=1000)
    it = lab(backups=(window,))
    looks = []
    for at_s in (5, 50, 115, 150, 235, 300, 1050):
        it.wait(at_s - it.time_s)
        looks.append((status(it, 1), status(it, 2)))
    idle, backing_up, merging = (Op.Ok,), (Op.InService, Op.BackingUpVirtualMachine), (Op.Ok, Op.MergingDisks)
    assert looks == [
        (idle, idle),
        (backing_up, idle),
        (merging, idle),
        (idle, backing_up),
        (idle, merging),
        (idle, idle),
        (backing_up, idle),
    ]


def test_a_moving_vm_is_left_out_of_its_backup() -> None:
    """The backup of a VM on its way is skipped, and the ledger says so."""
    it = lab(backups=(BackupWindow(start_s=10, vms=(vm_id(1),)),))
    move = it.move(1)
    it.run()
    assert move.errors == ()
    assert it.world.ledger.skipped_backups == [(10, vm_id(1))]


def test_a_backup_follows_a_vm_that_has_moved() -> None:
    """A window finds its VM on whatever host it is by then."""
    it = lab(backups=(BackupWindow(start_s=5000, vms=(vm_id(1),)),))
    it.move(1)
    it.wait(5001)
    view = it.world.vm("HV02", vm_id(1))
    assert view is not None
    assert view.status == "Backing up"


def test_a_recovery_checkpoint_comes_and_goes_or_stays() -> None:
    """A backup product's checkpoint is there during the backup, and after a sloppy one still."""
    clean = BackupWindow(start_s=0, vms=(vm_id(1),), duration_s=60, makes_recovery_checkpoint=True)
    sloppy = BackupWindow(start_s=0, vms=(vm_id(2),), duration_s=60, leaves_recovery_checkpoint=True)
    it = lab(backups=(clean, sloppy))

    def kinds(number: int) -> list[SnapshotType]:
        view = it.world.vm("HV01", vm_id(number))
        assert view is not None
        return [checkpoint.type for checkpoint in view.checkpoints]

    it.wait(30)
    assert (kinds(1), kinds(2)) == ([SnapshotType.Recovery], [SnapshotType.Recovery])
    it.wait(40)
    assert (kinds(1), kinds(2)) == ([], [SnapshotType.Recovery])


def test_an_open_backup_lasts_until_it_is_stopped() -> None:
    """A stuck backup is one that nobody ends."""
    it = lab()
    it.world.start_backup(vm_id(1), merge_s=5)
    it.wait(100_000)
    assert status(it, 1)[0] == Op.InService
    it.world.stop_backup(vm_id(1))
    assert status(it, 1) == (Op.Ok, Op.MergingDisks)


def test_backups_that_make_no_sense_are_refused() -> None:
    """Twice at once, of a moving VM, of nobody, or the end of none."""
    it = lab()
    it.world.start_backup(vm_id(1))
    it.move(2)
    for number in (1, 2):
        with pytest.raises(BadChange, match="is busy"):
            it.world.start_backup(vm_id(number))
    with pytest.raises(BadChange, match="is not being backed up"):
        it.world.stop_backup(vm_id(3))
    with pytest.raises(UnknownVM):
        it.world.start_backup(vm_id(99))


def test_a_forced_status_shows_and_blocks() -> None:
    """Any status of the real world can be shown, also one without a name."""
    it = lab()
    it.world.force_status("HV01", vm_id(1), (Op.InService, 32769))
    assert status(it, 1) == (Op.InService, 32769)
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.status == "32769"
    assert it.move(1).errors
    it.world.force_status("HV01", vm_id(1), None)
    assert not it.move(1).is_done
    with pytest.raises(BadChange, match="one or two"):
        it.world.force_status("HV01", vm_id(2), ())


def test_nightly_backups_are_a_switch_and_never_quite_on_time() -> None:
    """Every night, each a little earlier or later; off, none comes, and the same lab is the same."""
    window = BackupWindow(start_s=1000, vms=(vm_id(1), vm_id(2)), duration_s=600, jitter_s=120)

    def starts(it: Lab, nights: int) -> list[float]:
        found, was_busy = [], False
        for second in range(0, int(nights * NIGHTLY_S), 10):
            it.wait(second - it.time_s)
            is_busy = status(it, 1) != (Op.Ok,)
            if is_busy and not was_busy:
                found.append(it.time_s % NIGHTLY_S)
            was_busy = is_busy
        return found

    it = lab()
    it.world.switch_nightly_backups(window)
    three = starts(it, 3)
    assert len(three) == 3
    assert len(set(three)) > 1
    assert all(abs(at_s - 1000) <= 130 for at_s in three)
    again = lab()
    again.world.switch_nightly_backups(window)
    assert starts(again, 3) == three
    it.world.switch_nightly_backups(None)
    it.wait(NIGHTLY_S)
    assert status(it, 1) == (Op.Ok,)
    with pytest.raises(UnknownVM):
        it.world.switch_nightly_backups(BackupWindow(start_s=0, vms=(vm_id(99),)))
