"""Says why a VM is placed on a host and not on the others. All its times are until a host has all that goes there."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence

from core.domain.model.units import span
from core.domain.planning.assignment import Problem
from core.domain.planning.destinations import Destination
from core.domain.planning.link_shares import LinkWork
from core.domain.scheduling.links import Links

_HARDLY = 0.02
"""What a plan may be shorter by, as a share, without being worth another host."""
_NAMED = 3
"""How many other hosts, that would take a VM as well, its reason names."""
Refused = Mapping[int, str]
"""Why hosts do not take a VM, in a few words, by the host's number."""


class Reasons:
    """The reasons of one placement, from what came of the weighing."""

    def __init__(
        self,
        targets: Sequence[Destination],
        problem: Problem,
        weighed: Mapping[int, int],
        refused: Sequence[Refused],
        links: Links,
        *,
        tells_who_stays: bool,
    ) -> None:
        self._targets, self._problem, self._weighed, self._refused = targets, problem, weighed, refused
        self._tells_who_stays = tells_who_stays
        self._used = Counter[Hashable]()
        work = defaultdict[int, float](float)
        for vm, host in weighed.items():
            work[host] += problem.seconds[vm][host]
            for what, need in problem.needs(vm, host):
                self._used[what] += need
        self._ends = [
            (work[host] + sum(problem.host_busy[host])) / max(1, slots) for host, slots in enumerate(problem.host_slots)
        ]
        at_home = defaultdict[int, float](float)
        for vm, host in weighed.items():
            at_home[problem.sources[vm]] += problem.seconds[vm][host]
        self._last_source = max(
            (work / max(1, problem.source_slots[one]) for one, work in at_home.items()), default=0.0
        )
        self._over_links = LinkWork(problem, weighed, links)
        self._by_end = sorted(range(len(targets)), key=self._ends.__getitem__)
        self._not: dict[int, str] = {}

    def of(self, vm: int, host: int) -> str:
        """Say why this host and why not the others."""
        closed = self._refused[vm]
        name, not_closed = self._targets[host].host, self._refusals(closed, but=host)
        if vm in self._problem.pinned:
            why = f"does not take it: {closed[host]}" if closed.get(host) else "has no room for it"
            return f"{name} was chosen by hand{'' if vm in self._weighed else f'; it {why}'}."
        if vm not in self._weighed:
            if self._problem.seconds[vm]:
                return f"No host has room for it. {not_closed}".strip()
            # Whom something keeps where he is, whatever the host, is not told about hosts.
            is_its_own = any(not why for why in closed.values())
            return "" if is_its_own else f"No host takes it. {not_closed}".strip()
        others = [one for one in self._by_end if one != host and one not in closed]
        if self._tells_who_stays and self._problem.kept.get(vm) == host:
            return f"Stays with {name}, where the plan had it. {not_closed}".strip()
        if not others:
            return f"Only {name} takes it. {not_closed}".strip()
        shown = "; ".join(self._others(vm, host, others[:_NAMED]))
        more = f"; {len(others) - _NAMED} more could have it" if len(others) > _NAMED else ""
        takes = f"{name} has room and would take {span(self._ends[host])} for all that goes there"
        return f"{takes}; {shown}{more}. {not_closed}".strip()

    def _others(self, vm: int, host: int, others: Sequence[int]) -> Iterator[str]:
        """Say of hosts that would take it too why it goes to none of them, those of one reason together."""
        by_reason = defaultdict[str, list[str]](list)
        for other in others:
            by_reason[self._other(vm, host, other)].append(self._targets[other].host)
        for why, hosts in by_reason.items():
            said = why if len(hosts) == 1 else why.replace("has ", "have ", 1)
            yield f"{' and '.join(filter(None, (', '.join(hosts[:-1]), hosts[-1])))} {said}"

    def _other(self, vm: int, host: int, other: int) -> str:
        problem = self._problem
        full = any(
            self._used[what] + need > problem.room.get(what, self._used[what] + need)
            for what, need in problem.needs(vm, other)
        )
        if full:
            return "has no room left"
        if any(problem.met.get((group, other)) for group in problem.groups.get(vm, ())):
            return "has one of its kind"
        with_it = self._ends[other] + problem.seconds[vm][other] / max(1, problem.host_slots[other])
        over, link = self._over_links.slowest(vm, other)
        if over > max(with_it, self._ends[host]):
            return f"would take {span(over)} with it, over link {link}"
        if with_it >= self._ends[host]:
            return f"would take {span(with_it)} with it"
        less = "would take less even with it"
        return f"{less}, but the plan would hardly be shorter" if self._is_as_long(vm, host, other) else less

    def _is_as_long(self, vm: int, host: int, other: int) -> bool:
        """Whether the host that is done last would be done about as late with this VM on another one."""
        seconds, slots = self._problem.seconds[vm], self._problem.host_slots
        changed = {
            host: self._ends[host] - seconds[host] / max(1, slots[host]),
            other: self._ends[other] + seconds[other] / max(1, slots[other]),
        }
        rest = next((self._ends[one] for one in reversed(self._by_end) if one not in changed), 0.0)
        return max(rest, self._last_source, *changed.values()) > (1 - _HARDLY) * max(self._ends)

    def _refusals(self, closed: Refused, but: int) -> str:
        """Say why hosts do not take it, those of one reason together."""
        known = self._not.get(id(closed)) if but not in closed else None
        if known is None:
            by_reason = defaultdict[str, list[str]](list)
            for host, why in closed.items():
                if host != but and why:
                    by_reason[why].append(self._targets[host].host)
            known = " ".join(f"Not {', '.join(hosts)}: {why}." for why, hosts in by_reason.items())
            if but not in closed:
                self._not[id(closed)] = known
        return known
