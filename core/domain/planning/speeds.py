"""How fast moves go: what pairs of hosts and links showed, what is assumed of the others, and what moves share."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median

from core.domain.model.inventory import HostName
from core.domain.model.move import Attempt
from core.domain.scheduling.links import NO_LINKS, Link, Links, Place

OVERHEAD_S = 5.0
"""What a move takes besides its bytes: checks, switch-over, clean-up."""

WEIGHT = 0.3
"""How much the newest measurement of a speed counts against all earlier ones."""
SLOWLY = 0.1
"""The same of how far off guesses were: one move that took far longer says little."""


@dataclass(frozen=True, slots=True)
class LinkSpeed:
    """Bytes per second that one move alone had on a link, and all moves together when several shared it; as learned."""

    alone: float | None = None
    together: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSpeed:
    """What a pair of hosts showed, told as if moves that meet at a host share its speed equally.

    ``alone``: bytes per second of a move that meets no other. Two guesses foretold each move: that it shares, and that
    its speed is the same whoever else is there. ``off_shared`` and ``off_equal`` say how far off each was lately, as
    the logarithm of how many times too fast or too slow; None: none was foretold yet.
    """

    alone: float
    off_shared: float | None = None
    off_equal: float | None = None


@dataclass(frozen=True, slots=True)
class Speeds:
    """Bytes per second of each host pair as learned, and what is assumed of a pair that has not shown its own.

    With the links of the settings, and what was learned of each, by its name: a pair that has not shown its own speed
    has that of others on its links, and none is faster than its links carry. Without links it is as fast as the slower
    of its two hosts was at its best, with anybody; while one of them has shown nothing, the assumed speed holds.
    """

    learned: Mapping[tuple[HostName, HostName], float]
    assumed_bytes_per_s: float
    links: Links = NO_LINKS
    of_links: Mapping[str, LinkSpeed] = field(default_factory=dict)
    shared: Mapping[tuple[HostName, HostName], SharedSpeed] = field(default_factory=dict)
    """What is learned as if moves at one host share its speed; a schedule can use it, see ``of_schedule``."""
    hosts_share: bool = False
    """Whether the learned speeds are those of a move alone at both of its hosts."""
    _best: Mapping[HostName, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Note how fast each host was at its best."""
        best: dict[HostName, float] = {}
        for pair, bytes_per_s in self.learned.items():
            for host in pair:
                best[host] = max(best.get(host, 0.0), bytes_per_s)
        object.__setattr__(self, "_best", best)

    def of_schedule(self) -> "Speeds":
        """Return these speeds for who knows which moves run at the same time.

        If the guess that moves at one host share its speed foretold better lately: the speeds of moves alone there.
        """
        judged = [one for one in self.shared.values() if one.off_shared is not None and one.off_equal is not None]
        gain = sum((one.off_equal or 0.0) - (one.off_shared or 0.0) for one in judged)
        if gain <= 0:
            return self
        alone = {pair: one.alone for pair, one in self.shared.items()}
        return replace(self, learned={**self.learned, **alone}, shared={}, hosts_share=True)

    def _of_hosts(self, source: HostName, destination: HostName) -> float:
        """Return what to expect of two hosts that have not met: from what each did with others."""
        if source in self._best and destination in self._best:
            return min(self._best[source], self._best[destination])
        return self.assumed_bytes_per_s

    def of(self, source: HostName, destination: HostName) -> float:
        """Return what to expect between two hosts of a move that shares nothing."""
        found = self.learned.get((source, destination))
        links = self.links.of(source, destination)
        if not links:
            return self._of_hosts(source, destination) if found is None else found
        if found is None:
            alone = (one.alone for link in links if (one := self.of_links.get(link.name)) and one.alone)
            found = min(alone, default=self._of_hosts(source, destination))
        return min(found, *map(self.carried_by, links))

    def nearest(self, source: HostName, destination: HostName) -> float:
        """Return what to expect between two hosts of which one may have shown nothing with the other.

        Then what links say, or what pairs with one of the two showed, or any pair; of several the middle one.
        """
        links = self.links.of(source, destination)
        is_known = (source, destination) in self.learned or any(link.name in self.of_links for link in links)
        if is_known or not self.learned:
            return self.of(source, destination)
        kin = [speed for pair, speed in self.learned.items() if source in pair or destination in pair]
        return min(median(kin or self.learned.values()), *map(self.carried_by, links), math.inf)

    def carried_by(self, link: Link) -> float:
        """Return what all moves on a link carry together at the most; infinite where nobody knows."""
        known = self.of_links.get(link.name)
        together = known.together if known else None
        return min(together or math.inf, link.bytes_per_s or math.inf)

    def places(self, source: HostName, destination: HostName) -> tuple[Place, ...]:
        """Return where a move between two hosts shares speed with others that are there."""
        links = self.links.of(source, destination)
        return (source, destination, *links) if self.hosts_share else links

    def share(self, source: HostName, destination: HostName, numbers: Mapping[Place, int]) -> float:
        """Return which share of its own speed a move has while so many, itself included, are at its places."""
        own = self.of(source, destination)
        links = self.links.of(source, destination)
        shares = [self.carried_by(link) / own / max(1, numbers.get(link, 1)) for link in links]
        if self.hosts_share:
            shares += [1 / max(1, numbers.get(host, 1)) for host in (source, destination)]
        return min((1.0, *shares))


