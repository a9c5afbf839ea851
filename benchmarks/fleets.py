"""Makes up what is to be moved: seeded fleets in three shapes, two kinds of physics, and sizes known only roughly."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.domain.model.inventory import HostName, VmId
from core.domain.model.plan import PlannedMove
from lab.hyperv.world.fleet import GB, MB, VM, Fleet, Host, Physics
from lab.hyperv.world.random_fleet import Recipe, random_fleet

ROUGHLY = 0.3
"""A plan's sizes are wrong by up to this share, either way."""
PATH = "D:\\Moved"


class Shape(StrEnum):
    """Which moves a fleet needs."""

    PAIR = "one pair"
    EVACUATION = "one host to many"
    ANY = "any to any"


class Speed(StrEnum):
    """What a move's speed depends on."""

    STREAM = "own speed"
    """Each move goes at 250 MB/s whatever else is going on: disks and compression decide."""
    NETWORK = "shared network"
    """The moves of a host share its network equally, and the slower end decides."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fleet and what is asked of it."""

    shape: Shape
    speed: Speed
    seed: int
    fleet: Fleet
    moves: tuple[PlannedMove, ...]

    def slots(self) -> dict[HostName, int]:
        """Return how many moves each host allows at once."""
        return {HostName(host.name): min(host.live_limit, host.storage_limit) for host in self.fleet.hosts}


_HOSTS = {Shape.PAIR: 2, Shape.EVACUATION: 5, Shape.ANY: 6}


def case(shape: Shape, speed: Speed, seed: int, vms: int = 40, *, off_share: float = 0.0) -> Case:
    """Make a case; the same arguments make the same one."""
    rng = random.Random(f"{shape} {seed}")  # noqa: S311 (seeded, to be repeated)
    recipe = Recipe(
        hosts=_HOSTS[shape],
        vms=vms,
        off_share=off_share,
        odd_share=0,
        same_name_share=0,
        backup_windows=0,
        other_migrations=0,
        disk_bytes_per_vm=60 * GB,
    )
    made = random_fleet(seed, recipe)
    hosts = _hosts(made.hosts, speed, rng)
    machines = tuple(_plain(vm if shape is Shape.ANY else replace(vm, host=hosts[0].name)) for vm in made.vms)
    physics = Physics(stream_bytes_per_s=250 * MB) if speed is Speed.STREAM else Physics()
    moves = tuple(_planned(vm, rng.choice([h.name for h in hosts if h.name != vm.host]), rng) for vm in machines)
    return Case(shape, speed, seed, Fleet(hosts=hosts, vms=machines, physics=physics), moves)


def _hosts(hosts: Sequence[Host], speed: Speed, rng: random.Random) -> tuple[Host, ...]:
    """Give all hosts one network: 1 or 10 Gb/s, or one that is never short."""
    bandwidth = 1_000_000 * MB if speed is Speed.STREAM else rng.choice((125, 1250)) * MB
    return tuple(replace(host, bandwidth_bytes_per_s=bandwidth, switches=("Production", "Backup")) for host in hosts)


def _plain(vm: VM) -> VM:
    return replace(vm, checkpoints=())


def _planned(vm: VM, destination: str, rng: random.Random) -> PlannedMove:
    wrong = rng.uniform(1 - ROUGHLY, 1 + ROUGHLY)
    return PlannedMove(
        vm_id=VmId(vm.id),
        vm_name=vm.name,
        source=HostName(vm.host),
        destination=HostName(destination),
        path=f"{PATH}\\{vm.id}",
        disk_bytes=int(wrong * sum(disk.size_bytes for disk in vm.disks)),
        memory_bytes=int(wrong * vm.memory_bytes),
    )


def by_pair(moves: Sequence[PlannedMove]) -> dict[tuple[HostName, HostName], list[PlannedMove]]:
    """Sort moves by their two hosts."""
    pairs: defaultdict[tuple[HostName, HostName], list[PlannedMove]] = defaultdict(list)
    for move in moves:
        pairs[move.source, move.destination].append(move)
    return dict(pairs)
