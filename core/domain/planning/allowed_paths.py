"""Finds what a plan would put into folders that VMs may not go to."""

from collections.abc import Iterator, Sequence

from core.domain.model.allowed_paths import Allowed, targets_of, why_not
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity


def strayed(moves: Sequence[PlannedMove], allowed: Allowed) -> Iterator[Finding]:
    """Find what a plan itself would put elsewhere, such as a disk that keeps a drive that is not allowed."""
    for move in moves:
        for folder in targets_of(move.path, move.disks):
            what, hint = why_not(move.destination, folder, allowed.get(move.destination, ()))
            if what:
                yield Finding(
                    severity=Severity.BLOCKER,
                    code=FindingCode.FORBIDDEN_PATH,
                    text=f"{move.vm_name}: {what} {hint}",
                    vm_id=move.vm_id,
                )
                break
