"""Decides which folder of a destination a VM goes to, and what each disk's target is."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.model import folder_names, windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import HostName, VmDetails, Volume


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination host and the folder VMs go to there."""

    host: HostName
    path: str


def subfolder(path: str, vm_name: str, taken: set[str]) -> str:
    r"""Return ``<path>\<VM name>``, with ``-1``, ``-2``… when that name is taken there, and take it."""
    safe = (
        "".join("_" if char in '<>:"/\\|?*' or ord(char) < ord(" ") else char for char in vm_name).rstrip(". ") or "vm"
    )
    if folder_names.is_device(safe):
        safe = f"_{safe}"
    candidate, number = safe, 0
    while windows_paths.name_key(candidate) in taken:
        number += 1
        candidate = f"{safe}-{number}"
    taken.add(windows_paths.name_key(candidate))
    return windows_paths.join(path, candidate)


def _letters(volumes: Sequence[Volume]) -> set[str]:
    """Return the drives there are: a volume mounted in a folder of ``E:`` makes no drive ``E:``."""
    roots = (volume.root.rstrip("\\").casefold() for volume in volumes)
    return {root for root in roots if root[1:] == ":"}


def keep_drives(details: VmDetails, path: str, volumes: Sequence[Volume]) -> tuple[DiskTarget, ...]:
    r"""Send each disk file to the drive letter it has now, if the destination has that drive; else where the path says.

    ``path`` is ``D:\VMs``: a disk of ``E:`` goes to ``E:\VMs\Virtual Hard Disks``. Empty when nothing differs from a
    plain move, or when the path is a share (which has no letter).
    """
    drives = _letters(volumes)
    if path[1:2] != ":":
        return ()
    targets = []
    for disk in details.files:
        letter = disk.path[:2]
        own = letter.casefold() in drives and letter[1:] == ":"
        folder = letter + path[2:] if own else path
        targets.append(
            DiskTarget(disk.path, windows_paths.join(folder, "Virtual Hard Disks", windows_paths.name(disk.path)))
        )
    moved = any(target.destination[:2].casefold() != path[:2].casefold() for target in targets)
    return tuple(targets) if moved else ()


def folders_of_disks(target: Destination, details: Sequence[VmDetails], volumes: Sequence[Volume]) -> tuple[str, ...]:
    """Return where the disks of these VMs may land on a destination; with ``volumes``, those that keep their letter."""
    drives = _letters(volumes)
    letters = {file.path[:2].casefold() for row in details for file in row.files} & drives
    is_lettered = target.path[1:2] == ":"
    paths = [target.path, *(f"{letter}{target.path[2:]}" for letter in sorted(letters) if is_lettered)]
    folders = {windows_paths.key(path): windows_paths.join(path, "Virtual Hard Disks") for path in paths}
    return tuple(folders.values())
