"""Turns what hosts emit about the parts of VMs (disks, adapters, images, checkpoints) into our types, VM by VM.

A part that cannot be read costs its own VM its details, and no other.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from core.domain.model.inventory import Adapter, Disk, Tie, UnreadableVm, Vm, VmDetails, VmId
from core.errors import MalformedReply
from core.hyperv import enum_names
from core.hyperv.ps_values import PsRow
from core.hyperv.vm_files import VmFiles

T = TypeVar("T")

_PASS_THROUGH = 2
"""The DvdMediaType of a drive that captures one of its host's (seen: type stubs of the Hyper-V module, HyperVDsc)."""
_RECOVERY = 1
"""The SnapshotType of a checkpoint that a backup made (Microsoft docs: Get-VMSnapshot)."""


@dataclass(frozen=True, slots=True)
class VmParts(Generic[T]):
    """Parts of one kind, by VM. ``unreadable``: what could not be read, and of which VM; None: of any of them."""

    of: Mapping[UUID, list[T]] = field(default_factory=dict)
    unreadable: tuple[UnreadableVm, ...] = ()

    @property
    def leaves_open_whose(self) -> bool:
        """Whether something could not be read of which nobody can tell which VM it belongs to."""
        return any(one.id is None for one in self.unreadable)

    def about(self, vm_ids: Collection[VmId], only: VmId | None) -> "VmParts[T]":
        """Leave out what cannot be read of others than these VMs; what names no VM is of the only one asked about."""
        known = (UnreadableVm(one.text, one.id or only) for one in self.unreadable)
        return VmParts(self.of, tuple(one for one in known if one.id is None or one.id in vm_ids))

    def and_also(self, other: "VmParts[T]") -> "VmParts[T]":
        """Join the parts of different VMs."""
        return VmParts({**self.of, **other.of}, (*self.unreadable, *other.unreadable))


def read_disks(host: str, values: list[Any]) -> VmParts[Disk]:
    """Read Get-VMHardDiskDrive objects; sizes of files come from elsewhere."""
    return _parts(host, "Get-VMHardDiskDrive", values, _disk)


def read_adapters(host: str, values: list[Any]) -> VmParts[Adapter]:
    """Read Get-VMNetworkAdapter objects."""
    return _parts(host, "Get-VMNetworkAdapter", values, lambda row: Adapter(row.text("Name"), row.text("SwitchName")))


@dataclass(frozen=True, slots=True)
class DvdDrive:
    """What is in a DVD drive: an image, or with ``is_of_host`` a drive of its host; nothing where both are empty."""

    image: str = ""
    is_of_host: bool = False


def read_dvd_drives(host: str, values: list[Any]) -> VmParts[DvdDrive]:
    """Read Get-VMDvdDrive objects. The path of a captured drive is its letter, and no image."""

    def drive(row: PsRow) -> DvdDrive:
        kind = row.member("DvdMediaType", enum_names.DVD_MEDIA_TYPES, unknown=0, default=0)
        return DvdDrive(is_of_host=True) if kind == _PASS_THROUGH else DvdDrive(row.text("Path"))

    return _parts(host, "Get-VMDvdDrive", values, drive)


def read_checkpoints(host: str, values: list[Any]) -> VmParts[bool]:
    """Read of Get-VMSnapshot objects whether a backup made them."""

    def is_of_backup(row: PsRow) -> bool:
        return row.member("SnapshotType", enum_names.SNAPSHOT_TYPES, unknown=0, default=0) == _RECOVERY

    return _parts(host, "Get-VMSnapshot", values, is_of_backup)


def read_vtpms(host: str, values: list[Any]) -> frozenset[UUID]:
    r"""Read which VMs have a virtual TPM from Msvm_SecuritySettingData; its InstanceID is ``Microsoft:<VM>\<part>``.

    One of which it cannot be read counts as having one: that costs a word on the plan.
    """
    owners = set[UUID]()
    for value in values:
        try:
            row = PsRow(host, "Msvm_SecuritySettingData", value)
            owner = UUID(row.text("InstanceID").partition(":")[2].partition("\\")[0].strip())
        except (MalformedReply, ValueError):
            continue
        try:
            has_one = row.flag("TpmEnabled", default=False)
        except MalformedReply:
            has_one = True
        if has_one:
            owners.add(owner)
    return frozenset(owners)


def assemble(
    vms: Iterable[Vm],
    *,
    disks: VmParts[Disk],
    files: VmFiles,
    adapters: VmParts[Adapter],
    dvd_drives: VmParts[DvdDrive],
    checkpoints: VmParts[bool],
    vtpms: frozenset[UUID],
    names: Mapping[UUID, str] | None = None,
) -> tuple[tuple[VmDetails, ...], tuple[UnreadableVm, ...]]:
    """Put the details of each VM together; and say of which VMs some of them could not be read.

    With ``names``, those of all VMs of the host, the details hold what is shared with others.
    """
    parts: tuple[VmParts[Any], ...] = (disks, adapters, dvd_drives, checkpoints)
    unreadable = [one for kind in parts for one in kind.unreadable]
    linked = {} if names is None else files.linked(disks.of, names)
    found, sick = list[VmDetails](), list[UnreadableVm]()
    for vm in vms:
        why = next((one.text for one in unreadable if one.id in {None, vm.id}), None)
        if why is not None:
            sick.append(UnreadableVm(why, vm.id))
            continue
        whole = tuple(map(files.whole, disks.of.get(vm.id, ())))
        count, drives = len(checkpoints.of.get(vm.id, ())), dvd_drives.of.get(vm.id, ())
        found.append(
            VmDetails(
                vm=vm,
                disks=whole,
                checkpoint_files=files.of_checkpoints(vm.id, whole),
                system_bytes=files.system_bytes.get(vm.id, 0),
                unread=files.unread(vm, count),
                linked=linked.get(vm.id, ()),
                adapters=tuple(adapters.of.get(vm.id, ())),
                iso_paths=tuple(drive.image for drive in drives if drive.image),
                checkpoints=count,
                backup_checkpoints=sum(checkpoints.of.get(vm.id, ())),
                has_vtpm=vm.id in vtpms,
                ties=frozenset({Tie.HOST_DVD} if any(drive.is_of_host for drive in drives) else ()),
            )
        )
    return tuple(found), tuple(sick)


def _parts(host: str, source: str, values: list[Any], read: Callable[[PsRow], T]) -> VmParts[T]:
    found, unreadable = defaultdict[UUID, list[T]](list), list[UnreadableVm]()
    for value in values:
        vm_id: VmId | None = None
        try:
            row = PsRow(host, source, value)
            vm_id = VmId(row.guid("VMId"))
            found[vm_id].append(read(row))
        except MalformedReply as error:
            unreadable.append(UnreadableVm(error.message, vm_id))
    return VmParts(found, tuple(unreadable))


def _disk(row: PsRow) -> Disk:
    """Read one disk; a VHD set is always a shared one."""
    is_pass_through = row.has("DiskNumber")
    path = "" if is_pass_through else row.text("Path")
    kind = row.member("ControllerType", enum_names.CONTROLLERS, unknown=-1, default=-1)
    place = f"{row.number('ControllerNumber', 0)}:{row.number('ControllerLocation', 0)}"
    return Disk(
        path=path,
        controller=f"{enum_names.CONTROLLER_NAMES.get(kind, '')} {place}".strip(),
        is_pass_through=is_pass_through,
        is_shared=row.flag("SupportPersistentReservations", default=False) or path.casefold().endswith(".vhds"),
    )
