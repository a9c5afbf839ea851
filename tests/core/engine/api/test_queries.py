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
        assert engine.inventory(HostName("HV01")) == ()
        assert engine.snapshot_ages_s() == {"HV01": None, "HV02": None}
        await engine.start()
        try:
            await asyncio.sleep(5)
            assert {vm.name for vm in engine.inventory(HostName("HV01"))} == {"web01", "web02"}
            assert engine.inventory(HostName("HV02")) == ()
            assert engine.inventory(HostName("nosuch")) == ()
            ages = engine.snapshot_ages_s()
            assert all(age is not None and 0 <= age <= 40 for age in ages.values())
        finally:
            await engine.stop()

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_preview_changes_nothing_and_is_what_is_proposed(tmp_path: Path) -> None:
    """A previewed plan has no job; proposing it makes a job of exactly that plan."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            request = Request(("web01",), ("HV01",), ("HV02",), "U_ALICE", "C1")
            plan = await engine.preview(request)
            assert await engine.open_jobs() == []
            job = await engine.propose_plan(request, plan)
            assert job.plan == plan
            assert [view.job.id for view in await engine.open_jobs()] == [job.id]
            await engine.cancel(job.id, "U_ALICE")
            assert (await engine.job(job.id)).job.state is JobState.CANCELLED
            assert await engine.open_jobs() == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_who_stopped_is_known(tmp_path: Path) -> None:
    """The big red stop has a name on it until it is released."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            assert await engine.stopped_by() == ""
            await engine.stop_starts("U_BOB")
            assert await engine.stopped_by() == "U_BOB"
            await engine.resume_starts("U_BOB")
            assert await engine.stopped_by() == ""

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
