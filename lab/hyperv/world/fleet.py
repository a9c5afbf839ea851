"""Describes a fleet as the lab starts: hosts, VMs, backups, other people's migrations; reads it from TOML."""

import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from lab.hyperv.world import paths
from lab.hyperv.world.enums import (
    ControllerType,
    Heartbeat,
    MigrationAuthentication,
    MigrationPerformance,
    ReplicationHealth,
    ReplicationMode,
    ReplicationState,
    SnapshotType,
    VMState,
)
from lab.hyperv.world.quirks import Quirks
from lab.hyperv.world.strict import BY_NAME, BadDescription, Count, Number, Size, read_as

GB = 1 << 30
MB = 1 << 20


class Endpoint(StrEnum):
    """What answers at the PowerShell endpoint: everything, or only what a JEA role shows."""

    FULL_LANGUAGE = "full-language"
    CONSTRAINED_LANGUAGE = "constrained-language"
    """The ordinary endpoint of a host with application control: scripts may not call methods of .NET."""
    JEA = "jea"
    JEA_WITHOUT_FOLDERS = "jea-without-folders"
    """The same without the functions that list and remove folders."""

    @property
    def is_restricted(self) -> bool:
        """Whether sessions run no scripts, and act on the network as an identity of their own."""
        return self in {Endpoint.JEA, Endpoint.JEA_WITHOUT_FOLDERS}


class Language(StrEnum):
    """The language of a host's error and status texts; error ids stay English."""

    ENGLISH = "en"
    GERMAN = "de"
    JAPANESE = "ja"


class BackupVariant(StrEnum):
    """How a VM in backup looks: A says so in its second status, B shows one entry, InService, and nothing more."""

    A = "A"
    B = "B"


