"""Carries migrations from start to end: setup, disks, memory, switch-over, deletion; and back again when one fails.

The order of events follows Microsoft docs (Move-VM, Troubleshoot live migration issues); `fleet.Physics` says how long
each takes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lab.hyperv.world import checks, host_messages, paths, slots
from lab.hyperv.world.audit_log import StartRecord, ViolationKind
from lab.hyperv.world.checks import Failure
from lab.hyperv.world.destination_paths import landed
from lab.hyperv.world.enums import JobState, ReturnCode
from lab.hyperv.world.errors import FolderError
from lab.hyperv.world.faults import MoveFaultKind
from lab.hyperv.world.fleet import VM, MigrationKind
from lab.hyperv.world.migration_steps import SWITCH_OVER_ENDS_AT, Ends, Phase, Step, cut_at, plan
from lab.hyperv.world.migrations import Migration
from lab.hyperv.world.views import ErrorRecord
from lab.hyperv.world.vms import Machine, disk_files, files_of, folders_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.moves import MoveRequest
    from lab.hyperv.world.slots import SlotKind
    from lab.hyperv.world.state import HostState, State

TERMINATE, KILL = 4, 5
_CUTTING_SHORT = {MoveFaultKind.FAIL, MoveFaultKind.STALL, MoveFaultKind.SAYS_SUCCEEDED}


class Migrator:
    """Starts, steps and ends the migrations of one world."""

    def __init__(self, state: State, advance: Callable[[], None]) -> None:
        self.migrations: list[Migration] = []
        self._with_jobs: list[Migration] = []
        self._state = state
        self._advance = advance

    def recent(self, keep_s: float) -> list[Migration]:
        """Return the migrations with a job that runs or ended less than `keep_s` ago; older ones are forgotten here."""
        time_s = self._state.timeline.time_s
        self._with_jobs = [m for m in self._with_jobs if m.ended_s is None or time_s < m.ended_s + keep_s]
        return self._with_jobs

    # --- start

    def start(self, request: MoveRequest) -> Migration:
        """Start a migration, or return one that has ended at once with the reason why it was refused."""
        state = self._state
        machine = state.host(request.source).vms.get(request.vm_id)
        migration = Migration(
            len(self.migrations) + 1,
            request,
            machine.spec if machine else _nobody(request),
            state.timeline,
            self._advance,
        )
        self.migrations.append(migration)
        if machine is not None and machine.migration is not None:
            state.violate(ViolationKind.STARTED_WHILE_MOVING, request.owner, str(request.vm_id), "is still moving")
        refused = checks.refusal(state, request, machine)
        if refused is not None or machine is None:
            migration.has_job = False
            self._enter_start(migration, refused.cause if refused else "vm-gone")
            self._end(migration, self._record(migration, refused or Failure("vm-gone")))
            return migration
        self._with_jobs.append(migration)
        self._discard_planned(request)
        full = slots.full_host(state, request, machine.spec)
        if full is not None:
            self._refuse_for_limit(migration, *full)
            return migration
        self._begin(migration, machine)
        return migration

    def _begin(self, migration: Migration, machine: Machine) -> None:
        state, request = self._state, migration.request
        self._enter_start(migration, None)
        target = landed(machine.spec, request, state.host(request.destination).spec.default_vm_path)
        migration.landed = target
        migration.fault = state.trouble.take_for_move(migration.vm_id)
        migration.steps = self._plan(migration, machine, target)
        machine.migration = migration
        slots.take(state, migration)
        self._change(migration, JobState.Running)
        self._next_step(migration)

    def _refuse_for_limit(self, migration: Migration, host: HostState, kind: SlotKind) -> None:
        self._enter_start(migration, f"{kind}-limit")
        side = host_messages.SOURCE if host.name == migration.source else host_messages.DESTINATION
        failure = Failure(f"{kind}-limit", {"limit": slots.limit(host, kind)}, side)
        delay_s = host.quirks.limit_refusal_delay_s
        if not delay_s:
            self._end(migration, self._record(migration, failure))
            return
        migration.phase = Phase.WAITING
        self._change(migration, JobState.Starting)
        migration.appointment = self._state.timeline.after(
            delay_s, lambda: self._end(migration, self._record(migration, failure))
        )

    def _enter_start(self, migration: Migration, refused_for: str | None) -> None:
        self._state.ledger.starts.append(
            StartRecord(
                at_s=self._state.timeline.time_s,
                owner=migration.owner,
                vm_id=migration.vm_id,
                vm_name=migration.vm.name,
                source=migration.source,
                destination=migration.destination,
                kind=migration.kind.value,
                refused_for=refused_for,
                has_delegated_logon=migration.request.has_delegated_logon,
            )
        )

    # --- steps

    def _plan(self, migration: Migration, machine: Machine, target: VM) -> list[Step]:
        load = checks.load(migration.kind, machine, target, self._state.physics)
        ends = Ends(
            connect=partial(self._connect, migration),
            prepare=partial(self._prepare, migration, machine, target),
            hand_over=partial(self._hand_over, migration, machine, target),
            succeed=partial(self._succeed, migration),
        )
        steps = plan(load, self._state.physics, ends)
        fault = migration.fault
        if fault is None or fault.kind not in _CUTTING_SHORT:
            return steps
        # A move that has handed over its VM cannot fail any more, but it can hang.
        percent = fault.at_percent if fault.kind is MoveFaultKind.STALL else min(fault.at_percent, SWITCH_OVER_ENDS_AT)
        return cut_at(steps, percent, partial(self._meet_fault, migration))

    def _meet_fault(self, migration: Migration) -> None:
        fault = migration.fault
        if fault is None or fault.kind is MoveFaultKind.STALL:
            return
        self._fail(migration, self._ordered_error(migration))

    def _ordered_error(self, migration: Migration) -> ErrorRecord:
        fault = migration.fault
        if fault is None or fault.text is None:
            details = {
                "switch": "Production",
                "path": (fault.path if fault else None) or migration.request.storage_path or "",
                "limit": 2,
                "version": "0.0",
            }
            more = {"number": 1, "operation": "Migrating virtual machine"}
            return self._record(migration, Failure(fault.cause if fault else "network", {**details, **more}))
        source = self._state.host(migration.source)
        first = host_messages.wrapper(
            migration.vm.name, migration.vm_id, host_messages.SOURCE, source.name, source.spec.language
        )
        code = f" (0x{fault.hresult:08X})" if fault.hresult is not None else ""
        known = host_messages.CAUSES["network"]
        return ErrorRecord(lines=(first, fault.text + code), error_id=known.error_id, category=known.category)

    def _next_step(self, migration: Migration) -> None:
        step = migration.steps[0]
        timeline = self._state.timeline
        migration.phase = step.phase
        migration.step_since_s = timeline.time_s
        done = partial(self._step_done, migration)
        if step.size_bytes:
            migration.transfer = self._state.network.send(migration.hosts, step.size_bytes, done)
        else:
            migration.appointment = timeline.after(step.duration_s, done)

    def _step_done(self, migration: Migration) -> None:
        step = migration.steps.pop(0)
        migration.last_percent = step.percent_to
        migration.transfer = migration.appointment = None
        if step.end is not None:
            step.end()
        if migration.steps and migration.ended_s is None:
            self._next_step(migration)

    # --- what the steps do

    def _connect(self, migration: Migration) -> None:
        if migration.kind is MigrationKind.STORAGE:
            return
        failure = checks.connection(self._state, migration.request)
        if failure is not None:
            self._fail(migration, self._record(migration, failure))

    def _prepare(self, migration: Migration, machine: Machine, target: VM) -> None:
        failure = next(checks.setup_failures(self._state, migration.request, machine, target), None)
        if failure is not None:
            self._fail(migration, self._record(migration, failure))
            return
        destination = self._state.host(migration.destination)
        if migration.kind is not MigrationKind.STORAGE:
            planned = Machine(target, destination.name, is_planned=True, created_s=self._state.timeline.time_s)
            planned.migration = migration
            destination.planned[migration.vm_id] = planned
        migration.made_folders = [f for f in folders_of(target) if destination.files.entry(f) is None]
        try:
            destination.put_files(target)
        except FolderError:
            self._fail(migration, self._record(migration, Failure("disk-full", {"path": target.path})))

    def _hand_over(self, migration: Migration, machine: Machine, target: VM) -> None:
        """Make the planned VM the real one; from here on the move cannot fail any more."""
        state = self._state
        if migration.kind is MigrationKind.STORAGE:
            self._delete_files(migration.source, machine.spec, keep=target)
            machine.spec = _placed(machine.spec, target)
            migration.has_moved = True
            return
        destination, source = state.host(migration.destination), state.host(migration.source)
        destination.planned.pop(migration.vm_id, None)
        kind = migration.fault.kind if migration.fault else None
        if kind is not MoveFaultKind.VANISH:
            arrived = Machine(_placed(machine.spec, target), destination.name)
            arrived.created_s, arrived.running_since_s = machine.created_s, machine.running_since_s
            arrived.migration = migration
            destination.vms[migration.vm_id] = arrived
            migration.has_moved = True
        if kind is not MoveFaultKind.DUPLICATE:
            del source.vms[migration.vm_id]
        state.check_copies(migration.vm_id, "")

    def _succeed(self, migration: Migration) -> None:
        kind = migration.fault.kind if migration.fault else None
        if migration.kind is not MigrationKind.STORAGE and migration.landed and kind is not MoveFaultKind.DUPLICATE:
            self._delete_files(migration.source, migration.vm, keep=None)
        error = self._ordered_error(migration) if kind is MoveFaultKind.SAYS_FAILED else None
        self._end(migration, error)

    def _delete_files(self, host: str, vm: VM, *, keep: VM | None) -> None:
        kept = {paths.key(path) for path in files_of(keep)} if keep else set()
        there = self._state.host(host)
        users = {
            paths.key(file.path): other
            for other in there.vms.values()
            if other.spec.id != vm.id
            for file in disk_files(other.spec)
        }
        for path in files_of(vm):
            user = users.get(paths.key(path))
            if paths.key(path) in kept or (user is not None and user.reserved_memory_bytes):
                continue  # a file that a running VM has open cannot be deleted
            if user is not None:
                detail = f"{path} was needed by {user.spec.name}"
                self._state.violate(ViolationKind.FILES_REMOVED, vm.name, f"{there.name} {path}", detail)
            there.files.remove_file(path)

    # --- ends

    def cancel(self, migration: Migration, requested_state: int) -> ReturnCode:
        """Do RequestStateChange; the job ends later. Source: Microsoft docs, Msvm_MigrationJob."""
        if requested_state not in (TERMINATE, KILL):
            return ReturnCode.InvalidParameter
        if not migration.is_cancellable:
            return ReturnCode.InvalidState
        self._halt(migration)
        migration.phase = Phase.ROLLBACK
        self._change(migration, JobState.ShuttingDown)
        quirks = self._state.host(migration.source).quirks
        migration.appointment = self._state.timeline.after(
            quirks.cancel_takes_s,
            lambda: self._fail(migration, self._record(migration, Failure("cancelled")), quirks.cancelled_job_state),
        )
        return ReturnCode.JobStarted

    def _fail(self, migration: Migration, error: ErrorRecord, state: JobState = JobState.Exception) -> None:
        self._roll_back(migration)
        lies = migration.fault is not None and migration.fault.kind is MoveFaultKind.SAYS_SUCCEEDED
        self._end(migration, None if lies else error, state)

    def _roll_back(self, migration: Migration) -> None:
        destination = self._state.host(migration.destination)
        planned = destination.planned.get(migration.vm_id)
        if planned is not None and planned.migration is migration:
            planned.migration = None
            if not destination.quirks.planned_vm_remains:
                del destination.planned[migration.vm_id]
        if migration.made_folders is None or destination.quirks.partial_files_remain or migration.landed is None:
            return
        keep = migration.vm if migration.kind is MigrationKind.STORAGE else None
        self._delete_files(migration.destination, migration.landed, keep=keep)
        for folder in sorted(migration.made_folders, key=len, reverse=True):
            if not destination.files.children(folder):
                destination.files.remove_empty_folder(folder)

    def interrupt(self, host: HostState) -> None:
        """End the moves of a host whose service ends; their jobs are gone with it. One that has moved goes on."""
        for migration in tuple(host.active.values()):
            if migration.ended_s is None and not migration.has_moved:
                self._fail(migration, self._record(migration, Failure("service-away")))
                self._with_jobs.remove(migration)

    def _halt(self, migration: Migration) -> None:
        migration.last_percent = migration.percent_at(self._state.timeline.time_s)
        if migration.transfer is not None:
            migration.transfer.stop()
        if migration.appointment is not None:
            migration.appointment.cancel()
        migration.transfer = migration.appointment = None
        migration.steps = []

    def _end(self, migration: Migration, error: ErrorRecord | None, failed_as: JobState = JobState.Exception) -> None:
        state = self._state
        self._halt(migration)
        if error is None or state.host(migration.source).quirks.percent_is_100_after_failure:
            migration.last_percent = 100.0
        migration.error = error
        migration.phase = Phase.ENDED
        migration.ended_s = state.timeline.time_s
        self._change(migration, failed_as if error else JobState.Completed)
        if migration.has_job:
            slots.give_back(state, migration)
        for name in {migration.source, migration.destination} & set(state.hosts):
            machine = state.host(name).vms.get(migration.vm_id)
            if machine is not None and machine.migration is migration:
                machine.migration = None
        for tell in tuple(migration.on_end):
            tell(migration)

    # --- small things

    def _change(self, migration: Migration, state: JobState) -> None:
        migration.state = state
        migration.changed_s = self._state.timeline.time_s

    def _discard_planned(self, request: MoveRequest) -> None:
        """Remove what an earlier Compare-VM or move left on the destination."""
        if request.kind is not MigrationKind.STORAGE:
            self._state.host(request.destination).planned.pop(request.vm_id, None)

    def _record(self, migration: Migration, failure: Failure) -> ErrorRecord:
        return host_messages.record(
            failure.cause,
            vm=migration.vm.name,
            vm_id=migration.vm_id,
            source=migration.source,
            destination=migration.destination,
            language=self._state.host(migration.source).spec.language,
            side=failure.side,
            **failure.details,
        )


def _placed(vm: VM, target: VM) -> VM:
    """Return the VM as it is now, in the places where the move put it."""
    placed = {checkpoint.id: checkpoint for checkpoint in target.checkpoints}
    return replace(
        vm,
        host=target.host,
        path=target.path,
        snapshot_file_location=target.snapshot_file_location,
        smart_paging_file_path=target.smart_paging_file_path,
        disks=target.disks,
        checkpoints=tuple(placed.get(checkpoint.id, checkpoint) for checkpoint in vm.checkpoints),
    )


def _nobody(request: MoveRequest) -> VM:
    return VM(id=request.vm_id, name=str(request.vm_id), host=request.source)
