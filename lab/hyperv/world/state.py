"""The state that the parts of the world share: hosts with their volumes and VMs, events, network, audit log, faults."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.hyperv.world import paths
from lab.hyperv.world.audit_log import AuditLog, Violation, ViolationKind
from lab.hyperv.world.enums import ReplicationMode
from lab.hyperv.world.errors import FolderError, UnknownHost, UnknownVM
from lab.hyperv.world.event_queue import EventQueue
from lab.hyperv.world.faults import Faults
from lab.hyperv.world.fleet import complete
from lab.hyperv.world.folders import FileSystem
from lab.hyperv.world.network import Network
from lab.hyperv.world.strict import BadDescription
from lab.hyperv.world.vms import Machine, disk_files, own_folders, system_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from lab.hyperv.world import fleet
    from lab.hyperv.world.migrations import Migration
    from lab.hyperv.world.quirks import Quirks


class HostState:
    """One host; `spec` is replaced when its settings change."""

    def __init__(self, spec: fleet.Host, address: str, number: int) -> None:
        self.spec = spec
        self.number = number
        """Only makes its address unlike the others'."""
        self.address = address
        self.files = FileSystem(spec.volumes)
        self.vms: dict[UUID, Machine] = {}
        self.planned: dict[UUID, Machine] = {}
        self.active: dict[int, Migration] = {}
        """Migrations that hold slots here, in either direction, by number."""
        self.service_back_s = 0.0
        """When the Virtual Machine Management Service is there again; it is away before."""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def quirks(self) -> Quirks:
        return self.spec.quirks

    def free_memory_bytes(self) -> int:
        """Return what neither a VM nor an arriving one has taken."""
        machines = [*self.vms.values(), *(m for m in self.planned.values() if m.migration is not None)]
        return self.spec.memory_bytes - sum(machine.reserved_memory_bytes for machine in machines)

    def put_files(self, vm: fleet.VM) -> None:
        """Make a VM's files and folders; those that exist stay. Raises `FolderError`."""
        for folder in own_folders(vm):
            if self.files.has_volume(folder):
                self.files.add(folder, is_folder=True)
        for file in system_files(vm):
            if (known := self.files.entry(file.path)) and known.size_bytes != file.size_bytes:
                self.files.remove_file(file.path)  # a saved state came or went
            self.files.add(file.path, size_bytes=file.size_bytes)
        for disk in disk_files(vm):
            if self.files.has_volume(disk.path):
                self.files.add(disk.path, size_bytes=disk.size_bytes)


class State:
    """The whole state of a world."""

    def __init__(self, described: fleet.Fleet) -> None:
        self.fleet = described
        self.physics = described.physics
        self.timeline = EventQueue()
        self.ledger = AuditLog()
        self.trouble = Faults()
        self.hosts: dict[str, HostState] = {}
        self.network = Network(
            self.timeline,
            lambda name: self.host(name).spec.bandwidth_bytes_per_s,
            self.physics.stream_bytes_per_s,
            described.uplinks,
        )
        self._short_names: dict[str, str] = {}
        for spec in described.hosts:
            address = described.address_of(spec)
            self._short_names |= dict.fromkeys(
                (name.lower() for name in (spec.name, address, *spec.aliases)), spec.name
            )
            self.hosts[spec.name] = HostState(spec, address, len(self.hosts))
        for host in self.hosts.values():
            try:
                self._furnish(host)
            except FolderError as error:
                raise BadDescription(f"host {host.name}: {error}") from error

    def _furnish(self, host: HostState) -> None:
        host.files.add(host.spec.default_vm_path, is_folder=True)
        for file in host.spec.files:
            host.files.add(file.path, size_bytes=file.size_bytes, is_folder=file.is_folder, is_hidden=file.is_hidden)
        for vm in self.fleet.vms:
            if vm.host.lower() == host.name.lower():
                self.add_vm(host, vm)
        for volume in host.spec.volumes:
            if volume.free_bytes is not None:
                host.files.fill(paths.tidy(volume.root), volume.free_bytes)

    def add_vm(self, host: HostState, vm: fleet.VM) -> Machine:
        """Put a VM on a host with its files. Raises `FolderError` when they do not fit."""
        whole = replace(complete(vm, host.spec.default_vm_path), host=host.name)
        host.put_files(whole)
        machine = Machine(whole, host.name, created_s=self.timeline.time_s)
        host.vms[vm.id] = machine
        return machine

    def short_name(self, name: str) -> str:
        short = self._short_names.get(name.lower().rstrip("."))
        if short is None:
            raise UnknownHost(name)
        return short

    def host(self, name: str) -> HostState:
        """Return a host by its short or fully qualified name. Raises `UnknownHost`."""
        return self.hosts.get(name) or self.hosts[self.short_name(name)]

    def machine(self, host: str, vm_id: UUID) -> Machine:
        """Return a realized VM. Raises `UnknownHost`, `UnknownVM`."""
        machine = self.host(host).vms.get(vm_id)
        if machine is None:
            raise UnknownVM(vm_id, self.short_name(host))
        return machine

    def copies(self, vm_id: UUID) -> Iterator[Machine]:
        """Yield the realized copies of a VM: one, unless it is a replica, lost or doubled."""
        for host in self.hosts.values():
            if vm_id in host.vms:
                yield host.vms[vm_id]

    def violate(self, kind: ViolationKind, owner: str, subject: str, detail: str) -> None:
        self.ledger.violations.append(
            Violation(at_s=self.timeline.time_s, kind=kind, owner=owner, subject=subject, detail=detail)
        )

    def check_copies(self, vm_id: UUID, owner: str) -> None:
        """Record a VM that is realized on no host, or on two without being a replica."""
        copies = list(self.copies(vm_id))
        if not copies:
            self.violate(ViolationKind.VM_LOST, owner, str(vm_id), "is on no host")
        plain = [copy for copy in copies if copy.spec.replication_mode is ReplicationMode.None_]
        if len(plain) > 1:
            self.violate(ViolationKind.VM_ON_TWO_HOSTS, owner, str(vm_id), " and ".join(copy.host for copy in plain))
