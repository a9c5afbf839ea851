"""Decides which number a PowerShell enum name means, for the replies that carry names instead of numbers.

Source: the enums of the Hyper-V PowerShell module 2.0 as its DSC stubs publish them.
"""

from enum import IntEnum

from core.domain.model.hyperv_enums import MigrationAuth, Operation, ReplicationMode, VmState


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


def _of(kind: type[IntEnum]) -> dict[str, int]:
    return {_folded(member.name): int(member) for member in kind}


def number_of(names: dict[str, int], name: str) -> int | None:
    """Return the number of an enum's name, written in any case; None when the table lacks it."""
    return names.get(_folded(name.strip()))


STATES = _of(VmState)
REPLICATION_MODES = _of(ReplicationMode)
MIGRATION_AUTHS = _of(MigrationAuth)
OPERATIONS = _of(Operation) | {
    _folded(name): int(operation)
    for name, operation in {
        "ApplyingSnapshot": Operation.APPLYING_CHECKPOINT,
        "CreatingSnapshot": Operation.CREATING_CHECKPOINT,
        "DeletingSnapshot": Operation.DELETING_CHECKPOINT,
        "ExportingVirtualMachine": Operation.EXPORTING,
        "MigratingVirtualMachine": Operation.MIGRATING,
        "BackingUpVirtualMachine": Operation.BACKING_UP,
        "ModifyingUpVirtualMachine": Operation.MODIFYING,
        "StorageMigrationPhaseOne": Operation.STORAGE_PHASE_ONE,
        "StorageMigrationPhaseTwo": Operation.STORAGE_PHASE_TWO,
        "MigratingPlannedVm": Operation.MIGRATING_PLANNED,
    }.items()
}
VM_TYPES = {"realizedvirtualmachine": 3, "plannedvirtualmachine": 4}
CONTROLLERS = {"ide": 0, "scsi": 1, "pmem": 2}
CONTROLLER_NAMES = {0: "IDE", 1: "SCSI", 2: "PMEM"}
HEARTBEATS = {
    _folded(name): number
    for number, name in enumerate(
        (
            "Unknown",
            "Disabled",
            "NoContact",
            "Error",
            "LostCommunication",
            "OkApplicationsUnknown",
            "OkApplicationsHealthy",
            "OkApplicationsCritical",
            "Paused",
        )
    )
}
REPLICATION_STATES = {
    _folded(name): number
    for number, name in enumerate(
        (
            "Disabled",
            "ReadyForInitialReplication",
            "InitialReplicationInProgress",
            "WaitingForInitialReplication",
            "Replicating",
            "PreparedForFailover",
            "FailedOverWaitingCompletion",
            "FailedOver",
            "Suspended",
            "Error",
            "WaitingForStartResynchronize",
            "Resynchronizing",
            "ResynchronizeSuspended",
            "RecoveryInProgress",
            "FailbackInProgress",
            "FailbackComplete",
            "WaitingForUpdateCompletion",
            "UpdateError",
            "WaitingForRepurposeCompletion",
            "PreparedForSyncReplication",
            "PreparedForGroupReverseReplication",
            "FiredrillInProgress",
        )
    )
}
SWITCH_TYPES = {"private": 0, "internal": 1, "external": 2}
DVD_MEDIA_TYPES = {"none": 0, "iso": 1, "passthrough": 2}
SNAPSHOT_TYPES = {"standard": 0, "recovery": 1, "planned": 2, "missing": 5, "replica": 6}
COMMAND_TYPES = {"alias": 1, "function": 2, "filter": 4, "cmdlet": 8}

RETURN_VALUES = {
    4098: "a time limit is not supported",
    32768: "failed",
    32769: "access denied",
    32770: "not supported",
    32771: "status unknown",
    32772: "timed out",
    32773: "invalid parameter",
    32774: "it is in use",
    32775: "not in its present state",
    32776: "wrong type of data",
    32777: "not available",
    32778: "out of memory",
}
"""What methods return that did not do what they were asked (Microsoft docs: Msvm_MigrationJob.RequestStateChange,
Msvm_VirtualSystemMigrationService)."""
