"""One VM on one host as it is at this moment, the files it keeps there, and how it looks from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid5

from lab.hyperv.world import paths
from lab.hyperv.world.enums import OperationalStatus as Op
from lab.hyperv.world.enums import SnapshotType, VMState
from lab.hyperv.world.fleet import VM, BackupVariant, Checkpoint, DiskFile
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
        """What must be sent besides files: memory. A saved state is a file."""
        return self.reserved_memory_bytes

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
            is_paging=spec.is_paging,
            system_bytes=sum(file.size_bytes for file in system_files(replace(spec, checkpoints=()))),
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
            floppy_path=spec.floppy_path,
            com_pipe=spec.com_pipe,
            captured_dvd_drive=spec.captured_dvd_drive,
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


def system_files(vm: VM) -> Iterator[DiskFile]:
    """Yield the files a VM has besides disks: configuration, runtime or saved state, the same of each checkpoint."""
    number = str(vm.id).upper()
    yield _small(paths.join(vm.path, "Virtual Machines", f"{number}.vmcx"))
    yield _small(
        paths.join(vm.path, "Virtual Machines", f"{number}.VMRS"), vm.memory_bytes if vm.state in _SAVED else 0
    )
    for checkpoint in vm.checkpoints:
        name = paths.join(vm.snapshot_file_location, "Snapshots", str(checkpoint.id).upper())
        yield _small(f"{name}.vmcx")
        if checkpoint.state_bytes:
            yield _small(f"{name}.VMRS", checkpoint.state_bytes)


def _small(path: str, more_bytes: int = 0) -> DiskFile:
    return DiskFile(path=path, size_bytes=CONFIGURATION_FILE_BYTES + more_bytes)


def configuration_files(vm: VM) -> Iterator[str]:
    """Yield where the files besides disks are."""
    yield from (file.path for file in system_files(vm))


def disk_files(vm: VM | VMView) -> Iterator[DiskFile]:
    """Yield the disk files that go where the VM goes, each once: disks, their parents, what checkpoints need besides.

    Source: Microsoft docs, Move-VM: parents go along, unless -RetainVhdCopiesOnSource keeps them.
    """
    yield from (now for now, _ in landing(vm, vm))


def landing(vm: VM | VMView, landed: VM | VMView) -> Iterator[tuple[DiskFile, DiskFile]]:
    """Yield each disk file of a VM once, with the same file of the VM where it lands."""
    seen: set[str] = set()
    for now, then in zip(_named(vm), _named(landed), strict=True):
        if paths.key(now.path) not in seen:
            seen.add(paths.key(now.path))
            yield now, then


def _named(vm: VM | VMView) -> Iterator[DiskFile]:
    for disk in (*vm.disks, *(disk for checkpoint in vm.checkpoints for disk in checkpoint.disks)):
        if disk.has_file and not disk.is_shared:
            yield DiskFile(path=disk.path, size_bytes=disk.size_bytes)
            yield from disk.parents


def parents_of(vm: VM | VMView) -> dict[str, str]:
    """Return the parent of each differencing disk file of a VM, by the key of its path."""
    found: dict[str, str] = {}
    for disk in (*vm.disks, *(disk for checkpoint in vm.checkpoints for disk in checkpoint.disks)):
        chain = [disk.path, *(file.path for file in disk.parents)]
        found |= {paths.key(child): parent for child, parent in pairwise(chain)}
    return found


def files_of(vm: VM) -> list[str]:
    """Return every file that goes where the VM goes."""
    return [*configuration_files(vm), *(file.path for file in disk_files(vm))]


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
