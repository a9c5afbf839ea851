"""Decides where each VM of a request goes among its destinations: filter, then weigh, and says why.

Filter: no VM goes to a host where a blocker of preflight would stand while another host would take it. Weigh: of what
is left, the shortest time until all is done, within everybody's room (weigh.py).
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.model import windows_paths
from core.domain.model.inventory import HostName, Inspection, VmDetails, VmId
from core.domain.planning.apart import fitting
from core.domain.planning.assignment import Needs, Problem
from core.domain.planning.destinations import Destination, keep_drives
from core.domain.planning.host_fit import fit_blockers, fit_key, host_blockers, no_listener, vm_blockers
from core.domain.planning.link_shares import link_shares
from core.domain.planning.placement_reasons import Reasons, Refused
from core.domain.planning.room import (
    SPARE_DISK_BYTES,
    SPARE_MEMORY_BYTES,
    disk_targets,
    file_targets,
    is_live,
    too_long,
    volume_needs,
)
from core.domain.planning.speeds import OVERHEAD_S, Speeds
from core.domain.planning.weigh import weigh
from core.domain.planning.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a placement depends on besides VMs and hosts."""

    homes: Mapping[VmId, HostName]
    slots: Mapping[HostName, int]
    speeds: Speeds
    now: datetime | None = None
    """The time on the wall, for what the links carry then; None: they carry the most they ever do."""
    others: Sequence[Work] = ()
    """Moves of other jobs and of other people, running or waiting: they take slots."""
    taken: Mapping[tuple[HostName, str], frozenset[str]] = field(default_factory=dict)
    """Files that lie in a destination's folder already, as preflight has them."""
    settled: frozenset[VmId] = frozenset()
    """VMs that will not move whatever the host: they take room and time from nobody."""
    keeps_drives: bool = False
    own_folders: bool = False
    apart: Sequence[str] = ()
    """Patterns of names: VMs that fit the same one go to different hosts, as far as there are enough."""
    keep: Mapping[VmId, HostName] = field(default_factory=dict)
    """Where an earlier plan had a VM: it stays there if it can."""
    pinned: Mapping[VmId, HostName] = field(default_factory=dict)
    """Where a person put a VM: it goes there or nowhere, and gets its room before those that are kept."""
    said_no: Mapping[VmId, Collection[HostName]] = field(default_factory=dict)
    """Hosts that were asked about a VM and said that they cannot take it."""
    at_once: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """The destination of each VM, and why that one and not the others; no reason where there was no choice."""

    chosen: Mapping[VmId, Destination]
    why: Mapping[VmId, str] = field(default_factory=dict)
    unplaced: frozenset[VmId] = frozenset()
    """VMs that no host takes, or none has room for once the others are placed."""


def place(
    vms: Sequence[VmDetails],
    targets: Sequence[Destination],
    inspections: Mapping[HostName, Inspection],
    conditions: Conditions,
) -> Placement:
    """Choose a destination for each VM. With one destination nothing is chosen: preflight says what stands against."""
    if len(targets) == 1 and not conditions.keep:
        return Placement({row.vm.id: targets[0] for row in vms})
    hosts = [inspections.get(target.host) for target in targets]
    refused = _filter(vms, targets, inspections, conditions)
    rooms = _Rooms(vms, targets, hosts, conditions)
    problem = _problem(vms, targets, hosts, refused, rooms, conditions)
    weighed = weigh(problem)
    # Before anybody was shown the plan, that a VM stays with a host is no reason that means anything to him.
    words = Reasons(targets, problem, weighed, refused, conditions.speeds.links, tells_who_stays=not conditions.said_no)
    chosen, why = dict[VmId, Destination](), dict[VmId, str]()
    shut = {n for n, host in enumerate(hosts) if _closed(targets[n], host)}
    for number, row in enumerate(vms):
        host = weighed[number] if number in weighed else _least_bad(number, problem, refused, shut)
        chosen[row.vm.id] = targets[host]
        why[row.vm.id] = words.of(number, host)
    return Placement(chosen, why, frozenset(row.vm.id for number, row in enumerate(vms) if number not in weighed))


