"""A list schedule in which links have numbers too, and moves on one link, or at one host, share what it carries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from core.domain.model.inventory import HostName
from core.domain.planning.list_schedule import ListSchedule, Waiting
from core.domain.planning.speeds import Lines
from core.domain.planning.work import Pair, Pause, Work
from core.domain.scheduling.links import Link, Place


@dataclass(slots=True, eq=False)
class _Run:
    """A move under way: the seconds it would still need by itself, and at which share of that pace it goes.

    ``number``: they are looked at in the order in which they began. ``foreseen``: how often its end was; the last time
    counts.
    """

    number: int
    work: Work
    left: float
    since: float
    rate: float = 0.0
    foreseen: int = 0

    @property
    def pair(self) -> Pair:
        return self.work.source, self.work.destination


class LinkSchedule(ListSchedule):
    """A schedule in which moves also need room on their links, and share what these and their hosts carry.

    A link's number may change as the clock goes. An end is foreseen anew when its move gets another share; the old one
    is passed over.
    """

    def __init__(
        self, works: Sequence[Work], slots: Mapping[HostName, int], pauses: Iterable[Pause], at_once: int, lines: Lines
    ) -> None:
        self._of = lines
        self._on: defaultdict[Place, dict[int, _Run]] = defaultdict(dict)
        self._limits = {
            link: lines.limit(link, 0.0) for work in works for link in lines.of((work.source, work.destination))
        }
        self._begun = 0
        super().__init__(works, slots, pauses, at_once)

    def run(self) -> float:
        """Play it until all has ended that counts. Returns when that is."""
        for link in self._limits:
            self._await_change(link, 0.0)
        return super().run()

    def _places(self, pair: Pair) -> tuple[Place, ...]:
        return (*pair, *self._of.of(pair))

    def _has_room(self, pair: Pair) -> bool:
        return super()._has_room(pair) and all(len(self._on[x]) < self._limits[x] for x in self._of.of(pair))

    def _go(self, work: Work, clock: float) -> None:
        self._begun += 1
        run = _Run(self._begun, work, work.seconds, clock)
        places = self._of.speeds.places(*run.pair)
        for place in places:
            self._on[place][run.number] = run
        self._share(places, clock, run)

    def _arrive(self, run: _Run, foreseen: int, clock: float) -> None:
        """End a move, if nothing was foreseen of it since; its share may have come and gone within one instant."""
        if run.foreseen != foreseen:
            return
        places = self._of.speeds.places(*run.pair)
        for place in places:
            del self._on[place][run.number]
        self._share(places, clock)
        self._end(run.work, clock)

    def _share(self, places: Iterable[Place], clock: float, *begun: _Run) -> None:
        """Work out anew how fast those go that are at these places, now that others are there."""
        found = {run.number: run for run in begun} | {n: run for place in places for n, run in self._on[place].items()}
        for _, run in sorted(found.items()):
            numbers = {place: len(self._on[place]) for place in self._of.speeds.places(*run.pair)}
            rate = self._of.speeds.share(*run.pair, numbers)
            if rate != run.rate:
                run.left -= (clock - run.since) * run.rate
                run.since, run.rate, run.foreseen = clock, rate, run.foreseen + 1
                self._at(clock + max(0.0, run.left) / rate, partial(self._arrive, run, run.foreseen))

    def _put_back(self, waiting: Waiting, clock: float) -> None:
        # While it was away, nobody may have looked at what its links carry.
        for link in self._of.of((waiting[3].source, waiting[3].destination)):
            self._limits[link] = self._of.limit(link, clock)
        super()._put_back(waiting, clock)
        for link in self._of.of((waiting[3].source, waiting[3].destination)):
            self._await_change(link, clock)

    def _await_change(self, link: Link, clock: float) -> None:
        """Look again when the number of a link changes, as long as something waits for it."""
        if self._of_place[link] and (at := self._of.next_change(link, clock)) is not None:
            self._at(at, partial(self._change, link))

    def _change(self, link: Link, clock: float) -> None:
        """Let a link carry what it carries from now on."""
        self._limits[link] = self._of.limit(link, clock)
        self._start(self._of_place[link].copy(), clock)
        self._await_change(link, clock)
