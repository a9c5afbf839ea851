"""What the engine tells without asking a host: inventory, ages of snapshots, previews, open jobs, the stop."""

import asyncio
from pathlib import Path

from core.domain.model.inventory import HostName
from core.domain.model.job import JobState
from core.domain.model.plan import Request
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play


def test_the_inventory_comes_from_the_newest_snapshot(tmp_path: Path) -> None:
    """Nothing before a host was seen, then its VMs, and how old that knowledge is."""

    async def script(stage: Stage) -> None:
        engine = stage.build()
        assert engine.queries.inventory(HostName("HV01")) == ()
        assert engine.queries.snapshot_ages_s() == {"HV01": None, "HV02": None}
        await engine.start()
        try:
            await asyncio.sleep(5)
            assert {vm.name for vm in engine.queries.inventory(HostName("HV01"))} == {"web01", "web02"}
            assert engine.queries.inventory(HostName("HV02")) == ()
            assert engine.queries.inventory(HostName("nosuch")) == ()
            ages = engine.queries.snapshot_ages_s()
            assert all(age is not None and 0 <= age <= 40 for age in ages.values())
        finally:
            await engine.stop()

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_preview_changes_nothing_and_is_what_is_proposed(tmp_path: Path) -> None:
    """A previewed plan has no job; proposing it makes a job of exactly that plan."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            request = Request(
                vms=("web01",), sources=("HV01",), destinations=("HV02",), requester="U_ALICE", channel="C1"
            )
            plan = await engine.requests.preview(request)
            assert await engine.queries.open_jobs() == []
            job = await engine.requests.propose_plan(request, plan)
            assert job.plan == plan
            assert [view.job.id for view in await engine.queries.open_jobs()] == [job.id]
            await engine.controls.cancel(job.id, "U_ALICE")
            assert (await engine.queries.job(job.id)).job.state is JobState.CANCELLED
            assert await engine.queries.open_jobs() == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_who_stopped_is_known(tmp_path: Path) -> None:
    """The big red stop has a name on it until it is released."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            assert await engine.queries.stopped_by() == ""
            await engine.controls.stop_starts("U_BOB")
            assert await engine.queries.stopped_by() == "U_BOB"
            await engine.controls.resume_starts("U_BOB")
            assert await engine.queries.stopped_by() == ""

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
