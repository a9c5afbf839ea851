"""The numbers Hyper-V gives to states, operations and modes (Microsoft docs: Msvm classes)."""

from enum import IntEnum


class VmState(IntEnum):
    """VMState of the Hyper-V module; an unforeseen number becomes ``OTHER``."""

    OTHER = 1
    RUNNING = 2
    OFF = 3
    STOPPING = 4
    SAVED = 6
    PAUSED = 9
    STARTING = 10
    RESET = 11
    SAVING = 32773
    PAUSING = 32776
    RESUMING = 32777
    FAST_SAVED = 32779
    FAST_SAVING = 32780
    FORCE_SHUTDOWN = 32781
    FORCE_REBOOT = 32782
    HIBERNATED = 32783
    COMPONENT_SERVICING = 32784
    RUNNING_CRITICAL = 32785
    OFF_CRITICAL = 32786
    STOPPING_CRITICAL = 32787
    SAVED_CRITICAL = 32788
    PAUSED_CRITICAL = 32789
    STARTING_CRITICAL = 32790
    RESET_CRITICAL = 32791
    SAVING_CRITICAL = 32792
    PAUSING_CRITICAL = 32793
    RESUMING_CRITICAL = 32794
    FAST_SAVED_CRITICAL = 32795
    FAST_SAVING_CRITICAL = 32796

    @classmethod
    def _missing_(cls, value: object) -> "VmState":  # noqa: ARG003
        return cls.OTHER

    @property
    def is_critical(self) -> bool:
        """Whether the host has lost the VM's storage."""
        return VmState.RUNNING_CRITICAL <= self <= VmState.FAST_SAVING_CRITICAL


class Operation(IntEnum):
    """Entries of a VM's OperationalStatus that decisions look at; an unforeseen number becomes ``OTHER``."""

    OTHER = 1
    OK = 2
    DEGRADED = 3
    PREDICTIVE_FAILURE = 5
    IN_SERVICE = 11
    DORMANT = 15
    SUPPORTING_ENTITY_IN_ERROR = 16
    APPLYING_CHECKPOINT = 32769
    CREATING_CHECKPOINT = 32768
    DELETING_CHECKPOINT = 32770
    WAITING_TO_START = 32771
    MERGING_DISKS = 32772
    EXPORTING = 32773
    MIGRATING = 32774
    BACKING_UP = 32776
    MODIFYING = 32777
    STORAGE_PHASE_ONE = 32778
    STORAGE_PHASE_TWO = 32779
    MIGRATING_PLANNED = 32780
    CHECKING_COMPATIBILITY = 32781
    APPLICATION_CRITICAL = 32782
    COMMUNICATION_TIMED_OUT = 32783
    COMMUNICATION_FAILED = 32784
    NO_IOMMU = 32785
    NO_IOV_SUPPORT_IN_NIC = 32786
    SWITCH_NOT_IN_IOV_MODE = 32787
    IOV_BLOCKED_BY_POLICY = 32788
    IOV_NO_RESOURCES = 32789
    IOV_GUEST_DRIVERS_NEEDED = 32790
    CRITICAL_IO_ERROR = 32795

    @classmethod
    def _missing_(cls, value: object) -> "Operation":
        # Microsoft's own enum misspells this one as 23769; WMI says 32769.
        return cls.APPLYING_CHECKPOINT if value == 23769 else cls.OTHER  # noqa: PLR2004


MIGRATING = frozenset(
    {Operation.MIGRATING, Operation.STORAGE_PHASE_ONE, Operation.STORAGE_PHASE_TWO, Operation.MIGRATING_PLANNED}
)
"""The operations that hold a slot. The one predicate for "is migrating" everywhere."""

HARMLESS = frozenset(
    {Operation.OK} | {o for o in Operation if Operation.APPLICATION_CRITICAL <= o <= Operation.IOV_GUEST_DRIVERS_NEEDED}
)
"""What may stand beside ``OK`` without anything being under way: remarks on the guest and its network adapters."""


QUIET = (Operation.OK,)
"""The status of nearly every VM: it does nothing that anybody need know of."""


class ReplicationMode(IntEnum):
    """The ways in which Hyper-V Replica uses a VM."""

    NONE = 0
    PRIMARY = 1
    REPLICA = 2
    TEST_REPLICA = 3
    EXTENDED_REPLICA = 4

    @classmethod
    def _missing_(cls, value: object) -> "ReplicationMode":  # noqa: ARG003
        return cls.NONE


REPLICA_SIDE = frozenset({ReplicationMode.REPLICA, ReplicationMode.TEST_REPLICA, ReplicationMode.EXTENDED_REPLICA})
"""The copies that Hyper-V Replica keeps: each has the id of its primary."""


class MigrationAuth(IntEnum):
    """The ways in which two hosts trust each other for a migration (Microsoft docs: Set-VMHost)."""

    CREDSSP = 0
    KERBEROS = 1


class HostJobState(IntEnum):
    """JobState of a host's own migration job object; an unforeseen number becomes ``OTHER``."""

    OTHER = 0
    NEW = 2
    STARTING = 3
    RUNNING = 4
    SUSPENDED = 5
    SHUTTING_DOWN = 6
    COMPLETED = 7
    TERMINATED = 8
    KILLED = 9
    EXCEPTION = 10
    SERVICE = 11
    COMPLETED_WITH_WARNINGS = 32768

    @classmethod
    def _missing_(cls, value: object) -> "HostJobState":  # noqa: ARG003
        return cls.OTHER
