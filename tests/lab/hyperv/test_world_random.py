from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.fleet import GB
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.random_fleet import Recipe, random_fleet
from tests.support.lab_worlds import BOT, Lab

if TYPE_CHECKING:
    from uuid import UUID

    from lab.hyperv.world.world import World

SEEDS = st.integers(min_value=0, max_value=2**32)
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def disk_bytes(world: World) -> int:
    return sum(
        entry.size_bytes
        for name in world.host_names()
        for entry in world.all_entries(name)
        if entry.path.lower().endswith((".vhdx", ".vhd"))
    )


def stir(it: Lab, seed: int, starts: int) -> None:
    """Start moves at random moments, some of them cancelled, without regard for any limit."""
    rng = random.Random(seed)  # noqa: S311 - a seeded test wants a reproducible random
    world = it.world
    for n in range(starts):
        where = [(name, view.id) for name in world.host_names() for view in world.vms(name)]
        source, chosen = rng.choice(where)
        target = rng.choice([name for name in world.host_names() if name != source])
        move = world.start_move(
            MoveRequest(vm_id=chosen, source=source, destination=target, owner=BOT, storage_path=f"E:\\In\\{n}")
        )
        it.wait(rng.uniform(0, 120))
        if rng.random() < 0.2:
            world.request_state_change(source, move.instance_id, 4)


@given(SEEDS)
@SLOW
def test_no_host_is_ever_above_a_limit_and_every_move_ends(seed: int) -> None:
    """Whoever starts whatever whenever: strict hosts refuse, nothing hangs, no VM and no byte is lost or doubled."""
    it = Lab(random_fleet(seed, Recipe(hosts=3, vms=12, other_migrations=4)))
    world = it.world
    ids = {view.id for name in world.host_names() for view in world.vms(name)}
    before = disk_bytes(world)
    stir(it, seed, 25)
    it.run()
    assert all(move.is_done for move in world.migrations())
    assert [v for v in world.ledger.violations if v.kind is not ViolationKind.STARTED_WHILE_MOVING] == []
    for name in world.host_names():
        host = world.host(name)
        assert world.ledger.peak(name, "live") <= host.live_limit
        assert world.ledger.peak(name, "storage") <= host.storage_limit
        assert (world.counters(name).live, world.counters(name).storage) == (0, 0)
    assert sorted(str(view.id) for name in world.host_names() for view in world.vms(name)) == sorted(map(str, ids))
    assert disk_bytes(world) == before


@given(SEEDS)
@SLOW
def test_hosts_with_any_quirks_lose_nothing_either(seed: int) -> None:
    """However the open questions are answered, every VM is on exactly one host and every disk file exists."""
    it = Lab(random_fleet(seed, Recipe(hosts=3, vms=10, has_quirks=True)))
    world = it.world
    stir(it, seed, 20)
    it.run()
    seen: list[UUID] = []
    for name in world.host_names():
        it.wait(10)
        for view in world.vms(name):
            seen.append(view.id)
            assert all(world.entry(name, disk.path) for disk in view.disks if disk.has_file)
    assert len(seen) == len(set(seen)) == 10
    assert all(move.is_done for move in world.migrations())
    json.dumps(world.truth())


@given(SEEDS)
@SLOW
def test_the_past_does_not_depend_on_how_often_one_looks(seed: int) -> None:
    """Advancing in one leap or in many small steps leads to the same world."""
    leap, walk = (Lab(random_fleet(seed, Recipe(hosts=2, vms=6, other_migrations=3))) for _ in range(2))
    leap.wait(2000)
    for _ in range(400):
        walk.wait(5)
    one, other = leap.world.truth(), walk.world.truth()
    assert [m["phase"] for m in one["migrations"]] == [m["phase"] for m in other["migrations"]]
    assert one["vms"] == other["vms"]
    assert one["folders"] == other["folders"]


def test_a_seed_is_a_fleet() -> None:
    """The same seed gives the same fleet, another seed another; sizes are as ordered."""
    recipe = Recipe(hosts=5, vms=200, disk_bytes_per_vm=GB)
    assert random_fleet(1, recipe) == random_fleet(1, recipe)
    assert random_fleet(1, recipe) != random_fleet(2, recipe)
    assert (len(random_fleet(1, recipe).hosts), len(random_fleet(1, recipe).vms)) == (5, 200)
    assert random_fleet(1, Recipe(hosts=1, vms=0)).vms == ()
