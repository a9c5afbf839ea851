"""Finds what changed on the hosts since a plan was made: then an approver must be asked again."""

from collections.abc import Mapping

from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.plan import Plan

_LIVE = {VmState.RUNNING, VmState.PAUSED}
_AT_REST = {VmState.OFF, VmState.SAVED, VmState.FAST_SAVED, VmState.HIBERNATED}


def drift(plan: Plan, snapshots: Mapping[HostName, Snapshot]) -> tuple[str, ...]:
    """Say what is no longer as the plan says. Hosts not seen are not judged: the last look before a start will."""
    changes, blocked = [], plan.blocked_ids
    for move in plan.moves:
        source, destination = snapshots.get(move.source), snapshots.get(move.destination)
        if move.vm_id in blocked or source is None:
            continue
        vm = source.own_vm(move.vm_id)
        if vm is None and source.why_unknown(move.vm_id):
            continue
        if vm is None:
            there = destination is not None and destination.own_vm(move.vm_id) is not None
            where = f"; it is on {move.destination} now" if there else ""
            changes.append(f"{move.vm_name} is no longer on {move.source}{where}.")
        elif vm.state in (_AT_REST if move.is_live else _LIVE):
            was, now = "running" if move.is_live else "not running", vm.state.name.lower().replace("_", " ")
            changes.append(f"{move.vm_name} was {was} and is {now} now.")
    return tuple(changes)
