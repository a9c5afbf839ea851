"""Estimates over the whole engine: they count what others have on the hosts, and say how far off they were so far."""

from pathlib import Path

import pytest

from core.domain.model.job import JobId
from core.domain.model.move import MoveState
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, host, play, vm

ONE_SLOT = tuple(host(name, live_limit=1, storage_limit=1) for name in ("HV01", "HV02"))


async def likely_s(stage: Stage, job_id: JobId) -> float:
    view = await stage.engine.queries.job(job_id)
    assert view.eta is not None
    return (view.eta.likely - view.at).total_seconds()


def test_a_plan_counts_what_other_jobs_have_before_it(tmp_path: Path) -> None:
    """One moves, one waits for room, the third comes after both. What is paused is before nobody."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            first = await stage.ask_and_approve("web01", "web02")
            alone = first.plan.expected_s
            assert alone is not None
            await stage.state_is(first.id, "web01", MoveState.MOVING)
            third = await stage.ask("web03")
            assert third.plan.expected_s is not None
            assert third.plan.expected_s == pytest.approx((alone[1] / 2, 1.5 * alone[1]), rel=0.1)
            assert third.plan.others_s == pytest.approx(alone[1], rel=0.1)
            third = await stage.engine.controls.approve(third.id, third.plan.hash, "U_BOB")
            assert 1.1 * alone[1] < await likely_s(stage, third.id) < 1.6 * alone[1]
            assert await likely_s(stage, first.id) < 1.1 * alone[1]
            await stage.engine.controls.pause(first.id, "U_BOB")
            await stage.until(lambda: _is_held(stage, first.id))
            fourth = await stage.ask("web04")
            assert fourth.plan.others_s == pytest.approx(alone[1], rel=0.1)

    play(tmp_path, Fleet(hosts=ONE_SLOT, vms=tuple(vm(n, f"web0{n}") for n in range(1, 5))), script)


async def _is_held(stage: Stage, job_id: JobId) -> bool:
    return any(one.hold and one.hold.code == "paused" for one in await stage.store.moves(job_id))


def test_a_proposed_plan_says_how_far_off_estimates_were(tmp_path: Path) -> None:
    """Once five jobs ended well; before that nothing."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            for number in range(1, 6):
                job = await stage.ask_and_approve(f"web0{number}")
                await stage.finished(job.id)
                job = await stage.ask("web06")
                await stage.engine.controls.reject(job.id, job.plan.hash, "U_BOB", "not yet")
            asked = await stage.ask("web06")
            assert (await stage.engine.queries.job(asked.id)).off is None, "it holds for a while"
            await stage.until(lambda: _is_said(stage, asked.id), within_s=600)

    play(tmp_path, Fleet(hosts=ONE_SLOT, vms=tuple(vm(n, f"web0{n}") for n in range(1, 7))), script)


async def _is_said(stage: Stage, job_id: JobId) -> bool:
    off = (await stage.engine.queries.job(job_id)).off
    return off is not None and off.count == 5


def test_moves_that_meet_at_a_host_teach_what_one_has_alone(tmp_path: Path) -> None:
    """Two at once over 100 MB/s: the next job of one is estimated by what it has alone, not by half of it."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            for vms in (("web01",), ("web02", "web03"), ("web04",), ("web05", "web06")):
                job = await stage.ask_and_approve(*vms)
                await stage.finished(job.id)
            (usual,) = (await stage.store.speeds()).values()
            (shared,) = (await stage.store.shared_speeds()).values()
            assert shared.off_shared is not None
            assert shared.off_equal is not None
            assert shared.off_shared < shared.off_equal
            assert shared.alone > 1.2 * usual
            asked = await stage.ask("web07")
            assert asked.plan.expected_s is not None
            assert asked.plan.expected_s[1] == pytest.approx(asked.plan.moves[0].size_bytes / shared.alone, rel=0.1)

    vms = tuple(vm(n, f"web0{n}", gb=40) for n in range(1, 8))
    play(tmp_path, Fleet(hosts=tuple(host(name) for name in ("HV01", "HV02")), vms=vms), script)
