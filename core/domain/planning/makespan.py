"""Estimates how long moves take: a list schedule over the hosts' slots, with a lower bound that nothing can beat."""

import heapq
import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.domain.model.inventory import HostName
from core.domain.planning.speeds import OVERHEAD_S, Lines
from core.domain.scheduling.links import Link, Place

Pair = tuple[HostName, HostName]
Pause = tuple[float, float]
"""Seconds from now between which no move starts; what runs goes on."""


@dataclass(frozen=True, slots=True)
class Work:
    """One move still to be done: how many seconds it needs by itself, between which hosts."""

    source: HostName
    destination: HostName
    seconds: float
    is_running: bool = False


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


MANY = 1_000
"""With more works than this it takes too long to share out links at every start and end: each link is then looked at by
itself, as if it were always busy. With so many that is what the busiest one is."""

_GATE = HostName("")
"""Stands for both hosts of a work that is no work: the end of a pause."""


def makespan(
    works: Sequence[Work],
    slots: Mapping[HostName, int],
    pauses: Iterable[Pause] = (),
    *,
    at_once: int = 0,
    lines: Lines | None = None,
) -> float:
    """Seconds until all is done when moves start longest first as soon as both hosts have a slot, and in no pause.

    ``at_once``: how many may run at the same time in all; 0: as many as have slots. With ``lines`` a move needs room
    on each of its links too, and those on one link share what it carries.
    """
    if lines is not None and len(works) <= MANY:
        return _SharedSchedule(works, slots, pauses, at_once, lines).run()
    made = _Schedule(works, slots, pauses, at_once).run()
    return max((made, *(_drained(mine, link, lines) for link, mine in _by_link(works, lines)))) if lines else made


class _Schedule:
    """Works of one host pair wait in one line, so an end looks only at the lines of the two hosts that got free."""

    def __init__(
        self, works: Sequence[Work], slots: Mapping[HostName, int], pauses: Iterable[Pause], at_once: int
    ) -> None:
        self._gate = _StartGate(pauses)
        self._at_once = at_once
        self._running = 0
        self._free = dict.fromkeys((host for work in works for host in (work.source, work.destination)), 1)
        self._free.update({host: max(1, slots[host]) for host in slots if host in self._free})
        self._free[_GATE] = 0
        self._ends: list[tuple[float, HostName, HostName, int]] = []
        self._lines: defaultdict[Pair, deque[float]] = defaultdict(deque)
        self._of_place: defaultdict[Place, set[Pair]] = defaultdict(set)
        for work in sorted(works, key=lambda work: -work.seconds):
            pair = work.source, work.destination
            if work.is_running:
                self._begin(pair, 0.0, work.seconds)
            else:
                self._lines[pair].append(work.seconds)
                for place in (*self._places(pair), _GATE):
                    self._of_place[place].add(pair)

    def run(self) -> float:
        """Play it to its end."""
        self._start(self._of_place[_GATE], 0.0)
        clock = 0.0
        while self._ends:
            clock, source, destination, _ = heapq.heappop(self._ends)
            self._free[source] += 1
            self._free[destination] += 1
            self._running -= source != _GATE
            self._start(self._lines_behind((source, destination)), clock)
        return clock

    def _lines_behind(self, pair: Pair) -> set[Pair]:
        """Return the lines that an end between two hosts may let start."""
        # Where only so many may run in all, an end may be what a line of other hosts has waited for.
        if self._at_once or pair[0] == _GATE:
            return self._of_place[_GATE]
        return set().union(*(self._of_place[place] for place in self._places(pair)))

    def _places(self, pair: Pair) -> tuple[Place, ...]:
        """Return where a move between two hosts needs room."""
        return pair

    def _start(self, pairs: Iterable[Pair], clock: float) -> None:
        """Start what waits in these lines and finds room in all its places, longest first."""
        opens = self._gate.opens(clock)
        if opens > clock:
            if self._of_place[_GATE]:
                heapq.heappush(self._ends, (opens, _GATE, _GATE, 0))
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
                for place in (*self._places(pair), _GATE):
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


@dataclass(slots=True)
class _Run:
    """A move under way: the seconds it would still need by itself, and at which share of that pace it goes."""

    pair: Pair
    left: float
    since: float
    rate: float = 0.0
    ends: float = math.inf


