"""Keeps the books of a placement: who is on which host, what is left there, and when each host would be done."""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Needs = Sequence[tuple[Hashable, int]]
"""What a VM takes on a host: of which resource how much."""
Change = Sequence[tuple[int, int]]
"""VMs and the hosts they go to."""
Place = tuple[int, int]
"""A source (0), a host (1) or a link (2), by its number."""
Shares = Sequence[tuple[int, float]]
"""Links by their numbers, each with the share of it that a move takes while it runs."""

SOURCE, HOST, LINK = range(3)

_SAME = 0.01
"""Ends that differ by less than this share of the whole are the same when VMs are placed: then room decides."""
_FEW = 48
"""A host with more VMs has its work spread evenly over its slots; with fewer they are dealt out one by one."""
_DEPTH = 3
"""How many VMs may move aside, one for the other, to make room for one more."""
_ASIDE = 4_000
"""How many ways to make room are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """VMs, hosts and slots by number. ``seconds`` has an entry for each host that may take a VM, no others."""

    seconds: Sequence[Mapping[int, float]]
    sources: Sequence[int]
    source_slots: Sequence[int]
    host_slots: Sequence[int]
    needs: Callable[[int, int], Needs]
    room: Mapping[Hashable, int]
    source_busy: Sequence[Sequence[float]] = ()
    """Seconds that moves of others still take there, each in one slot."""
    host_busy: Sequence[Sequence[float]] = ()
    groups: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """The groups of a VM, whose members should not meet on one host."""
    met: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """How many of a group a host has already, by group and host."""
    kept: Mapping[int, int] = field(default_factory=dict)
    """Where a VM stays if it can."""
    pinned: frozenset[int] = frozenset()
    """VMs that a person put there: they are placed before all others."""
    at_once: int = 0
    links: Mapping[tuple[int, int], Shares] = field(default_factory=dict)
    """The links from a source to a host."""
    link_busy: Sequence[Sequence[tuple[float, float]]] = ()
    """Of each link what moves of others still take: seconds, and their share of it."""

    def links_of(self, vm: int, host: int) -> Shares:
        """Return the links that a VM is on when it goes to a host."""
        return self.links.get((self.sources[vm], host), ()) if self.links else ()

    def stays(self, vm: int) -> bool:
        """Whether a VM can stay where it was, room aside; whose host takes it no more is placed after those."""
        return self.kept.get(vm) in self.seconds[vm]


def largest_share(problem: Problem, vm: int) -> float:
    """Return the largest share of a resource that a VM takes, on the host where it takes least."""
    return min(
        (max((need / max(1, problem.room.get(what, 1)) for what, need in problem.needs(vm, host)), default=0.0)
         for host in problem.seconds[vm]),
        default=0.0,
    )  # fmt: skip


class Assignment:
    """Who is where, what is left of each resource, and when each source and each host would be done."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.host_of: dict[int, int] = {}
        self._used: Counter[Hashable] = Counter()
        self._groups: Counter[tuple[int, int]] = Counter(problem.met)
        self.on: defaultdict[int, set[int]] = defaultdict(set)
        self.of_source: defaultdict[int, set[int]] = defaultdict(set)
        self.on_link: defaultdict[int, set[int]] = defaultdict(set)
        self._work: defaultdict[Place, float] = defaultdict(float)
        for link, busy in enumerate(problem.link_busy):
            self._work[LINK, link] = sum(seconds * share for seconds, share in busy)
        self.fullness = [0.0] * len(problem.host_slots)
        self.floor = self._bound()
        self._looks = _ASIDE

    # ------------------------------------------------------------------ one after the other

    def fill(self, order: Iterable[int]) -> "Assignment":
        """Place VMs in this order: those that stay where they were first, the others where they are done soonest."""
        slots = [self.slots(self.problem.host_busy, host, count) for host, count in enumerate(self.problem.host_slots)]
        order = sorted(order, key=lambda vm: (vm not in self.problem.pinned, not self.problem.stays(vm)))
        stuck = []
        for vm in order:
            host = self._choose(vm, slots)
            if host is None:
                stuck.append(vm)
                continue
            self.put(vm, host)
            heapq.heapreplace(slots[host], slots[host][0] + self.problem.seconds[vm][host])
        for vm in stuck:
            self.squeeze_in(vm)
        return self

    def _choose(self, vm: int, slots: Sequence[list[float]]) -> int | None:
        row, step = self.problem.seconds[vm], max(self.floor * _SAME, 1e-9)
        kept = self.problem.kept.get(vm)
        if kept is not None and kept in row and self.fits(vm, kept):
            return kept
        groups = self.problem.groups.get(vm, ())
        floor, fullness = self.floor, self.fullness
        links = self.problem.links
        ranked = [
            (
                sum([self._groups[group, host] for group in groups]) if groups else 0,
                max(slots[host][0] + seconds, floor, self._link_end(vm, host) if links else 0.0) // step,
                fullness[host],
                slots[host][0],
                host,
            )
            for host, seconds in row.items()
        ]
        if not ranked:
            return None
        best = min(ranked)[-1]
        if self.fits(vm, best):
            return best
        return next((rank[-1] for rank in sorted(ranked) if self.fits(vm, rank[-1])), None)

    def _link_end(self, vm: int, host: int) -> float:
        """Return when the slowest link from a VM to a host is done with what it carries, this VM included."""
        seconds = self.problem.seconds[vm][host]
        shares = self.problem.links_of(vm, host)
        return max((self._work[LINK, link] + seconds * share for link, share in shares), default=0.0)

    def squeeze_in(self, vm: int) -> bool:
        """Find room for a VM by letting others move aside."""
        path = self._way(vm, _DEPTH, frozenset({vm}))
        for moved, host in path or ():
            self.take(moved)
            self.put(moved, host)
        return path is not None

    def _way(self, vm: int, depth: int, passed: frozenset[int]) -> list[tuple[int, int]] | None:
        """Return which VMs to put where, last first, so that this one fits; None where there is no such way."""
        hosts = sorted(self.problem.seconds[vm], key=lambda host: self.fullness[host])
        for host in hosts:
            if self.fits(vm, host):
                return [(vm, host)]
        if depth < 1 or self._looks < 1:
            return None
        for host in hosts:
            for other in sorted(self.on[host] - passed, key=lambda one: len(self.problem.seconds[one]), reverse=True):
                self._looks -= 1
                if self._looks < 1:
                    return None
                self.take(other)
                fits = self.fits(vm, host)
                way = None
                if fits:
                    self.put(vm, host)
                    way = self._way(other, depth - 1, passed | {other})
                    self.take(vm)
                self.put(other, host)
                if way is not None:
                    return [*way, (vm, host)]
        return None

    # ------------------------------------------------------------------ the books

    def fits(self, vm: int, host: int) -> bool:
        room, used = self.problem.room, self._used
        return all(used[what] + need <= room.get(what, math.inf) for what, need in self.problem.needs(vm, host))

    def share_left(self, what: Hashable) -> float:
        """Return which share of a resource nobody has taken."""
        return 1 - self._used[what] / max(1, self.problem.room.get(what, 1))

    def put(self, vm: int, host: int) -> None:
        self._count(vm, host, 1)
        self.host_of[vm] = host
        self.on[host].add(vm)
        self.of_source[self.problem.sources[vm]].add(vm)
        for link, _ in self.problem.links_of(vm, host):
            self.on_link[link].add(vm)

    def take(self, vm: int) -> None:
        host = self.host_of.pop(vm, None)
        if host is not None:
            self._count(vm, host, -1)
            self.on[host].discard(vm)
            self.of_source[self.problem.sources[vm]].discard(vm)
            for link, _ in self.problem.links_of(vm, host):
                self.on_link[link].discard(vm)

    def _count(self, vm: int, host: int, sign: int) -> None:
        seconds = sign * self.problem.seconds[vm][host]
        self._work[HOST, host] += seconds
        self._work[SOURCE, self.problem.sources[vm]] += seconds
        for link, share in self.problem.links_of(vm, host):
            self._work[LINK, link] += seconds * share
        shares = [0.0]
        for what, need in self.problem.needs(vm, host):
            self._used[what] += sign * need
            shares.append(self._used[what] / max(1, self.problem.room.get(what, 1)) if need > 1 else 0.0)
        self.fullness[host] = max(shares)
        for group in self.problem.groups.get(vm, ()):
            self._groups[group, host] += sign

    def slots(self, busy: Sequence[Sequence[float]], number: int, count: int) -> list[float]:
        """Return when each slot gets free; what is more than the slots follows on."""
        slots = [0.0] * max(1, count)
        for seconds in sorted(busy[number] if busy else (), reverse=True):
            heapq.heapreplace(slots, slots[0] + seconds)
        return slots

    def is_free(self, vm: int) -> bool:
        """Whether a VM may be put elsewhere for the sake of time."""
        return not self.problem.stays(vm) and vm not in self.problem.groups

    def at(self, place: Place) -> set[int]:
        """Return the VMs of a source, a host or a link."""
        kind, number = place
        return (self.of_source, self.on, self.on_link)[kind][number]

    def places(self, vm: int, host: int) -> Iterator[Place]:
        """Yield the places that have work by a VM on a host."""
        yield SOURCE, self.problem.sources[vm]
        yield HOST, host
        for link, _ in self.problem.links_of(vm, host):
            yield LINK, link

    def ends(self, place: Place) -> float:
        """Return when a place is done with its share: dealt out longest first, or evenly when there are many."""
        kind, number = place
        if kind == LINK:
            return self._work[place] if self.on_link[number] else 0.0
        is_host = kind == HOST
        problem = self.problem
        vms, busy = (self.on[number], problem.host_busy) if is_host else (self.of_source[number], problem.source_busy)
        count = (problem.host_slots if is_host else problem.source_slots)[number]
        if not vms:
            return 0.0
        if len(vms) > _FEW:
            begun = sum(busy[number]) if busy else 0.0
            return (begun + self._work[place]) / max(1, count)
        slots = self.slots(busy, number, count)
        for one in sorted((problem.seconds[vm][self.host_of[vm]] for vm in vms), reverse=True):
            heapq.heapreplace(slots, slots[0] + one)
        return max(slots)

    def _bound(self) -> float:
        """Return what nothing can beat: a source's work, all work over all slots, the longest move."""
        problem = self.problem
        least = [min(row.values(), default=0.0) for row in problem.seconds]
        busy = [*problem.source_busy, *problem.host_busy]
        work = [sum(busy[number]) if busy else 0.0 for number in range(len(self.problem.source_slots))]
        for vm, seconds in enumerate(least):
            work[problem.sources[vm]] += seconds
        bounds = [total / max(1, slots) for total, slots in zip(work, problem.source_slots, strict=True)]
        slots = sum(max(1, count) for count in problem.host_slots)
        bounds += [(sum(least) + sum(map(sum, problem.host_busy))) / max(1, slots), max(least, default=0.0)]
        if problem.at_once:
            bounds.append(sum(least) / problem.at_once)
        return max((*bounds, *self._link_bounds()))

    def _link_bounds(self) -> list[float]:
        """Return what each link has to carry of VMs that have no way around it."""
        problem = self.problem
        work = [self._work[LINK, link] for link in range(len(problem.link_busy))]
        for vm, row in enumerate(problem.seconds if work else ()):
            ways = [{n: s * row[host] for n, s in problem.links_of(vm, host)} for host in row]
            for link in ways[0] if ways else ():
                work[link] += min(way.get(link, 0.0) for way in ways)
        return work

    def apply(self, change: Change) -> bool:
        """Put VMs elsewhere; False, and nothing changed, when one finds no room there."""
        before = [(vm, self.host_of[vm]) for vm, _ in change]
        for vm, _ in change:
            self.take(vm)
        for vm, host in change:
            if not self.fits(vm, host):
                for one, _ in change:
                    if one in self.host_of:
                        self.take(one)
                for one, home in before:
                    self.put(one, home)
                return False
            self.put(vm, host)
        return True
