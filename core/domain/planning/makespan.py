"""Estimates how long moves take: a list schedule, and a lower bound that nothing can beat."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from core.domain.model.inventory import HostName
from core.domain.planning.link_schedule import LinkSchedule
from core.domain.planning.list_schedule import ListSchedule
from core.domain.planning.speeds import OVERHEAD_S, Lines
from core.domain.planning.work import Pause, Work
from core.domain.scheduling.links import Link

MANY = 1_000
"""With more works than this it takes too long to share out links and hosts at every start and end: each is then looked
at by itself, as if it were always busy. With so many that is what the busiest one is."""


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
    on each of its links too, and those on one link, or at one host, share what it carries.
    """
    if lines is not None and len(works) <= MANY:
        return LinkSchedule(works, slots, pauses, at_once, lines).run()
    made = ListSchedule(works, slots, pauses, at_once).run()
    if lines is None:
        return made
    of_hosts: Iterable[float] = _per_host(works).values() if lines.speeds.hosts_share else ()
    return max((made, *of_hosts, *(_drained(mine, link, lines) for link, mine in _by_link(works, lines))))


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
