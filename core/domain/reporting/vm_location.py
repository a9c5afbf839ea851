"""Finds where a VM is now, from what every host last showed and from the moves the bot made of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.domain.backups.rhythm import NEUTRAL, Rhythm
from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.move import Move
from core.domain.model.names import NameIndex, unmarked


@dataclass(frozen=True, slots=True)
class Sighting:
    """A VM as one host showed it. ``is_silent``: the host does not answer now, so this is an old truth."""

    host: HostName
    vm: Vm
    at: datetime
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VmLocation:
    """The whereabouts of one VM: who shows it, who cannot be asked, and its newest move, if any."""

    vm_id: VmId
    name: str
    sightings: tuple[Sighting, ...] = ()
    silent: tuple[HostName, ...] = ()
    move: Move | None = None
    backups: Rhythm = NEUTRAL


def find(
    wanted: str,
    hosts: Sequence[HostName],
    snapshots: Mapping[HostName, Snapshot],
    silent: frozenset[HostName],
    moves: Sequence[Move],
) -> tuple[VmLocation, ...]:
    """Find every VM of this name or id, on any host or in any move; two VMs may bear one name."""
    seen = [
        Sighting(host, vm, snapshot.taken_at, host in silent)
        for host, snapshot in snapshots.items()
        for vm in snapshot.vms
    ]
    fits = matcher(wanted, [*(one.vm.name for one in seen), *(move.vm_name for move in moves)])
    ids = dict.fromkeys([one.vm.id for one in seen if fits(one.vm.id, one.vm.name)])
    ids |= dict.fromkeys([move.vm_id for move in moves if fits(move.vm_id, move.vm_name)])
    unasked = tuple(host for host in hosts if host in silent or host not in snapshots)
    newest = {move.vm_id: move for move in sorted(moves, key=lambda move: move.id)}
    return tuple(_one(vm_id, [one for one in seen if one.vm.id == vm_id], unasked, newest.get(vm_id)) for vm_id in ids)


def _one(vm_id: VmId, sightings: list[Sighting], silent: tuple[HostName, ...], move: Move | None) -> VmLocation:
    name = sightings[0].vm.name if sightings else move.vm_name if move else str(vm_id)
    return VmLocation(vm_id=vm_id, name=name, sightings=tuple(sightings), silent=silent, move=move)


def ids_of(wanted: str, snapshots: Mapping[HostName, Snapshot]) -> frozenset[VmId]:
    """Return the ids of the VMs of this name or id that hosts showed."""
    fits = matcher(wanted, [vm.name for one in snapshots.values() for vm in one.vms])
    return frozenset(vm.id for one in snapshots.values() for vm in one.vms if fits(vm.id, vm.name))


def matcher(wanted: str, names: Iterable[str]) -> Callable[[VmId, str], bool]:
    """Compare with an id when it is one, and with names as the eye does."""
    meant = NameIndex(names).meant(wanted)
    try:
        vm_id = UUID(unmarked(wanted).strip("{}"))
    except ValueError:
        return lambda _, name: name in meant
    return lambda found, name: found == vm_id or name in meant
