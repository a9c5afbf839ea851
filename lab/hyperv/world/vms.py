"""One VM on one host as it is at this moment, the files it keeps there, and how it looks from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid5

from lab.hyperv.world import paths
from lab.hyperv.world.enums import OperationalStatus as Op
from lab.hyperv.world.enums import SnapshotType, VMState
from lab.hyperv.world.fleet import VM, BackupVariant, Checkpoint
from lab.hyperv.world.host_messages import status_text
from lab.hyperv.world.views import VMView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lab.hyperv.world.event_queue import Appointment
    from lab.hyperv.world.fleet import Language
    from lab.hyperv.world.migrations import Migration

CONFIGURATION_FILE_BYTES = 64 << 10

_IN_MEMORY = {VMState.Running, VMState.Paused, VMState.RunningCritical, VMState.PausedCritical}
_SAVED = {VMState.Saved, VMState.FastSaved, VMState.Hibernated}
MOVABLE = {VMState.Running, VMState.Off, VMState.Saved, VMState.Paused}


@dataclass(slots=True, kw_only=True)
class Backup:
    """A backup under way of one VM."""

    variant: BackupVariant
    end: Appointment | None
    merge_s: float
    recovery_checkpoint: Checkpoint | None
    leaves_checkpoint: bool


class Machine:
    """A VM on a host, realized or planned; `spec` is replaced, never changed, when the VM changes."""

    def __init__(self, spec: VM, host: str, *, is_planned: bool = False, created_s: float = 0.0) -> None:
        self.spec = spec
        self.host = host
        self.is_planned = is_planned
        self.created_s = created_s
        self.running_since_s = created_s
        self.migration: Migration | None = None
        self.backup: Backup | None = None
        self.merge: Appointment | None = None
        self.forced_status: tuple[int, ...] | None = None
        """An operational status set from outside, shown while nothing else is going on."""

    @property
    def reserved_memory_bytes(self) -> int:
        return self.spec.memory_bytes if self.spec.state in _IN_MEMORY else 0

    @property
    def moving_memory_bytes(self) -> int:
        """What must be sent besides disks: memory, or the saved state."""
        return self.spec.memory_bytes if self.spec.state in _IN_MEMORY | _SAVED else 0

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        made = self.backup.recovery_checkpoint if self.backup else None
        return (*self.spec.checkpoints, made) if made else self.spec.checkpoints

    def operational_status(
        self, time_s: float, *, delay_s: float, phases_visible: bool, planned_status: bool
    ) -> tuple[int, ...]:
        """Return one or two numbers: whether a request can be issued, and what is going on.

        Source: Microsoft docs, Msvm_ComputerSystem.
        """
        move = self.migration
        if move is not None and time_s >= move.started_s + delay_s:
            if self.is_planned:
                return (Op.InService, Op.MigratingPlannedVm if planned_status else Op.MigratingVirtualMachine)
            return (Op.InService, move.storage_status() if phases_visible else Op.MigratingVirtualMachine)
        if self.backup is not None:
            if self.backup.variant is BackupVariant.B:
                return (Op.InService,)
            return (Op.InService, Op.BackingUpVirtualMachine)
        if self.merge is not None:
            return (Op.Ok, Op.MergingDisks)
        if self.forced_status is not None:
            return self.forced_status
        if self.spec.state >= VMState.RunningCritical:
            return (Op.Degraded, Op.CriticalIoError)
        return (Op.Ok,)

    def view(self, status: tuple[int, ...], language: Language, time_s: float, created_at: datetime) -> VMView:
        """Return the frozen picture of this VM."""
        spec = self.spec
        is_up = self.reserved_memory_bytes > 0 and not self.is_planned
        return VMView(
            id=spec.id,
            name=spec.name,
            host=self.host,
            is_planned=self.is_planned,
            state=VMState.Off if self.is_planned else spec.state,
            operational_status=status,
            status_descriptions=tuple(status_text(number, language) for number in status),
            path=spec.path,
            snapshot_file_location=spec.snapshot_file_location,
            smart_paging_file_path=spec.smart_paging_file_path,
            disks=spec.disks,
            adapters=spec.adapters,
            checkpoints=self.checkpoints(),
            iso_path=spec.iso_path,
            memory_startup_bytes=spec.memory_bytes,
            memory_assigned_bytes=spec.memory_bytes if is_up else 0,
            processor_count=spec.processors,
            cpu_usage_percent=3 if is_up and spec.state is VMState.Running else 0,
            uptime_s=time_s - self.running_since_s + 3600.0 if is_up else 0.0,
            generation=spec.generation,
            version=spec.version,
            has_vtpm=spec.has_vtpm,
            has_passed_device=spec.has_passed_device,
            has_gpu_partition=spec.has_gpu_partition,
            has_fibre_channel=spec.has_fibre_channel,
            exposes_virtualization=spec.exposes_virtualization,
            is_clustered=spec.is_clustered,
            replication_mode=spec.replication_mode,
            replication_state=spec.replication_state,
            replication_health=spec.replication_health,
            heartbeat=spec.heartbeat if is_up else None,
            created_at=created_at,
            notes=spec.notes,
        )


def recovery_checkpoint(vm: VM, time_s: float) -> Checkpoint:
    """Return the checkpoint a backup product makes; its id follows from VM and time, so a run can be repeated."""
    return Checkpoint(
        id=uuid5(vm.id, f"backup {time_s}"), name=f"{vm.name} - Backup - {time_s:.0f}", type=SnapshotType.Recovery
    )


def own_folders(vm: VM) -> Iterator[str]:
    """Yield the folders a VM has besides those of its disks; a move leaves them behind, empty."""
    number = str(vm.id).upper()
    yield paths.join(vm.path, "Virtual Machines", number)
    yield paths.join(vm.smart_paging_file_path, "Virtual Machines", number)
    yield paths.join(vm.snapshot_file_location, "Snapshots")


def configuration_files(vm: VM) -> Iterator[str]:
    """Yield the small files a VM has: configuration, runtime state, one per checkpoint."""
    number = str(vm.id).upper()
    yield paths.join(vm.path, "Virtual Machines", f"{number}.vmcx")
    yield paths.join(vm.path, "Virtual Machines", f"{number}.VMRS")
    for checkpoint in vm.checkpoints:
        yield paths.join(vm.snapshot_file_location, "Snapshots", f"{str(checkpoint.id).upper()}.vmcx")


def files_of(vm: VM) -> list[str]:
    """Return every file that goes where the VM goes."""
    return [*configuration_files(vm), *(disk.path for disk in vm.disks if disk.has_file and not disk.is_shared)]


def folders_of(vm: VM) -> list[str]:
    """Return every folder, volume roots apart, that the VM's files and own folders need, deepest first."""
    found: dict[str, str] = {}
    todo: list[str | None] = [*own_folders(vm), *(paths.parent(file) for file in files_of(vm))]
    while todo:
        folder = todo.pop()
        if folder is None or paths.parent(folder) is None or paths.key(folder) in found:
            continue
        found[paths.key(folder)] = folder
        todo.append(paths.parent(folder))
    return sorted(found.values(), key=len, reverse=True)
