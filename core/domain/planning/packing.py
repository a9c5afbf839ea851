"""Decides whether more VMs find room than one after the other did: tries every way, as long as these are few.

Who is placed one after the other may leave no room for the last, though another order had room for all. This search is
exact where it comes to its end, which it does for the small fleets in which a person would see that there was a way;
it ends after a count of looks, so that a slow machine finds the same.
"""

from collections.abc import Mapping

from core.domain.planning.assignment import Assignment, Problem

LOOKS = 150_000
"""How often it is asked whether a VM fits on a host before the search gives up."""
MOST = 64
"""More VMs make more ways than can be tried: they are packed by two rules of thumb instead."""
_PACKED = 1_000
"""More VMs than this are not packed either: it takes too long, and room for so many is seldom that short."""


def place_more(made: Assignment) -> Assignment:
    """Return an assignment of more VMs than the one given where there is a way and it is found, else that one."""
    movable = [vm for vm, row in enumerate(made.problem.seconds) if row]
    if len(made.host_of) == len(movable) or len(movable) > _PACKED:
        return made
    if len(movable) > MOST:
        return _pack_more(made, movable)
    found = _Search(made.problem, movable, len(made.host_of)).run()
    if found is None:
        return made
    better = Assignment(made.problem)
    for vm, host in found.items():
        better.put(vm, host)
    return better


def _pack_more(made: Assignment, movable: list[int]) -> Assignment:
    """Pack what takes most first, whatever the time; of the ways to do so the one that places most counts."""
    problem = made.problem

    def takes(vm: int) -> float:
        return min(sum(need for need, _ in _shares(made, vm, host)) for host in problem.seconds[vm])

    order = sorted(movable, key=takes, reverse=True)
    order.sort(key=lambda vm: (vm not in problem.pinned, not problem.stays(vm)))
    for suits in (_has_most_left, _is_used_evenly):
        packed, stuck = Assignment(problem), []
        for vm in order:
            hosts = [host for host in problem.seconds[vm] if packed.fits(vm, host)]
            if not hosts:
                stuck.append(vm)
                continue
            kept = problem.kept.get(vm)
            packed.put(vm, kept if kept in hosts else max(hosts, key=lambda host: suits(_shares(packed, vm, host))))
        for vm in stuck:
            packed.squeeze_in(vm)
        made = max(made, packed, key=lambda one: len(one.host_of))
        if len(made.host_of) == len(movable):
            break
    return made


_Shares = list[tuple[float, float]]
"""Of each resource, which share of the whole a VM takes, and which share is left before."""


def _shares(made: Assignment, vm: int, host: int) -> _Shares:
    room = made.problem.room
    needs = ((what, need) for what, need in made.problem.needs(vm, host) if need > 1)
    return [(need / max(1, room.get(what, 1)), made.share_left(what)) for what, need in needs]


def _has_most_left(shares: _Shares) -> float:
    """Weigh a host by how much is left there of what the VM takes most."""
    return sum(need * left for need, left in shares)


def _is_used_evenly(shares: _Shares) -> float:
    """Weigh a host by how alike disk and memory are used with the VM."""
    after = [left - need for need, left in shares]
    return min(after, default=0.0) - max(after, default=0.0)


class _Search:
    """A depth-first search: the VM with the fewest hosts left is next, on its fullest host first, or left out."""

    def __init__(self, problem: Problem, movable: list[int], placed: int) -> None:
        self._problem, self._movable = problem, movable
        self._best, self._found = placed, dict[int, int]()
        self._looks = LOOKS
        self._trial = Assignment(problem)

    def run(self) -> Mapping[int, int] | None:
        """Search; None when nothing places more."""
        self._go(tuple(self._movable), 0)
        return self._found or None

    def _go(self, waiting: tuple[int, ...], left_out: int) -> None:
        """Place these besides those that are placed; ``left_out`` are given up already."""
        hosts = {vm: self._hosts(vm) for vm in waiting}
        lost = sum(1 for found in hosts.values() if not found)
        if len(self._movable) - left_out - lost <= self._best or self._looks < 1:
            return
        waiting = tuple(vm for vm in waiting if hosts[vm])
        if not waiting:
            self._best, self._found = len(self._trial.host_of), dict(self._trial.host_of)
            return
        vm = min(waiting, key=lambda one: (len(hosts[one]), -self._largest(one, hosts[one])))
        rest = tuple(one for one in waiting if one != vm)
        for host in hosts[vm]:
            self._trial.put(vm, host)
            self._go(rest, left_out + lost)
            self._trial.take(vm)
        self._go(rest, left_out + lost + 1)

    def _hosts(self, vm: int) -> list[int]:
        """Return the hosts that have room for it: the one it should stay on first, then the fullest."""
        row = self._problem.seconds[vm]
        self._looks -= len(row)
        kept = self._problem.kept.get(vm)
        found = [host for host in row if self._trial.fits(vm, host)]
        return sorted(found, key=lambda host: (host != kept, -self._trial.fullness[host], host))

    def _largest(self, vm: int, hosts: list[int]) -> float:
        room = self._problem.room
        needs = (need / max(1, room.get(what, 1)) for host in hosts for what, need in self._problem.needs(vm, host))
        return max(needs, default=0.0)
