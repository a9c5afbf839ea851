"""Decides which VMs do one job for each other, and finds those that would meet on one host."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity

_NUMBERED = re.compile(r"(.*?[^\W\d_])[-_]?\d+")
"""``dc01``, ``dc-2``: a role and a number."""
_SHOWN = 5


def fitting(names: Sequence[str], patterns: Sequence[str]) -> dict[int, list[int]]:
    """Return by a name's number the numbers of the patterns it fits; names have no case."""
    if not patterns:
        return {}
    folded = [pattern.casefold() for pattern in patterns]
    found = {
        n: [p for p, one in enumerate(folded) if fnmatchcase(name.casefold(), one)] for n, name in enumerate(names)
    }
    return {number: groups for number, groups in found.items() if groups}


def meetings(
    moves: Sequence[PlannedMove], snapshots: Mapping[HostName, Snapshot], patterns: Sequence[str]
) -> tuple[Finding, ...]:
    """Warn of VMs of one role that would meet: of those named by a pattern any two, of the others when all would."""
    going = {move.vm_id: move.destination for move in moves}
    after = defaultdict[HostName, list[str]](list)
    before = dict[str, HostName]()
    for host, snapshot in snapshots.items():
        for vm in snapshot.vms:
            if vm.is_replica:
                continue
            before[vm.name] = host
            after[going.get(vm.id, host)].append(vm.name)
    moved = {(move.destination, move.vm_name) for move in moves}
    return (*_asked(after, moved, patterns), *_whole_roles(after, before, moved, patterns))


Moved = set[tuple[HostName, str]]


def _asked(after: Mapping[HostName, Sequence[str]], moved: Moved, patterns: Sequence[str]) -> Iterator[Finding]:
    for pattern in patterns:
        for host, names in after.items():
            members = sorted(name for name in names if fitting([name], [pattern]))
            if len(members) > 1 and any((host, name) in moved for name in members):
                yield _warning(members, host, f"apart={pattern} cannot be kept.")


def _whole_roles(
    after: Mapping[HostName, Sequence[str]], before: Mapping[str, HostName], moved: Moved, patterns: Sequence[str]
) -> Iterator[Finding]:
    """Find roles whose VMs are on several hosts now and would all be on one."""
    roles = defaultdict[str, list[tuple[HostName, str]]](list)
    for host, names in after.items():
        for name in names:
            if (found := _NUMBERED.fullmatch(name)) and not fitting([name], patterns):
                roles[found[1].casefold()].append((host, name))
    for role, members in roles.items():
        hosts = {host for host, _ in members}
        names = sorted(name for _, name in members)
        if len(hosts) == 1 and len(names) > 1 and len({before[name] for name in names}) > 1 and moved & set(members):
            yield _warning(names, hosts.pop(), f"They are on different hosts now; apart={role}* keeps them apart.")


def _warning(names: Sequence[str], host: HostName, more: str) -> Finding:
    shown = [*names[:_SHOWN], f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else names
    text = f"{', '.join(shown[:-1])} and {shown[-1]} would meet on {host}. {more}"
    return Finding(severity=Severity.WARNING, code=FindingCode.MEET, text=text)