def _filter(
    vms: Sequence[VmDetails],
    targets: Sequence[Destination],
    inspections: Mapping[HostName, Inspection],
    conditions: Conditions,
) -> list[Refused]:
    """Find for each VM the hosts that do not take it, by the rules of preflight."""
    hosts = [inspections.get(target.host) for target in targets]
    closed = {number: why for number, target in enumerate(targets) if (why := _closed(target, hosts[number]))}
    everywhere = dict.fromkeys(range(len(targets)), "")
    homes = {home: inspections[home].snapshot.facts for home in {*conditions.homes.values()} & {*inspections}}
    shut = {home for home, facts in homes.items() if next(host_blockers(home, facts), None) is not None}
    twins = {vm.id for host in hosts if host is not None for vm in host.snapshot.vms}
    alike: dict[Hashable, Refused] = {}
    refused = list[Refused]()
    for row in vms:
        long = _too_long(row, targets, own_folder=conditions.own_folders)
        is_settled = row.vm.id in conditions.settled or conditions.homes[row.vm.id] in shut
        if is_settled or next(vm_blockers(row), None) is not None:
            refused.append(everywhere | closed)
            continue
        own = row.vm.id if row.vm.id in twins or row.vm.id in conditions.pinned else None
        kind = (fit_key(row), own)
        if kind not in alike:
            found = {
                number: "; ".join(one.short for one in fit_blockers(row, host))
                for number, host in enumerate(hosts)
                if host is not None
            }
            elsewhere = _elsewhere(conditions.pinned.get(row.vm.id), targets)
            alike[kind] = {**elsewhere, **{number: why for number, why in found.items() if why}, **closed}
        no = _said_no(conditions.said_no.get(row.vm.id, ()), targets)
        refused.append({**alike[kind], **no, **long} if no or long else alike[kind])
    return refused


def _said_no(hosts: Collection[HostName], targets: Sequence[Destination]) -> Refused:
    """Return the hosts that say themselves that they cannot take a VM."""
    return {number: "says that it cannot take it" for number, target in enumerate(targets) if target.host in hosts}


def _too_long(row: VmDetails, targets: Sequence[Destination], *, own_folder: bool) -> Refused:
    """Return the hosts in whose folder a path of the VM would be longer than Windows opens; a drive changes nothing."""
    folders = {target.path for target in targets}
    long = {
        path for path in folders if too_long(windows_paths.join(path, row.vm.name) if own_folder else path, (), row)
    }
    return {n: "its path would be too long there" for n, target in enumerate(targets) if target.path in long}


def _elsewhere(pinned: HostName | None, targets: Sequence[Destination]) -> Refused:
    """Return the hosts a person did not choose; nothing more needs to be said of them."""
    return {number: "" for number, target in enumerate(targets) if pinned is not None and target.host != pinned}


def _closed(target: Destination, host: Inspection | None) -> str:
    """Say why a destination takes no VM at all; empty when it may."""
    if host is None:
        return "could not be looked at"
    facts = host.snapshot.facts
    if why := next((one.short for say in (host_blockers, no_listener) for one in say(target.host, facts)), ""):
        return why
    _, elsewhere = volume_needs([(target.path, 0)], tuple(volume.root for volume in host.volumes))
    return f"has no volume for {target.path}" if elsewhere and not windows_paths.is_on_share(target.path) else ""


class _Rooms:
    """What there is on the destinations, and what each VM takes of it: bytes, memory, and names of files."""

    def __init__(
        self,
        vms: Sequence[VmDetails],
        targets: Sequence[Destination],
        hosts: Sequence[Inspection | None],
        conditions: Conditions,
    ) -> None:
        self._vms, self._targets, self._hosts, self._at = vms, targets, hosts, conditions
        self._roots = [tuple(v.root for v in host.volumes) if host else () for host in hosts]
        self._root = [windows_paths.volume_of(t.path, r) for t, r in zip(targets, self._roots, strict=True)]
        self._bytes = [row.disk_bytes for row in vms]
        self.room: dict[Hashable, int] = {}
        for number, host in enumerate(hosts):
            for volume in host.volumes if host else ():
                self.room[number, volume.root] = volume.free_bytes - SPARE_DISK_BYTES
            self.room[number, ""] = (host.memory_free_bytes if host else 0) - SPARE_MEMORY_BYTES
        # With a folder for each VM only its own disks can meet there.
        owners = [(number if conditions.own_folders else 0, row) for number, row in enumerate(vms)]
        names = Counter((owner, name) for owner, row in owners for name in _file_names(row))
        self._clashing = {place for place, count in names.items() if count > 1}
        if not conditions.own_folders:
            lying = (path for paths in conditions.taken.values() for path in paths)
            self._clashing |= {(0, windows_paths.name_key(path)) for path in lying}
        self._known: dict[tuple[int, int], Needs] = {}

    def needs(self, vm: int, host: int) -> Needs:
        """Return what a VM takes on a host."""
        known = self._known.get((vm, host))
        if known is None:
            known = self._known[vm, host] = self._needs(vm, host)
        return known

    def _needs(self, vm: int, host: int) -> Needs:
        needs: list[tuple[Hashable, int]] = []
        row, at, path, there = self._vms[vm], self._at, self._targets[host].path, self._hosts[host]
        disks = keep_drives(row, path, there.volumes) if at.keeps_drives and there else ()
        if is_live(row.vm):
            needs.append(((host, ""), row.vm.memory_bytes))
        if not disks:
            if (root := self._root[host]) is not None:
                needs.append(((host, root), self._bytes[vm]))
        else:
            volumes, _ = volume_needs(file_targets(path, disks, row), self._roots[host])
            needs += [((host, root), length) for root, length in volumes.items()]
        if self._clashing:
            places = [place for place, _ in disk_targets(path, disks, row)]
            needs += self._names(host, vm if at.own_folders else 0, places)
        return needs

    def _names(self, host: int, owner: int, places: Sequence[str]) -> Iterator[tuple[Hashable, int]]:
        """Take the names of files that others have too: one each, or none where such a file lies already."""
        keys = Counter(windows_paths.key(p) for p in places if (owner, windows_paths.name_key(p)) in self._clashing)
        for key, count in keys.items():
            folder = self._targets[host].host, windows_paths.key(windows_paths.parent(key))
            lies_there = not self._at.own_folders and key in self._at.taken.get(folder, frozenset())
            self.room.setdefault((host, owner, key), 0 if lies_there else 1)
            yield (host, owner, key), count


