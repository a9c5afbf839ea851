"""Hosts and VMs, as the hosts themselves show them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NewType
from uuid import UUID

from core.domain.model import windows_paths
from core.domain.model.hyperv_enums import (
    MIGRATING,
    QUIET,
    REPLICA_SIDE,
    HostJobState,
    MigrationAuth,
    Operation,
    ReplicationMode,
    VmState,
)

HostName = NewType("HostName", str)
"""A host's name in the settings, as written there. Compare with ``same_host``."""

VmId = NewType("VmId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
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
class DiskFile:
    """One file of a virtual disk. ``file_bytes``: what it occupies now, which a move copies; None: unknown."""

    path: str
    file_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One virtual disk of a VM. ``path`` is empty for a pass-through disk."""

    path: str
    file_bytes: int | None = None
    """Bytes the file occupies now (what a move copies). None: unknown."""
    parents: tuple[DiskFile, ...] = ()
    """The files it differs from, the nearest first: they move with it (Microsoft docs: Move-VM)."""
    controller: str = ""
    is_pass_through: bool = False
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """One network adapter of a VM. ``switch`` is empty when it is not connected."""

    name: str
    switch: str = ""


class SwitchKind(StrEnum):
    """What a virtual switch connects its VMs to: the network, their host, or only each other."""

    EXTERNAL = "external"
    INTERNAL = "internal"
    PRIVATE = "private"


class Tie(StrEnum):
    """The kinds of things that tie a VM to its host."""

    PASSED_DEVICE = "passed_device"
    GPU_PARTITION = "gpu_partition"
    FIBRE_CHANNEL = "fibre_channel"
    NESTED = "nested"
    HOST_DVD = "host_dvd"


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A disk file of a VM that disks of other VMs of its host need too, and the names of these."""

    path: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmDetails:
    """The details of a VM that a plan needs beyond its state: one row of a host's inspection."""

    vm: Vm
    disks: tuple[Disk, ...] = ()
    checkpoint_files: tuple[DiskFile, ...] = ()
    """Disk files that only checkpoints need: they move too."""
    system_bytes: int = 0
    """Bytes of its other files: configuration, saved state, memory kept by checkpoints."""
    unread: tuple[str, ...] = ()
    """The parts of it besides ``files`` whose size the host did not tell, in words."""
    linked: tuple[LinkedFile, ...] = ()
    """What it shares with other VMs of its host; known only where all of them were looked at."""
    adapters: tuple[Adapter, ...] = ()
    iso_paths: tuple[str, ...] = ()
    floppy_paths: tuple[str, ...] = ()
    pipes: tuple[str, ...] = ()
    """The named pipes that its COM ports are connected to."""
    checkpoints: int = 0
    backup_checkpoints: int = 0
    """How many of these a backup made (SnapshotType Recovery)."""
    has_vtpm: bool = False
    ties: frozenset[Tie] = frozenset()
    ties_unread: str = ""
    """Why not all of ``ties`` is known; empty when it is."""

    @property
    def files(self) -> tuple[DiskFile, ...]:
        """Every virtual disk file that moves with it, each once: disks, their parents, checkpoints' own."""
        own = [DiskFile(disk.path, disk.file_bytes) for disk in self.disks if disk.path]
        parents = [file for disk in self.disks for file in disk.parents]
        if not parents and not self.checkpoint_files:
            return tuple(own)
        once: dict[str, DiskFile] = {}
        for file in (*own, *parents, *self.checkpoint_files):
            once.setdefault(windows_paths.key(file.path), file)
        return tuple(once.values())

    @property
    def images(self) -> tuple[str, ...]:
        """The files in its DVD and floppy drives, which a move leaves where they are."""
        return (*self.iso_paths, *self.floppy_paths)

    @property
    def disk_bytes(self) -> int:
        """Bytes of all its files, as far as they are known: the one number for space, time and speed."""
        return sum(file.file_bytes or 0 for file in self.files) + self.system_bytes

    @property
    def unknown_sizes(self) -> tuple[str, ...]:
        """Name the parts of it whose size is not known."""
        return (*(windows_paths.name(file.path) for file in self.files if file.file_bytes is None), *self.unread)


@dataclass(frozen=True, slots=True)
class Volume:
    r"""One volume of a host. ``root`` ends in a backslash: ``D:\`` or a mount point."""

    root: str
    size_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNetworks:
    """The networks of a host, with their prefixes, e.g. ``10.9.0.0/24``; what it does not tell is None.

    ``own``: those it has an address in. ``for_migration``: those it takes migrations on; any is ``0.0.0.0/0``.
    ``unread``: why something is None.
    """

    own: tuple[str, ...] | None = None
    for_migration: tuple[str, ...] | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
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
    listeners: tuple[str, ...] | None = None
    """The addresses on which it listens for migrations; None: not known."""
    machine: str = ""
    """What the machine calls itself, its domain included; empty: it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True)
class UnreadableVm:
    """A VM of which a host told something that cannot be read. ``id`` is None when not even that could be."""

    text: str
    id: VmId | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of one host, and when it was asked: facts, every VM (planned ones never), migration jobs.

    Its times are steady ones: nobody can put them back or forth, and what is older is older.
    A VM that cannot be read stands in ``unreadable`` and costs the others nothing.

    It has no slots because it keeps an index: a VM is looked up for each of thousands of moves.
    """

    host: HostName
    asked_at: datetime
    taken_at: datetime
    facts: HostFacts
    vms: tuple[Vm, ...]
    jobs: tuple[HostJob, ...] = ()
    unreadable: tuple[UnreadableVm, ...] = ()
    absent: frozenset[VmId] = frozenset()
    """VMs that the host was asked for by their ids and does not have, whatever the rows are that nobody can read."""

    def lacks(self, vm_id: VmId) -> bool:
        """Whether the host does not have the VM: not shown is believed only where it cannot be one nobody can read."""
        return self.vm(vm_id) is None and not self.why_unknown(vm_id)

    def why_unknown(self, vm_id: VmId) -> str:
        """Say why this host cannot tell whether it has a VM that it does not show; empty when it can."""
        doubts = {vm_id} if vm_id in self.absent else {None, vm_id}
        return next((one.text for one in self.unreadable if one.id in doubts), "")

    @property
    def leaves_open_who_is_there(self) -> bool:
        """Whether it has a VM of which not even the id can be read."""
        return any(one.id is None for one in self.unreadable)

    def vm(self, vm_id: VmId) -> Vm | None:
        """Return the VM of that id, if this host has it."""
        return self._by_id.get(vm_id)

    def own_vm(self, vm_id: VmId) -> Vm | None:
        """Return the VM of that id, if it is the VM itself: its replica has the same id, and none of its life."""
        vm = self._by_id.get(vm_id)
        return None if vm is None or vm.is_replica else vm

    @cached_property
    def _by_id(self) -> dict[VmId, Vm]:
        return {vm.id: vm for vm in reversed(self.vms)}

    def job(self, vm_id: VmId) -> HostJob | None:
        """Return the newest migration job of that VM, if the host remembers one."""
        mine = [job for job in self.jobs if job.vm_id == vm_id]
        return max(mine, key=lambda job: (job.is_running, job.started_at or self.taken_at), default=None)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The details of a host that a plan needs beyond a snapshot: room, switches, and each VM's disks and adapters.

    A VM of which some of that cannot be read stands in ``unreadable``, and has no details.
    It has no slots because it keeps an index, as the snapshot does.
    """

    snapshot: Snapshot
    volumes: tuple[Volume, ...] = ()
    memory_free_bytes: int = 0
    switches: tuple[str, ...] = ()
    switch_kinds: Mapping[str, SwitchKind] = field(default_factory=dict)
    """What a virtual switch connects to, by its name in small letters; one that is missing did not say."""
    details: tuple[VmDetails, ...] = ()
    unreadable: tuple[UnreadableVm, ...] = ()
    attachments: Mapping[str, bool] = field(default_factory=dict)
    """Whether this host has files that VMs need at the same place, by the keys of their paths; others: not looked."""

    networks: HostNetworks = field(default_factory=HostNetworks)

    @property
    def host(self) -> HostName:
        """The host this is about."""
        return self.snapshot.host

    def of(self, vm_id: VmId) -> VmDetails | None:
        """Return the details of that VM, if this host has it."""
        return self._by_id.get(vm_id)

    def why_unknown(self, vm_id: VmId) -> str:
        """Say why this host did not describe a VM that it shows; empty when it did, or does not show it."""
        return next((one.text for one in self.unreadable if one.id == vm_id), "")

    @cached_property
    def _by_id(self) -> dict[VmId, VmDetails]:
        return {row.vm.id: row for row in reversed(self.details)}


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of ``migrate-bot check``."""

    subject: str
    ok: bool
    text: str
    hint: str = field(default="")


def same_host(left: str, right: str) -> bool:
    """Whether two host names mean the same host: short name or full name, any case."""
    (left, left_short), (right, right_short) = _parts(left), _parts(right)
    is_one_full = ("." in left) != ("." in right)
    return left == right or (is_one_full and left_short == right_short)


class HostsByName:
    """Finds whose name means the same host, as ``same_host`` has it, without comparing everybody with everybody."""

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._full: dict[str, str] = {}
        """Full names by their first part, which is the short name."""

    def add(self, text: str, owner: str) -> None:
        """Note who goes by this name or address."""
        name, short = _parts(text)
        self._exact.setdefault(name, owner)
        if short != name:
            self._full.setdefault(short, owner)

    def find(self, text: str) -> str | None:
        """Return somebody who was added with a name that means the same host."""
        name, short = _parts(text)
        return self._exact.get(name) or (self._full.get(name) if "." not in name else self._exact.get(short))


def why_not_distinct(hosts: Iterable[tuple[str, str, int]]) -> str:
    """Say which two of these hosts, each a name, an address and a port, are one machine; empty when none are.

    One machine under two names would be counted as two, and given twice the moves it allows.
    """
    names, addresses = HostsByName(), HostsByName()
    by_port = defaultdict[int, HostsByName](HostsByName)
    for host, address, port in hosts:
        if name := names.find(host):
            return f"hosts {name} and {host} are the same host"
        if name := by_port[port].find(address):
            return f"hosts {name} and {host} have the same address {address}"
        if name := names.find(address) or addresses.find(host):
            return f"the address of one of the hosts {name} and {host} is the name of the other"
        names.add(host, host)
        addresses.add(address, host)
        by_port[port].add(address, host)
    return ""


def _parts(text: str) -> tuple[str, str]:
    """Return a host's name as it is compared, and the short name of a full one; an IP address has none."""
    name = text.strip().rstrip(".").casefold()
    is_address = "." in name and name.replace(".", "").isdigit()
    return name, name if is_address else name.split(".")[0]
