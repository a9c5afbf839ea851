"""Decides what people's changes, and hosts that say no, make of a plan that waits for approval: who goes elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.model import windows_paths
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job
from core.domain.model.plan import FindingCode, Plan, PlanEdit, PlannedMove, Request, Severity
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
    said_no: Mapping[VmId, frozenset[HostName]] = field(default_factory=dict)
    """Hosts that say they cannot take a VM: it goes to none of them while another host takes it."""
    named: tuple[tuple[HostName, str], ...] = ()
    """The destinations among which the bot may choose from now on, with their folders."""
    edits: tuple[PlanEdit, ...] = ()

    @property
    def keep(self) -> dict[VmId, HostName]:
        """Where the plan had its VMs."""
        return {move.vm_id: move.destination for move in self.moves}

    def settle(self, placed: Placement) -> Placement:
        """Give the VMs that stay on their host the folder they had and, behind that they stay, the reason.

        After hosts said no it is the new reason: rooms and times are others since. Who was left out keeps none.
        """
        chosen, why = dict(placed.chosen), dict(placed.why)
        for move in self.moves:
            if chosen[move.vm_id].host != move.destination:
                continue
            chosen[move.vm_id] = Destination(move.destination, _base(move))
            if move.vm_id in self.pinned or move.vm_id in placed.unplaced or not move.why:
                continue
            has_stayed = move.why.startswith(_STAYS)
            if not self.said_no:
                why[move.vm_id] = move.why if has_stayed else f"{_STAYS} {move.why}"
            elif has_stayed:
                why[move.vm_id] = f"{_STAYS} {why[move.vm_id]}"
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
        named=tuple((dict(plan.named) | known_targets).items()) if plan.named else (),
        edits=(*plan.edits, *edits),
    )


def choose_again(plan: Plan, said_no: Mapping[VmId, frozenset[HostName]]) -> Revision | None:
    """Let VMs go elsewhere whose hosts say that they cannot take them; None where that is to be left alone.

    Only what the bot chose is chosen again, among the destinations people named: who was put somewhere by hand stays.
    """
    newest = {edit.vm_id: edit.to for edit in plan.edits}
    pinned = {move.vm_id: to for move in plan.moves if (to := newest.get(move.vm_id)) is not None}
    named = {host for host, _ in plan.named}
    blocked = {
        f.vm_id for f in plan.findings if f.severity is Severity.BLOCKER and f.code is not FindingCode.INCOMPATIBLE
    }
    wanting = [
        move.vm_id
        for move in plan.moves
        if move.destination in (no := said_no.get(move.vm_id, frozenset()))
        and move.vm_id not in pinned
        and move.vm_id not in blocked
        and named - no
    ]
    if not wanting:
        return None
    folders = {move.destination: _base(move) for move in plan.moves} | dict(plan.named)
    return Revision(
        moves=plan.moves,
        targets=tuple(Destination(host, path) for host, path in folders.items()),
        pinned=pinned,
        said_no=said_no,
        named=plan.named,
        edits=plan.edits,
    )


def asked_again(job: Job, moves: Sequence[PlannedMove]) -> Request:
    """Ask again for these VMs of a job, on the terms of its plan."""
    return Request(
        vms=tuple(str(move.vm_id) for move in moves),
        sources=tuple(dict.fromkeys(move.source for move in moves)),
        destinations=(),
        requester=job.requester,
        channel=job.channel,
        options=job.plan.options,
        text=job.text,
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
