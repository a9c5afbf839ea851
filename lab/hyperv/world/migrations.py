"""One migration: how far it is, how it ended, and how its job looks. Source: Microsoft docs, Msvm_MigrationJob."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.hyperv.world.enums import JobState, JobType, MigrationType
from lab.hyperv.world.enums import OperationalStatus as Op
from lab.hyperv.world.fleet import MigrationKind
from lab.hyperv.world.migration_steps import Phase
from lab.hyperv.world.views import JobView

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from lab.hyperv.world.event_queue import Appointment, EventQueue
    from lab.hyperv.world.faults import MoveFault
    from lab.hyperv.world.fleet import VM
    from lab.hyperv.world.migration_steps import Step
    from lab.hyperv.world.moves import MoveRequest
    from lab.hyperv.world.network import Transfer
    from lab.hyperv.world.views import ErrorRecord


_UNCANCELLABLE = {Phase.SWITCH_OVER, Phase.DELETION, Phase.ROLLBACK, Phase.ENDED}

_LOOKS = {
    MigrationKind.LIVE_AND_STORAGE: (
        "Moving Virtual Machine and Storage",
        MigrationType.VirtualSystemAndStorage,
        JobType.MovingVMAndStorage,
    ),
    MigrationKind.LIVE: ("Moving Virtual Machine", MigrationType.VirtualSystem, JobType.MovingVM),
    MigrationKind.STORAGE: ("Moving Storage", MigrationType.Storage, JobType.MovingStorage),
}


class Migration:
    """A migration from its start on. Reading it brings the world up to now; nobody's absence stops it."""

    def __init__(
        self, number: int, request: MoveRequest, vm: VM, timeline: EventQueue, advance: Callable[[], None]
    ) -> None:
        self.number = number
        self.request = request
        self.vm = vm
        """The VM as it was at the start."""
        self.landed: VM | None = None
        """The VM as it will be on the destination."""
        self.instance_id = f"Microsoft:{str(vm.id).upper()}\\{number}"
        self.started_s = timeline.time_s
        self.changed_s = timeline.time_s
        self.ended_s: float | None = None
        self.has_job = True
        self.phase = Phase.SETUP
        self.state = JobState.New
        self.error: ErrorRecord | None = None
        self.fault: MoveFault | None = None
        self.made_folders: list[str] | None = None
        """Folders of the destination that were not there before; None until its files were made."""
        self.has_moved = False
        """The truth: the VM is where it should go, whatever the job says."""
        self.on_end: list[Callable[[Migration], None]] = []
        self.steps: list[Step] = []
        self.step_since_s = timeline.time_s
        self.transfer: Transfer | None = None
        self.appointment: Appointment | None = None
        self.last_percent = 0.0
        self._timeline = timeline
        self._advance = advance

    @property
    def vm_id(self) -> UUID:
        return self.vm.id

    @property
    def source(self) -> str:
        return self.request.source

    @property
    def destination(self) -> str:
        return self.request.destination

    @property
    def owner(self) -> str:
        return self.request.owner

    @property
    def kind(self) -> MigrationKind:
        return self.request.kind

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host or hosts whose slots and network it uses."""
        return (self.source,) if self.kind is MigrationKind.STORAGE else (self.source, self.destination)

    @property
    def activity(self) -> str:
        """The job's ElementName, which is also the activity of Move-VM's progress records."""
        return _LOOKS[self.kind][0]

    @property
    def is_done(self) -> bool:
        """Whether the job has ended, well or not."""
        self._advance()
        return self.ended_s is not None

    @property
    def percent(self) -> int:
        """How far the job says it is, 0 to 100."""
        self._advance()
        return int(self.percent_at(self._timeline.time_s))

    @property
    def errors(self) -> tuple[ErrorRecord, ...]:
        """What Move-VM writes to its error stream; empty while it runs and when it says it succeeded."""
        self._advance()
        return (self.error,) if self.error and self.ended_s is not None else ()

    @property
    def is_cancellable(self) -> bool:
        return self.ended_s is None and self.phase not in _UNCANCELLABLE and self.state is not JobState.ShuttingDown

    @property
    def holds_storage(self) -> bool:
        """Whether disks may still be copied."""
        return self.phase in {Phase.SETUP, Phase.DISK_COPY, Phase.DISK_MIRROR}

    def percent_at(self, time_s: float) -> float:
        """Return the percentage without bringing the world up to now."""
        if self.ended_s is not None or not self.steps:
            return self.last_percent
        step = self.steps[0]
        if self.transfer is not None:
            part = 1.0 - self.transfer.left_bytes / step.size_bytes if step.size_bytes else 1.0
        elif step.duration_s and self.appointment is not None:
            part = min(1.0, (time_s - self.step_since_s) / step.duration_s)
        else:
            return self.last_percent
        return step.percent_from + part * (step.percent_to - step.percent_from)

    def storage_status(self) -> int:
        """Return the second operational status of the VM on its source."""
        if self.phase is Phase.DISK_COPY:
            return Op.StorageMigrationPhaseOne
        if self.phase is Phase.DISK_MIRROR:
            return Op.StorageMigrationPhaseTwo
        return Op.MigratingVirtualMachine

    def job(self, time_s: float, datetime_at: Callable[[float], datetime]) -> JobView:
        """Return the job as WMI lists it."""
        name, migration_type, job_type = _LOOKS[self.kind]
        ended = self.ended_s is not None
        error = self.error if ended else None
        return JobView(
            instance_id=self.instance_id,
            name=name,
            virtual_system_name=str(self.vm.id).upper(),
            destination_host=None if self.kind is MigrationKind.STORAGE else self.destination,
            migration_type=migration_type,
            job_type=job_type,
            state=self.state,
            percent=int(self.percent_at(time_s)),
            is_cancellable=self.is_cancellable,
            owner=self.owner,
            error_code=error.code if error else 0,
            error_description=error.description if error else None,
            error_summary=error.summary if error else None,
            started_at=datetime_at(self.started_s),
            changed_at=datetime_at(self.changed_s),
            elapsed_s=(self.ended_s if self.ended_s is not None else time_s) - self.started_s,
            destination_path=self.landed.path if self.landed else None,
        )

    def as_data(self, time_s: float) -> dict[str, Any]:
        """Return plain data for the control API."""
        return {
            "instance_id": self.instance_id,
            "vm_id": str(self.vm.id),
            "vm_name": self.vm.name,
            "source": self.source,
            "destination": self.destination,
            "kind": self.kind.value,
            "owner": self.owner,
            "phase": self.phase.value,
            "state": self.state.name,
            "percent": int(self.percent_at(time_s)),
            "is_cancellable": self.is_cancellable,
            "started_s": self.started_s,
            "ended_s": self.ended_s,
            "has_moved": self.has_moved,
            "error": self.error.message if self.error else None,
        }
