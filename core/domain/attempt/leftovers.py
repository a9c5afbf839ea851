r"""Decides whose the files are that stand in a move's way at its destination: its own, a VM's, or a stranger's.

The bot never removes a file. What an earlier try of the same move left there is gone around: the next try goes to a
folder beside it on the same volume, and people are told what stays.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import count

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.model import windows_paths
from core.domain.model.move import Fault, Move

CODE = "leftover"
"""The rule of a file that is there already."""
_SHOWN = 3
_FORBIDDEN = set('<>:"/\\|?*')


class Whose(Enum):
    """Whose a file can be."""

    OWN = auto()
    """This move's: it was not there when the plan was made, an earlier try began since, and no VM has it as a disk."""
    LIVE = auto()
    """A disk of a VM of the destination, or a parent of one."""
    STRANGER = auto()
    """Nobody knows: it was there before the first try."""


@dataclass(frozen=True, slots=True)
class InTheWay:
    """A file of a name that the move needs. ``vm``: the VM that has it as a disk."""

    path: str
    whose: Whose
    vm: str = ""


def in_the_way(
    present: Iterable[str], wanted: Iterable[str], used: Mapping[str, str], *, has_tried: bool
) -> tuple[InTheWay, ...]:
    """Judge what lies where the move wants to write.

    ``present``: files that are there. ``wanted``: paths that the move makes. ``used``: VMs by the keys of their disks'
    paths. ``has_tried``: an earlier try of the move really began.
    """
    names = {windows_paths.key(path) for path in wanted}
    found = []
    for path in present:
        place = windows_paths.key(path)
        if place in names:
            vm = used.get(place, "")
            whose = Whose.LIVE if vm else Whose.OWN if has_tried else Whose.STRANGER
            found.append(InTheWay(path, whose, vm))
    return tuple(found)


def in_the_light_of(diagnosis: Diagnosis, found: tuple[InTheWay, ...], move: Move, way_out: Move) -> Diagnosis:
    """Say what a collision is about: its own leftover costs nothing and is gone around, all else ends the move."""
    live = next((one for one in found if one.whose is Whose.LIVE), None)
    if live is not None:
        hint = f"{live.path} on {move.destination} is a disk of {live.vm}: do not delete it. Choose another folder."
        return replace(diagnosis, fault=Fault.VM, hint=hint, why=f"{diagnosis.why}; a live disk")
    if not found:
        return diagnosis
    paths = ", ".join(one.path for one in found[:_SHOWN]) + (" and more" if len(found) > _SHOWN else "")
    if any(one.whose is Whose.STRANGER for one in found):
        hint = (
            f"{paths} on {move.destination} was there before my first try; no VM there uses it now: look whose it is."
        )
        return replace(diagnosis, hint=hint, why=f"{diagnosis.why}; a stranger's file")
    hint = (
        f"An earlier try of mine left {paths} on {move.destination}. No VM uses it, and I delete no files: it may go"
        f" when {move.vm_name} has moved. The next try goes beside it, to {way_out.path}"
    )
    return replace(diagnosis, fault=Fault.NEVER_STARTED, hint=hint, why=f"{diagnosis.why}; its own leftover")


def beside(move: Move, number: int, taken: Collection[str] = ()) -> Move:
    r"""Return the move to a folder of its own beside the one it had: ``D:\VMs\web01-2``, disks of other drives too.

    ``taken``: what lies in ``homes_beside`` already, whoever it is of; the number goes up until nothing is called so.
    """
    name = "".join("_" if char in _FORBIDDEN or ord(char) < ord(" ") else char for char in move.vm_name).rstrip(". ")
    names = {windows_paths.name_key(path) for path in taken}
    tries = (f"{name or 'vm'}-{one}" for one in count(number))
    fresh = next(one for one in tries if windows_paths.name_key(one) not in names)
    home, *_ = homes_beside(move)
    disks = tuple(
        replace(disk, destination=windows_paths.join(_folder(disk.destination), fresh, windows_paths.name(disk.source)))
        for disk in move.disks
    )
    return replace(move, path=windows_paths.join(home, fresh), disks=disks, is_own_folder=True)


def homes_beside(move: Move) -> tuple[str, ...]:
    """Return the folders into which `beside` would put folders of the move's own; that of the VM itself first."""
    home = windows_paths.parent(move.path) if move.is_own_folder else move.path
    disks = {windows_paths.key(one): one for one in (_folder(disk.destination) for disk in move.disks)}
    return (home, *(one for key, one in disks.items() if key != windows_paths.key(home)))


def _folder(path: str) -> str:
    return windows_paths.parent(path)
