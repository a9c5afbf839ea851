"""A list schedule: moves start longest first, as soon as both hosts have a slot and no pause holds them."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count

from core.domain.model.inventory import HostName
from core.domain.planning.work import Pair, Pause, Work
from core.domain.scheduling.links import Place

Waiting = tuple[bool, float, int, Work]
"""A work in its line: those of others first, then the longest, then as they were given."""


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
        self._left = sum(not work.is_other for work in works)
        self._last = 0.0
        self._free = dict.fromkeys((host for work in works for host in (work.source, work.destination)), 1)
        self._free.update({host: max(1, slots[host]) for host in slots if host in self._free})
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = count()
        self._opens_at = 0.0
        self._lines: defaultdict[Pair, list[Waiting]] = defaultdict(list)
        self._of_place: defaultdict[Place, set[Pair]] = defaultdict(set)
        for number, work in enumerate(works):
            if work.is_running:
                self._begin(work, 0.0)
            else:
                self._put((not work.is_other, -work.seconds, number, work))

    def run(self) -> float:
        """Play it until all has ended that counts. Returns when that is."""
        self._start(self._all_lines(), 0.0)
        while self._left and self._events:
            clock, _, happens = heapq.heappop(self._events)
            happens(clock)
        return self._last

    def _at(self, clock: float, happens: Callable[[float], None]) -> None:
        """Let something happen when the clock is there; what was said first happens first."""
        heapq.heappush(self._events, (clock, next(self._number), happens))

    def _all_lines(self) -> list[Pair]:
        return [pair for pair, line in self._lines.items() if line]

    def _lines_behind(self, pair: Pair) -> Iterable[Pair]:
        """Return the lines that an end between two hosts may let start."""
        # Where only so many may run in all, an end may be what a line of other hosts has waited for.
        if self._at_once:
            return self._all_lines()
        return set().union(*(self._of_place[place] for place in self._places(pair)))

    def _places(self, pair: Pair) -> tuple[Place, ...]:
        """Return where a move between two hosts needs room."""
        return pair

    def _put(self, waiting: Waiting) -> Pair:
        """Put a work in its line. Returns which that is."""
        pair = waiting[3].source, waiting[3].destination
        heapq.heappush(self._lines[pair], waiting)
        for place in self._places(pair):
            self._of_place[place].add(pair)
        return pair

    def _put_back(self, waiting: Waiting, clock: float) -> None:
        self._start([self._put(waiting)], clock)

    def _start(self, pairs: Iterable[Pair], clock: float) -> None:
        """Start what waits in these lines and finds room in all its places, longest first."""
        opens = self._gate.opens(clock)
        if opens > clock:
            if opens > self._opens_at:
                self._opens_at = opens
                self._at(opens, lambda at: self._start(self._all_lines(), at))
            return
        heads = [(self._lines[pair][0][:2], pair) for pair in pairs if self._has_room(pair)]
        heapq.heapify(heads)
        while heads:
            _, pair = heapq.heappop(heads)
            if not self._has_room(pair):
                continue
            line = self._lines[pair]
            waiting = heapq.heappop(line)
            work = waiting[3]
            until = next((end for begin, end in work.avoids if begin <= clock < end), clock)
            if until > clock:
                self._at(until, partial(self._put_back, waiting))
            else:
                self._begin(work, clock)
            if line:
                heapq.heappush(heads, (line[0][:2], pair))
            else:
                for place in self._places(pair):
                    self._of_place[place].discard(pair)

    def _has_room(self, pair: Pair) -> bool:
        """Whether the first of a line finds room."""
        if self._at_once and self._running >= self._at_once and not self._lines[pair][0][3].is_other:
            return False
        return min(self._free[pair[0]], self._free[pair[1]]) > 0

    def _begin(self, work: Work, clock: float) -> None:
        self._free[work.source] -= 1
        self._free[work.destination] -= 1
        self._running += not work.is_other
        self._go(work, clock)

    def _go(self, work: Work, clock: float) -> None:
        self._at(clock + work.seconds, partial(self._end, work))

    def _end(self, work: Work, clock: float) -> None:
        self._free[work.source] += 1
        self._free[work.destination] += 1
        if not work.is_other:
            self._running -= 1
            self._left -= 1
            self._last = clock
        self._start(self._lines_behind((work.source, work.destination)), clock)
