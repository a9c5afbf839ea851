"""Decides which waiting moves start as soon as one of those under way has ended, so that they can be made ready."""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from core.domain.model.inventory import HostName
from core.domain.model.job import JobId
from core.domain.model.move import Attempt, Move, MoveId
from core.domain.scheduling.links import Place
from core.domain.scheduling.readiness import Ready

AT_ONCE = 2
"""So many moves can start when one has ended: it was on two hosts."""

DEEP = 3
"""So many that wait for the same slot are known: several moves may end before the queue is looked at again."""

Slot = tuple[frozenset[Place], JobId | None]
"""The hosts and links that are full; or the job that has enough under way."""


def _two_hosts(source: HostName, destination: HostName) -> frozenset[Place]:
    return frozenset((source, destination))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A move that could start but for a slot: the places that are full, none if only its own job has enough under way.

    ``place`` is its place in the queue: the lower goes first.
    """

    move: Move
    full: frozenset[Place]
    place: tuple[Any, ...]

    @property
    def slot(self) -> Slot:
        """Return what it waits for."""
        return self.full, None if self.full else self.move.job_id


@dataclass(frozen=True, slots=True)
class NextInLine:
    """The moves that wait for each slot that may become free, in starting order."""

    line: tuple[Waiting, ...] = ()
    leaving: frozenset[HostName] = frozenset()
    """The hosts that moves leave which wait for slots, those included that need more than one end."""
    places_of: Callable[[HostName, HostName], frozenset[Place]] = field(default=_two_hosts, compare=False)

    def sources(self) -> dict[HostName, int]:
        """Count the moves that a session is to be ready for, by the host they leave: the first for each slot.

        A full host needs one: it has one free slot at a time, and each move that left it gives its session back.
        """
        return Counter(self.leaving) | Counter(
            waiting.move.source for waiting in _firsts(self.line) if waiting.move.source not in waiting.full
        )

    def after(self, ended: Move, others: Container[MoveId] = ()) -> tuple[Move, ...]:
        """Return the moves that start when this one has given back its slots, and ``others`` have started."""
        freed = self.places_of(ended.source, ended.destination)
        able = (
            waiting
            for waiting in self.line
            if waiting.full <= freed
            and (waiting.full or waiting.move.job_id == ended.job_id)
            and waiting.move.id not in others
        )
        return tuple(waiting.move for waiting in _firsts(able))[:AT_ONCE]


def _firsts(line: Iterable[Waiting]) -> Iterable[Waiting]:
    """Return the first for each slot."""
    firsts = dict[Slot, Waiting]()
    for waiting in line:
        firsts.setdefault(waiting.slot, waiting)
    return firsts.values()


def next_in_line(
    ready: Iterable[tuple[Move, Ready]],
    full_places: frozenset[Place],
    under_way: Iterable[Attempt],
    place_of: Callable[[Move, Ready], tuple[Any, ...]],
    places_of: Callable[[HostName, HostName], frozenset[Place]] = _two_hosts,
) -> NextInLine:
    """Return, of the moves that are ready and wait for slots alone, those that start after the next end."""
    taken = {places_of(attempt.source, attempt.destination) for attempt in under_way}
    busy = frozenset().union(*taken)
    by_one_end = dict[frozenset[Place], bool]()
    first = defaultdict[Slot, list[Waiting]](list)
    leaving = set[HostName]()
    for move, verdict in ready:
        full = full_places & places_of(move.source, move.destination)
        if not full <= busy:
            continue  # no end of ours frees what it needs
        leaving.add(move.source)
        if full not in by_one_end:
            by_one_end[full] = len(full) < 2 or any(full <= places for places in taken)  # noqa: PLR2004 (two hosts)
        if not by_one_end[full]:
            continue
        waiting = Waiting(move, full, place_of(move, verdict))
        insort(mine := first[waiting.slot], waiting, key=_place)
        del mine[DEEP:]
    line = sorted((one for mine in first.values() for one in mine), key=_place)
    return NextInLine(tuple(line), frozenset(leaving), places_of)


def _place(waiting: Waiting) -> tuple[Any, ...]:
    return waiting.place
