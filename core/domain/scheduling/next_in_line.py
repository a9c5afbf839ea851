"""Decides which waiting moves start as soon as one of those under way has ended, so that they can be made ready."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.domain.model.inventory import HostName
from core.domain.model.job import JobId
from core.domain.model.move import Attempt, Move
from core.domain.scheduling.readiness import Ready

AT_ONCE = 2
"""So many moves can start when one has ended: it was on two hosts."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A move that could start but for a slot: the hosts that are full, none if only its own job has enough under way.

    ``place`` is its place in the queue: the lower goes first.
    """

    move: Move
    full: frozenset[HostName]
    place: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class NextInLine:
    """The first move that waits for each slot that may become free, in starting order."""

    line: tuple[Waiting, ...] = ()

    def sources(self) -> dict[HostName, int]:
        """Count the moves by the host they leave: there a start needs a session."""
        counts = dict[HostName, int]()
        for waiting in self.line:
            counts[waiting.move.source] = counts.get(waiting.move.source, 0) + 1
        return counts

    def after(self, ended: Move) -> tuple[Move, ...]:
        """Return the moves that start when this one has given back its slots."""
        freed = {ended.source, ended.destination}
        able = (
            waiting.move
            for waiting in self.line
            if waiting.full <= freed and (waiting.full or waiting.move.job_id == ended.job_id)
        )
        return tuple(able)[:AT_ONCE]


def next_in_line(
    ready: Iterable[tuple[Move, Ready]],
    full_hosts: frozenset[HostName],
    under_way: Iterable[Attempt],
    place_of: Callable[[Move, Ready], tuple[Any, ...]],
) -> NextInLine:
    """Return, of the moves that are ready and wait for slots alone, those that start after the next end."""
    pairs = {frozenset((attempt.source, attempt.destination)) for attempt in under_way}
    busy_hosts = {host for pair in pairs for host in pair}
    first = dict[tuple[frozenset[HostName], JobId | None], Waiting]()
    for move, verdict in ready:
        full = full_hosts & {move.source, move.destination}
        if (len(full) > 1 and full not in pairs) or not full <= busy_hosts:
            continue  # no one end frees what it needs
        waiting = Waiting(move, full, place_of(move, verdict))
        slot = full, None if full else move.job_id
        if slot not in first or waiting.place < first[slot].place:
            first[slot] = waiting
    return NextInLine(tuple(sorted(first.values(), key=lambda one: one.place)))