def _file_names(row: VmDetails) -> list[str]:
    return [windows_paths.name_key(file.path) for file in row.files]


def _problem(  # noqa: PLR0917 (everything, once)
    vms: Sequence[VmDetails],
    targets: Sequence[Destination],
    hosts: Sequence[Inspection | None],
    refused: Sequence[Refused],
    rooms: _Rooms,
    at: Conditions,
) -> Problem:
    """Put it all in numbers."""
    homes = [at.homes[row.vm.id] for row in vms]
    sources = {host: number for number, host in enumerate(dict.fromkeys(homes))}
    numbers = {target.host: number for number, target in enumerate(targets)}
    pace = {home: [1 / at.speeds.of(home, target.host) for target in targets] for home in sources}
    seconds = []
    for row, home, closed in zip(vms, homes, refused, strict=True):
        length = row.disk_bytes + (row.vm.memory_bytes if is_live(row.vm) else 0)
        seconds.append({n: OVERHEAD_S + length * one for n, one in enumerate(pace[home]) if n not in closed})
    busy = {host: [w.seconds for w in at.others if host in {w.source, w.destination}] for host in (*sources, *numbers)}
    members = fitting([row.vm.name for row in vms], at.apart)
    moving = {row.vm.id for row in vms}
    met = Counter[tuple[int, int]]()
    for number, host in enumerate(hosts):
        staying = [vm.name for vm in host.snapshot.vms if vm.id not in moving] if host and at.apart else []
        met.update((group, number) for groups in fitting(staying, at.apart).values() for group in groups)
    links, link_busy = link_shares(sources, numbers, at.speeds, at.others, at.now)
    stays = {**at.keep, **at.pinned}
    kept = ((n, numbers.get(stays.get(row.vm.id, HostName("")))) for n, row in enumerate(vms))
    return Problem(
        seconds=seconds,
        sources=[sources[home] for home in homes],
        source_slots=[at.slots.get(host, 1) for host in sources],
        host_slots=[at.slots.get(target.host, 1) for target in targets],
        needs=rooms.needs,
        room=rooms.room,
        source_busy=[busy[host] for host in sources],
        host_busy=[busy[target.host] for target in targets],
        groups=members,
        met=met,
        kept={number: host for number, host in kept if host is not None},
        pinned=frozenset(number for number, row in enumerate(vms) if row.vm.id in at.pinned),
        at_once=at.at_once,
        links=links,
        link_busy=link_busy,
    )


def _least_bad(vm: int, problem: Problem, refused: Sequence[Refused], shut: Collection[int]) -> int:
    """Choose for a VM that fits nowhere, no host that takes nobody: preflight will say what stands against it there."""
    closed, hosts = refused[vm], range(len(problem.host_slots))
    if vm in problem.kept:
        return problem.kept[vm]
    open_ones = [host for host in hosts if not closed.get(host)] or [h for h in hosts if h not in shut] or list(hosts)

    def least_left(host: int) -> int:
        return min((problem.room.get(what, need) - need for what, need in problem.needs(vm, host)), default=0)

    return max(open_ones, key=lambda host: (least_left(host), -host))
