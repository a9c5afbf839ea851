"""Lets the bot choose the destinations of a made-up fleet itself, by the sizes its plan would have.

One host that allows as many moves as all others together empties itself onto them: a narrower one would decide alone
how long it takes. (A host is never source and destination of one plan, so that *any to any* has nothing to choose.)
"""

from dataclasses import replace
from datetime import UTC, datetime

from benchmarks.bound import Alone, alone
from benchmarks.fleets import PATH, Case, Shape, Speed, case
from benchmarks.schedule import makespan_s
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import Disk, HostFacts, HostName, Inspection, Snapshot, Vm, VmDetails, Volume
from core.domain.model.plan import PlannedMove
from core.domain.planning.destinations import Destination
from core.domain.planning.placement import Conditions, place
from core.domain.planning.speeds import Speeds
from lab.hyperv.world.fleet import GB, MB

_NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_PLENTY = 10**6 * GB


def placed(one: Case) -> Case:
    """Return the case with the destinations that the bot chooses among the other hosts."""
    slots, source = one.slots(), one.moves[0].source
    others = [Destination(host, PATH) for host in slots if host != source]
    conditions = Conditions(
        homes=dict.fromkeys((move.vm_id for move in one.moves), source),
        slots=slots,
        speeds=Speeds({}, 250 * MB),
        own_folders=True,
    )
    inspections = {target.host: _roomy(target.host, slots[target.host]) for target in others}
    chosen = place([_details(move) for move in one.moves], others, inspections, conditions).chosen
    return replace(one, moves=tuple(replace(move, destination=chosen[move.vm_id].host) for move in one.moves))


def ratios(seed: int, vms: int) -> tuple[float, float]:
    """Return the makespan over the bound of every placement: as the bot places, and as chance does."""
    one = _with_wide_source(case(Shape.EVACUATION, Speed.STREAM, seed, vms))
    moves = alone(one)
    bound = anywhere_s(one, moves)
    mine = placed(one)
    return makespan_s(mine, alone(mine), idle_s=0.0) / bound, makespan_s(one, moves, idle_s=0.0) / bound


def _with_wide_source(one: Case) -> Case:
    source, *others = one.fleet.hosts
    limit = sum(min(host.live_limit, host.storage_limit) for host in others)
    hosts = (replace(source, live_limit=limit, storage_limit=limit), *others)
    return replace(one, fleet=replace(one.fleet, hosts=hosts))


def anywhere_s(one: Case, moves: list[Alone]) -> float:
    """Return what nothing beats wherever VMs go: the longest move, the source's work, all work over all other slots."""
    slots, source = one.slots(), one.moves[0].source
    lengths = sorted((move.seconds for move in moves), reverse=True)
    count = min(slots[source], sum(slots.values()) - slots[source])
    pair = lengths[count - 1] + lengths[count] if len(lengths) > count else 0.0
    return max(lengths[0], sum(lengths) / count, pair)


def _roomy(host: HostName, limit: int) -> Inspection:
    facts = HostFacts(live_limit=limit, storage_limit=limit, is_migration_enabled=True)
    return Inspection(
        snapshot=Snapshot(host=host, asked_at=_NOW, taken_at=_NOW, facts=facts, vms=()),
        volumes=(Volume("D:\\", _PLENTY, _PLENTY),),
        memory_free_bytes=_PLENTY,
    )


def _details(move: PlannedMove) -> VmDetails:
    vm = Vm(
        id=move.vm_id,
        name=move.vm_name,
        state=VmState.RUNNING,
        memory_assigned_bytes=move.memory_bytes,
        memory_startup_bytes=move.memory_bytes,
    )
    return VmDetails(vm=vm, disks=(Disk(path=f"D:\\old\\{move.vm_id}.vhdx", file_bytes=move.disk_bytes),))
