"""Phase 2 of a decision, order: which of the moves that may start goes first."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from core.domain.model.inventory import HostName
from core.domain.model.job import Job
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.scheduling.links import NO_LINKS, Link, Links, Place
from core.domain.scheduling.readiness import Ready
from core.domain.scheduling.slots import SlotUsage


@dataclass(frozen=True, slots=True)
class Places:
    """Which moves go before others of their job, each by when it must start, and which go last of all."""

    first: Mapping[MoveId, float] = field(default_factory=dict)
    last: Collection[MoveId] = ()


NOWHERE = Places()


def in_order(
    pairs: list[tuple[Move, Ready]],
    jobs: Iterable[Job],
    moves: Sequence[Move],
    loads: Mapping[HostName, Sequence[SlotUsage]],
    on_trial: Collection[tuple[HostName, HostName]] = (),
    *,
    links: Links = NO_LINKS,
    places: Places = NOWHERE,
) -> list[tuple[Move, Ready]]:
    """Sort moves that may start: the oldest job's first, running VMs before others, on the most loaded hosts first.

    Within its job a move between two hosts on trial comes last, see ``trials``.
    """
    if not pairs:
        return []
    place = sort_key(jobs, remaining_work(moves, loads, links), on_trial, links, places=places)
    return sorted(pairs, key=lambda pair: place(*pair))


def sort_key(
    jobs: Iterable[Job],
    work: Mapping[Place, float],
    on_trial: Collection[tuple[HostName, HostName]],
    links: Links = NO_LINKS,
    *,
    places: Places = NOWHERE,
) -> Callable[[Move, Ready], tuple[Any, ...]]:
    """Return what gives a move its place among those that may start: the lower goes first."""
    ranks = {job.id: rank for rank, job in enumerate(oldest_first(jobs))}

    def place(move: Move, verdict: Ready) -> tuple[Any, ...]:
        # What two loaded hosts have to do with each other cannot wait for the end; see benchmarks/results.md.
        weight = work[move.source] + work[move.destination] + move.size_bytes
        for link in links.of(move.source, move.destination):
            weight += work[link]
        is_on_trial = (move.source, move.destination) in on_trial
        # On trial first those that have not tried: a VM that moves ends it, one that fails again proves little.
        tried = move.attempts if is_on_trial else 0
        # Before its backup: the one that must start first. One that meets its backup starts if nobody else can.
        start_by = places.first.get(move.id, inf)
        is_for_nobody = move.id in places.last
        return is_for_nobody, ranks[move.job_id], is_on_trial, tried, verdict.is_last, start_by, -weight, move.id

    return place


def oldest_first(jobs: Iterable[Job]) -> list[Job]:
    """Sort jobs by when they were approved: the oldest takes what room there is first."""
    return sorted(jobs, key=lambda job: (job.decided_at or job.created_at, len(job.id), job.id))


def remaining_work(
    moves: Iterable[Move], loads: Mapping[HostName, Sequence[SlotUsage]], links: Links = NO_LINKS
) -> defaultdict[Place, float]:
    """Return the bytes still to move per slot of each host and link: the most loaded decide when all is over."""
    work: defaultdict[Place, float] = defaultdict(float)
    for move in moves:
        if move.state is MoveState.QUEUED or not move.state.is_end:
            work[move.source] += move.size_bytes
            work[move.destination] += move.size_bytes
            for link in links.of(move.source, move.destination):
                work[link] += move.size_bytes
    for place in work:
        if isinstance(place, Link):
            work[place] /= place.most or math.inf
            continue
        limit = min((load.limit for load in loads.get(place, ())), default=1)
        work[place] /= max(1, limit)
    return work
