"""What can be read from a simulated host at one moment: frozen pictures, never the world's own objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.hyperv.world.enums import SwitchKind

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from lab.hyperv.world.enums import (
        ErrorCategory,
        Heartbeat,
        JobState,
        JobType,
        MigrationAuthentication,
        MigrationPerformance,
        MigrationType,
        ReplicationHealth,
        ReplicationMode,
        ReplicationState,
        VMState,
    )
    from lab.hyperv.world.fleet import Adapter, Checkpoint, Disk


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """What Get-VMHost tells. `domain` is what FullyQualifiedDomainName holds: the DNS domain only."""

    name: str
    fqdn: str
    domain: str
    logical_processor_count: int
    memory_capacity_bytes: int
    default_vm_path: str
    default_disk_path: str
    live_limit: int
    storage_limit: int
    migration_enabled: bool
    authentication: MigrationAuthentication
    performance: MigrationPerformance
    supported_versions: tuple[str, ...]
    switches: tuple[str, ...]
    internal_switches: tuple[str, ...]
    private_switches: tuple[str, ...]
    endpoint: str
    language: str
    addresses: tuple[str, ...]
    """Its own, with their prefixes."""
    migration_networks: tuple[str, ...]
    """Where it takes migrations, with their prefixes; any network is 0.0.0.0/0 and ::/0."""
    listener_addresses: tuple[str, ...]
    """MigrationServiceListenerIPAddressList; empty means no listener."""

    def switch_kind(self, name: str) -> SwitchKind:
        """Return what a switch connects to."""
        if name in self.private_switches:
            return SwitchKind.Private
        return SwitchKind.Internal if name in self.internal_switches else SwitchKind.External


@dataclass(frozen=True, slots=True, kw_only=True)
class VMView:
    """What Get-VM tells about one VM on one host."""

    id: UUID
    name: str
    host: str
    is_planned: bool
    state: VMState
    operational_status: tuple[int, ...]
    """One or two numbers of `OperationalStatus`; an unnamed number (32769) is possible."""
    status_descriptions: tuple[str, ...]
    """In the host's language, one for each operational status."""
    path: str
    snapshot_file_location: str
    smart_paging_file_path: str
    disks: tuple[Disk, ...]
    adapters: tuple[Adapter, ...]
    checkpoints: tuple[Checkpoint, ...]
    iso_path: str | None
    is_paging: bool
    system_bytes: int
    """SizeOfSystemFiles: its own files besides disks, those of checkpoints apart."""
    memory_startup_bytes: int
    memory_assigned_bytes: int
    processor_count: int
    cpu_usage_percent: int
    uptime_s: float
    generation: int
    version: str
    has_vtpm: bool
    has_passed_device: bool
    has_gpu_partition: bool
    has_fibre_channel: bool
    exposes_virtualization: bool
    floppy_path: str | None
    com_pipe: str | None
    captured_dvd_drive: str | None
    is_clustered: bool
    replication_mode: ReplicationMode
    replication_state: ReplicationState
    replication_health: ReplicationHealth
    heartbeat: Heartbeat | None
    created_at: datetime
    notes: str

    @property
    def status(self) -> str:
        """Return Status: the second description if there is one, else the first."""
        return self.status_descriptions[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """An error as a cmdlet writes it: text lines in the host's language, an English id, a category."""

    lines: tuple[str, ...]
    error_id: str
    category: ErrorCategory
    code: int = 32768
    """Msvm_MigrationJob.ErrorCode."""

    @property
    def summary(self) -> str:
        """Return ErrorSummaryDescription: the wrapper line."""
        return self.lines[0]

    @property
    def description(self) -> str:
        """Return ErrorDescription: the causes, or the only line there is."""
        return "\n".join(self.lines[1:]) or self.lines[0]

    @property
    def message(self) -> str:
        """Return the summary, a blank line and the description, unless that starts with the summary."""
        if self.description.startswith(self.summary):
            return self.description
        return f"{self.summary}\n\n{self.description}"

    def fqid(self, cmdlet: str = "MoveVM") -> str:
        """Return FullyQualifiedErrorId for the class name of a cmdlet, e.g. `MoveVM`, `CompareVM`."""
        return f"{self.error_id},Microsoft.HyperV.PowerShell.Commands.{cmdlet}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One Msvm_MigrationJob. Source: Microsoft docs, Msvm_MigrationJob; the looks of a real dump."""

    instance_id: str
    name: str
    virtual_system_name: str
    """The VM's Guid in upper case."""
    destination_host: str | None
    migration_type: MigrationType
    job_type: JobType
    state: JobState
    percent: int
    is_cancellable: bool
    owner: str
    error_code: int
    error_description: str | None
    error_summary: str | None
    started_at: datetime
    changed_at: datetime
    """TimeOfLastStateChange."""
    elapsed_s: float
    destination_path: str | None


@dataclass(frozen=True, slots=True)
class Counters:
    """Msvm_VirtualSystemMigrationService: the migrations a host counts as active."""

    live: int
    """ActiveVirtualSystemMigrationCount."""
    storage: int
    """ActiveStorageMigrationCount."""


@dataclass(frozen=True, slots=True)
class VolumeView:
    root: str
    """`D:\\` or `\\\\server\\share`."""
    size_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class FolderEntry:
    path: str
    is_folder: bool
    is_hidden: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One finding of Compare-VM; `message_id` 33012 missing switch, 40010 missing ISO, 24008 processor."""

    message_id: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompatibilityReport:
    """What Compare-VM returns when it could run at all."""

    vm_id: UUID
    destination: str
    path: str
    snapshot_path: str
    disk_path: str
    incompatibilities: tuple[Incompatibility, ...]
