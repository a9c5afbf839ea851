"""The simulated world: every host, VM, folder and migration of a fleet, moved through time by an injected clock.

The world neither sleeps nor waits. Each call first brings it up to `now()`; between calls nothing happens. It is not
thread-safe: call it from one event loop. Errors are those of `lab.hyperv.world.errors`; what a *cmdlet* would answer
with an error record is returned as `ErrorRecord`, not raised.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.hyperv.world import checks, slots
from lab.hyperv.world import dump as truth
from lab.hyperv.world.audit_log import Removal, ViolationKind
from lab.hyperv.world.backups import Backups
from lab.hyperv.world.compare import compare
from lab.hyperv.world.compatibility import Compatibility
from lab.hyperv.world.errors import BadChange, UnknownHost
from lab.hyperv.world.faults import MoveFault
from lab.hyperv.world.fleet import BackupVariant, BackupWindow, MigrationKind
from lab.hyperv.world.host_messages import CAUSES
from lab.hyperv.world.migrator import Migrator
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.state import State
from lab.hyperv.world.strict import changed
from lab.hyperv.world.visibility import Visibility
from lab.hyperv.world.vmms import ManagementServices
from lab.hyperv.world.vms import configuration_files, own_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from lab.hyperv.world.audit_log import AuditLog
    from lab.hyperv.world.enums import VMState
    from lab.hyperv.world.faults import Faults, ValueFault, WireFault
    from lab.hyperv.world.fleet import VM, Fleet, Host, ScheduledMigration
    from lab.hyperv.world.migrations import Migration
    from lab.hyperv.world.state import HostState
    from lab.hyperv.world.views import (
        CompatibilityReport,
        Counters,
        ErrorRecord,
        FolderEntry,
        HostView,
        JobView,
        VMView,
        VolumeView,
    )
    from lab.hyperv.world.vms import Machine

EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_JOB_STAYS_S = 300.0
_NO_SUCH_JOB = 32779


class World:
    """One fleet in time. `now` returns lab seconds since the lab started; `epoch` is the wall clock of second 0."""

    def __init__(self, fleet: Fleet, now: Callable[[], float], epoch: datetime = EPOCH) -> None:
        self.epoch = epoch
        self._now = now
        self._is_advancing = False
        self._state = State(fleet)
        self._mover = Migrator(self._state, self.advance)
        self.vmms = ManagementServices(self._state, self._mover, self.advance)
        self.compatibility = Compatibility(self._state)
        self._backups = Backups(self._state)
        self._sight = Visibility(self._state.timeline, epoch)
        for window in fleet.backups:
            self._backups.arrange(window)
        for planned in fleet.migrations:
            self._state.timeline.at(planned.start_s, lambda planned=planned: self._start_scheduled(planned))  # type: ignore[misc]
        self.advance()

    @property
    def ledger(self) -> AuditLog:
        """What really happened so far."""
        self.advance()
        return self._state.ledger

    @property
    def trouble(self) -> Faults:
        """The faults that are ordered; add to it or let a wire read it."""
        return self._state.trouble

    def order(self, fault: MoveFault | WireFault | ValueFault) -> None:
        """Order trouble. Raises `UnknownHost`, `UnknownVM`, `BadChange` for a cause nobody knows."""
        self.advance()
        if not isinstance(fault, MoveFault):
            self.trouble.add(replace(fault, host=self._state.short_name(fault.host)))
            return
        self.where_is(fault.vm)
        if fault.cause not in CAUSES:
            raise BadChange(f"no cause {fault.cause!r}; known causes are {', '.join(sorted(CAUSES))}.")
        self.trouble.add(fault)

    # --- time

    def advance(self) -> None:
        """Bring the world up to `now()`. Every other method does this first."""
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            self._state.timeline.run_to(self._now())
        finally:
            self._is_advancing = False

    @property
    def time_s(self) -> float:
        """The lab second the world has been brought to."""
        return self._state.timeline.time_s

    def next_event_at(self) -> float | None:
        """Return the lab second at which something will next happen by itself, or None."""
        self.advance()
        return self._state.timeline.next_at()

    def datetime_at(self, time_s: float, host: str = "") -> datetime:
        """Return what the clock of a host shows at a lab second; without a host, the right time."""
        offset_s = self._state.host(host).spec.clock_offset_s if host else 0.0
        return self.epoch + timedelta(seconds=time_s + offset_s)

    # --- hosts

    def host_names(self) -> tuple[str, ...]:
        return tuple(self._state.hosts)

    def canonical_host(self, name: str) -> str:
        """Return the host's short name for a short or fully qualified one in any case. Raises `UnknownHost`."""
        return self._state.short_name(name)

    def is_login(self, host: str, user: str, password: str) -> bool:
        """Return whether the host knows this user; user names have no case."""
        spec = self._state.host(host).spec
        return user.lower() == spec.user.lower() and password == spec.password

    def password_of(self, host: str, user: str) -> str | None:
        """Return the password a host expects of a user, for handshakes that never send it."""
        spec = self._state.host(host).spec
        return spec.password if user.lower() == spec.user.lower() else None

    def host(self, name: str) -> HostView:
        """Return what Get-VMHost tells. Raises `UnknownHost`, as every method that takes a host does."""
        host = self._host(name)
        return truth.host_view(host, self._state.fleet.domain)

    def described(self, host: str) -> Host:
        """Return the description of a host, with all that was changed since the start."""
        return self._state.host(host).spec

    def counters(self, host: str) -> Counters:
        """Return the active migrations a host counts, both directions (see `Quirks`)."""
        return slots.counters(self._host(host), self.time_s)

    def volumes(self, host: str) -> tuple[VolumeView, ...]:
        return self._host(host).files.volumes()

    def free_memory_bytes(self, host: str) -> int:
        return self._host(host).free_memory_bytes()

    def change_host(self, host: str, changes: Mapping[str, Any]) -> HostView:
        """Change fields of `fleet.Host`, e.g. `{"live_limit": 1}`. Raises `BadDescription`, `BadChange`."""
        state = self._host(host)
        fixed = {"name", "address", "volumes", "files"} & set(changes)
        if fixed:
            raise BadChange(f"{', '.join(sorted(fixed))} of a host cannot change while it runs.")
        given = dict(changes)
        if isinstance(given.get("quirks"), dict):
            given["quirks"] = changed(state.spec.quirks, given["quirks"], f"quirks of {state.name}")
        state.spec = changed(state.spec, given, f"host {state.name}")
        self._state.network.reshare(state.name)
        return self.host(host)

    # --- VMs

    def vms(self, host: str) -> tuple[VMView, ...]:
        """Return the realized VMs of a host sorted by name, as old as the host's quirks allow."""
        state = self._host(host)
        return self._sight.vms(state)

    def vm(self, host: str, vm_id: UUID) -> VMView | None:
        """Return one VM by id, realized before planned, or None."""
        state = self._host(host)
        return self._sight.vm(state, vm_id)

    def why_no_logon(self, host: str, address: str) -> str | None:
        """Return the cause for which a host cannot log on to another one at this address, or None."""
        return checks.no_logon(self._state, host, address)

    def where_is(self, vm_id: UUID) -> str:
        """Return the host on which a VM is realized (the first, if several). Raises `UnknownVM`."""
        self.advance()
        return self._backups.of(vm_id).host

    def create_vm(self, vm: VM) -> VMView:
        """Create a VM with its files. Raises `BadChange`, `FolderError`."""
        host = self._host(vm.host)
        if any(self._state.copies(vm.id)):
            raise BadChange(f"a VM with the id {vm.id} exists already.")
        return self._sight.view(host, self._state.add_vm(host, vm))

    def remove_vm(self, host: str, vm_id: UUID) -> None:
        """Remove a VM; its disks stay, as Remove-VM leaves them. Raises `BadChange` while it is busy."""
        state, machine = self._host(host), self._idle(host, vm_id)
        for file in configuration_files(machine.spec):
            state.files.remove_file(file)
        for folder in own_folders(machine.spec):
            if state.files.entry(folder) and not state.files.children(folder):
                state.files.remove_empty_folder(folder)
        del state.vms[vm_id]

    def set_state(self, host: str, vm_id: UUID, state: VMState) -> None:
        """Change the state of a VM, as its owner or its guest would. Raises `BadChange` while it moves."""
        self.change_vm(host, vm_id, {"state": state})

    def change_vm(self, host: str, vm_id: UUID, changes: Mapping[str, Any]) -> VMView:
        """Change fields of `fleet.VM` in place, e.g. `{"iso_path": None}`. Raises `BadDescription`, `BadChange`."""
        machine = self._machine(host, vm_id)
        if machine.migration is not None:
            raise BadChange(f"VM {machine.spec.name!r} is moving and cannot change.")
        fixed = {"id", "host"} & set(changes)
        if fixed:
            raise BadChange(f"{', '.join(sorted(fixed))} of a VM cannot change.")
        was_up = machine.reserved_memory_bytes > 0
        machine.spec = changed(machine.spec, changes, f"VM {machine.spec.name}")
        if not was_up and machine.reserved_memory_bytes > 0:
            machine.running_since_s = self.time_s
        self._host(host).put_files(machine.spec)
        return self._sight.view(self._host(host), machine)

    def force_status(self, host: str, vm_id: UUID, status: tuple[int, ...] | None) -> None:
        """Let a VM show one or two operational statuses until they are set to None; it cannot move meanwhile."""
        if status is not None and len(status) not in (1, 2):
            raise BadChange("an operational status has one or two numbers.")
        self._machine(host, vm_id).forced_status = status

    def start_backup(
        self,
        vm_id: UUID,
        duration_s: float | None = None,
        variant: BackupVariant = BackupVariant.A,
        merge_s: float = 0.0,
        *,
        makes_recovery_checkpoint: bool = False,
    ) -> None:
        """Begin a backup; without a duration it lasts until `stop_backup`. Raises `BadChange`, `UnknownVM`."""
        self.advance()
        window = BackupWindow(
            start_s=self.time_s,
            vms=(vm_id,),
            variant=variant,
            merge_s=merge_s,
            makes_recovery_checkpoint=makes_recovery_checkpoint,
        )
        self._backups.start(self._backups.of(vm_id), window, duration_s)

    def stop_backup(self, vm_id: UUID) -> None:
        """End a backup now. Raises `BadChange`, `UnknownVM`."""
        self.advance()
        self._backups.stop(self._backups.of(vm_id))

    def arrange_backups(self, window: BackupWindow) -> None:
        """Let a backup window happen; its `start_s` is a lab second."""
        self.advance()
        self._backups.arrange(window)

    def switch_nightly_backups(self, window: BackupWindow | None) -> None:
        """Let this window happen every night from now on, instead of any before; None: no more. Raises `UnknownVM`."""
        self.advance()
        for vm_id in window.vms if window else ():
            self._backups.of(vm_id)
        self._backups.switch_nightly(window)

    def start_merge(self, vm_id: UUID, duration_s: float) -> None:
        """Let a VM merge disks: `Ok` with `MergingDisks`. Raises `UnknownVM`."""
        self.advance()
        self._backups.merge(self._backups.of(vm_id), duration_s)

    # --- migrations

    def start_move(self, request: MoveRequest) -> Migration:
        """Do what Move-VM does and return at once; a refusal is a `Migration` that is done and has an error.

        The migration depends on nobody: only `request_state_change` on its job ends it early.
        """
        self.advance()
        return self._mover.start(self._canonical(request))

    def compare(self, request: MoveRequest) -> CompatibilityReport | ErrorRecord:
        """Do what Compare-VM does, including the planned VM it leaves on the destination."""
        self.advance()
        return compare(self._state, self._canonical(request))

    def migrations(self) -> tuple[Migration, ...]:
        """Return every migration since the lab started, refused ones too, oldest first."""
        self.advance()
        return tuple(self._mover.migrations)

    def jobs(self, host: str) -> tuple[JobView, ...]:
        """Return the host's jobs, ended ones for five more minutes. Source: Microsoft docs, Msvm_MigrationJob."""
        state = self._host(host)
        clock = partial(self.datetime_at, host=state.name)
        moves = (move.job(self.time_s, clock) for move in self._visible(state))
        return (*moves, *self.compatibility.jobs(state.name, clock))

    def request_state_change(self, host: str, instance_id: str, requested_state: int) -> int:
        """Do RequestStateChange on a job (4 terminate, 5 kill) and return its ReturnValue; 32779 for no such job."""
        for move in self._visible(self._host(host)):
            if move.instance_id == instance_id:
                return int(self._mover.cancel(move, requested_state))
        return _NO_SUCH_JOB

    # --- folders

    def list_folder(self, host: str, path: str, *, include_hidden: bool = True) -> tuple[FolderEntry, ...]:
        """Return the direct children of a folder. Raises `FolderError`."""
        return self._host(host).files.children(path, include_hidden=include_hidden)

    def entry(self, host: str, path: str) -> FolderEntry | None:
        """Return the file or folder at a path, or None."""
        return self._host(host).files.entry(path)

    def all_entries(self, host: str) -> tuple[FolderEntry, ...]:
        """Return every file and folder of a host, by path."""
        return self._host(host).files.everything()

    def delete_folder(self, host: str, path: str, owner: str) -> None:
        """Remove an empty folder in one step, as `[IO.Directory]::Delete(path, $false)` does. Raises `FolderError`."""
        state = self._host(host)
        state.files.remove_empty_folder(path)
        self._state.ledger.removals.append(Removal(self.time_s, owner, state.name, path))

    def delete_tree(self, host: str, path: str, owner: str) -> None:
        """Remove a folder with all it holds; a loss of files is a violation in the ledger. Raises `FolderError`."""
        state = self._host(host)
        lost = state.files.remove_tree(path)
        self._state.ledger.removals.append(Removal(self.time_s, owner, state.name, path))
        if lost:
            detail = f"{len(lost)} files lost: {', '.join(entry.path for entry in lost[:5])}"
            self._state.violate(ViolationKind.FILES_REMOVED, owner, f"{state.name} {path}", detail)

    def add_file(
        self, host: str, path: str, *, size_bytes: int = 0, is_folder: bool = False, is_hidden: bool = False
    ) -> None:
        """Put a file or folder on a volume, with the folders above it. Raises `FolderError` when the volume is full."""
        self._host(host).files.add(path, size_bytes=size_bytes, is_folder=is_folder, is_hidden=is_hidden)

    def remove_file(self, host: str, path: str) -> None:
        """Remove a file if it is there."""
        self._host(host).files.remove_file(path)

    def fill_volume(self, host: str, path: str, free_bytes: int) -> None:
        """Let something else take the volume's space so that `free_bytes` are left. Raises `FolderError`."""
        self._host(host).files.fill(path, free_bytes)

    def truth(self) -> dict[str, Any]:
        """Return the whole world as plain data, for the control API and for a failing test's message."""
        self.advance()
        return truth.as_data(self._state, self._mover.migrations)

    # --- inside

    def _host(self, name: str) -> HostState:
        self.advance()
        return self._state.host(name)

    def _machine(self, host: str, vm_id: UUID) -> Machine:
        self.advance()
        return self._state.machine(host, vm_id)

    def _idle(self, host: str, vm_id: UUID) -> Machine:
        machine = self._machine(host, vm_id)
        if machine.migration is not None or machine.backup is not None:
            raise BadChange(f"VM {machine.spec.name!r} is busy.")
        return machine

    def _visible(self, host: HostState) -> list[Migration]:
        def is_listed(move: Migration) -> bool:
            where = (move.source, move.destination) if host.quirks.job_listed_on_destination else (move.source,)
            return host.name in where and self.time_s >= move.started_s + host.quirks.job_delay_s

        return [move for move in self._mover.recent(_JOB_STAYS_S) if is_listed(move)]

    def _canonical(self, request: MoveRequest) -> MoveRequest:
        source = self._state.short_name(request.source)
        if request.kind is MigrationKind.STORAGE:
            return replace(request, source=source, destination=source)
        try:
            return replace(request, source=source, destination=self._state.short_name(request.destination))
        except UnknownHost:
            return replace(request, source=source)

    def _start_scheduled(self, planned: ScheduledMigration) -> None:
        machine = next(self._state.copies(planned.vm), None)
        if machine is None:
            return
        self._mover.start(
            self._canonical(
                MoveRequest(
                    vm_id=planned.vm,
                    source=machine.host,
                    destination=planned.destination,
                    owner=planned.owner,
                    kind=planned.kind,
                    storage_path=planned.path,
                )
            )
        )
