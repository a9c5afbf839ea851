"""Decides where the parts of a moved VM land on the destination. Source: Microsoft docs, Move-VM."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.hyperv.world import paths
from lab.hyperv.world.fleet import MigrationKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.fleet import VM, Disk
    from lab.hyperv.world.moves import MoveRequest


def landed(vm: VM, request: MoveRequest, default_vm_path: str) -> VM:
    """Return the VM as it will be on the destination: paths by -DestinationStoragePath or by the explicit ones."""
    if request.kind is MigrationKind.LIVE:
        return replace(vm, host=request.destination)
    if request.storage_path is not None:
        return _below(vm, request, request.storage_path)
    if request.virtual_machine_path is None and not request.vhds:
        return _below(vm, request, default_vm_path)
    chosen = {paths.key(source): destination for source, destination in request.vhds}
    root = request.virtual_machine_path or default_vm_path
    return replace(
        vm,
        host=request.destination,
        path=root,
        snapshot_file_location=request.snapshot_path or root,
        smart_paging_file_path=request.paging_path or root,
        **_placed(vm, lambda path: chosen.get(paths.key(path), path)),
    )


def _below(vm: VM, request: MoveRequest, root: str) -> VM:
    folder = paths.join(root, "Virtual Hard Disks")
    return replace(
        vm,
        host=request.destination,
        path=paths.tidy(root),
        snapshot_file_location=paths.tidy(root),
        smart_paging_file_path=paths.tidy(root),
        **_placed(vm, lambda path: paths.join(folder, paths.name(path))),
    )


def _placed(vm: VM, place: Callable[[str], str]) -> dict[str, Any]:
    """Return the disks and checkpoints of a VM with every file where it goes."""

    def to(disk: Disk) -> Disk:
        parents = tuple(replace(file, path=paths.tidy(place(file.path))) for file in disk.parents)
        return replace(disk, path=paths.tidy(place(disk.path)), parents=parents) if disk.has_file else disk

    checkpoints = tuple(replace(one, disks=tuple(map(to, one.disks))) for one in vm.checkpoints)
    return {"disks": tuple(map(to, vm.disks)), "checkpoints": checkpoints}
