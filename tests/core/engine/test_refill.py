"""A freed slot is refilled at once, at the prices real hosts have. On virtual time."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.idle import gaps_s
from benchmarks.play import Stay
from core.domain.model.inventory import HostName, Inspection, Snapshot, VmId
from core.domain.model.move import MoveState
from core.domain.scheduling.next_in_line import NextInLine, Waiting
from core.engine.attempt.look_ahead import MAX_AGE, LookAhead
from core.engine.hosts.machines import Machines
from lab.gateway import LabGateway
from lab.hyperv.remoting.shells import SessionPrices
from lab.hyperv.world.fleet import Fleet
from lab.move_sessions import KEEP_S
from tests.support.builders import HV01, HV02, HV03, move
from tests.support.engine_harness import Stage, hosts, numbered, play, vm, vm_id

SPARE = 2
PRICES = SessionPrices()


def priced(stage: Stage, **options: Any) -> LabGateway:
    return LabGateway(stage.world, stage.clock.steady_now, prices=PRICES, **options)


def stays(stage: Stage) -> tuple[Stay, ...]:
    return tuple(
        Stay(HostName(m.source), HostName(m.destination), m.started_s, m.ended_s)
        for m in stage.world.migrations()
        if m.ended_s is not None
    )


def slots(stage: Stage) -> Mapping[HostName, int]:
    return {
        HostName(host.name): host.live_limit for host in (stage.world.host(name) for name in stage.world.host_names())
    }


@pytest.mark.parametrize("to", ["HV02", "HV02,HV03,HV04"])
def test_a_freed_slot_is_refilled_at_once(tmp_path: Path, to: str) -> None:
    """Promise: at real prices of a session the next move starts in less than a second or two, limits kept."""

    async def script(stage: Stage) -> None:
        stage.gateway = priced(stage, spare_sessions=SPARE)
        async with stage.running():
            job = await stage.ask_and_approve("web*", to=to)
            await stage.finished(job.id)

    vms = tuple(vm(n, f"web{n:02}", gb=3 + n) for n in range(1, 13))
    stage = play(tmp_path, Fleet(hosts=hosts(4), vms=vms), script)
    gaps = gaps_s(stays(stage), slots(stage))
    assert len(gaps) >= 5
    assert median(gaps) < 1
    assert max(gaps) < 2
    assert stage.world.ledger.over_limit_starts() == 0
    assert stage.world.ledger.violations == []


def test_a_session_that_waited_long_is_there_for_the_start(tmp_path: Path) -> None:
    """A move waits long for a slot at its destination: the session that waited with it is used when it starts."""

    async def script(stage: Stage) -> None:
        stage.gateway = priced(stage, spare_sessions=SPARE)
        async with stage.running():
            before = await stage.ask_and_approve("web01", source="HV01", to="HV02")
            await stage.finished(before.id)
            long = await stage.ask_and_approve("web02", source="HV03", to="HV02")
            await stage.state_is(long.id, "web02", MoveState.MOVING)
            waiting = await stage.ask_and_approve("web03", source="HV01", to="HV02")
            await stage.finished(waiting.id)

    one_each = tuple(replace(host, live_limit=1, storage_limit=1) for host in hosts(3))
    vms = (vm(1, "web01", gb=3), vm(2, "web02", "HV03", gb=200), vm(3, "web03", gb=3))
    stage = play(tmp_path, Fleet(hosts=one_each, vms=vms), script)
    _, long, last = stays(stage)
    assert long.ended_s - long.started_s > 10 * KEEP_S
    assert last.started_s - long.ended_s < 2


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_limits_hold_with_sessions_that_wait(seed: int) -> None:
    """Whatever the fleet: no start over a limit, every VM arrives, and no host has more sessions than it may."""
    random = Random(seed)  # noqa: S311 (reproducible, not secret)
    names = [f"HV{n:02}" for n in range(1, 5)]
    limits = {name: random.randint(1, 3) for name in names}
    fleet = Fleet(
        hosts=tuple(replace(h, live_limit=limits[h.name], storage_limit=limits[h.name]) for h in hosts(4)),
        vms=tuple(vm(n, f"web{n:02}", random.choice(names[:2]), gb=random.randint(1, 8)) for n in range(1, 11)),
    )

    async def script(stage: Stage) -> None:
        stage.gateway = priced(stage, spare_sessions=SPARE)
        async with stage.running():
            job = await stage.ask_and_approve("web*", source="HV01,HV02", to=random.choice(["HV04", "HV03,HV04"]))
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}

    with tempfile.TemporaryDirectory() as folder:
        stage = play(Path(folder), fleet, script)
    assert stage.world.ledger.over_limit_starts() == 0
    assert stage.world.ledger.violations == []
    assert all(count <= limits[host] + SPARE for host, count in stage.gateway.sessions.most.items())


class Counting(LabGateway):
    """A gateway that keeps when hosts were inspected for starts, and may show the move before as still running."""

    lies = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.inspected: list[float] = []
        self.looks_at: defaultdict[VmId, list[float]] = defaultdict(list)

    async def inspect(
        self,
        host: HostName,
        vm_ids: Collection[VmId] | None = None,
        *,
        neighbours: bool = False,
        known: Snapshot | None = None,
    ) -> Inspection:
        self.inspected.append(now := asyncio.get_running_loop().time())
        for one in vm_ids or ():
            self.looks_at[one].append(now)
        seen = await super().inspect(host, vm_ids, neighbours=neighbours, known=known)
        if self.lies:
            self.lies -= 1
            facts = replace(seen.snapshot.facts, live_active=seen.snapshot.facts.live_limit)
            return replace(seen, snapshot=replace(seen.snapshot, facts=facts))
        return seen


def after_the_first(then: Any) -> Any:
    """Move two VMs one after the other, with something happening shortly before the first ends."""

    async def script(stage: Stage) -> None:
        stage.gateway = gateway = Counting(stage.world, stage.clock.steady_now)
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", parallel=1)
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            gateway.inspected.clear()
            await then(stage, gateway)
            moves = await stage.finished(job.id)
            assert {move.state for move in moves.values()} == {MoveState.DONE}
            assert moves["web02"].attempts == 1

    return script


def two(tmp_path: Path, then: Any) -> Stage:
    return play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), after_the_first(then))


def test_only_a_new_look_says_no(tmp_path: Path) -> None:
    """A look begun while the ended move still shows must not send the next one back into the queue."""

    async def then(_stage: Stage, gateway: Counting) -> None:
        gateway.lies = 2

    stage = two(tmp_path, then)
    first, second = stays(stage)
    assert second.started_s - first.ended_s < 3
    assert stage.gateway.lies == 0  # type: ignore[attr-defined]


def test_the_hosts_of_the_next_move_are_looked_at_while_the_last_is_verified(tmp_path: Path) -> None:
    """Checking the ended move does not hold the next start: both looks are made at once."""

    async def then(_stage: Stage, _gateway: Counting) -> None:
        """Let it end."""

    stage = two(tmp_path, then)
    first, second = stays(stage)
    inspected = stage.gateway.inspected  # type: ignore[attr-defined]
    # A call takes 0.2 s: the looks are sent before the hosts have answered where the ended one is.
    assert [first.ended_s <= at < first.ended_s + 0.2 for at in inspected[:2]] == [True, True]
    assert inspected[0] == inspected[1]
    assert second.started_s - first.ended_s < 0.5


def test_an_old_look_lets_nothing_start(tmp_path: Path) -> None:
    """A move that could not be verified for a while: the hosts are looked at anew before the next order."""

    async def then(stage: Stage, gateway: Counting) -> None:
        while not all(m.is_done for m in stage.world.migrations()):  # noqa: ASYNC110 (virtual time)
            await asyncio.sleep(0.1)
        real = gateway.observe

        async def slow(host: HostName) -> Any:
            await asyncio.sleep(2 * MAX_AGE.total_seconds())
            return await real(host)

        gateway.observe = slow  # type: ignore[method-assign]

    stage = two(tmp_path, then)
    _, second = stays(stage)
    looks: list[float] = stage.gateway.looks_at[VmId(vm_id(2))]  # type: ignore[attr-defined]
    last_look = max(at for at in looks if at <= second.started_s)
    assert second.started_s - last_look < MAX_AGE.total_seconds()


def test_a_look_at_another_destination_is_not_taken(tmp_path: Path) -> None:
    """A move that goes elsewhere since its hosts were looked at is not judged by what the old destination showed."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            ahead = LookAhead(stage.gateway, Machines(stage.store), stage.clock)
            ended, waiting = move(1), move(2)
            line = NextInLine((Waiting(waiting, frozenset({HV01, HV02}), ()),))
            for elsewhere in (False, True):
                await ahead.expect(line)
                ahead.begin(ended)
                seen = await ahead.take(replace(waiting, destination=HV03 if elsewhere else HV02))
                assert (seen is None) is elsewhere
            await ahead.close()

    play(tmp_path, Fleet(hosts=hosts(3), vms=()), script)
