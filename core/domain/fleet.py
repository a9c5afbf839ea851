"""What hosts and VMs are, as the hosts themselves tell it.

Sizes are bytes. Numbers of enums are Microsoft's own (Hyper-V PowerShell module 2.0, ``Msvm_ComputerSystem``).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import NewType
from uuid import UUID

HostName = NewType("HostName", str)
"""A host's name in the settings, as written there. Compare with ``same_host``."""

VmId = NewType("VmId", UUID)


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
    """Whether Hyper-V Replica uses the VM."""

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


@dataclass(frozen=True, slots=True)
class Vm:
    """One VM as one host shows it at one moment.

    ``status`` holds one or two operations: the first says whether a new request can be issued, the second which
    operation is under way (Microsoft docs: Msvm_ComputerSystem). ``status_text`` is in the host's language.
    """

    id: VmId
    name: str
    state: VmState
    status: tuple[Operation, ...] = (Operation.OK,)
    status_text: str = ""
    is_planned: bool = False
    is_clustered: bool = False
    generation: int = 2
    version: str = "9.0"
    memory_assigned_bytes: int = 0
    memory_startup_bytes: int = 0
    uptime_s: float = 0.0
    heartbeat: int | None = None
    replication_mode: ReplicationMode = ReplicationMode.NONE
    replication_state: int = 0
    config_path: str = ""
    checkpoint_path: str = ""
    paging_path: str = ""

    @property
    def is_migrating(self) -> bool:
        """Whether it holds a migration slot of this host."""
        return self.status != QUIET and any(operation in MIGRATING for operation in self.status)

    @property
    def is_replica(self) -> bool:
        """Whether it is the copy that Hyper-V Replica keeps of a VM on another host."""
        return self.replication_mode in REPLICA_SIDE

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory it needs on a host: what it has now, or what it starts with when off."""
        return self.memory_assigned_bytes or self.memory_startup_bytes


@dataclass(frozen=True, slots=True)
class Disk:
    """One virtual disk of a VM. ``path`` is empty for a pass-through disk."""

    path: str
    file_bytes: int = 0
    """Bytes the file occupies now (what a move copies). 0: unknown."""
    controller: str = ""
    is_pass_through: bool = False
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """One network adapter of a VM. ``switch`` is empty when it is not connected."""

    name: str
    switch: str = ""


@dataclass(frozen=True, slots=True)
class VmDetails:
    """What a plan needs to know of a VM beyond its state: one row of a host's inspection."""

    vm: Vm
    disks: tuple[Disk, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    iso_paths: tuple[str, ...] = ()
    checkpoints: int = 0
    has_vtpm: bool = False

    @property
    def disk_bytes(self) -> int:
        """Bytes of all its disk files."""
        return sum(disk.file_bytes for disk in self.disks)


@dataclass(frozen=True, slots=True)
class Volume:
    r"""One volume of a host. ``root`` ends in a backslash: ``D:\`` or a mount point."""

    root: str
    size_bytes: int
    free_bytes: int


class MigrationAuth(IntEnum):
    """How two hosts trust each other for a migration (Microsoft docs: Set-VMHost)."""

    CREDSSP = 0
    KERBEROS = 1


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host's own limits and migration settings, read anew at each observation."""

    live_limit: int
    storage_limit: int
    is_migration_enabled: bool
    migration_auth: MigrationAuth = MigrationAuth.KERBEROS
    live_active: int = 0
    """Live migrations the host counts right now (Msvm_VirtualSystemMigrationService)."""
    storage_active: int = 0
    default_vm_path: str = ""
    default_disk_path: str = ""
    memory_bytes: int = 0
    supported_versions: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class HostJob:
    """One Msvm_MigrationJob of a host: a migration it runs, or ended within the last five minutes."""

    vm_id: VmId
    state: HostJobState
    percent: int
    destination: str = ""
    is_cancellable: bool = True
    error_code: int = 0
    error_text: str = ""
    started_at: datetime | None = None
    owner: str = ""
    key: str = ""

    @property
    def is_running(self) -> bool:
        """Whether the migration has not ended yet."""
        return self.state not in {
            HostJobState.COMPLETED,
            HostJobState.COMPLETED_WITH_WARNINGS,
            HostJobState.TERMINATED,
            HostJobState.KILLED,
            HostJobState.EXCEPTION,
        }

    @property
    def is_success(self) -> bool:
        """Whether the host says the migration succeeded. A hint only: where the VM is decides."""
        return self.state is HostJobState.COMPLETED or (
            self.state is HostJobState.COMPLETED_WITH_WARNINGS and self.error_code == 0
        )


@dataclass(frozen=True)
class Snapshot:
    """What one host told us, and when we had asked it: facts, every VM (planned ones never), its migration jobs.

    It has no slots because it keeps an index: a VM is looked up for each of thousands of moves.
    """

    host: HostName
    asked_at: datetime
    taken_at: datetime
    facts: HostFacts
    vms: tuple[Vm, ...]
    jobs: tuple[HostJob, ...] = ()

    def vm(self, vm_id: VmId) -> Vm | None:
        """Return the VM of that id, if this host has it."""
        return self._by_id.get(vm_id)

    @cached_property
    def _by_id(self) -> dict[VmId, Vm]:
        return {vm.id: vm for vm in reversed(self.vms)}

    def job(self, vm_id: VmId) -> HostJob | None:
        """Return the newest migration job of that VM, if the host remembers one."""
        mine = [job for job in self.jobs if job.vm_id == vm_id]
        return max(mine, key=lambda job: (job.is_running, job.started_at or self.taken_at), default=None)


@dataclass(frozen=True)
class Inspection:
    """What a plan needs to know of a host beyond a snapshot: room, switches, and each VM's disks and adapters.

    It has no slots because it keeps an index, as the snapshot does.
    """

    snapshot: Snapshot
    volumes: tuple[Volume, ...] = ()
    memory_free_bytes: int = 0
    switches: tuple[str, ...] = ()
    details: tuple[VmDetails, ...] = ()

    @property
    def host(self) -> HostName:
        """The host this is about."""
        return self.snapshot.host

    def of(self, vm_id: VmId) -> VmDetails | None:
        """Return the details of that VM, if this host has it."""
        return self._by_id.get(vm_id)

    @cached_property
    def _by_id(self) -> dict[VmId, VmDetails]:
        return {row.vm.id: row for row in reversed(self.details)}


@dataclass(frozen=True, slots=True)
class HostWord:
    """One error a host reported: its words (all lines), PowerShell's FullyQualifiedErrorId and category number."""

    text: str
    fqid: str = ""
    category: int = 0


@dataclass(frozen=True, slots=True)
class DiskTarget:
    """Where one disk goes; the file name must stay the same (Microsoft docs: Move-VM -Vhds)."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """One move to start: ``address`` is how the source reaches the destination.

    Without ``disks`` everything goes below ``path`` (``-DestinationStoragePath``); with them the configuration goes to
    ``path`` and each disk to its own place (``-VirtualMachinePath`` and ``-Vhds``).
    """

    vm_id: VmId
    address: str
    path: str
    disks: tuple[DiskTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveReport:
    """What the move command said when it returned. A hint, not the truth."""

    errors: tuple[HostWord, ...] = ()
    warnings: tuple[str, ...] = ()


class FolderFate(StrEnum):
    """What became of a folder that should be removed if empty."""

    REMOVED = "removed"
    KEPT = "kept"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class FolderReceipt:
    """One line of a clean-up receipt."""

    path: str
    fate: FolderFate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """What the host answered to a cancel. ``found``: it had a running job of that VM."""

    found: bool
    accepted: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of ``migrate-bot check``."""

    subject: str
    ok: bool
    text: str
    hint: str = field(default="")


def same_host(left: str, right: str) -> bool:
    """Whether two host names mean the same host: short name or full name, any case."""
    left, right = left.strip().rstrip(".").casefold(), right.strip().rstrip(".").casefold()
    if left == right:
        return True
    full = [name for name in (left, right) if "." in name]
    is_address = any(name.replace(".", "").isdigit() for name in full)
    return len(full) == 1 and not is_address and left.split(".")[0] == right.split(".")[0]
