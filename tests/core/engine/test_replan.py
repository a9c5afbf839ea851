"""A destination drops out in the middle: what waits for it goes elsewhere, within what was approved."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind, Replanned
from core.domain.model.inventory import HostName
from core.domain.model.job import Job
from core.domain.model.move import Move, MoveState
from core.domain.model.plan import FindingCode
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import GB, VM, Adapter, Fleet
from tests.support.engine_harness import Stage, host, numbered, play

SLOW = {"bandwidth_bytes_per_s": 20_000_000}
ONE_AT_A_TIME = {"live_limit": 1, "storage_limit": 1}
QUICK = {"migration": {"replan_after": "2m"}}
HV02, HV03, HV04 = map(HostName, ("HV02", "HV03", "HV04"))


def fleet(count: int = 6, third: Mapping[str, Any] | None = None, vms: tuple[VM, ...] = ()) -> Fleet:
    """One source and three other hosts; each destination takes one VM at a time, which takes five minutes."""
    narrow = ONE_AT_A_TIME | SLOW
    hosts = (host("HV01"), host("HV02", **narrow), host("HV03", **narrow | dict(third or {})), host("HV04", **narrow))
    return Fleet(hosts=hosts, vms=vms or tuple(numbered(count)))


async def under_way(stage: Stage, to: str = "HV02,HV03") -> Job:
    """Ask, approve, and wait until both destinations are at work."""
    job = await stage.ask_and_approve("web*", to=to)

    async def are_moving() -> bool:
        moves = await stage.store.moves(job.id)
        return {move.destination for move in moves if move.state is MoveState.MOVING} == {HV02, HV03}

    await stage.until(are_moving)
    return job


def went(moves: Mapping[str, Move]) -> dict[HostName, set[str]]:
    by_host: dict[HostName, set[str]] = {}
    for name, move in moves.items():
        assert move.state is MoveState.DONE, (name, move.error)
        by_host.setdefault(move.destination, set()).add(name)
    return by_host


def told(stage: Stage) -> Replanned:
    (event,) = stage.listener.of(EventKind.REPLANNED)
    assert isinstance(event.data, Replanned)
    return event.data


OUT: dict[str, tuple[Mapping[str, Any], str]] = {
    "off": ({"migration_enabled": False}, "live migration is switched off on HV02"),
    "limit 0": ({"live_limit": 0}, "HV02 allows no live migrations (limit 0, or switched off)"),
}


@pytest.mark.parametrize("case", OUT)
def test_what_waits_for_a_host_that_drops_out_goes_to_another_of_the_plan(case: str, tmp_path: Path) -> None:
    """What moves goes on; what waits goes to HV03, never to HV04, which is free and not in the plan; told once."""
    changes, why = OUT[case]

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            before = {move.vm_name: move.destination for move in await stage.store.moves(job.id)}
            begun = {m.vm_name for m in await stage.store.moves(job.id) if m.state is MoveState.MOVING}
            stage.world.change_host("HV02", changes)
            moves = await stage.finished(job.id)
        by_host = went(moves)
        assert by_host[HV02] == {name for name, to in before.items() if to == HV02 and name in begun}
        assert set(by_host) == {HV02, HV03}
        said = told(stage)
        waited = {name for name, to in before.items() if to == HV02} - begun
        assert (said.host, said.reason, said.waiting) == ("HV02", why, ())
        assert dict(said.moved) == dict.fromkeys(waited, "HV03")

    play(tmp_path, fleet(), script, **QUICK)


def test_a_host_that_is_dead_for_its_patience_is_given_up(tmp_path: Path) -> None:
    """Silent for its patience, what waits for it goes elsewhere; what began there is followed to its end."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            stage.world.order(WireFault(host="HV02", kind=WireFaultKind.REFUSE))

            async def is_placed_anew() -> bool:
                return bool(stage.listener.of(EventKind.REPLANNED))

            await stage.until(is_placed_anew)
            assert told(stage).host == "HV02"
            waiting = [m for m in await stage.store.moves(job.id) if m.state is MoveState.QUEUED]
            assert {move.destination for move in waiting} == {HV03}
            stage.world.trouble.clear()
            moves = await stage.finished(job.id)
        assert len(went(moves)[HV02]) == 1

    play(tmp_path, fleet(), script, **QUICK)


