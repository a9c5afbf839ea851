"""A list schedule in which links have numbers too, and moves on one link share what it carries."""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.model.inventory import HostName
from core.domain.planning.list_schedule import GATE, ListSchedule
from core.domain.planning.speeds import Lines
from core.domain.planning.work import Pair, Pause, Work
from core.domain.scheduling.links import Link, Place


@dataclass(slots=True)
class _Run:
    """A move under way: the seconds it would still need by itself, and at which share of that pace it goes."""

    pair: Pair
    left: float
    since: float
    rate: float = 0.0
    ends: float = math.inf


class LinkSchedule(ListSchedule):
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
        self._start(self._of_place[GATE], clock)
        for number in range(1, len(self._used) + 1):
            self._await_change(number, clock)
        while self._ends:
            clock, source, _, number = heapq.heappop(self._ends)
            if source == GATE and number:
                self._change(self._used[number - 1], clock)
                self._await_change(number, clock)
            elif source == GATE:
                self._start(self._of_place[GATE], clock)
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
            heapq.heappush(self._ends, (at, GATE, GATE, number))