class _SharedSchedule(_Schedule):
    """A schedule in which moves also need room on their links, and share what these carry.

    A link's number may change as the clock goes. An end is pushed anew when its move gets another share; the old one is
    passed over.
    """

    def __init__(
        self, works: Sequence[Work], slots: Mapping[HostName, int], pauses: Iterable[Pause], at_once: int, lines: Lines
    ) -> None:
        self._at = lines
        self._runs: dict[int, _Run] = {}
        self._begun = 0
        self._on: defaultdict[Link, set[int]] = defaultdict(set)
        self._limits = {
            link: lines.limit(link, 0.0) for work in works for link in lines.of((work.source, work.destination))
        }
        self._used = tuple(self._limits)
        super().__init__(works, slots, pauses, at_once)

    def run(self) -> float:
        """Play it to its end."""
        clock = last = 0.0
        self._start(self._of_place[_GATE], clock)
        for number in range(1, len(self._used) + 1):
            self._await_change(number, clock)
        while self._ends:
            clock, source, _, number = heapq.heappop(self._ends)
            if source == _GATE and number:
                self._change(self._used[number - 1], clock)
                self._await_change(number, clock)
            elif source == _GATE:
                self._start(self._of_place[_GATE], clock)
            elif (run := self._runs.get(number)) is not None and run.ends == clock:
                last = clock
                self._end(number, run)
                self._share(self._at.of(run.pair), clock)
                self._start(self._lines_behind(run.pair), clock)
        return last

    def _places(self, pair: Pair) -> tuple[Place, ...]:
        return (*pair, *self._at.of(pair))

    def _has_room(self, pair: Pair) -> bool:
        return super()._has_room(pair) and all(len(self._on[x]) < self._limits[x] for x in self._at.of(pair))

    def _go(self, pair: Pair, clock: float, seconds: float) -> None:
        self._begun += 1
        self._runs[self._begun] = _Run(pair, seconds, clock)
        links = self._at.of(pair)
        for link in links:
            self._on[link].add(self._begun)
        self._share(links, clock, self._begun)

    def _end(self, number: int, run: _Run) -> None:
        del self._runs[number]
        self._running -= 1
        for host in run.pair:
            self._free[host] += 1
        for link in self._at.of(run.pair):
            self._on[link].discard(number)

    def _share(self, links: Iterable[Link], clock: float, *begun: int) -> None:
        """Work out anew how fast those go that are on these links, now that others are on them."""
        for number in sorted({*begun, *(one for link in links for one in self._on[link])}):
            run = self._runs[number]
            rate = self._at.speeds.share(*run.pair, {link: len(self._on[link]) for link in self._at.of(run.pair)})
            if rate != run.rate:
                run.left -= (clock - run.since) * run.rate
                run.since, run.rate = clock, rate
                run.ends = clock + max(0.0, run.left) / rate
                heapq.heappush(self._ends, (run.ends, *run.pair, number))

    def _change(self, link: Link, clock: float) -> None:
        """Let a link carry what it carries from now on."""
        self._limits[link] = self._at.limit(link, clock)
        self._start(self._of_place[link], clock)

    def _await_change(self, number: int, clock: float) -> None:
        """Look again when the number of a link changes, as long as something waits for it."""
        link = self._used[number - 1]
        if self._of_place[link] and (at := self._at.next_change(link, clock)) is not None:
            heapq.heappush(self._ends, (at, _GATE, _GATE, number))


def lower_bound(
    works: Sequence[Work],
    slots: Mapping[HostName, int],
    pause: Pause | None = None,
    *,
    at_once: int = 0,
    lines: Lines | None = None,
) -> float:
    """Seconds nothing can beat: the longest move, or a host's whole work over its slots, or all over ``at_once``.

    With ``lines`` also a link's work over its number, or its bytes over what it carries.

    With the next pause: what cannot have started before it ends after it.
    """
    waiting = [work for work in works if not work.is_running]
    bound = _bound(works, slots, at_once, lines)
    if pause is None or not waiting:
        return bound
    begins, ends = pause
    if begins <= 0:
        return max(bound, ends + _bound(waiting, slots, at_once, lines))
    hosts, per_host = _at_once(works, slots), _per_host(works)
    longest, shortest = (max(work.seconds for work in works), min(work.seconds for work in waiting))
    waits = {host for work in waiting for host in (work.source, work.destination)}
    # A host's slots can be busy until the pause begins, and with one more move each that starts just before it.
    if any(per_host[host] > hosts[host] * (begins + longest) for host in waits):
        return max(bound, ends + shortest)
    return bound


def _bound(works: Sequence[Work], slots: Mapping[HostName, int], at_once: int, lines: Lines | None) -> float:
    hosts, per_host = _at_once(works, slots), _per_host(works)
    longest = max((work.seconds for work in works), default=0.0)
    bounds = [longest, *(total / hosts[host] for host, total in per_host.items())]
    if at_once:
        bounds.append(sum(work.seconds for work in works) / max(at_once, sum(work.is_running for work in works)))
    bounds += _link_bounds(works, lines) if lines else ()
    return max(bounds)


def _by_link(works: Iterable[Work], lines: Lines) -> Iterable[tuple[Link, list[Work]]]:
    on = defaultdict[Link, list[Work]](list)
    for work in works:
        for link in lines.of((work.source, work.destination)):
            on[link].append(work)
    return on.items()


def _drained(works: Sequence[Work], link: Link, lines: Lines) -> float:
    """Seconds until a link that is always busy is done, by its number at each time and by what it carries."""
    left, clock = sum(work.seconds for work in works), 0.0
    while math.isfinite(limit := lines.limit(link, clock)):
        change = lines.next_change(link, clock)
        if change is None or left <= limit * (change - clock):
            clock += left / limit
            break
        left -= limit * (change - clock)
        clock = change
    return max(clock, _sent_s(works, link, lines))


def _sent_s(works: Iterable[Work], link: Link, lines: Lines) -> float:
    """Seconds that the bytes of these works take when they have a link for themselves."""
    sent = (max(0.0, w.seconds - OVERHEAD_S) * lines.speeds.of(w.source, w.destination) for w in works)
    return sum(sent) / lines.speeds.carried_by(link)


def _link_bounds(works: Iterable[Work], lines: Lines) -> Iterator[float]:
    for link, mine in _by_link(works, lines):
        if link.most is not None:
            yield sum(work.seconds for work in mine) / max(link.most, sum(work.is_running for work in mine))
        yield _sent_s(mine, link, lines)


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
