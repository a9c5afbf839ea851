"""A host that comes and goes is told of once in a while, not at each turn, and so is every VM that waits there."""

import asyncio
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import HoldCode
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id
from tests.support.event_facts import facts

HOURS = 4


@pytest.mark.slow
def test_a_host_that_comes_and_goes_is_told_of_seldom(tmp_path: Path) -> None:
    """Three VMs in backup on a host that is away every other 75 s: a few lines in four hours, not hundreds."""

    async def script(stage: Stage) -> None:
        for number in (1, 2, 3):
            stage.world.start_backup(vm_id(number))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01", "web02", "web03")
            await asyncio.sleep(30)
            for _ in range(HOURS * 24):
                stage.world.order(WireFault(host="HV01", kind=WireFaultKind.REFUSE, operation=None, times=None))
                await asyncio.sleep(75)
                stage.world.trouble.clear()
                await asyncio.sleep(75)
            told = [facts(one).code for one in stage.listener.of(EventKind.HELD)]
            assert told.count(HoldCode.BACKUP) >= 3
            assert 1 <= told.count(HoldCode.HOST) <= HOURS + 1
            assert len(told) <= 4 * (HOURS + 1)
            kept = [one for one in await engine.queries.history(job.id) if one.kind is EventKind.HELD]
            assert len(kept) > len(told)

    play(
        tmp_path,
        Fleet(hosts=hosts(2), vms=tuple(numbered(3))),
        script,
        migration={"backup_threshold": "2d", "busy_patience": "2d"},
    )
