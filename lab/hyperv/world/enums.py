"""The numbers Hyper-V gives to states, statuses and kinds; member names are the names that cross the wire.

Sources: type stubs generated from the Hyper-V PowerShell module 2.0.0.0 (HyperVDsc); Microsoft docs:
Msvm_ComputerSystem, Msvm_MigrationJob, ErrorCategory.
"""

from __future__ import annotations

from enum import IntEnum


class VMState(IntEnum):
    """`Microsoft.HyperV.PowerShell.VMState`."""

    Other = 1
    Running = 2
    Off = 3
    Stopping = 4
    Saved = 6
    Paused = 9
    Starting = 10
    Reset = 11
    Saving = 32773
    Pausing = 32776
    Resuming = 32777
    FastSaved = 32779
    FastSaving = 32780
    ForceShutdown = 32781
    ForceReboot = 32782
    Hibernated = 32783
    ComponentServicing = 32784
    RunningCritical = 32785
    OffCritical = 32786
    StoppingCritical = 32787
    SavedCritical = 32788
    PausedCritical = 32789
    StartingCritical = 32790
    ResetCritical = 32791
    SavingCritical = 32792
    PausingCritical = 32793
    ResumingCritical = 32794
    FastSavedCritical = 32795
    FastSavingCritical = 32796


class OperationalStatus(IntEnum):
    """`Microsoft.HyperV.PowerShell.VMOperationalStatus`."""

    Ok = 2
    Degraded = 3
    PredictiveFailure = 5
    InService = 11
    Dormant = 15
    SupportingEntityInError = 16
    ApplyingSnapshot = 23769  # Microsoft's typo; WMI says 32769, which therefore arrives without a name
    CreatingSnapshot = 32768
    DeletingSnapshot = 32770
    WaitingToStart = 32771
    MergingDisks = 32772
    ExportingVirtualMachine = 32773
    MigratingVirtualMachine = 32774
    BackingUpVirtualMachine = 32776
    ModifyingUpVirtualMachine = 32777  # sic
    StorageMigrationPhaseOne = 32778
    StorageMigrationPhaseTwo = 32779
    MigratingPlannedVm = 32780
    CheckingCompatibility = 32781
    ApplicationCriticalState = 32782
    CommunicationTimedOut = 32783
    CommunicationFailed = 32784
    NoIommu = 32785
    NoIovSupportInNic = 32786
    SwitchNotInIovMode = 32787
    IovBlockedByPolicy = 32788
    IovNoAvailResources = 32789
    IovGuestDriversNeeded = 32790
    CriticalIoError = 32795


class VMType(IntEnum):
    """`VirtualMachineType`: a normal VM, or the half-built copy that a move makes on its destination."""

    RealizedVirtualMachine = 3
    PlannedVirtualMachine = 4


class ReplicationState(IntEnum):
    Disabled = 0
    ReadyForInitialReplication = 1
    InitialReplicationInProgress = 2
    WaitingForInitialReplication = 3
    Replicating = 4
    PreparedForFailover = 5
    FailedOverWaitingCompletion = 6
    FailedOver = 7
    Suspended = 8
    Error = 9
    WaitingForStartResynchronize = 10
    Resynchronizing = 11
    ResynchronizeSuspended = 12
    RecoveryInProgress = 13
    FailbackInProgress = 14
    FailbackComplete = 15
    WaitingForUpdateCompletion = 16
    UpdateError = 17
    WaitingForRepurposeCompletion = 18
    PreparedForSyncReplication = 19
    PreparedForGroupReverseReplication = 20
    FiredrillInProgress = 21


class ReplicationMode(IntEnum):
    # A plain `None` is a keyword; the wire name is restored by `wire_name`.
    None_ = 0
    Primary = 1
    Replica = 2
    TestReplica = 3
    ExtendedReplica = 4


class ReplicationHealth(IntEnum):
    NotApplicable = 0
    Normal = 1
    Warning = 2
    Critical = 3


class SwitchKind(IntEnum):
    """What a virtual switch connects to (VMSwitchType)."""

    Private = 0
    Internal = 1
    External = 2


class SnapshotType(IntEnum):
    Standard = 0
    Recovery = 1
    Planned = 2
    Missing = 5
    Replica = 6
    AppConsistentReplica = 7
    SyncedReplica = 8


class DvdMediaType(IntEnum):
    None_ = 0
    ISO = 1
    PassThrough = 2


class Heartbeat(IntEnum):
    Unknown = 0
    Disabled = 1
    NoContact = 2
    Error = 3
    LostCommunication = 4
    OkApplicationsUnknown = 5
    OkApplicationsHealthy = 6
    OkApplicationsCritical = 7
    Paused = 8


class ControllerType(IntEnum):
    IDE = 0
    SCSI = 1
    PMEM = 2


class CheckpointType(IntEnum):
    Disabled = 2
    Production = 3
    ProductionOnly = 4
    Standard = 5


class StartAction(IntEnum):
    Nothing = 2
    StartIfRunning = 3
    Start = 4


class StopAction(IntEnum):
    TurnOff = 2
    Save = 3
    ShutDown = 4


class MigrationAuthentication(IntEnum):
    CredSSP = 0
    Kerberos = 1


class MigrationPerformance(IntEnum):
    TCPIP = 0
    Compression = 1
    SMB = 2


class JobState(IntEnum):
    """Msvm_MigrationJob.JobState. Source: Microsoft docs, Msvm_MigrationJob."""

    New = 2
    Starting = 3
    Running = 4
    Suspended = 5
    ShuttingDown = 6
    Completed = 7
    Terminated = 8
    Killed = 9
    Exception = 10
    Service = 11
    CompletedWithWarnings = 32768


class JobType(IntEnum):
    """Msvm_MigrationJob.JobType. Source: Microsoft docs, Msvm_MigrationJob."""

    Unknown = 0
    CreatingRemoteVM = 300
    CheckingCompatibility = 301
    CheckingCompatibilityAndStorage = 302
    CheckingStorageCompatibility = 303
    CheckingStorageMigration = 304
    MovingVM = 305
    MovingVMAndStorage = 306
    MovingStorage = 307


class MigrationType(IntEnum):
    """Msvm_MigrationJob.MigrationType. Source: Microsoft docs, Msvm_VirtualSystemMigrationSettingData."""

    Unknown = 0
    VirtualSystem = 32768
    Storage = 32769
    Staged = 32770
    VirtualSystemAndStorage = 32771


class ReturnCode(IntEnum):
    """What WMI methods return. Source: Microsoft docs, Msvm_MigrationJob.RequestStateChange."""

    Completed = 0
    JobStarted = 4096
    TimeoutNotSupported = 4098
    Failed = 32768
    AccessDenied = 32769
    NotSupported = 32770
    StatusUnknown = 32771
    Timeout = 32772
    InvalidParameter = 32773
    InUse = 32774
    InvalidState = 32775
    IncorrectDataType = 32776
    NotAvailable = 32777
    OutOfMemory = 32778


class ErrorCategory(IntEnum):
    """`System.Management.Automation.ErrorCategory`, the part Hyper-V errors use. Source: Microsoft docs."""

    NotSpecified = 0
    InvalidArgument = 5
    InvalidOperation = 7
    ObjectNotFound = 13
    OperationTimeout = 15
    PermissionDenied = 18
    ResourceBusy = 19
    ResourceUnavailable = 21
    WriteError = 23
    FromStdErr = 24


def wire_name(member: IntEnum) -> str:
    """Return the .NET name of a member."""
    return member.name.rstrip("_")
