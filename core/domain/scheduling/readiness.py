"""Decides whether a VM may be moved now, from how its host shows it. Every case has a name, and waiting has an end.

Source of the cases: Microsoft docs (Msvm_ComputerSystem.OperationalStatus) and the states public tools met.
"""

from dataclasses import dataclass

from core.domain.model.hyperv_enums import HARMLESS, QUIET, Operation, VmState
from core.domain.model.inventory import Vm
from core.domain.model.move import HoldCode


@dataclass(frozen=True, slots=True)
class Ready:
    """The VM may start. ``is_last``: it is not running, so it goes after the running ones."""

    is_last: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """The VM must wait, for a while. ``code`` decides how long."""

    code: HoldCode
    text: str


@dataclass(frozen=True, slots=True)
class Never:
    """The VM cannot be moved by the bot, however long one waits."""

    text: str
    hint: str


Readiness = Ready | Wait | Never

_READY, _READY_LAST = Ready(is_last=False), Ready(is_last=True)
_AT_REST = {VmState.OFF, VmState.SAVED, VmState.PAUSED, VmState.FAST_SAVED, VmState.HIBERNATED}
_BUSY_WITH = {
    Operation.MERGING_DISKS: "is merging disks",
    Operation.CREATING_CHECKPOINT: "is creating a checkpoint",
    Operation.DELETING_CHECKPOINT: "is deleting a checkpoint",
    Operation.APPLYING_CHECKPOINT: "is applying a checkpoint",
    Operation.EXPORTING: "is being exported",
    Operation.MODIFYING: "is being modified",
    Operation.WAITING_TO_START: "is waiting to start",
    Operation.CHECKING_COMPATIBILITY: "is being checked for compatibility",
    Operation.CRITICAL_IO_ERROR: "has lost its storage",
}


def readiness(vm: Vm) -> Readiness:
    """Decide whether this VM may be moved now."""
    if vm.is_clustered:
        return Never("belongs to a failover cluster", "Use the cluster's tools.")
    if vm.is_replica:
        return Never("is the replica side of a Hyper-V Replica pair", "Move the primary, or remove replication first.")
    return _by_operation(vm) or _by_state(vm)


def _by_operation(vm: Vm) -> Readiness | None:
    if vm.status == QUIET:
        return None
    first, *others = vm.status or QUIET
    if vm.is_migrating:
        return Wait(HoldCode.MIGRATING, "is being migrated already")
    if Operation.BACKING_UP in vm.status:
        return Wait(HoldCode.BACKUP, "is being backed up")
    for operation in (*others, first):
        if operation in _BUSY_WITH:
            return Wait(HoldCode.BUSY, _BUSY_WITH[operation])
    if first is Operation.IN_SERVICE:
        # Some backups show no more than this; so does every other short busy phase.
        return Wait(HoldCode.BUSY, f"is busy, its host does not say with what{_quoted(vm)}")
    if first is Operation.PREDICTIVE_FAILURE:
        return Wait(HoldCode.BUSY, "is on a volume low on space")
    if first is not Operation.OK:
        return Wait(HoldCode.BUSY, f"is not healthy ({first.name.lower().replace('_', ' ')})")
    if not HARMLESS.issuperset(others):
        return Wait(HoldCode.BUSY, f"shows a status the bot does not know{_quoted(vm)}")
    return None


def _quoted(vm: Vm) -> str:
    return f' ("{vm.status_text}")' if vm.status_text else ""


def _by_state(vm: Vm) -> Readiness:
    if vm.state.is_critical:
        return Wait(HoldCode.BUSY, "has lost its storage")
    if vm.state is VmState.RUNNING:
        return _READY
    if vm.state in _AT_REST:
        return _READY_LAST
    if vm.state is VmState.OTHER:
        return Wait(HoldCode.BUSY, "is in a state the bot does not know")
    return Wait(HoldCode.BUSY, f"is {vm.state.name.lower().replace('_', ' ')}")
