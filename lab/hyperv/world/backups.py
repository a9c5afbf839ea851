"""Runs backups: the windows a fleet describes and single ones, with the merge and the checkpoint they may leave.

A VM in backup is busy from start to end; a VM that is moving when its turn comes is skipped, and the ledger says so.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lab.hyperv.world.errors import BadChange, UnknownVM
from lab.hyperv.world.fleet import NIGHTLY_S
from lab.hyperv.world.vms import Backup, recovery_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from lab.hyperv.world.fleet import BackupWindow
    from lab.hyperv.world.state import State
    from lab.hyperv.world.vms import Machine


class Backups:
    """The backups of one world."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._nightly: BackupWindow | None = None
        self._nights = 0

    def switch_nightly(self, window: BackupWindow | None) -> None:
        """Let a window happen night after night instead of the one before; None: none any more. What runs goes on."""
        self._nights += 1
        self._nightly = window
        if window is not None:
            self._arrange(replace(window, every_s=NIGHTLY_S), self._is_night(self._nights))

    @property
    def nightly(self) -> BackupWindow | None:
        """The window that the switch has on."""
        return self._nightly

    def arrange(self, window: BackupWindow) -> None:
        """Let a window happen: `at_once` VMs side by side, the rest after them, again every `every_s` seconds."""
        self._arrange(window, lambda: True)

    def _is_night(self, number: int) -> Callable[[], bool]:
        return lambda: self._nights == number

    def _arrange(self, window: BackupWindow, is_on: Callable[[], bool]) -> None:
        if not is_on():
            return
        for position, vm_id in enumerate(window.vms):
            turn_s = window.start_s + position // window.at_once * (window.duration_s + window.merge_s)
            rng = random.Random(f"{vm_id} {turn_s}")
            late_s = rng.uniform(-window.jitter_s, window.jitter_s)
            longer_s = rng.uniform(-window.jitter_s, window.jitter_s) / 2
            own = replace(window, duration_s=max(1.0, window.duration_s + longer_s))
            self._state.timeline.at(turn_s + late_s, partial(self._take_turn, own, vm_id, is_on))
        if window.every_s > 0:
            later = replace(window, start_s=window.start_s + window.every_s)
            # Early enough for those that begin earlier than they should.
            self._state.timeline.at(later.start_s - window.jitter_s, partial(self._arrange, later, is_on))

    def start(self, machine: Machine, window: BackupWindow, duration_s: float | None) -> None:
        """Begin a backup; `BadChange` when the VM is busy with something else."""
        if machine.migration is not None or machine.backup is not None:
            raise BadChange(f"VM {machine.spec.name!r} is busy and cannot be backed up.")
        timeline = self._state.timeline
        wanted = window.makes_recovery_checkpoint or window.leaves_recovery_checkpoint
        machine.backup = Backup(
            variant=window.variant,
            end=None if duration_s is None else timeline.after(duration_s, partial(self.stop, machine)),
            merge_s=window.merge_s,
            recovery_checkpoint=recovery_checkpoint(machine.spec, timeline.time_s) if wanted else None,
            leaves_checkpoint=window.leaves_recovery_checkpoint,
        )

    def stop(self, machine: Machine) -> None:
        """End a backup; what it merges afterwards shows as merging disks."""
        backup = machine.backup
        if backup is None:
            raise BadChange(f"VM {machine.spec.name!r} is not being backed up.")
        if backup.end is not None:
            backup.end.cancel()
        machine.backup = None
        if backup.leaves_checkpoint and backup.recovery_checkpoint is not None:
            machine.spec = replace(machine.spec, checkpoints=(*machine.spec.checkpoints, backup.recovery_checkpoint))
            self._state.host(machine.host).put_files(machine.spec)
        if backup.merge_s > 0:
            self.merge(machine, backup.merge_s)

    def merge(self, machine: Machine, duration_s: float) -> None:
        """Let a VM merge disks for a while."""
        if machine.merge is not None:
            machine.merge.cancel()

        def done() -> None:
            machine.merge = None

        machine.merge = self._state.timeline.after(duration_s, done)

    def of(self, vm_id: UUID) -> Machine:
        """Return the copy of a VM that a backup would find. Raises `UnknownVM`."""
        for machine in self._state.copies(vm_id):
            return machine
        raise UnknownVM(vm_id)

    def _take_turn(self, window: BackupWindow, vm_id: UUID, is_on: Callable[[], bool]) -> None:
        if not is_on():
            return
        try:
            self.start(self.of(vm_id), window, window.duration_s)
        except (BadChange, UnknownVM):
            self._state.ledger.skipped_backups.append((self._state.timeline.time_s, vm_id))
