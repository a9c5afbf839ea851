"""How long moves take: a list schedule over the hosts' slots, with a lower bound that nothing can beat."""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.fleet import HostName

Pair = tuple[HostName, HostName]

OVERHEAD_S = 5.0
"""What a move takes besides its bytes: checks, switch-over, clean-up."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Bytes per second of each host pair as learned, and what is assumed of a pair that has not shown its own."""

    learned: Mapping[tuple[HostName, HostName], float]
    assumed_bytes_per_s: float

    def of(self, source: HostName, destination: HostName) -> float:
        """Return what to expect between two hosts."""
        return self.learned.get((source, destination), self.assumed_bytes_per_s)


@dataclass(frozen=True, slots=True)
class Work:
    """One move still to be done: how many seconds it needs by itself, between which hosts."""

    source: HostName
    destination: HostName
    seconds: float
    is_running: bool = False


def seconds(size_bytes: int, source: HostName, destination: HostName, speeds: Speeds) -> float:
    """Estimate one move by itself, in seconds."""
    return OVERHEAD_S + size_bytes / speeds.of(source, destination)


def makespan(works: Sequence[Work], slots: Mapping[HostName, int]) -> float:
    """Seconds until all is done when moves start longest first as soon as both hosts have a slot.

    Works of one host pair wait in one line, so an end looks only at the lines of the two hosts that got free.
    """
    free = dict.fromkeys((host for work in works for host in (work.source, work.destination)), 1)
    free.update({host: max(1, slots[host]) for host in free if host in slots})
    ends: list[tuple[float, HostName, HostName]] = []
    lines: defaultdict[Pair, deque[float]] = defaultdict(deque)
    for work in sorted(works, key=lambda work: -work.seconds):
        if work.is_running:
            free[work.source] -= 1
            free[work.destination] -= 1
            ends.append((work.seconds, work.source, work.destination))
        else:
            lines[work.source, work.destination].append(work.seconds)
    heapq.heapify(ends)
    of_host: defaultdict[HostName, set[Pair]] = defaultdict(set)
    for pair in lines:
        for host in pair:
            of_host[host].add(pair)

    def start(pairs: Iterable[Pair], clock: float) -> None:
        heads = [(-lines[pair][0], pair) for pair in pairs if min(free[pair[0]], free[pair[1]]) > 0]
        heapq.heapify(heads)
        while heads:
            _, pair = heapq.heappop(heads)
            source, destination = pair
            if min(free[source], free[destination]) < 1:
                continue
            free[source] -= 1
            free[destination] -= 1
            heapq.heappush(ends, (clock + lines[pair].popleft(), source, destination))
            if lines[pair]:
                heapq.heappush(heads, (-lines[pair][0], pair))
            else:
                of_host[source].discard(pair)
                of_host[destination].discard(pair)

    start(lines, 0.0)
    clock = 0.0
    while ends:
        clock, source, destination = heapq.heappop(ends)
        free[source] += 1
        free[destination] += 1
        start(of_host[source] | of_host[destination], clock)
    return clock


def lower_bound(works: Iterable[Work], slots: Mapping[HostName, int]) -> float:
    """Seconds nothing can beat: the longest move, or a host's whole work over its slots."""
    longest, per_host, running = 0.0, defaultdict[HostName, float](float), Counter[HostName]()
    for work in works:
        longest = max(longest, work.seconds)
        for host in (work.source, work.destination):
            per_host[host] += work.seconds
            running[host] += work.is_running
    # A host may run more than it allows now, if its limit was lowered meanwhile.
    at_once = {host: max(1, slots.get(host, 1), running[host]) for host in per_host}
    return max([longest, *(total / at_once[host] for host, total in per_host.items())])
