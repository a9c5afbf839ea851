"""Decides which folders that a move left may be removed, if empty, and which never.

Source of the list: what Hyper-V leaves behind (Microsoft docs: Move-VM; the folder layout of a VM).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.domain.model import windows_paths
from core.domain.model.inventory import HostFacts, HostName, Snapshot, Vm, VmDetails, VmId
from core.domain.model.move import Move, MoveState

_STANDARD = ("Virtual Machines", "Snapshots", "UndoLog Configuration", "Planned Virtual Machines")
"""What Hyper-V keeps below the roots of VMs."""

_ON_A_SHARE = "is on a share; the bot removes folders on the host's own volumes only"
"""Whose folder it is and who else uses it, no single host can tell; and the host's function refuses it, see deploy/."""


@dataclass(frozen=True, slots=True)
class CleanUp:
    """A plan of a clean-up: folders to remove if empty, deepest first, and those left alone, with the reason."""

    remove: tuple[str, ...]
    keep: tuple[tuple[str, str], ...]


Reserved = Mapping[str, str]
"""Folders that are meant for VMs which are not there yet, each with the reason in words."""


_BAD_ENDS = frozenset({MoveState.FAILED, MoveState.UNMIGRATABLE, MoveState.CANCELLED})


def leaves_own_folder(move: Move, end: MoveState) -> bool:
    """Whether a move that ends so may have left the folder that was made for it: an attempt of it began."""
    return move.is_own_folder and move.attempts > 0 and end in _BAD_ENDS


def tidied_host(move: Move) -> HostName:
    """Return the host on which an ended move may have left folders: its source, unless it failed."""
    return move.destination if move.state in _BAD_ENDS else move.source


def why_home(move: Move, source: Snapshot, coming: Iterable[Move]) -> str:
    """Say why a moved VM has left nothing over on its source: it is there again, or on its way; empty when it is gone.

    A clean-up may be hours late: ``coming`` are the open moves towards the source now.
    """
    job = source.job(move.vm_id)
    if source.vm(move.vm_id) is not None:
        return f"{move.vm_name} is on {move.source} again"
    if any(other.vm_id == move.vm_id for other in coming) or (job is not None and job.is_running):
        return f"{move.vm_name} is on its way to {move.source} again"
    return ""


def reserved(own_path: str, coming: Iterable[Move]) -> Reserved:
    """List the folders of a host that VMs are sent to: by the settings, and by the open moves towards it."""
    meant = {own_path: "is where the settings send VMs"} if own_path else {}
    for move in coming:
        reason = f"is where {move.vm_name} of {move.job_id} goes"
        for path in (move.path, *(windows_paths.parent(disk.destination) for disk in move.disks)):
            meant.setdefault(path, reason)
    return meant


def leftovers(
    before: VmDetails, facts: HostFacts, others: Iterable[Vm], meant: Reserved = MappingProxyType({})
) -> CleanUp:
    """List what a moved VM may have left on its source, from how it looked there before the move."""
    vm_id = str(before.vm.id).upper()
    config, checkpoints, paging = before.vm.config_path, before.vm.checkpoint_path, before.vm.paging_path
    wanted = [
        *_below(paging, ("Virtual Machines", vm_id), ("Virtual Machines",)),
        *_below(config, ("Virtual Machines", vm_id), ("Virtual Machines",)),
        *_below(config, ("UndoLog Configuration",), ("Planned Virtual Machines",)),
        *_below(checkpoints, ("Snapshots",)),
    ]
    homes = list(
        filter(
            None,
            [*(windows_paths.parent(disk.path) for disk in before.disks if disk.path), config, checkpoints, paging],
        )
    )
    kept = _protected(facts, others, meant)
    shared = _outermost(filter(windows_paths.is_on_share, homes))
    wanted = [path for path in (*wanted, *homes) if not windows_paths.is_on_share(path)]
    homes = [path for path in homes if not windows_paths.is_on_share(path)]
    # One folder further up only where it may go; that the folder of all VMs stays is worth no word.
    wanted += [
        up for up in map(windows_paths.parent, homes) if not _why_never(up) and windows_paths.key(up) not in kept
    ]
    remove: dict[str, str] = {}
    keep = {windows_paths.key(path): (path, _ON_A_SHARE) for path in shared}
    for path in wanted:
        place = windows_paths.key(path)
        reason = _why_never(path) or kept.get(place)
        if reason:
            keep.setdefault(place, (path, reason))
        else:
            remove.setdefault(place, path)
    return CleanUp(tuple(sorted(remove.values(), key=lambda path: -windows_paths.depth(path))), tuple(keep.values()))


def unused_destination(
    made: Iterable[str],
    vm_id: VmId,
    facts: HostFacts,
    others: Iterable[Vm],
    meant: Reserved = MappingProxyType({}),
) -> tuple[str, ...]:
    """List what a move may have left in the folders that were made for its VM alone, deepest first."""
    kept = _protected(facts, others, meant)
    wanted: dict[str, str] = {}
    for path in made:
        if not windows_paths.is_on_share(path):
            own = f"Virtual Machines\\{str(vm_id).upper()}"
            inside = [windows_paths.join(path, name) for name in (own, *_STANDARD, "Virtual Hard Disks")]
            wanted |= {windows_paths.key(place): place for place in (*inside, path)}
    unused = [place for key, place in wanted.items() if not _why_never(place) and key not in kept]
    return tuple(sorted(unused, key=lambda place: -windows_paths.depth(place)))


def folders_made(move: Move) -> tuple[str, ...]:
    """Return the folders at the destination that were made for this VM alone: that of each drive its disks go to."""
    if not move.is_own_folder:
        return ()
    own = windows_paths.name_key(move.path)
    near = [place for disk in move.disks for place in windows_paths.ancestors(disk.destination)[:2]]
    made = [move.path, *(place for place in near if windows_paths.name_key(place) == own)]
    return tuple({windows_paths.key(path): path for path in made}.values())


def _outermost(folders: Iterable[str]) -> list[str]:
    """Leave out the folders that lie in another one of them, and repetitions."""
    once = {windows_paths.key(path): path for path in folders}
    return [
        path for path in once.values() if not any(windows_paths.key(up) in once for up in windows_paths.ancestors(path))
    ]


def _below(root: str, *tails: tuple[str, ...]) -> list[str]:
    return [windows_paths.join(root, *tail) for tail in tails] if root else []


def _why_never(path: str) -> str:
    if not windows_paths.is_absolute(path):
        return "is not an absolute path"
    if windows_paths.depth(path) == 0:
        return "is the root of a volume"
    if windows_paths.depth(path) == 1:
        return "is a first-level folder"
    return ""


def _protected(facts: HostFacts, others: Iterable[Vm], meant: Reserved) -> dict[str, str]:
    """Folders that somebody needs: the host's defaults, other VMs' roots, where VMs go; and what is around them."""
    roots = [(path, "is a default folder of the host") for path in (facts.default_vm_path, facts.default_disk_path)]
    roots += meant.items()
    for vm in others:
        reason = f"is named by the VM {vm.name}"
        roots += [(path, reason) for path in dict.fromkeys((vm.config_path, vm.checkpoint_path, vm.paging_path))]
    kept: dict[str, str] = {}
    for root, reason in roots:
        if root:
            kept.setdefault(windows_paths.key(root), reason)
    for root, reason in roots:
        if root:
            near = [*(windows_paths.join(root, name) for name in _STANDARD), *windows_paths.ancestors(root)]
            for path in near:
                kept.setdefault(windows_paths.key(path), f"belongs to a folder that {reason}")
    return kept
