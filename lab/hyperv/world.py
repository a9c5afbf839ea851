"""The simulated world: every host, VM, folder and migration of a fleet, moved through time by an injected clock.

The world neither sleeps nor waits. Each call first brings it up to `now()`; between calls nothing happens. It is not
thread-safe: call it from one event loop. Errors are those of `lab.hyperv.errors`; what a *cmdlet* would answer with an error
record is returned as `ErrorRecord`, not raised.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any
    from uuid import UUID

    from lab.hyperv.enums import VMState
    from lab.hyperv.fleet import VM, BackupVariant, Fleet
    from lab.hyperv.ledger import Ledger
    from lab.hyperv.migrations import Migration
    from lab.hyperv.moves import MoveRequest
    from lab.hyperv.trouble import Trouble
    from lab.hyperv.views import (
        CompatibilityReport,
        Counters,
        ErrorRecord,
        FolderEntry,
        HostView,
        JobView,
        VMView,
        VolumeView,
    )

_EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class World:
    """One fleet in time. `now` returns lab seconds since the lab started; `epoch` is the wall clock of second 0."""

    ledger: Ledger
    trouble: Trouble

    def __init__(self, fleet: Fleet, now: Callable[[], float], epoch: datetime = _EPOCH) -> None: ...

    # --- time

    def advance(self) -> None:
        """Bring the world up to `now()`. Every other method does this first."""

    def next_event_at(self) -> float | None:
        """Return the lab second at which something will next happen by itself, or None."""
        ...

    def datetime_at(self, time_s: float) -> datetime: ...

    # --- hosts

    def host_names(self) -> tuple[str, ...]: ...

    def canonical_host(self, name: str) -> str:
        """Return the host's short name for a short or fully qualified one in any case. Raises `UnknownHost`."""
        ...

    def is_login(self, host: str, user: str, password: str) -> bool: ...

    def host(self, name: str) -> HostView:
        """Return what Get-VMHost tells. Raises `UnknownHost`, as every method that takes a host does."""
        ...

    def counters(self, host: str) -> Counters:
        """Return the active migrations a host counts, both directions (see `Quirks`)."""
        ...

    def volumes(self, host: str) -> tuple[VolumeView, ...]: ...

    def free_memory_bytes(self, host: str) -> int: ...

    def change_host(self, host: str, changes: Mapping[str, Any]) -> HostView:
        """Change fields of `fleet.Host` while it runs, e.g. `{"live_limit": 1}`. Raises `BadDescription`."""
        ...

    # --- VMs

    def vms(self, host: str) -> tuple[VMView, ...]:
        """Return the realized VMs of a host sorted by name, as old as the host's quirks allow."""
        ...

    def vm(self, host: str, vm_id: UUID) -> VMView | None:
        """Return one VM by id, realized before planned, or None."""
        ...

    def create_vm(self, vm: VM) -> VMView: ...

    def remove_vm(self, host: str, vm_id: UUID) -> None:
        """Remove a VM; its disks stay, as Remove-VM leaves them."""

    def set_state(self, host: str, vm_id: UUID, state: VMState) -> None: ...

    def change_vm(self, host: str, vm_id: UUID, changes: Mapping[str, Any]) -> VMView:
        """Change fields of `fleet.VM` in place, e.g. `{"iso_path": None}`. Raises `BadDescription`."""
        ...

    def start_backup(
        self, vm_id: UUID, duration_s: float | None = None, variant: BackupVariant | None = None, merge_s: float = 0.0
    ) -> None:
        """Begin a backup of a VM where it is; without a duration until `stop_backup`."""

    def stop_backup(self, vm_id: UUID) -> None: ...

    def start_merge(self, vm_id: UUID, duration_s: float) -> None: ...

    # --- migrations

    def start_move(self, request: MoveRequest) -> Migration:
        """Do what Move-VM does and return at once; a refusal is a `Migration` that is done and has an error.

        The migration depends on nobody: only `request_state_change` on its job ends it early.
        """
        ...

    def compare(self, request: MoveRequest) -> CompatibilityReport | ErrorRecord:
        """Do what Compare-VM does, including the planned VM it leaves on the destination."""
        ...

    def migrations(self) -> tuple[Migration, ...]:
        """Return every migration since the lab started, oldest first."""
        ...

    def jobs(self, host: str) -> tuple[JobView, ...]:
        """Return Msvm_MigrationJob of a host; ended ones for five more minutes. Source: Microsoft docs, Msvm_MigrationJob."""
        ...

    def request_state_change(self, host: str, instance_id: str, requested_state: int) -> int:
        """Do RequestStateChange on a job (4 terminate, 5 kill) and return its ReturnValue; 32779 for no such job."""
        ...

    # --- folders

    def list_folder(self, host: str, path: str, *, include_hidden: bool = True) -> tuple[FolderEntry, ...]:
        """Return the direct children of a folder. Raises `FolderError`."""
        ...

    def entry(self, host: str, path: str) -> FolderEntry | None:
        """Return the file or folder at a path, or None."""
        ...

    def delete_folder(self, host: str, path: str, owner: str) -> None:
        """Remove an empty folder as `[IO.Directory]::Delete(path, $false)` does: at once or not at all. Raises `FolderError`."""

    def delete_tree(self, host: str, path: str, owner: str) -> None:
        """Remove a folder with all it holds; a loss of files is a violation in the ledger. Raises `FolderError`."""

    def add_file(self, host: str, path: str, *, size_bytes: int = 0, is_folder: bool = False, is_hidden: bool = False) -> None:
        """Put a file or folder on a volume, with the folders above it. Raises `FolderError` when the volume is full."""

    def fill_volume(self, host: str, path: str, free_bytes: int) -> None:
        """Let something else take the volume's space so that `free_bytes` are left."""

    # --- truth

    def truth(self) -> dict[str, Any]:
        """Return the whole world as plain data, for the control API and for a failing test's message."""
        ...
