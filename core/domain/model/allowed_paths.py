"""Says which folders of a host VMs may go to, and why not to another: those listed, or the host's defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.model import folder_names, windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import HostName, Snapshot

Allowed = Mapping[HostName, tuple[str, ...]]
"""The folders of each host that VMs may go to, and into."""


@dataclass(frozen=True, slots=True)
class FolderRules:
    """What the settings say of one host: the folders they list, if they do, and its own."""

    listed: tuple[str, ...] | None
    own: str


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


def targets_of(path: str, disks: Sequence[DiskTarget]) -> tuple[str, ...]:
    """Return the folders that a VM and its disks go to."""
    return tuple(dict.fromkeys((path, *(windows_paths.parent(disk.destination) for disk in disks))))
