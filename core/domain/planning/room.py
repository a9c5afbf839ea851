"""Decides what a move takes on its destination: which bytes on which volume, and how much memory."""

from collections import Counter
from collections.abc import Iterable, Sequence

from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import Vm, VmDetails

SPARE_DISK_BYTES = 5 * 2**30
"""Room to leave on a destination volume: configuration files, saved memory, growth while copying."""

SPARE_MEMORY_BYTES = 2 * 2**30
"""Memory to leave to the destination host itself."""


def is_live(vm: Vm) -> bool:
    """Whether a VM's memory moves too."""
    return vm.state in {VmState.RUNNING, VmState.PAUSED}


def disk_targets(path: str, disks: Sequence[DiskTarget], details: VmDetails) -> list[tuple[str, int]]:
    """Return where each disk file will land and its bytes; ``disks`` are those that do not go where ``path`` says.

    A file of unknown size has none here: ``VmDetails.unknown_sizes`` names it.
    """
    targets = {windows_paths.key(disk.source): disk.destination for disk in disks}
    default = windows_paths.join(path, "Virtual Hard Disks")
    return [
        (
            targets.get(windows_paths.key(file.path), windows_paths.join(default, windows_paths.name(file.path))),
            file.file_bytes or 0,
        )
        for file in details.files
    ]


def file_targets(path: str, disks: Sequence[DiskTarget], details: VmDetails) -> list[tuple[str, int]]:
    """Return where everything of a VM will land and its bytes: its configuration and saved state, then its disks."""
    return [(path, details.system_bytes), *disk_targets(path, disks, details)]


def too_long(path: str, disks: Sequence[DiskTarget], details: VmDetails) -> str:
    """Say how long the longest path of a VM in this folder would be where Windows opens none so long, else nothing."""
    configuration = windows_paths.join(path, "Virtual Machines", f"{details.vm.id}.vmcx")
    paths = [configuration, *(place for place, _ in disk_targets(path, disks, details))]
    return next(filter(None, map(windows_paths.too_long, (max(paths, key=len), *paths))), "")


def volume_needs(targets: Iterable[tuple[str, int]], roots: tuple[str, ...]) -> tuple[Counter[str], list[str]]:
    """Sum bytes by volume; besides, the paths that are on none of them."""
    needed, elsewhere = Counter[str](), list[str]()
    for path, length in targets:
        root = windows_paths.volume_of(path, roots)
        if root is None:
            elsewhere.append(path)
        else:
            needed[root] += length
    return needed, elsewhere