def test_a_host_that_is_back_in_time_keeps_what_waits_for_it(tmp_path: Path) -> None:
    """Off for a minute: nothing is placed anew, and nothing told of it."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            before = {move.vm_name: move.destination for move in await stage.store.moves(job.id)}
            stage.world.change_host("HV02", {"migration_enabled": False})
            await stage.clock.sleep(60)
            stage.world.change_host("HV02", {"migration_enabled": True})
            moves = await stage.finished(job.id)
        assert {name: move.destination for name, move in moves.items()} == before
        assert stage.listener.of(EventKind.REPLANNED) == []

    play(tmp_path, fleet(), script, migration={"replan_after": "10m"})


def test_nothing_is_placed_anew_where_the_settings_say_no(tmp_path: Path) -> None:
    """``replan = false``: it waits until the host is back."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            before = {move.vm_name: move.destination for move in await stage.store.moves(job.id)}
            stage.world.change_host("HV02", {"migration_enabled": False})
            await stage.clock.sleep(7200)
            assert {m.vm_name: m.destination for m in await stage.store.moves(job.id)} == before
            stage.world.change_host("HV02", {"migration_enabled": True})
            await stage.finished(job.id)
        assert stage.listener.of(EventKind.REPLANNED) == []

    play(tmp_path, fleet(), script, migration={"replan": False, "replan_after": "2m"})


def test_a_disk_that_fills_up_sends_what_waits_elsewhere(tmp_path: Path) -> None:
    """Somebody else takes the room: the last look before a start finds it, and the VM goes where there is room."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            stage.world.fill_volume("HV03", "D:\\", 8 * GB)
            moves = await stage.finished(job.id)
        assert len(went(moves)[HV03]) == 1
        # Nobody takes the slot that the first one gave back, to find the same: it is told once.
        said = told(stage)
        assert said.host == "HV03"
        assert "2 GB free" in said.reason
        assert len(dict(said.moved)) == 2
        assert set(dict(said.moved).values()) == {"HV02"}

    play(tmp_path, fleet(), script, **QUICK)


def test_who_finds_room_nowhere_ends_with_the_reason(tmp_path: Path) -> None:
    """Both disks fill up: what has no place in the plan's destinations is unmigratable, as without another host."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            for name in ("HV02", "HV03"):
                stage.world.fill_volume(name, "D:\\", 8 * GB)
            moves = await stage.finished(job.id)
        ends = {name: move.state for name, move in moves.items()}
        assert set(ends.values()) == {MoveState.DONE, MoveState.UNMIGRATABLE}
        stuck = next(move for move in moves.values() if move.state is MoveState.UNMIGRATABLE)
        assert "free" in stuck.error
        assert stuck.hint == "No other destination of the plan takes it: make room and ask again."

    play(tmp_path, fleet(), script, **QUICK)


def test_a_vm_that_no_other_destination_takes_goes_on_waiting(tmp_path: Path) -> None:
    """HV03 lacks its switch: it waits for HV02, is named in what is told, and moves when the host is back."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await under_way(stage)
            stage.world.change_host("HV02", {"migration_enabled": False})

            async def is_placed_anew() -> bool:
                return bool(stage.listener.of(EventKind.REPLANNED))

            await stage.until(is_placed_anew)
            await stage.clock.sleep(900)
            said = told(stage)
            assert said.waiting
            assert all(name.startswith("web1") for name in said.waiting)
            stage.world.change_host("HV02", {"migration_enabled": True})
            await stage.finished(job.id)

    bound = tuple(
        replace(one, name=f"web1{n}", adapters=(Adapter(switch="DMZ"),)) if n < 2 else one
        for n, one in enumerate(numbered(8))
    )
    described = fleet(vms=bound)
    both = ("Production", "DMZ")
    hosts = tuple(replace(one, switches=both) if one.name != "HV03" else one for one in described.hosts)
    play(tmp_path, replace(described, hosts=hosts), script, **QUICK)


def test_a_plan_with_a_host_that_was_not_approved(tmp_path: Path) -> None:
    """HV04 was named and nothing could go there: that was not approved, so nothing goes there later either."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            stage.world.change_host("HV04", {"migration_enabled": False})
            job = await under_way(stage, to="HV02,HV03,HV04")
            assert FindingCode.MIGRATION_OFF not in {finding.code for finding in job.plan.findings}
            stage.world.change_host("HV04", {"migration_enabled": True})
            stage.world.change_host("HV02", {"migration_enabled": False})
            moves = await stage.finished(job.id)
        assert set(went(moves)) == {HV02, HV03}

    play(tmp_path, fleet(), script, **QUICK)