class MigrationKind(StrEnum):
    """What a migration moves."""

    LIVE_AND_STORAGE = "live-and-storage"
    LIVE = "live"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume by its root, a letter or a share. Without `free_bytes`, only the declared files fill it."""

    root: str
    size_bytes: Size = 2048 * GB
    free_bytes: Size | None = None
    has_short_names: bool = False
    """What lies on it has a second name, of 8.3 letters. Source: Microsoft docs, fsutil 8dot3name: of each volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file or folder that is on a volume besides what the VMs need."""

    path: str
    is_folder: bool = False
    is_hidden: bool = False
    size_bytes: Size = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A Hyper-V host; its migration settings default to a fresh installation's. Source: Microsoft docs, Set-VMHost."""

    name: str
    address: str | None = None
    """Fully qualified name; without one, `<name>.<domain of the fleet>`."""
    aliases: tuple[str, ...] = ()
    """Other names that lead here: records of DNS, in time or out of it."""
    user: str = "CONTOSO\\svc-migrate"
    password: str = "lab-password"  # noqa: S105 - of a simulated host
    endpoint: Endpoint = Endpoint.FULL_LANGUAGE
    stock_endpoint_is_open: bool = False
    """Whether the account may also use what came with Windows, beside a restricted endpoint."""
    role: str = ""
    """What a restricted endpoint shows: the text of a role file; empty is the one of deploy/."""
    module: str = ""
    """The functions of a restricted endpoint: the text of a module; empty is the one of deploy/."""
    other_module: str = ""
    """A module that comes earlier and has a Get-VM and a Get-VMHost of its own, e.g. VMware.VimAutomation.Core."""
    idle_connection_s: float = 120.0
    """The HTTP service closes a connection that was unused so long, and its encryption goes with it (real seconds)."""
    language: Language = Language.ENGLISH
    live_limit: Count = 2
    storage_limit: Count = 2
    migration_enabled: bool = False
    listener_on: bool = True
    addresses: tuple[str, ...] = ()
    """Its own, with their prefixes, e.g. 10.0.0.1/24; without any, one in a network that all such hosts are in."""
    migration_networks: tuple[str, ...] = ()
    """Where it takes migrations, e.g. 10.9.0.0/24; empty is any network. Source: Microsoft docs,
    Add-VMMigrationNetwork."""
    routes: tuple[str, ...] = ()
    """Networks besides its own that it reaches through a router."""
    authentication: Annotated[MigrationAuthentication, BY_NAME] = MigrationAuthentication.CredSSP
    performance: Annotated[MigrationPerformance, BY_NAME] = MigrationPerformance.Compression
    memory_bytes: Size = 256 * GB
    processors: Count = 32
    processor_family: str = "intel"
    volumes: tuple[Volume, ...] = (Volume(root="C:"), Volume(root="D:"))
    switches: tuple[str, ...] = ("Production",)
    internal_switches: tuple[str, ...] = ()
    """Those of them that connect VMs to their host, not to the network. Source: Microsoft docs, New-VMSwitch."""
    private_switches: tuple[str, ...] = ()
    """Those of them that connect VMs only to each other."""
    supported_versions: tuple[str, ...] = ("8.0", "9.0", "10.0")
    vtpm_owners: tuple[str, ...] = ()
    """Hosts whose vTPM certificates are installed here."""
    default_vm_path: str = "D:\\VMs"
    files: tuple[File, ...] = ()
    bandwidth_bytes_per_s: Size = 1250 * MB
    clock_offset_s: float = 0.0
    """How far its clock is ahead of the lab's; negative is behind."""
    missing_classes: tuple[str, ...] = ()
    """CIM classes that its Windows is too old for, e.g. Msvm_GpuPartitionSettingData."""
    quirks: Quirks = field(default_factory=Quirks)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """A file of a virtual disk besides the one that is attached."""

    path: str
    size_bytes: Size = 40 * GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A virtual disk. `disk_number` set means a pass-through disk, which has no file."""

    path: str
    size_bytes: Size = 40 * GB
    """What the file takes on its volume."""
    controller: Annotated[ControllerType, BY_NAME] = ControllerType.SCSI
    controller_number: Count = 0
    controller_location: Count = 0
    disk_number: Count | None = None
    is_shared: bool = False
    parents: tuple[DiskFile, ...] = ()
    """What it differs from, the nearest first: under a checkpoint, or a linked clone. VMs may name the same file."""
    is_unreadable: bool = False
    """Get-VHD cannot open its file: in use, or on a share behind a second hop (seen: pywinrm issue 225)."""

    @property
    def has_file(self) -> bool:
        return self.disk_number is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A virtual network adapter; `switch` is absent when it is not connected."""

    name: str = "Network Adapter"
    switch: str | None = "Production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    id: UUID
    name: str
    type: Annotated[SnapshotType, BY_NAME] = SnapshotType.Standard
    disks: tuple[Disk, ...] = ()
    """The disks it would give back: mostly parents of the VM's own, or a side branch."""
    state_bytes: Size = 0
    """The memory it keeps, in a file beside its configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VM:
    """A VM; its id is unique, its name need not be. Paths left out follow the host's default path and the VM's name."""

    id: UUID
    name: str
    host: str
    state: Annotated[VMState, BY_NAME] = VMState.Running
    memory_bytes: Size = 4 * GB
    processors: Count = 2
    generation: Count = 2
    version: str = "9.0"
    path: str = ""
    snapshot_file_location: str = ""
    smart_paging_file_path: str = ""
    disks: tuple[Disk, ...] = ()
    adapters: tuple[Adapter, ...] = (Adapter(),)
    checkpoints: tuple[Checkpoint, ...] = ()
    iso_path: str | None = None
    is_paging: bool = False
    """Its smart paging file is in use; no cmdlet tells how large it is."""
    has_vtpm: bool = False
    has_passed_device: bool = False
    """A device of its host is passed through to it (DDA)."""
    has_gpu_partition: bool = False
    has_fibre_channel: bool = False
    exposes_virtualization: bool = False
    """Its guest may run virtual machines itself."""
    floppy_path: str | None = None
    """The image in its floppy drive, which only generation 1 has. Source: Microsoft docs, Set-VMFloppyDiskDrive."""
    com_pipe: str | None = None
    """The named pipe that its first COM port is connected to. Source: Microsoft docs, Set-VMComPort."""
    captured_dvd_drive: str | None = None
    """The letter of its host's DVD drive that it captures, e.g. E:. Source: type stubs of the module, DvdMediaType."""
    is_processor_compatible: bool = True
    """`CompatibilityForMigrationEnabled`, or a guest that needs no special processor."""
    is_clustered: bool = False
    replication_mode: Annotated[ReplicationMode, BY_NAME] = ReplicationMode.None_
    replication_state: Annotated[ReplicationState, BY_NAME] = ReplicationState.Disabled
    replication_health: Annotated[ReplicationHealth, BY_NAME] = ReplicationHealth.NotApplicable
    heartbeat: Annotated[Heartbeat, BY_NAME] = Heartbeat.OkApplicationsHealthy
    """While it runs; a VM that is off has none."""
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """Whether `source` may act on `destination`: by WinRM (hop a), between Hyper-V services (hop b, Kerberos)."""

    source: str
    destination: str
    winrm: bool = True
    migration: bool = True


NIGHTLY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupWindow:
    """A backup product's run: from `start_s`, `at_once` VMs at a time, each `duration_s`, then merging `merge_s`."""

    start_s: Number
    vms: tuple[UUID, ...]
    duration_s: Number = 600.0
    merge_s: Number = 0.0
    variant: BackupVariant = BackupVariant.A
    at_once: Count = 1
    every_s: Number = 0.0
    """Repeat the window so often; 0 is once, `NIGHTLY_S` every night."""
    jitter_s: Number = 0.0
    """Each backup begins up to so much earlier or later and takes up to half of that less or more, each night anew."""
    makes_recovery_checkpoint: bool = False
    leaves_recovery_checkpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledMigration:
    """A migration that somebody else starts `start_s` seconds after the lab."""

    start_s: Number
    vm: UUID
    destination: str = ""
    """Not needed for a storage migration, which stays on its host."""
    path: str | None = None
    kind: MigrationKind = MigrationKind.LIVE_AND_STORAGE
    owner: str = "CONTOSO\\alice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """What hosts share on their way to all others, such as a rack's uplink; no host tells that it is there."""

    name: str
    hosts: tuple[str, ...]
    bandwidth_bytes_per_s: Size = 1250 * MB
    is_shared_inside: bool = False
    """Whether what goes on among these hosts takes of it too: a segment, and no uplink."""

    def carries(self, ends: tuple[str, ...]) -> bool:
        """Whether a transfer between these hosts is on it; what stays on one host never is."""
        behind = sum(end in self.hosts for end in ends)
        return len(ends) > 1 and behind > 0 and (self.is_shared_inside or behind < len(ends))


