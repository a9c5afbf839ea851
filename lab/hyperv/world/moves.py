"""What a caller asks of Move-VM and Compare-VM, and the handle of the migration that results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.hyperv.world.fleet import MigrationKind

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """One call of Move-VM or Compare-VM. Source: Microsoft docs, Move-VM.

    `storage_path` is -DestinationStoragePath. The four fields after it are the MultipleDestinations sets; `vhds` holds
    (SourceFilePath, DestinationFilePath) pairs. Host names may be short or fully qualified, in any case.
    """

    vm_id: UUID
    source: str
    destination: str
    owner: str
    """Who asks: job owner and name in the ledger."""
    kind: MigrationKind = MigrationKind.LIVE_AND_STORAGE
    storage_path: str | None = None
    virtual_machine_path: str | None = None
    snapshot_path: str | None = None
    paging_path: str | None = None
    vhds: tuple[tuple[str, str], ...] = ()
    has_delegated_logon: bool = True
    """The session on the source holds credentials it may use on a second host (CredSSP, Basic, delegated Kerberos)."""
