"""Makes up what is to be moved: seeded fleets in three shapes, two kinds of physics, and sizes known only roughly."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.domain.model.inventory import HostName, VmId
from core.domain.model.plan import PlannedMove
from core.domain.scheduling.links import NO_LINKS, Link, Links
from lab.hyperv.world.fleet import GB, MB, VM, Fleet, Host, Physics, Uplink
from lab.hyperv.world.random_fleet import Recipe, random_fleet

ROUGHLY = 0.3
"""A plan's sizes are wrong by up to this share, either way."""
PATH = "D:\\Moved"
STREAM = 250 * MB
_WITHIN = 1 / 3


class Shape(StrEnum):
    """Which moves a fleet needs."""

    PAIR = "one pair"
    EVACUATION = "one host to many"
    ANY = "any to any"
    RACKS = "racks, any to any"
    """Racks with one uplink each; a third of the moves stay within their rack."""
    RACK_OUT = "one rack to the others"


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
    links: Links = NO_LINKS

    def slots(self) -> dict[HostName, int]:
        """Return how many moves each host allows at once."""
        return {HostName(host.name): min(host.live_limit, host.storage_limit) for host in self.fleet.hosts}


PLAIN = (Shape.PAIR, Shape.EVACUATION, Shape.ANY)
"""Those without links."""
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
    physics = Physics(stream_bytes_per_s=STREAM) if speed is Speed.STREAM else Physics()
    moves = tuple(_planned(vm, rng.choice([h.name for h in hosts if h.name != vm.host]), rng) for vm in machines)
    return Case(shape, speed, seed, Fleet(hosts=hosts, vms=machines, physics=physics), moves)


def rack_case(shape: Shape, speed: Speed, seed: int, vms: int = 60) -> Case:
    """Make two to four racks of two to four hosts, each with an uplink that carries one to six moves at once.

    With ``Speed.NETWORK`` an uplink also has a bandwidth: that of so many moves, or of half as many.
    """
    rng = random.Random(f"{shape} {seed}")  # noqa: S311 (seeded, to be repeated)
    racks, size = rng.randint(2, 4), rng.randint(2, 4)
    recipe = Recipe(
        hosts=racks * size,
        vms=vms,
        off_share=0,
        odd_share=0,
        same_name_share=0,
        backup_windows=0,
        other_migrations=0,
        disk_bytes_per_vm=60 * GB,
    )
    made = random_fleet(seed, recipe)
    hosts = _hosts(made.hosts, Speed.STREAM, rng)
    rack_of = {host.name: number // size for number, host in enumerate(hosts)}
    first = [host.name for host in hosts if rack_of[host.name] == 0]
    machines = [_plain(vm if shape is Shape.RACKS else replace(vm, host=rng.choice(first))) for vm in made.vms]
    moves = []
    for vm in machines:
        stays = shape is Shape.RACKS and rng.random() < _WITHIN
        near = [h for h in rack_of if h != vm.host and (rack_of[h] == rack_of[vm.host]) is stays]
        moves.append(_planned(vm, rng.choice(near), rng))
    links, uplinks = [], []
    for rack in range(racks):
        inside, carries = tuple(h for h in rack_of if rack_of[h] == rack), rng.choice((1, 2, 3, 4, 6))
        bytes_per_s = carries * STREAM // rng.choice((1, 2)) if speed is Speed.NETWORK else 0
        name = f"rack-{rack + 1}"
        links.append(
            Link(
                name=name,
                hosts=frozenset(map(HostName, inside)),
                moves=carries,
                bytes_per_s=float(bytes_per_s) or None,
            )
        )
        uplinks += [Uplink(name=name, hosts=inside, bandwidth_bytes_per_s=bytes_per_s)] if bytes_per_s else []
    fleet = Fleet(hosts=hosts, vms=tuple(machines), physics=Physics(stream_bytes_per_s=STREAM), uplinks=tuple(uplinks))
    return Case(shape, speed, seed, fleet, tuple(moves), Links(tuple(links)))


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
