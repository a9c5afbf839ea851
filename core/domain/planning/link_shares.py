"""Puts links in numbers for a placement: which share of each link a move takes, and what each has to carry in the end.

A link that carries two moves is taken half by each; one that carries as many bytes as two moves send, too. So the time
for which a link is busy is the sum of seconds times shares, whichever of both is short.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.domain.model.inventory import HostName
from core.domain.planning.assignment import Problem, Shares
from core.domain.planning.speeds import Speeds
from core.domain.planning.work import Work
from core.domain.scheduling.links import Links


def link_shares(
    sources: Mapping[HostName, int],
    targets: Mapping[HostName, int],
    speeds: Speeds,
    others: Sequence[Work],
    now: datetime | None,
) -> tuple[dict[tuple[int, int], Shares], list[list[tuple[float, float]]]]:
    """Return the links from each source to each host, by their numbers, and of each link what other moves take.

    ``now``: the time on the wall whose numbers count; None: the most that links ever carry.
    """
    numbers = {link: number for number, link in enumerate(speeds.links.all)}
    if not numbers:
        return {}, []

    def shares(source: HostName, destination: HostName) -> Shares:
        own, found = speeds.of(source, destination), []
        for link in speeds.links.of(source, destination):
            moves = link.limit_at(now) if now else link.most
            share = max(1 / moves if moves else 0.0, min(1.0, own / speeds.carried_by(link)))
            found += [(numbers[link], share)] if share else []
        return found

    links = {(n, m): found for s, n in sources.items() for t, m in targets.items() if (found := shares(s, t))}
    busy: list[list[tuple[float, float]]] = [[] for _ in numbers]
    for work in others:
        for link, share in shares(work.source, work.destination):
            busy[link].append((work.seconds, share))
    return links, busy


class LinkWork:
    """What each link has to carry once all are placed."""

    def __init__(self, problem: Problem, placed: Mapping[int, int], links: Links) -> None:
        self._problem = problem
        self._names = [link.name for link in links.all]
        self._work = [sum(seconds * share for seconds, share in busy) for busy in problem.link_busy]
        for vm, host in placed.items():
            for link, share in problem.links_of(vm, host):
                self._work[link] += problem.seconds[vm][host] * share

    def slowest(self, vm: int, host: int) -> tuple[float, str]:
        """Return when the slowest link from a VM to a host would be done with the VM besides, and its name."""
        seconds = self._problem.seconds[vm].get(host, 0.0)
        shares = self._problem.links_of(vm, host)
        over = ((self._work[link] + seconds * share, self._names[link]) for link, share in shares)
        return max(over, default=(0.0, ""))
