"""Promises of core.domain.scheduling.readiness."""

from itertools import product

import pytest

from core.domain.model.hyperv_enums import HARMLESS, MIGRATING, Operation, ReplicationMode, VmState
from core.domain.model.move import HoldCode
from core.domain.scheduling.readiness import Never, Ready, Wait, readiness
from tests.support.builders import vm

AT_REST = {VmState.OFF, VmState.SAVED, VmState.PAUSED, VmState.FAST_SAVED, VmState.HIBERNATED}


@pytest.mark.parametrize("state", VmState)
def test_every_state_with_every_status_has_an_outcome(state: VmState) -> None:
    """Weakness 3: every pair of statuses in every state is ready, or waits under a name; only sound ones are ready."""
    for first, second in product(Operation, [None, *Operation]):
        status = (first,) if second is None else (first, second)
        outcome = readiness(vm(1, *status, state=state))
        is_sound = first is Operation.OK and (second is None or second in HARMLESS)
        if isinstance(outcome, Ready):
            assert is_sound, status
            assert outcome.is_last == (state in AT_REST)
            assert state in AT_REST | {VmState.RUNNING}
        else:
            assert isinstance(outcome, Wait)
            assert outcome.text
            assert not (is_sound and state in AT_REST | {VmState.RUNNING}), status


@pytest.mark.parametrize("second", MIGRATING)
@pytest.mark.parametrize("first", [Operation.IN_SERVICE, Operation.OK])
def test_every_kind_of_migration_waits(first: Operation, second: Operation) -> None:
    """Promise 2: all phases of a migration are one thing, in either status and whatever the power state."""
    for state in (VmState.RUNNING, VmState.OFF):
        assert readiness(vm(1, first, second, state=state)) == Wait(HoldCode.MIGRATING, "is being migrated already")


def test_a_third_status_that_says_migrating_counts() -> None:
    """Promise 2: what counts as migrating for the slots is not ready either."""
    outcome = readiness(vm(1, Operation.OK, Operation.OK, Operation.MIGRATING))
    assert isinstance(outcome, Wait)
    assert outcome.code is HoldCode.MIGRATING


@pytest.mark.parametrize("status", [(Operation.IN_SERVICE, Operation.BACKING_UP), (Operation.OK, Operation.BACKING_UP)])
def test_a_backup_is_a_backup(status: tuple[Operation, ...]) -> None:
    """Weakness 17: what the host calls a backup waits as a backup."""
    assert readiness(vm(1, *status)) == Wait(HoldCode.BACKUP, "is being backed up")


def test_unexplained_business_is_no_backup() -> None:
    """Weakness 17: busy without a reason waits under its own name, with the host's word for it."""
    outcome = readiness(vm(1, Operation.IN_SERVICE, status_text="In service"))
    assert outcome == Wait(HoldCode.BUSY, 'is busy, its host does not say with what ("In service")')


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ((Operation.OK, Operation.MERGING_DISKS), "is merging disks"),
        ((Operation.IN_SERVICE, Operation.MERGING_DISKS), "is merging disks"),
        ((Operation.IN_SERVICE, Operation.CREATING_CHECKPOINT), "is creating a checkpoint"),
        ((Operation.IN_SERVICE, Operation.DELETING_CHECKPOINT), "is deleting a checkpoint"),
        ((Operation.IN_SERVICE, Operation(23769)), "is applying a checkpoint"),
        ((Operation.IN_SERVICE, Operation(32769)), "is applying a checkpoint"),
        ((Operation.EXPORTING,), "is being exported"),
        ((Operation.DEGRADED,), "is not healthy (degraded)"),
        ((Operation.PREDICTIVE_FAILURE,), "is on a volume low on space"),
        ((Operation.DEGRADED, Operation.CRITICAL_IO_ERROR), "has lost its storage"),
    ],
)
def test_other_business_is_named(status: tuple[Operation, ...], text: str) -> None:
    """Weakness 3: degraded, merging, checkpoints: each has its name, also behind an OK."""
    assert readiness(vm(1, *status)) == Wait(HoldCode.BUSY, text)


def test_ok_with_an_unknown_second_status_waits() -> None:
    """Weakness 3: an operation the bot does not know is not taken for none."""
    outcome = readiness(vm(1, Operation.OK, Operation(40000), status_text="Nachdenken"))
    assert outcome == Wait(HoldCode.BUSY, 'shows a status the bot does not know ("Nachdenken")')


def test_remarks_on_the_guest_or_its_network_do_not_hold_a_vm() -> None:
    """A VM that for ever says that its network card has no SR-IOV can be moved."""
    assert readiness(vm(1, Operation.OK, Operation.NO_IOV_SUPPORT_IN_NIC)) == Ready(is_last=False)


def test_no_status_at_all_is_judged_by_the_state() -> None:
    """A VM without any status is judged by its power state."""
    assert readiness(vm(1, status=())) == Ready(is_last=False)


@pytest.mark.parametrize("state", [state for state in VmState if state.is_critical])
def test_a_vm_without_its_storage_waits(state: VmState) -> None:
    """Weakness 3: every critical state has the same name."""
    assert readiness(vm(1, state=state)) == Wait(HoldCode.BUSY, "has lost its storage")


def test_a_state_in_between_waits_by_its_name() -> None:
    """A VM that is stopping waits until it has stopped."""
    assert readiness(vm(1, state=VmState.STOPPING)) == Wait(HoldCode.BUSY, "is stopping")
    assert readiness(vm(1, state=VmState(4711))) == Wait(HoldCode.BUSY, "is in a state the bot does not know")


@pytest.mark.parametrize(
    "mode", [ReplicationMode.REPLICA, ReplicationMode.TEST_REPLICA, ReplicationMode.EXTENDED_REPLICA]
)
def test_the_replica_side_is_never_moved(mode: ReplicationMode) -> None:
    """The copy that Hyper-V Replica keeps is not moved, whatever its status."""
    assert isinstance(readiness(vm(1, state=VmState.OFF, replication_mode=mode)), Never)


def test_a_primary_may_move_and_a_clustered_vm_may_not() -> None:
    """Replication's primary side moves; a VM of a cluster belongs to the cluster's tools."""
    assert readiness(vm(1, replication_mode=ReplicationMode.PRIMARY)) == Ready(is_last=False)
    assert isinstance(readiness(vm(1, is_clustered=True)), Never)
