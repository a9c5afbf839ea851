"""How long moves take: a list schedule over the hosts' slots, with a lower bound that nothing can beat."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.fleet import HostName

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
    """Seconds until all is done when moves start longest first as soon as both hosts have a slot."""
    free = Counter({host: max(1, count) for host, count in slots.items()})
    clock, ends = 0.0, list[tuple[float, HostName, HostName]]()
    queue = sorted((w for w in works if not w.is_running), key=lambda work: -work.seconds)
    for work in works:
        if work.is_running:
            free.subtract([work.source, work.destination])
            heapq.heappush(ends, (work.seconds, work.source, work.destination))
    while queue or ends:
        rest = []
        for work in queue:
            if free[work.source] > 0 and free[work.destination] > 0:
                free.subtract([work.source, work.destination])
                heapq.heappush(ends, (clock + work.seconds, work.source, work.destination))
            else:
                rest.append(work)
        queue = rest
        if not ends:
            break
        clock, source, destination = heapq.heappop(ends)
        free.update([source, destination])
    return clock


def lower_bound(works: Iterable[Work], slots: Mapping[HostName, int]) -> float:
    """Seconds nothing can beat: the longest move, or a host's whole work over its slots."""
    longest, per_host = 0.0, defaultdict[HostName, float](float)
    for work in works:
        longest = max(longest, work.seconds)
        per_host[work.source] += work.seconds
        per_host[work.destination] += work.seconds
    return max([longest, *(total / max(1, slots.get(host, 1)) for host, total in per_host.items())])
