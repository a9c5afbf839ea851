"""Decides what a person's changes make of a plan that waits for approval: who stays where, who goes elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.model import windows_paths
from core.domain.model.inventory import HostName, VmId
from core.domain.model.plan import Plan, PlanEdit, PlannedMove
from core.domain.planning.destinations import Destination
from core.domain.planning.placement import Placement
from core.errors import NothingToMove, RequestError

_STAYS = "Stays where the plan had it."

Changes = Mapping[VmId, HostName | None]
"""The new destination of each VM that a person changed; None: it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A plan to be made again: of which VMs, over which destinations, and what was changed by whom."""

    moves: tuple[PlannedMove, ...]
    """The VMs that are left, as the plan had them."""
    targets: tuple[Destination, ...]
    pinned: Mapping[VmId, HostName] = field(default_factory=dict)
    """Where people put VMs, now or before: they go there, the others stay where they are if they can."""
    edits: tuple[PlanEdit, ...] = ()

    @property
    def keep(self) -> dict[VmId, HostName]:
        """Where the plan had its VMs."""
        return {move.vm_id: move.destination for move in self.moves}

    def settle(self, placed: Placement) -> Placement:
        """Give the VMs that stay on their host the folder and, behind that they stay, the reason they had."""
        chosen, why = dict(placed.chosen), dict(placed.why)
        for move in self.moves:
            if chosen[move.vm_id].host != move.destination:
                continue
            chosen[move.vm_id] = Destination(move.destination, _base(move))
            if move.vm_id not in self.pinned and move.why:
                why[move.vm_id] = move.why if move.why.startswith(_STAYS) else f"{_STAYS} {move.why}"
        return replace(placed, chosen=chosen, why=why)


def revise(plan: Plan, changes: Changes, own_paths: Mapping[HostName, str], *, by: str, at: datetime) -> Revision:
    """Apply a person's changes. ``own_paths``: the folder that the settings have for each host, empty for none.

    Raises:
        RequestError: a VM is not in the plan, a host cannot be a destination, nothing would change or be left.

    """
    known = {move.vm_id: move for move in plan.moves}
    if any(vm_id not in known for vm_id in changes):
        raise RequestError("A VM is no longer in this plan.", hint="Look at the card and choose again.")
    made = {vm_id: to for vm_id, to in changes.items() if to != known[vm_id].destination}
    if not made:
        raise RequestError("Nothing would change: they go there already.")
    left = tuple(move for move in plan.moves if made.get(move.vm_id, move.destination) is not None)
    if not left:
        raise NothingToMove("Nothing would be left of this plan.", hint="Reject it, or withdraw it, instead.")
    known_targets = {move.destination: _base(move) for move in plan.moves}
    sources = {move.source for move in plan.moves}
    for host in (to for to in made.values() if to is not None):
        if host in sources:
            raise RequestError(f"{host} is source and destination at once.", hint="Name another destination.")
        known_targets.setdefault(host, _folder(host, known_targets, own_paths))
    edits = tuple(
        PlanEdit(vm_id=vm_id, vm_name=known[vm_id].vm_name, before=known[vm_id].destination, to=to, by=by, at=at)
        for vm_id, to in made.items()
    )
    newest = {edit.vm_id: edit.to for edit in (*plan.edits, *edits)}
    return Revision(
        moves=left,
        targets=tuple(Destination(host, path) for host, path in known_targets.items()),
        pinned={move.vm_id: to for move in left if (to := newest.get(move.vm_id)) is not None},
        edits=(*plan.edits, *edits),
    )


def _base(move: PlannedMove) -> str:
    """Return the folder that was asked for, without the one made for the VM alone."""
    return windows_paths.parent(move.path) if move.is_own_folder else move.path


def _folder(host: HostName, known: Mapping[HostName, str], own_paths: Mapping[HostName, str]) -> str:
    """Return the folder on a host that is new to the plan: the one that was typed for all, or the host's own."""
    typed = {path for name, path in known.items() if not windows_paths.same(path, own_paths.get(name, ""))}
    path = typed.pop() if len(typed) == 1 else own_paths.get(host, "")
    if not path:
        raise RequestError(
            f"I do not know where on {host} to put VMs.", hint=f"Set hosts.{host}.path, or choose another host."
        )
    return path
