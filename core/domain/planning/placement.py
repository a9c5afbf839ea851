"""Decides where each VM of a request goes among its destinations, and what each disk's target is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import HostName, Inspection, VmDetails, VmId, Volume

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
"""Names that Windows keeps for devices: no folder can be called so."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination host and the folder VMs go to there."""

    host: HostName
    path: str


def place(
    vms: Sequence[VmDetails], targets: Sequence[Destination], inspections: Mapping[HostName, Inspection]
) -> dict[VmId, Destination]:
    """Choose a destination for each VM: largest first, to where most room is left, counting what was placed before.

    A host that lacks one of the VM's switches, or its memory, comes after those that have them; ties go to the host
    with fewer VMs placed, then to the one named first.
    """
    chosen: dict[VmId, Destination] = {}
    disk_left = {target: _free(target, inspections) for target in targets}
    memory_left = {
        target: inspections[target.host].memory_free_bytes if target.host in inspections else 0 for target in targets
    }
    placed: Counter[Destination] = Counter()
    for vm in sorted(vms, key=lambda row: -row.disk_bytes):

        def fitness(target: Destination, vm: VmDetails = vm) -> tuple[bool, bool, bool, int, int]:
            inspection = inspections.get(target.host)
            wanted = {adapter.switch.casefold() for adapter in vm.adapters if adapter.switch}
            has_switches = inspection is not None and wanted <= {switch.casefold() for switch in inspection.switches}
            return (
                has_switches,
                disk_left[target] >= vm.disk_bytes,
                memory_left[target] >= vm.vm.memory_assigned_bytes,
                disk_left[target],
                -placed[target],
            )

        best = max(targets, key=fitness)
        chosen[vm.vm.id] = best
        disk_left[best] -= vm.disk_bytes
        memory_left[best] -= vm.vm.memory_assigned_bytes
        placed[best] += 1
    return chosen


def subfolder(path: str, vm_name: str, taken: set[str]) -> str:
    r"""Return ``<path>\<VM name>``, with ``-1``, ``-2``… when that name is taken there, and take it."""
    safe = (
        "".join("_" if char in '<>:"/\\|?*' or ord(char) < ord(" ") else char for char in vm_name).rstrip(". ") or "vm"
    )
    if safe.split(".")[0].rstrip().casefold() in _DEVICES:
        safe = f"_{safe}"
    candidate, number = safe, 0
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{safe}-{number}"
    taken.add(candidate.casefold())
    return windows_paths.join(path, candidate)


def keep_drives(details: VmDetails, path: str, volumes: Sequence[Volume]) -> tuple[DiskTarget, ...]:
    r"""Send each disk to the drive letter it has now, if the destination has that drive; else where the path says.

    ``path`` is ``D:\VMs``: a disk of ``E:`` goes to ``E:\VMs\Virtual Hard Disks``. Empty when nothing differs from a
    plain move, or when the path is a share (which has no letter).
    """
    drives = {volume.root[:2].casefold() for volume in volumes if volume.root[1:2] == ":"}
    if path[1:2] != ":":
        return ()
    targets = []
    for disk in (disk for disk in details.disks if disk.path):
        letter = disk.path[:2]
        own = letter.casefold() in drives and letter[1:] == ":"
        folder = letter + path[2:] if own else path
        targets.append(
            DiskTarget(disk.path, windows_paths.join(folder, "Virtual Hard Disks", windows_paths.name(disk.path)))
        )
    moved = any(target.destination[:2].casefold() != path[:2].casefold() for target in targets)
    return tuple(targets) if moved else ()


def _free(target: Destination, inspections: Mapping[HostName, Inspection]) -> int:
    inspection = inspections.get(target.host)
    if inspection is None:
        return 0
    root = windows_paths.volume_of(target.path, tuple(volume.root for volume in inspection.volumes))
    return next((volume.free_bytes for volume in inspection.volumes if volume.root == root), 0)
