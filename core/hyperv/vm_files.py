"""Reads which files move with VMs and how large they are: disks with their parents, checkpoints' own, saved state.

A host is asked in rounds: the parents of one are the next. Rounds grow with the longest chain, never with the VMs.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID

from core.domain.model import windows_paths
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import Disk, DiskFile, LinkedFile, Vm
from core.errors import MalformedReply
from core.hyperv.pipelines import Pipeline, checkpoint_disks, checkpoint_files, disk_files, system_files
from core.hyperv.ps_values import PsRow

T = TypeVar("T")

LONGEST_CHAIN = 64
"""More links are not followed: a VM has at most 50 checkpoints (Microsoft docs), each of them one link."""

Emitted = Callable[[Pipeline], tuple[list[Any], bool]]
"""Asks a host; returns what it emitted, and whether that is all: without an error."""

_ON_A_DRIVE = re.compile(r'[A-Za-z]:(\\(?![^\\]*[. ](\\|$))[^\\/:*?"<>|\x00-\x1f]+)+\\?')
"""What a role of deploy/ lets Get-VHD read."""
_SAVED = {VmState.SAVED, VmState.FAST_SAVED, VmState.HIBERNATED}


@dataclass(frozen=True, slots=True)
class Link:
    """What Get-VHD says of a disk file: bytes on the volume, None: not said; the file it differs from, if any."""

    size: int | None
    parent: str


@dataclass(frozen=True, slots=True)
class VmFiles:
    """What was read of the files of VMs; what is missing here is unknown."""

    links: Mapping[str, Link] = field(default_factory=dict)
    """Disk files by the keys of their paths."""
    checkpoint_disks: Mapping[UUID, Sequence[str]] = field(default_factory=dict)
    system_bytes: Mapping[UUID, int] = field(default_factory=dict)
    paging: frozenset[UUID] = frozenset()
    has_all_checkpoints: bool = True

    def unread(self, vm: Vm, checkpoints: int) -> tuple[str, ...]:
        """Say which parts of a VM have a size that was not told."""
        parts = {
            "its saved state": vm.state in _SAVED and vm.id not in self.system_bytes,
            "its paging file": vm.id in self.paging,
            "the disks of its checkpoints": checkpoints > 0 and not self.has_all_checkpoints,
        }
        return tuple(part for part, is_unread in parts.items() if is_unread)

    def whole(self, disk: Disk) -> Disk:
        """Return a disk with its size and its parents."""
        if not disk.path:
            return disk
        chain = tuple(self._chain(disk.path))
        return replace(disk, file_bytes=chain[0].file_bytes, parents=chain[1:])

    def of_checkpoints(self, vm: UUID, disks: Iterable[Disk]) -> tuple[DiskFile, ...]:
        """Return the files that only checkpoints of a VM need."""
        known = {windows_paths.key(path) for disk in disks for path in (disk.path, *(p.path for p in disk.parents))}
        found: dict[str, DiskFile] = {}
        for path in self.checkpoint_disks.get(vm, ()):
            for file in self._chain(path):
                found.setdefault(windows_paths.key(file.path), file)
        return tuple(file for key, file in found.items() if key not in known)

    def linked(
        self, disks: Mapping[UUID, Sequence[Disk]], names: Mapping[UUID, str]
    ) -> dict[UUID, tuple[LinkedFile, ...]]:
        """Return by VM the files that disks of other VMs need too; disks that are shared on purpose apart."""
        needed = {vm: self._needed(vm, disks.get(vm, ())) for vm in names}
        owners = defaultdict[str, list[UUID]](list)
        for vm, files in needed.items():
            for key in files:
                owners[key].append(vm)
        found = {}
        for vm, files in needed.items():
            others = {path: sorted(names[one] for one in owners[key] if one != vm) for key, path in files.items()}
            found[vm] = tuple(LinkedFile(path, tuple(them)) for path, them in others.items() if them)
        return found

    def _needed(self, vm: UUID, disks: Iterable[Disk]) -> dict[str, str]:
        paths = [disk.path for disk in disks if disk.path and not disk.is_shared]
        paths += self.checkpoint_disks.get(vm, ())
        return {windows_paths.key(file.path): file.path for path in paths for file in self._chain(path)}

    def _chain(self, path: str) -> Iterator[DiskFile]:
        seen = set[str]()
        while path and windows_paths.key(path) not in seen:
            key = windows_paths.key(path)
            seen.add(key)
            link = self.links.get(key)
            yield DiskFile(path, link.size if link else None)
            path = link.parent if link else ""


def read_links(host: str, values: list[Any]) -> dict[str, Link]:
    """Read Get-VHD objects by the keys of their paths."""
    links: dict[str, Link] = {}
    for row, path in _readable(host, "Get-VHD", values, lambda row: row.label("Path")):
        try:
            size = row.count("FileSize") if row.has("FileSize") else None
            links[windows_paths.key(path)] = Link(size, row.text("ParentPath"))
        except MalformedReply:
            links[windows_paths.key(path)] = Link(None, "")
    return links


def _readable(host: str, source: str, values: list[Any], read: Callable[[PsRow], T]) -> Iterator[tuple[PsRow, T]]:
    """Yield the objects that can be read; the size of what stands in the others is unknown."""
    for value in values:
        try:
            row = PsRow(host, source, value)
            found = read(row)
        except MalformedReply:
            continue
        yield row, found


def read(host: str, vm_id: UUID | None, disks: Mapping[UUID, Sequence[Disk]], ask: Emitted) -> VmFiles:
    """Read the files of these disks and of the checkpoints of one VM, or of all."""
    owned = defaultdict[UUID, list[str]](list)
    drives, has_all = ask(checkpoint_disks(vm_id))
    found = list(_readable(host, "Get-VMHardDiskDrive", drives, lambda row: (row.guid("VMId"), row.text("Path"))))
    has_all = has_all and len(found) == len(drives)
    for _, (owner, path) in found:
        if path:
            owned[owner].append(path)
    system_bytes: dict[UUID, int] = {}
    paging = set[UUID]()
    for _, (owner, size, is_paging) in _readable(host, "Get-VM", ask(system_files(vm_id))[0], _system_files):
        if size is not None:
            system_bytes[owner] = size
        if is_paging:
            paging.add(owner)
    of_checkpoints = ask(checkpoint_files(vm_id))[0]
    for _, (owner, size) in _readable(
        host, "Get-VMSnapshot", of_checkpoints, lambda row: (row.guid("VMId"), _size(row))
    ):
        if owner in system_bytes and size is not None:
            system_bytes[owner] += size
    paths = [disk.path for row_ in disks.values() for disk in row_ if disk.path]
    paths += [path for mine in owned.values() for path in mine]
    return VmFiles(_links(host, paths, ask), dict(owned), system_bytes, frozenset(paging), has_all)


def _size(row: PsRow) -> int | None:
    return row.count("SizeOfSystemFiles") if row.has("SizeOfSystemFiles") else None


def _system_files(row: PsRow) -> tuple[UUID, int | None, bool]:
    return row.guid("Id"), _size(row), row.flag("SmartPagingFileInUse", default=False)


def _links(host: str, paths: Iterable[str], ask: Emitted) -> dict[str, Link]:
    links: dict[str, Link] = {}
    asked = set[str]()
    todo = {windows_paths.key(path): path for path in paths}
    for _ in range(LONGEST_CHAIN):
        if not todo:
            break
        asked |= todo.keys()
        round_ = [todo[key] for key in sorted(todo)]
        # One path that a restricted endpoint does not take would cost all the others their answer.
        on_drives = [path for path in round_ if _ON_A_DRIVE.fullmatch(path)]
        for together in filter(None, (on_drives, [path for path in round_ if path not in on_drives])):
            links |= read_links(host, ask(disk_files(together))[0])
        parents = (link.parent for link in links.values() if link.parent)
        todo = {key: path for path in parents if (key := windows_paths.key(path)) not in asked}
    return links