@dataclass(frozen=True, slots=True)
class Lines:
    """What moves share as an estimate sees it, from this moment on the wall on, and how many each link carries."""

    speeds: Speeds
    now: datetime

    def of(self, pair: tuple[HostName, HostName]) -> tuple[Link, ...]:
        """Return the links between two hosts."""
        return self.speeds.links.of(*pair)

    def limit(self, link: Link, clock: float) -> float:
        """Return how many moves a link carries so many seconds from now."""
        limit = link.limit_at(self.now + timedelta(seconds=clock))
        return math.inf if limit is None else limit

    def next_change(self, link: Link, clock: float) -> float | None:
        """Return at which second its number changes next."""
        at = link.next_change(self.now + timedelta(seconds=clock))
        return None if at is None else (at - self.now).total_seconds()


def lines_of(speeds: Speeds, now: datetime) -> Lines | None:
    """Return the lines of an estimate; None where there are no links, and moves share nothing."""
    return Lines(speeds, now) if speeds.links or speeds.hosts_share else None


def seconds(size_bytes: int, source: HostName, destination: HostName, speeds: Speeds) -> float:
    """Estimate one move by itself, in seconds."""
    return OVERHEAD_S + size_bytes / speeds.of(source, destination)


def shared_by(attempt: Attempt, others: Iterable[Attempt], links: Links, ended_at: datetime) -> dict[str, float]:
    """Return, for each link an attempt was on, how many moves were on it on average meanwhile, itself included.

    ``others``: the attempts of that time; the attempt itself may be among them. Times are those on the wall.
    """
    found = dict.fromkeys(links.of(attempt.source, attempt.destination), 1.0)
    for other, part in _beside(attempt, others, ended_at):
        for link in found:
            found[link] += part * link.carries(other.source, other.destination)
    return {link.name: number for link, number in found.items()}


def learn_shared(known: SharedSpeed | None, equal: float | None, bytes_per_s: float, at_host: float) -> SharedSpeed:
    """Fold one move between two hosts into what they showed. ``equal``: what is learned of them in the usual way.

    ``at_host``: how many moves were at the busier of the two on average, itself included.
    """
    alone = bytes_per_s * max(1.0, at_host)
    if known is None:
        return SharedSpeed(alone=alone)
    folded = known.alone + WEIGHT * (alone - known.alone)
    if equal is None:
        return replace(known, alone=folded)
    return SharedSpeed(
        alone=folded,
        off_shared=_folded(known.off_shared, abs(math.log(alone / known.alone))),
        off_equal=_folded(known.off_equal, abs(math.log(bytes_per_s / equal))),
    )


def _folded(known: float | None, off: float) -> float:
    return off if known is None else known + SLOWLY * (off - known)


def met_at_hosts(attempt: Attempt, others: Iterable[Attempt], ended_at: datetime) -> float:
    """Return how many moves were at the busier of an attempt's hosts on average meanwhile, itself included."""
    found = {attempt.source: 1.0, attempt.destination: 1.0}
    for other, part in _beside(attempt, others, ended_at):
        for host in found:
            found[host] += part * (host in {other.source, other.destination})
    return max(found.values())


def _beside(attempt: Attempt, others: Iterable[Attempt], ended_at: datetime) -> Iterator[tuple[Attempt, float]]:
    """Return the other attempts, each with the part of an attempt's time for which it ran too."""
    lasted = (ended_at - attempt.started_at).total_seconds()
    for other in others if lasted > 0 else ():
        begin, end = max(other.started_at, attempt.started_at), min(other.ended_at or ended_at, ended_at)
        if other.id != attempt.id and end > begin:
            yield other, (end - begin).total_seconds() / lasted