@dataclass(frozen=True, slots=True, kw_only=True)
class Physics:
    """How long the parts of a move take that are no plain copy; our assumptions, for nobody publishes them."""

    setup_s: Number = 2.0
    switch_over_s: Number = 1.0
    deletion_s: Number = 0.5
    mirror_share: Number = 0.02
    """Of a running VM's disks, what is written anew while they are copied."""
    memory_passes: Number = 1.25
    """How often a running VM's memory crosses the network."""
    stream_bytes_per_s: Size = 0
    """No single move is faster than this, however wide the network: what disks and compression allow. 0 is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Everything the lab starts with. Building one checks that its parts fit together; raises `BadDescription`."""

    hosts: tuple[Host, ...]
    vms: tuple[VM, ...] = ()
    domain: str = "contoso.com"
    delegation: tuple[Delegation, ...] = ()
    """Exceptions: a pair not named here is allowed."""
    backups: tuple[BackupWindow, ...] = ()
    migrations: tuple[ScheduledMigration, ...] = ()
    physics: Physics = field(default_factory=Physics)
    uplinks: tuple[Uplink, ...] = ()

    def __post_init__(self) -> None:
        names = [host.name.lower() for host in self.hosts]
        if len(set(names)) != len(names):
            raise BadDescription("two hosts have one name.")
        self._check_names(names)
        self._check_ids()
        if any(window.at_once < 1 for window in self.backups):
            raise BadDescription("a backup window needs at_once of at least 1.")
        if any(window.every_s and window.every_s <= window.jitter_s for window in self.backups):
            raise BadDescription("a backup window needs a jitter_s below its every_s.")

    def _check_names(self, names: list[str]) -> None:
        for vm in self.vms:
            _known(vm.host, names, f"VM {vm.name!r}")
        for move in self.migrations:
            if move.kind is not MigrationKind.STORAGE:
                _known(move.destination, names, "a scheduled migration")
        for uplink in self.uplinks:
            for host in uplink.hosts:
                _known(host, names, f"uplink {uplink.name!r}")
        for pair in self.delegation:
            _known(pair.source, names, "delegation")
            _known(pair.destination, names, "delegation")

    def _check_ids(self) -> None:
        times = Counter(vm.id for vm in self.vms)
        for vm_id in [v for window in self.backups for v in window.vms] + [move.vm for move in self.migrations]:
            if vm_id not in times:
                raise BadDescription(f"no VM has the id {vm_id}.")
        paired = (ReplicationMode.Replica, ReplicationMode.Primary)
        if any(times[vm.id] > 1 and vm.replication_mode not in paired for vm in self.vms):
            raise BadDescription("two VMs have one id and are no replicas of each other.")
        if len({(vm.host.lower(), vm.id) for vm in self.vms}) != len(self.vms):
            raise BadDescription("two VMs on one host have one id.")

    def address_of(self, host: Host) -> str:
        """Return the fully qualified name of a host."""
        return host.address or f"{host.name.lower()}.{self.domain}"


def _known(host: str, names: list[str], who: str) -> None:
    if host.lower() not in names:
        raise BadDescription(f"{who} names the unknown host {host!r}.")


def complete(vm: VM, default_vm_path: str) -> VM:
    """Return the VM with the paths filled in that its description leaves out."""
    path = vm.path or paths.join(default_vm_path, vm.name)
    return replace(
        vm,
        path=path,
        snapshot_file_location=vm.snapshot_file_location or path,
        smart_paging_file_path=vm.smart_paging_file_path or path,
    )


def load_fleet(file: Path) -> Fleet:
    """Read a fleet from a TOML file. Raises `BadDescription` with one sentence that names the place."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadDescription(f"{file.name}: {error}.") from error
    return fleet_from(data, file.name)


def fleet_from(data: dict[str, Any], where: str) -> Fleet:
    """Read a fleet from parsed TOML: `[hosts.<name>]`, `[[vms]]`, and `[quirks]` as the default of every host."""
    rest = dict(data)
    quirks = rest.pop("quirks", {})
    hosts = rest.get("hosts", {})
    if not isinstance(hosts, dict) or not all(isinstance(host, dict) for host in hosts.values()):
        raise BadDescription(f"{where}: hosts must be tables, [hosts.HV01].")
    if not isinstance(quirks, dict):
        raise BadDescription(f"{where}: quirks must be a table.")
    rest["hosts"] = [
        {**host, "name": name, "quirks": {**quirks, **host.get("quirks", {})}} for name, host in hosts.items()
    ]
    return read_as(Fleet, rest, where)
