"""Computes the time that no schedule can beat, from what a fleet's moves really take (not from their estimates).

It is the largest of these, each of which holds for every schedule:

- a single move alone on idle hosts;
- a host's work over its slots: the sum of what its moves take alone, over how many it allows at once;
- two of the ``k + 1`` longest moves of a host with ``k`` slots, which must follow each other;
- a group of hosts: a move inside the group takes a slot at two of them, so that at most half as many run at once as
  the group has slots, rounded down (three hosts with one slot each run one move among them, not one and a half);
- a link's work over its number, and two of its ``k + 1`` longest moves;
- the hosts behind a link of ``k``: of their moves, those among them included, run at most ``k`` over it (or as many as
  the links at their other ends allow together) and half as many among them as slots are left then (two hosts of one
  slot behind a link of one: either a move over it, or one between them);
- a link's bytes over its bandwidth, with the setup before the first byte and the switch-over after the last;
- a host's bytes over its network, where moves share it, with the setup before the first byte and the switch-over after
  the last.

Nothing is granted for the time a remote call takes: it is what hosts could do that read each other's mind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from benchmarks.fleets import PATH, Case, Speed
from core.domain.model.inventory import HostName
from core.domain.model.plan import PlannedMove
from core.domain.scheduling.links import Counts, Link
from lab.hyperv.world.fleet import VM, Fleet
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.world import World

_LARGEST_GROUP_OF_HOSTS = 10


@dataclass(frozen=True, slots=True)
class Alone:
    """What a move takes when nothing else is going on."""

    move: PlannedMove
    seconds: float
    size_bytes: float
    """Bytes it sends: disks, what is written anew meanwhile, memory."""


def alone(case: Case) -> list[Alone]:
    """Try each move by itself on its two hosts."""
    hosts = {host.name: host for host in case.fleet.hosts}
    machines = {vm.id: vm for vm in case.fleet.vms}
    physics = case.fleet.physics
    return [
        _alone(move, Fleet(hosts=(hosts[move.source], hosts[move.destination]), vms=(vm,), physics=physics), vm)
        for move, vm in ((move, machines[move.vm_id]) for move in case.moves)
    ]


def _alone(move: PlannedMove, fleet: Fleet, vm: VM) -> Alone:
    time_s = 0.0
    world = World(fleet, lambda: time_s)
    migration = world.start_move(
        MoveRequest(vm_id=vm.id, source=vm.host, destination=move.destination, owner="alone", storage_path=PATH)
    )
    size_bytes = sum(step.size_bytes for step in migration.steps)
    while (at_s := world.next_event_at()) is not None:
        time_s = at_s
    if migration.ended_s is None or migration.error is not None:
        raise AssertionError(f"{vm.name} cannot move at all: {migration.error}")
    return Alone(move, migration.ended_s, size_bytes)


def bound_s(case: Case, moves: list[Alone]) -> float:
    """Return the bound in seconds."""
    bounds = [max(move.seconds for move in moves), *_slot_bounds(case, moves)]
    bounds += _link_bounds(case, moves)
    if case.speed is Speed.NETWORK:
        bounds += _network_bounds(case, moves)
    return max(bounds)


def _link_bounds(case: Case, moves: list[Alone]) -> Iterator[float]:
    fixed_s = _fixed_s(case)
    for link in case.links.all:
        mine = [move for move in moves if link.carries(move.move.source, move.move.destination)]
        if link.moves is not None and mine:
            yield from _of_slots([move.seconds for move in mine], link.moves)
        if link.moves is not None and link.counts is Counts.CROSSING:
            yield _behind(case, link, moves)
        if link.bytes_per_s is not None and mine:
            yield fixed_s + sum(move.size_bytes for move in mine) / link.bytes_per_s


def _behind(case: Case, link: Link, moves: list[Alone]) -> float:
    """Return in how many seconds the hosts behind a link can do all that leaves them, reaches them, or stays there."""
    behind = sum(slots for host, slots in case.slots().items() if host in link.hosts)
    ways = [on for m in moves if link in (on := set(case.links.of(m.move.source, m.move.destination)))]
    others = set[Link]().union(*ways) - {link}
    elsewhere = sum(one.moves or behind for one in others) if all(len(on) > 1 for on in ways) else behind
    over = min(link.moves or behind, behind, elsewhere)
    work = sum(move.seconds for move in moves if link.hosts & {move.move.source, move.move.destination})
    return work / max(1, over + (behind - over) // 2)


def _of_slots(seconds: list[float], slots: int) -> Iterator[float]:
    mine = sorted(seconds, reverse=True)
    yield sum(mine) / slots
    if len(mine) > slots:
        yield mine[slots - 1] + mine[slots]


def _slot_bounds(case: Case, moves: list[Alone]) -> Iterator[float]:
    slots = case.slots()
    for host, count in slots.items():
        yield from _of_slots([m.seconds for m in moves if host in {m.move.source, m.move.destination}], count)
    for size in range(3, min(len(slots), _LARGEST_GROUP_OF_HOSTS) + 1):
        for group in combinations(slots, size):
            yield _inside(set(group), moves) / max(1, sum(slots[host] for host in group) // 2)


def _inside(group: set[HostName], moves: list[Alone]) -> float:
    return sum(m.seconds for m in moves if m.move.source in group and m.move.destination in group)


def _network_bounds(case: Case, moves: list[Alone]) -> Iterator[float]:
    fixed_s = _fixed_s(case)
    for host in case.fleet.hosts:
        sent = sum(m.size_bytes for m in moves if host.name in {m.move.source, m.move.destination})
        if sent:
            yield fixed_s + sent / host.bandwidth_bytes_per_s


def _fixed_s(case: Case) -> float:
    physics = case.fleet.physics
    return physics.setup_s + physics.switch_over_s + physics.deletion_s
