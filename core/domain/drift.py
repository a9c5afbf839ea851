"""What changed on the hosts since a plan was made: then an approver must be asked again."""

from collections.abc import Mapping

from core.domain.fleet import HostName, Snapshot, VmState
from core.domain.plan import Plan


def drift(plan: Plan, snapshots: Mapping[HostName, Snapshot]) -> tuple[str, ...]:
    """Say what is no longer as the plan says. Hosts not seen are not judged: the last look before a start will."""
    changes = []
    for move in plan.moves:
        source, destination = snapshots.get(move.source), snapshots.get(move.destination)
        if move.vm_id in plan.blocked_ids or source is None:
            continue
        vm = source.vm(move.vm_id)
        if vm is None:
            there = destination is not None and destination.vm(move.vm_id) is not None
            where = f"; it is on {move.destination} now" if there else ""
            changes.append(f"{move.vm_name} is no longer on {move.source}{where}.")
        elif move.is_live and vm.state is VmState.OFF:
            changes.append(f"{move.vm_name} was running and is off now.")
        elif not move.is_live and vm.state is VmState.RUNNING:
            changes.append(f"{move.vm_name} was not running and runs now.")
    return tuple(changes)
