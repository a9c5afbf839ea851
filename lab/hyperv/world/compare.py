"""Does what Compare-VM does: finds what would stop a move, and leaves a planned VM behind.

Source: Microsoft docs, Compare-VM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.hyperv.world import checks, host_messages
from lab.hyperv.world.checks import Failure
from lab.hyperv.world.destination_paths import landed
from lab.hyperv.world.fleet import MigrationKind
from lab.hyperv.world.views import CompatibilityReport, ErrorRecord, Incompatibility
from lab.hyperv.world.vms import Machine

if TYPE_CHECKING:
    from lab.hyperv.world.moves import MoveRequest
    from lab.hyperv.world.state import State

# 33012 is Microsoft's own example, 40010 is seen in the field, 24008 is said of processors; others are not known.
_MESSAGE_IDS = {"switch-missing": 33012, "iso": 40010, "cpu": 24008}


def compare(state: State, request: MoveRequest) -> CompatibilityReport | ErrorRecord:
    """Return the report, or the error of a comparison that could not be made."""
    machine = state.host(request.source).vms.get(request.vm_id)
    failure = checks.refusal(state, request, machine) or checks.connection(state, request)
    if failure is not None or machine is None:
        return _record(state, request, machine, failure or Failure("vm-gone"))
    destination = state.host(request.destination)
    target = landed(machine.spec, request, destination.spec.default_vm_path)
    found = tuple(
        Incompatibility(_MESSAGE_IDS[failure.cause], _record(state, request, machine, failure).lines[-1])
        for failure in checks.setup_failures(state, request, machine, target)
        if failure.cause in _MESSAGE_IDS
    )
    if request.kind is not MigrationKind.STORAGE:
        destination.planned.pop(request.vm_id, None)
        if destination.quirks.compare_leaves_planned_vm:
            created_s = state.timeline.time_s
            destination.planned[request.vm_id] = Machine(target, destination.name, is_planned=True, created_s=created_s)
    return CompatibilityReport(
        vm_id=request.vm_id,
        destination=destination.name,
        path=target.path,
        snapshot_path=target.snapshot_file_location,
        disk_path=request.storage_path or target.path,
        incompatibilities=found,
    )


def _record(state: State, request: MoveRequest, machine: Machine | None, failure: Failure) -> ErrorRecord:
    return host_messages.record(
        failure.cause,
        vm=machine.spec.name if machine else str(request.vm_id),
        vm_id=request.vm_id,
        source=request.source,
        destination=request.destination,
        language=state.host(request.source).spec.language,
        side=failure.side,
        **failure.details,
    )
