"""A list schedule: moves start longest first, as soon as both hosts have a slot and no pause holds them."""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from core.domain.model.inventory import HostName
from core.domain.planning.work import Pair, Pause, Work
from core.domain.scheduling.links import Place

GATE = HostName("")
"""Stands for both hosts of a work that is no work: the end of a pause."""


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


class ListSchedule:
    """Works of one host pair wait in one line, so an end looks only at the lines of the two hosts that got free."""

    def __init__(
        self, works: Sequence[Work], slots: Mapping[HostName, int], pauses: Iterable[Pause], at_once: int
    ) -> None:
        self._gate = _StartGate(pauses)
        self._at_once = at_once
        self._running = 0
        self._free = dict.fromkeys((host for work in works for host in (work.source, work.destination)), 1)
        self._free.update({host: max(1, slots[host]) for host in slots if host in self._free})
        self._free[GATE] = 0
        self._ends: list[tuple[float, HostName, HostName, int]] = []
        self._lines: defaultdict[Pair, deque[float]] = defaultdict(deque)
        self._of_place: defaultdict[Place, set[Pair]] = defaultdict(set)
        for work in sorted(works, key=lambda work: -work.seconds):
            pair = work.source, work.destination
            if work.is_running:
                self._begin(pair, 0.0, work.seconds)
            else:
                self._lines[pair].append(work.seconds)
                for place in (*self._places(pair), GATE):
                    self._of_place[place].add(pair)

    def run(self) -> float:
        """Play it to its end."""
        self._start(self._of_place[GATE], 0.0)
        clock = 0.0
        while self._ends:
            clock, source, destination, _ = heapq.heappop(self._ends)
            self._free[source] += 1
            self._free[destination] += 1
            self._running -= source != GATE
            self._start(self._lines_behind((source, destination)), clock)
        return clock

    def _lines_behind(self, pair: Pair) -> set[Pair]:
        """Return the lines that an end between two hosts may let start."""
        # Where only so many may run in all, an end may be what a line of other hosts has waited for.
        if self._at_once or pair[0] == GATE:
            return self._of_place[GATE]
        return set().union(*(self._of_place[place] for place in self._places(pair)))

    def _places(self, pair: Pair) -> tuple[Place, ...]:
        """Return where a move between two hosts needs room."""
        return pair

    def _start(self, pairs: Iterable[Pair], clock: float) -> None:
        """Start what waits in these lines and finds room in all its places, longest first."""
        opens = self._gate.opens(clock)
        if opens > clock:
            if self._of_place[GATE]:
                heapq.heappush(self._ends, (opens, GATE, GATE, 0))
            return
        heads = [(-self._lines[pair][0], pair) for pair in pairs if self._has_room(pair)]
        heapq.heapify(heads)
        while heads:
            _, pair = heapq.heappop(heads)
            if not self._has_room(pair):
                continue
            line = self._lines[pair]
            self._begin(pair, clock, line.popleft())
            if line:
                heapq.heappush(heads, (-line[0], pair))
            else:
                for place in (*self._places(pair), GATE):
                    self._of_place[place].discard(pair)

    def _has_room(self, pair: Pair) -> bool:
        if self._at_once and self._running >= self._at_once:
            return False
        return min(self._free[pair[0]], self._free[pair[1]]) > 0

    def _begin(self, pair: Pair, clock: float, seconds: float) -> None:
        for host in pair:
            self._free[host] -= 1
        self._running += 1
        self._go(pair, clock, seconds)

    def _go(self, pair: Pair, clock: float, seconds: float) -> None:
        heapq.heappush(self._ends, (clock + seconds, *pair, 0))
