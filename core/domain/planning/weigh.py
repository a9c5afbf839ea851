"""Weighs hosts against each other: who goes where so that all is done soonest, within everybody's room. Numbers only.

Scheduling unlike machines under capacities is hard to do best and easy to do well: longest first onto the host that is
done soonest, room made by moving others aside; then moves and swaps that shorten the busiest host's time; then, as long
as there are few VMs, changes tried by playing the whole schedule. Chance is seeded: one fleet always gets one plan.
"""

import heapq
import random
from collections.abc import Iterator, Sequence

from core.domain.planning.assignment import (
    HOST,
    LINK,
    SOURCE,
    Assignment,
    Change,
    Place,
    Problem,
    Shares,
    largest_share,
)
from core.domain.planning.packing import place_more

_GOOD = 1.002
"""So close to the bound nothing is looked for any more."""
_TWICE = 200
"""With no more VMs than this the search begins from two placements: by length, and by what takes most room."""
_LOOKS = 4_000
"""How many changes are tried host by host; a count, not a time: a slow machine gets the same plan."""
_PLAYED = 4_000_000
"""How many schedules are played, times the square of their VMs: what playing them costs."""
_MOST, _PER_VM = 2_500, 100
_LEAST = 20
"""Fewer plays than this are worth nothing: so many VMs even out by themselves."""
_PER_PLAY = 40
"""How many changes are made up for each that is played: most find no room where room is short."""
_ROUND = 250
"""After so many schedules the search goes on from the best one."""
_RING = 0.3
"""How often three VMs change places in a ring, where two cannot."""
_WHOLE = 1 + 1e-6
"""A whole link, and a little for the shares of thirds."""
_WORSE = 1.02
"""How much longer a schedule may be than the one before it, to get out of a corner."""


def weigh(problem: Problem) -> dict[int, int]:
    """Give each VM a host; those for which no host has room are left out."""
    waiting = range(len(problem.seconds))
    longest = [max(row.values(), default=0.0) for row in problem.seconds]
    starts = [Assignment(problem).fill(sorted(waiting, key=lambda vm: -longest[vm]))]
    is_short = len(starts[0].host_of) < sum(1 for row in problem.seconds if row)
    if is_short or len(waiting) <= _TWICE:
        # Where room is short, who has the fewest hosts to go to, and takes most of them, chooses first.
        share = {vm: largest_share(problem, vm) for vm in waiting}
        starts.append(Assignment(problem).fill(sorted(waiting, key=lambda vm: (len(problem.seconds[vm]), -share[vm]))))
    most = max(len(made.host_of) for made in starts)
    starts = [made for made in starts if len(made.host_of) == most]
    if is_short:
        starts[0] = place_more(starts[0])
        starts = [made for made in starts if len(made.host_of) >= len(starts[0].host_of)]
    found = list[tuple[float, dict[int, int]]]()
    for made in starts[: 2 if len(waiting) <= _TWICE else 1]:
        _Relief(made).run()
        found.append(_Trials(made).run())
        if found[-1][0] <= made.floor * _GOOD:
            break
    return min(found, key=lambda one: one[0])[1]


class _Relief:
    """Shortens what takes longest, a move or a swap at a time, until nothing helps."""

    def __init__(self, made: Assignment) -> None:
        self._made = made
        self._looks = _LOOKS
        places: list[Place] = [(SOURCE, n) for n in range(len(made.problem.source_slots))]
        places += [(HOST, n) for n in range(len(made.problem.host_slots))]
        places += [(LINK, n) for n in range(len(made.problem.link_busy))]
        self._ends = {place: made.ends(place) for place in places}

    def run(self) -> None:
        """Improve the assignment."""
        while self._looks > 0:
            worst = max(self._ends, key=lambda place: (self._ends[place], place))
            if self._ends[worst] <= self._made.floor * _GOOD:
                return
            if not any(map(self._helps, self._changes(worst))):
                return

    def _changes(self, worst: Place) -> Iterator[Change]:
        """Go through what could relieve a place: one of its VMs elsewhere, or in exchange with another."""
        made, seconds = self._made, self._made.problem.seconds
        held = [vm for vm in made.at(worst) if made.is_free(vm)]
        held.sort(key=lambda vm: (-seconds[vm][made.host_of[vm]], vm))
        for vm in held:
            here = made.host_of[vm]
            hosts = sorted((host for host in seconds[vm] if host != here), key=seconds[vm].__getitem__)
            yield from (((vm, host),) for host in hosts)
        for vm in held:
            here = made.host_of[vm]
            for host in (host for host in seconds[vm] if host != here):
                others = sorted(one for one in made.on[host] if here in seconds[one] and made.is_free(one))
                yield from (((vm, host), (other, here)) for other in others)

    def _helps(self, change: Change) -> bool:
        """Try a change; keep it when the latest of the places it touches is done sooner."""
        if self._looks < 1:
            return True
        self._looks -= 1
        made = self._made
        before = [(vm, made.host_of[vm]) for vm, _ in change]
        touched = {place for vm, host in (*change, *before) for place in made.places(vm, host)}
        was = max(self._ends[place] for place in touched)
        if not made.apply(change):
            return False
        now = {place: made.ends(place) for place in touched}
        if max(now.values()) < was - 1e-6:
            self._ends.update(now)
            return True
        made.apply(before)
        return False


