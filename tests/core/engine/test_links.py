"""Links over the whole engine: moves of several jobs share one, and a restart forgets none of them."""

from pathlib import Path
from typing import Any

import pytest

from core.domain.model.move import HoldCode, MoveState
from core.domain.model.views import LinkView
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import MB, Fleet, Uplink
from tests.support.engine_harness import Stage, hosts, play, vm

RACK: dict[str, Any] = {"rack-a": {"hosts": ["HV01", "HV02"], "moves": 1}}


def most_at_once(stage: Stage) -> int:
    """Return the most moves that ran between the rack and the others at one time."""
    rack = {"HV01", "HV02"}
    crossing = [m for m in stage.world.migrations() if (m.source in rack) != (m.destination in rack) and m.has_job]
    return max(sum(o.started_s <= one.started_s < (o.ended_s or float("inf")) for o in crossing) for one in crossing)


def test_a_link_carries_one_move_at_a_time_over_two_jobs_and_a_restart(tmp_path: Path) -> None:
    """Both jobs' hosts have free slots; within the rack a VM moves meanwhile; the adopted move counts."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            first = await stage.ask_and_approve("web01", to="HV03")
            second = await stage.ask_and_approve("web02", to="HV04", source="HV02")
            inside = await stage.ask_and_approve("web03", to="HV02")
            await stage.state_is(first.id, "web01", MoveState.MOVING)
            await stage.state_is(inside.id, "web03", MoveState.MOVING)
        async with stage.running():
            (waits,) = await stage.store.moves(second.id)
            assert waits.hold is not None
            assert (waits.hold.code, waits.hold.text) == (HoldCode.LINK, "waits for link rack-a (1 of 1 moves)")
            (rack,) = await stage.engine.queries.links()
            assert (rack.used, rack.waiting, rack.silent, rack.is_full) == (1, 1, 0, True)
            for job in (first, second, inside):
                moves = await stage.finished(job.id)
                assert {one.state for one in moves.values()} == {MoveState.DONE}
        assert most_at_once(stage) == 1

    vms = (vm(1, "web01"), vm(2, "web02", "HV02"), vm(3, "web03"))
    play(tmp_path, Fleet(hosts=hosts(4), vms=vms), script, links=RACK)


def test_moves_that_share_a_link_teach_what_it_carries(tmp_path: Path) -> None:
    """Two at once over a line of 50 MB/s: the next estimate knows it, though nobody set ``mb_s``."""
    sized = Uplink(name="rack", hosts=("HV01", "HV02"), bandwidth_bytes_per_s=50 * MB)
    vms = (vm(1, "web01"), vm(2, "web02", "HV02"), vm(3, "web03"), vm(4, "web04", "HV02"))

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", to="HV03", source="HV01,HV02")
            await stage.finished(job.id)
            (learned,) = (await stage.store.link_speeds()).items()
            name, speed = learned
            assert (name, speed.alone) == ("rack-a", None)
            assert speed.together == pytest.approx(50 * MB, rel=0.1)
            alone = await stage.ask("web03", to="HV04")
            both = await stage.ask("web03", "web04", to="HV04", source="HV01,HV02")
            assert alone.plan.expected_s is not None
            assert both.plan.expected_s is not None
            assert both.plan.expected_s[1] == pytest.approx(2 * alone.plan.expected_s[1], rel=0.1)

    links = {"rack-a": {"hosts": ["HV01", "HV02"], "moves": 2}}
    play(tmp_path, Fleet(hosts=hosts(4), vms=vms, uplinks=(sized,)), script, links=links)


def test_a_link_is_silent_when_every_host_behind_it_is(tmp_path: Path) -> None:
    """Not while one answers, and not before anybody was asked."""

    async def script(stage: Stage) -> None:
        async def rack() -> LinkView:
            (found,) = await stage.engine.queries.links()
            return found

        async def is_seen() -> bool:
            return (await rack()).silent == len(refusing)

        refusing: list[str] = []
        async with stage.running():
            assert (await rack()).silent == 0
            for host in ("HV01", "HV02"):
                refusing.append(host)
                stage.world.order(WireFault(kind=WireFaultKind.REFUSE, host=host))
                await stage.until(is_seen)
                assert (await rack()).is_silent is (host == "HV02")

    play(tmp_path, Fleet(hosts=hosts(4), vms=(vm(1, "web01"),)), script, links=RACK)
