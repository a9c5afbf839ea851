"""The audit log of the world: every start, the peaks, and every rule that somebody broke."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID


class ViolationKind(StrEnum):
    """A kind of harm that a bot must not do."""

    LIMIT_EXCEEDED = "limit-exceeded"
    """An accepted start made a host run more than its limit, counted on both ends and in both directions."""
    STARTED_WHILE_MOVING = "started-while-moving"
    """Somebody started a VM that was still moving."""
    FILES_REMOVED = "files-removed"
    """A folder was removed together with files."""
    VM_ON_TWO_HOSTS = "vm-on-two-hosts"
    """One VM is realized on two hosts and is no replica."""
    VM_LOST = "vm-lost"
    """A VM is on no host any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecord:
    """One call of Move-VM, whoever made it. `refused_for` is a name of `host_messages.CAUSES`; None: accepted."""

    at_s: float
    owner: str
    vm_id: UUID
    vm_name: str
    source: str
    destination: str
    kind: str
    refused_for: str | None
    has_delegated_logon: bool = True
    """What the second hop got: a logon it may use on the destination (CredSSP, forwarded tickets), or none."""

    @property
    def is_accepted(self) -> bool:
        return self.refused_for is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule that was broken."""

    at_s: float
    kind: ViolationKind
    owner: str
    """Who caused it; empty for the world itself (ordered trouble)."""
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A folder that somebody removed."""

    at_s: float
    owner: str
    host: str
    path: str


OVER_LIMIT = frozenset({"live-limit", "storage-limit"})


class AuditLog:
    """Everything that was done to the world."""

    def __init__(self) -> None:
        self.starts: list[StartRecord] = []
        self.violations: list[Violation] = []
        self.removals: list[Removal] = []
        self.skipped_backups: list[tuple[float, UUID]] = []
        self.peaks: dict[tuple[str, str], int] = {}
        """(host, "live" or "storage") to the most that ever ran at once, both directions."""

    def saw_running(self, host: str, kind: str, running: int) -> None:
        self.peaks[host, kind] = max(running, self.peaks.get((host, kind), 0))

    def peak(self, host: str, kind: str) -> int:
        return self.peaks.get((host, kind), 0)

    def over_limit_starts(self, owner: str | None = None) -> int:
        """Return how often a start was refused because a host was full: wasteful, but no harm done."""
        return sum(s.refused_for in OVER_LIMIT and owner in (None, s.owner) for s in self.starts)

    def violations_of(self, owner: str) -> tuple[Violation, ...]:
        return tuple(violation for violation in self.violations if violation.owner == owner)

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        over = Counter(start.owner for start in self.starts if start.refused_for in OVER_LIMIT)
        return {
            "starts": [{**asdict(s), "vm_id": str(s.vm_id), "is_accepted": s.is_accepted} for s in self.starts],
            "over_limit_starts": dict(over),
            "violations": [asdict(violation) for violation in self.violations],
            "removals": [asdict(removal) for removal in self.removals],
            "skipped_backups": [{"at_s": at_s, "vm_id": str(vm)} for at_s, vm in self.skipped_backups],
            "peaks": [{"host": h, "kind": k, "peak": n} for (h, k), n in sorted(self.peaks.items())],
        }