class _Trials:
    """Tries changes at random, seeded, by playing the schedule: both slots of a move count, and the order of starts."""

    def __init__(self, made: Assignment) -> None:
        self._made = made
        self._chance = random.Random(len(made.host_of))  # noqa: S311 (to be repeated, not to be secret)

    def run(self) -> tuple[float, dict[int, int]]:
        """Return the best assignment met, and when it is done."""
        made = self._made
        free = [vm for vm in made.host_of if made.is_free(vm) and len(made.problem.seconds[vm]) > 1]
        plays = min(_PER_VM * len(free), _MOST, _PLAYED // max(1, len(made.host_of)) ** 2)
        if not free or plays < _LEAST:
            places = {place for vm, host in made.host_of.items() for place in made.places(vm, host)}
            return max((made.ends(place) for place in places if place[0] != SOURCE), default=0.0), made.host_of
        best, best_s = dict(made.host_of), self._played()
        now_s = best_s
        for _ in range(plays * _PER_PLAY):
            if plays < 1 or best_s <= made.floor * _GOOD:
                break
            change = self._change(free)
            before = [(vm, made.host_of[vm]) for vm, _ in change]
            if not made.apply(change):
                continue
            plays -= 1
            new_s = self._played()
            if plays % _ROUND == 0 and made.apply(
                [(vm, host) for vm, host in best.items() if made.host_of[vm] != host]
            ):
                now_s = best_s
                continue
            if new_s > now_s * _WORSE and new_s > best_s * _WORSE:
                made.apply(before)
                continue
            now_s = new_s
            if new_s < best_s - 1e-6:
                best, best_s = dict(made.host_of), new_s
        return best_s, best

    def _change(self, free: list[int]) -> Change:
        made, seconds = self._made, self._made.problem.seconds
        vm = self._chance.choice(free)
        here = made.host_of[vm]
        host = self._chance.choice([host for host in seconds[vm] if host != here])
        if self._chance.random() < _RING and (ring := self._ring(vm, here, host)):
            return ring
        others = [one for one in sorted(made.on[host]) if here in seconds[one] and made.is_free(one)]
        # One elsewhere, or some for others: where room is short, large ones go only against several small.
        back = self._chance.sample(others, min(len(others), self._chance.choice((0, 1, 1, 2, 2, 3))))
        with_it = [one for one in sorted(made.on[here]) if one != vm and host in seconds[one] and made.is_free(one)]
        more = self._chance.sample(with_it, min(len(with_it), self._chance.choice((0, 0, 1)))) if back else []
        return (*((one, host) for one in (vm, *more)), *((other, here) for other in back))

    def _ring(self, vm: int, here: int, host: int) -> Change:
        """Let three VMs change places in a ring; nothing when there are no such three."""
        made, seconds = self._made, self._made.problem.seconds
        onward = [one for one in sorted(made.on[host]) if made.is_free(one) and len(seconds[one]) > 1]
        if not onward:
            return ()
        second = self._chance.choice(onward)
        thirds = [other for other in seconds[second] if other not in {here, host}]
        if not thirds:
            return ()
        third = self._chance.choice(thirds)
        back = [one for one in sorted(made.on[third]) if here in seconds[one] and made.is_free(one)]
        closing = ((self._chance.choice(back), here),) if back else ()
        return ((vm, host), (second, third), *closing)

    def _played(self) -> float:
        """Return when all is done, each started longest first as soon as both its hosts have a slot."""
        made, problem = self._made, self._made.problem
        line = sorted(
            ((problem.seconds[vm][host], problem.sources[vm], host) for vm, host in made.host_of.items()), reverse=True
        )
        free_sources, free_hosts = (
            list(map(_least_one, problem.source_slots)),
            list(map(_least_one, problem.host_slots)),
        )
        free_links = [_WHOLE] * len(problem.link_busy)
        ends = _begun(problem, free_sources, free_hosts, free_links)
        clock, room, links = 0.0, problem.at_once or len(line) + 1, problem.links
        while line:
            left = []
            for move in line:
                length, source, host = move
                shares = links.get((source, host), ()) if links else ()
                fits = free_sources[source] > 0 and free_hosts[host] > 0 and (not shares or _fit(shares, free_links))
                if room and fits:
                    free_sources[source] -= 1
                    free_hosts[host] -= 1
                    room -= 1
                    _give(free_links, shares, -1)
                    heapq.heappush(ends, (clock + length, source, host, shares))
                else:
                    left.append(move)
            line = left
            if not line or not ends:
                break
            clock, source, host, shares = heapq.heappop(ends)
            _give(free_links, shares, 1)
            if source >= 0:
                free_sources[source] += 1
            if host >= 0:
                free_hosts[host] += 1
            room += source >= 0 and host >= 0
        return max((end for end, *_ in ends), default=clock)


_Ends = list[tuple[float, int, int, Shares]]
"""When what runs ends: on which source and which host (-1: on none), and with which shares of links."""


def _begun(problem: Problem, free_sources: list[int], free_hosts: list[int], free_links: list[float]) -> _Ends:
    """Let what runs already take its slots."""
    ends: _Ends = []
    for link, taken in enumerate(problem.link_busy):
        for length, share in taken:
            free_links[link] -= share
            ends.append((length, -1, -1, ((link, share),)))
    for busy, slots, is_host in ((problem.source_busy, free_sources, False), (problem.host_busy, free_hosts, True)):
        for number, lengths in enumerate(busy):
            for length in lengths:
                slots[number] -= 1
                ends.append((length, -1 if is_host else number, number if is_host else -1, ()))
    heapq.heapify(ends)
    return ends


def _fit(shares: Shares, free_links: Sequence[float]) -> bool:
    return all(free_links[link] >= share for link, share in shares)


def _give(free_links: list[float], shares: Shares, sign: int) -> None:
    for link, share in shares:
        free_links[link] += sign * share


def _least_one(slots: int) -> int:
    return max(1, slots)
