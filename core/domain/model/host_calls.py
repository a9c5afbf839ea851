"""Calls to a host and its answers: orders, reports, receipts."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.model.inventory import VmId


@dataclass(frozen=True, slots=True)
class HostWord:
    """One error a host reported: its words (all lines), PowerShell's FullyQualifiedErrorId and category number."""

    text: str
    fqid: str = ""
    category: int = 0


@dataclass(frozen=True, slots=True)
class DiskTarget:
    """The target of one disk; the file name must stay the same (Microsoft docs: Move-VM -Vhds)."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """One move to start: ``address`` is how the source reaches the destination.

    Without ``disks`` everything goes below ``path`` (``-DestinationStoragePath``); with them the configuration goes to
    ``path`` and each disk to its own place (``-VirtualMachinePath`` and ``-Vhds``).
    """

    vm_id: VmId
    address: str
    path: str
    disks: tuple[DiskTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveReport:
    """The move command's report when it returned. A hint, not the truth."""

    errors: tuple[HostWord, ...] = ()
    warnings: tuple[str, ...] = ()


class FolderFate(StrEnum):
    """The possible fates of a folder that should be removed if empty."""

    REMOVED = "removed"
    KEPT = "kept"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class FolderReceipt:
    """One line of a clean-up receipt."""

    path: str
    fate: FolderFate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """A host's answer to a cancel. ``found``: it had a running job of that VM."""

    found: bool
    accepted: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class CompatibilityReply:
    """A host's answer to whether it could take a VM. ``reasons``: why not, or what it warns of, in its own language."""

    is_compatible: bool
    reasons: tuple[str, ...] = ()
