"""Decides whether VMs may go to a folder of a host: only where the settings, or the host's own defaults, let them."""

from collections.abc import Iterator, Mapping, Sequence

from core.domain.model import folder_names, windows_paths
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity

Allowed = Mapping[HostName, tuple[str, ...]]
"""The folders of each host that VMs may go to, and into."""


def allowed_paths(listed: Sequence[str] | None, own: str, snapshot: Snapshot | None) -> tuple[str, ...]:
    """Return the folders of one host: those listed; without a list its own, and the host's defaults on its drives."""
    if listed is not None:
        return tuple(listed)
    facts = snapshot.facts if snapshot is not None else None
    defaults = (facts.default_vm_path, facts.default_disk_path) if facts is not None else ()
    found: list[str] = [own] if own else []
    for path in filter(None, defaults):
        if not windows_paths.is_on_share(path) and not folder_names.is_allowed(path, found):
            found.append(path)
    return tuple(found)


def why_not(host: HostName, path: str, allowed: Sequence[str]) -> tuple[str, str]:
    """Say why VMs may not go to a folder, and what to do; two empty texts when they may."""
    if why := folder_names.why_refused(path):
        return f"{path} is not a folder I use: {why}.", "Name a full one, such as D:\\VMs."
    if folder_names.is_allowed(path, allowed):
        return "", ""
    kind = "a share" if windows_paths.is_on_share(path) else "a folder"
    known = f"Allowed there: {', '.join(allowed)}. " if allowed else ""
    return f"{path} is not {kind} that VMs may go to on {host}.", f"{known}Others go into hosts.{host}.allowed_paths."


def strayed(moves: Sequence[PlannedMove], allowed: Allowed) -> Iterator[Finding]:
    """Find what a plan itself would put elsewhere, such as a disk that keeps a drive that is not allowed."""
    for move in moves:
        folders = (move.path, *(windows_paths.parent(disk.destination) for disk in move.disks))
        for folder in dict.fromkeys(folders):
            what, hint = why_not(move.destination, folder, allowed.get(move.destination, ()))
            if what:
                yield Finding(
                    severity=Severity.BLOCKER,
                    code=FindingCode.FORBIDDEN_PATH,
                    text=f"{move.vm_name}: {what} {hint}",
                    vm_id=move.vm_id,
                )
                break
