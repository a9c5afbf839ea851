"""Makes up hosts and VMs to be placed: seeded fleets of equal hosts, unlike ones, ones that refuse, and tight ones."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import (
    Adapter,
    Disk,
    HostFacts,
    HostName,
    Inspection,
    Snapshot,
    Vm,
    VmDetails,
    VmId,
    Volume,
)
from core.domain.planning.destinations import Destination
from core.domain.planning.room import SPARE_DISK_BYTES, SPARE_MEMORY_BYTES
from core.domain.planning.speeds import Speeds

GB = 2**30
MB = 10**6
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PATH = "D:\\VMs"
ASSUMED = 250 * MB
_LEARNED = 0.9
"""How many pairs have shown their speed."""


class Kind(StrEnum):
    """What makes a fleet hard."""

    EQUAL = "equal hosts"
    UNLIKE = "unlike hosts"
    REFUSING = "hosts that refuse"
    TIGHT = "tight disks and memory"


@dataclass(frozen=True, slots=True)
class PlacementCase:
    """What is to be placed, and where."""

    vms: tuple[VmDetails, ...]
    homes: dict[VmId, HostName]
    targets: tuple[Destination, ...]
    inspections: dict[HostName, Inspection]
    slots: dict[HostName, int]
    speeds: Speeds


def placement_case(kind: Kind, seed: int, vms: int = 0, hosts: int = 0) -> PlacementCase:
    """Make a fleet; the same arguments make the same one."""
    rng = random.Random(f"{kind} {seed}")  # noqa: S311 (seeded, to be repeated)
    sources = [HostName(f"SRC{n:02}") for n in range(1, rng.randint(2, 4) + 1 if not hosts else 1 + hosts // 4)]
    targets = [HostName(f"DST{n:02}") for n in range(1, (hosts or rng.randint(3, 6)) + 1)]
    count = vms or rng.randint(16, 40)
    is_plain = kind is Kind.EQUAL
    slots = {host: 2 if is_plain else rng.choice((1, 2, 2, 4)) for host in (*sources, *targets)}
    # The sources are to be no narrower than the destinations: else any placement is as good as another.
    slots |= dict.fromkeys(sources, max(2, -(-sum(slots[t] for t in targets) // len(sources))))
    learned = {}
    if not is_plain:
        pace = {target: rng.uniform(80, 500) * MB for target in targets}
        learned = {(s, t): pace[t] * rng.uniform(0.7, 1.3) for s in sources for t in targets if rng.random() < _LEARNED}
    rows = [_vm(number, rng, kind) for number in range(count)]
    rooms = _rooms(rows, targets, rng, kind)
    inspections = {t: _inspection(t, slots, rooms[t], rng, kind, is_first=n == 0) for n, t in enumerate(targets)}
    if kind is Kind.REFUSING:
        slots |= {t: i.snapshot.facts.live_limit for t, i in inspections.items()}
    homes = {row.vm.id: sources[number % len(sources)] for number, row in enumerate(rows)}
    return PlacementCase(
        tuple(rows),
        homes,
        tuple(Destination(target, PATH) for target in targets),
        inspections,
        slots,
        Speeds(learned, ASSUMED),
    )


def _vm(number: int, rng: random.Random, kind: Kind) -> VmDetails:
    disk = int(min(400.0, max(8.0, rng.lognormvariate(3.7, 0.8))) * GB)
    memory = rng.choice((2, 4, 8, 16, 32)) * GB
    is_running = rng.random() < 0.9  # noqa: PLR2004
    switches = ["LAN"]
    if kind is Kind.REFUSING and rng.random() < 0.4:  # noqa: PLR2004
        switches.append(rng.choice(("DMZ", "Backup")))
    vm = Vm(
        id=VmId(UUID(int=0xB000_0000_0000_0000_0000_0000_0000_0000 + number)),
        name=f"vm{number:05}",
        state=VmState.RUNNING if is_running else VmState.OFF,
        version="10.0" if kind is Kind.REFUSING and rng.random() < 0.2 else "9.0",  # noqa: PLR2004
        memory_assigned_bytes=memory if is_running else 0,
        memory_startup_bytes=memory,
    )
    files = (Disk(path=f"D:\\old\\{number}.vhdx", file_bytes=disk),)
    return VmDetails(vm=vm, disks=files, adapters=tuple(Adapter(name, name) for name in switches))


def _rooms(
    rows: list[VmDetails], targets: list[HostName], rng: random.Random, kind: Kind
) -> dict[HostName, tuple[int, int]]:
    """Return free disk and memory of each host. Tight ones: what some placement needs, and a tenth more."""
    if kind is not Kind.TIGHT:
        return dict.fromkeys(targets, (100_000 * GB, 100_000 * GB))
    needs = {target: [0, 0] for target in targets}
    for row in rows:
        there = needs[rng.choice(targets)]
        there[0] += row.disk_bytes
        there[1] += row.vm.memory_assigned_bytes
    largest = max(row.disk_bytes for row in rows)
    return {
        target: (
            int(disk * 1.1) + largest // 10 + SPARE_DISK_BYTES,
            int(memory * 1.1) + 2 * GB + SPARE_MEMORY_BYTES,
        )
        for target, (disk, memory) in needs.items()
    }


def _inspection(
    host: HostName,
    slots: dict[HostName, int],
    room: tuple[int, int],
    rng: random.Random,
    kind: Kind,
    *,
    is_first: bool,
) -> Inspection:
    refuses = kind is Kind.REFUSING and not is_first
    limit = 0 if refuses and rng.random() < 0.15 else slots[host]  # noqa: PLR2004
    facts = HostFacts(
        live_limit=limit,
        storage_limit=limit,
        is_migration_enabled=not (refuses and rng.random() < 0.2),  # noqa: PLR2004
        supported_versions=("9.0",) if refuses and rng.random() < 0.3 else ("9.0", "10.0"),  # noqa: PLR2004
    )
    return Inspection(
        snapshot=Snapshot(host=host, asked_at=NOW, taken_at=NOW, facts=facts, vms=()),
        volumes=(Volume("D:\\", 200_000 * GB, room[0]),),
        memory_free_bytes=room[1],
        switches=tuple(s for s in ("LAN", "DMZ", "Backup") if s == "LAN" or not refuses or rng.random() < 0.6),  # noqa: PLR2004
    )
