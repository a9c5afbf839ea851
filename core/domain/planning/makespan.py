"""Estimates how long moves take: a list schedule over the hosts' slots, with a lower bound that nothing can beat."""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from core.domain.model.inventory import HostName

Pair = tuple[HostName, HostName]
Pause = tuple[float, float]
"""Seconds from now between which no move starts; what runs goes on."""

OVERHEAD_S = 5.0
"""What a move takes besides its bytes: checks, switch-over, clean-up."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Bytes per second of each host pair as learned, and what is assumed of a pair that has not shown its own."""

    learned: Mapping[tuple[HostName, HostName], float]
    assumed_bytes_per_s: float

    def nearest(self, source: HostName, destination: HostName) -> float:
        """Return what to expect between two hosts that may not have shown it: what pairs with one of them did, or any.

        Of several the middle one; it is assumed only where nothing at all was learned.
        """
        known = self.learned.get((source, destination))
        if known is not None:
            return known
        kin = [speed for pair, speed in self.learned.items() if source in pair or destination in pair]
        return median(kin or self.learned.values()) if self.learned else self.assumed_bytes_per_s

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


class _StartGate:
    """A gate for starts, shut during pauses. These are read only as far as the clock goes: they may have no end."""

    def __init__(self, pauses: Iterable[Pause]) -> None:
        self._pauses: Iterator[Pause] = iter(pauses)
        self._next = next(self._pauses, None)

    def opens(self, clock: float) -> float:
        """Return when a move may start: now, or at the end of the pause. Asked with a clock that only goes on."""
        while self._next is not None and self._next[1] <= clock:
            self._next = next(self._pauses, None)
        return self._next[1] if self._next is not None and self._next[0] <= clock else clock


_GATE = HostName("")
"""Stands for both hosts of a work that is no work: the end of a pause."""


def makespan(
    works: Sequence[Work], slots: Mapping[HostName, int], pauses: Iterable[Pause] = (), *, at_once: int = 0
) -> float:
    """Seconds until all is done when moves start longest first as soon as both hosts have a slot, and in no pause.

    ``at_once``: how many may run at the same time in all; 0: as many as have slots.
    """
    return _Schedule(works, slots, pauses, at_once).run()


class _Schedule:
    """Works of one host pair wait in one line, so an end looks only at the lines of the two hosts that got free."""

    def __init__(
        self, works: Sequence[Work], slots: Mapping[HostName, int], pauses: Iterable[Pause], at_once: int
    ) -> None:
        self._gate = _StartGate(pauses)
        self._at_once = at_once
        self._running = 0
        self._free = dict.fromkeys((host for work in works for host in (work.source, work.destination)), 1)
        self._free.update({host: max(1, slots[host]) for host in self._free if host in slots})
        self._free[_GATE] = 0
        self._ends: list[tuple[float, HostName, HostName]] = []
        self._lines: defaultdict[Pair, deque[float]] = defaultdict(deque)
        self._of_host: defaultdict[HostName, set[Pair]] = defaultdict(set)
        for work in sorted(works, key=lambda work: -work.seconds):
            pair = work.source, work.destination
            if work.is_running:
                self._begin(pair, work.seconds)
            else:
                self._lines[pair].append(work.seconds)
                for host in (*pair, _GATE):
                    self._of_host[host].add(pair)

    def run(self) -> float:
        """Play it to its end."""
        self._start(self._of_host[_GATE], 0.0)
        clock = 0.0
        while self._ends:
            clock, source, destination = heapq.heappop(self._ends)
            self._free[source] += 1
            self._free[destination] += 1
            self._running -= source != _GATE
            # Where only so many may run in all, an end may be what a line of other hosts has waited for.
            lines = self._of_host[_GATE] if self._at_once else self._of_host[source] | self._of_host[destination]
            self._start(lines, clock)
        return clock

    def _start(self, pairs: Iterable[Pair], clock: float) -> None:
        """Start what waits in these lines and finds a slot on both hosts, longest first."""
        opens = self._gate.opens(clock)
        if opens > clock:
            if self._of_host[_GATE]:
                heapq.heappush(self._ends, (opens, _GATE, _GATE))
            return
        heads = [(-self._lines[pair][0], pair) for pair in pairs if self._has_room(pair)]
        heapq.heapify(heads)
        while heads:
            _, pair = heapq.heappop(heads)
            if not self._has_room(pair):
                continue
            line = self._lines[pair]
            self._begin(pair, clock + line.popleft())
            if line:
                heapq.heappush(heads, (-line[0], pair))
            else:
                for host in (*pair, _GATE):
                    self._of_host[host].discard(pair)

    def _has_room(self, pair: Pair) -> bool:
        if self._at_once and self._running >= self._at_once:
            return False
        return min(self._free[pair[0]], self._free[pair[1]]) > 0

    def _begin(self, pair: Pair, ends: float) -> None:
        for host in pair:
            self._free[host] -= 1
        self._running += 1
        heapq.heappush(self._ends, (ends, *pair))


def lower_bound(
    works: Sequence[Work], slots: Mapping[HostName, int], pause: Pause | None = None, *, at_once: int = 0
) -> float:
    """Seconds nothing can beat: the longest move, or a host's whole work over its slots, or all over ``at_once``.

    With the next pause: what cannot have started before it ends after it.
    """
    waiting = [work for work in works if not work.is_running]
    bound = _bound(works, slots, at_once)
    if pause is None or not waiting:
        return bound
    begins, ends = pause
    if begins <= 0:
        return max(bound, ends + _bound(waiting, slots, at_once))
    hosts, per_host = _at_once(works, slots), _per_host(works)
    longest, shortest = max(work.seconds for work in works), min(work.seconds for work in waiting)
    waits = {host for work in waiting for host in (work.source, work.destination)}
    # A host's slots can be busy until the pause begins, and with one more move each that starts just before it.
    if any(per_host[host] > hosts[host] * (begins + longest) for host in waits):
        return max(bound, ends + shortest)
    return bound


def _bound(works: Sequence[Work], slots: Mapping[HostName, int], at_once: int) -> float:
    hosts, per_host = _at_once(works, slots), _per_host(works)
    longest = max((work.seconds for work in works), default=0.0)
    bounds = [longest, *(total / hosts[host] for host, total in per_host.items())]
    if at_once:
        bounds.append(sum(work.seconds for work in works) / max(at_once, sum(work.is_running for work in works)))
    return max(bounds)


def _per_host(works: Iterable[Work]) -> dict[HostName, float]:
    """Return the seconds of work of each host."""
    per_host = defaultdict[HostName, float](float)
    for work in works:
        per_host[work.source] += work.seconds
        per_host[work.destination] += work.seconds
    return per_host


def _at_once(works: Iterable[Work], slots: Mapping[HostName, int]) -> dict[HostName, int]:
    """Return how many moves each host runs at once: more than it allows now, if its limit was lowered meanwhile."""
    running = Counter[HostName]()
    for work in works:
        running[work.source] += work.is_running
        running[work.destination] += work.is_running
    return {host: max(1, slots.get(host, 1), count) for host, count in running.items()}
