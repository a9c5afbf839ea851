"""A plan asks each source once what it shows: its VMs are described beside that."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName, Inspection, Snapshot, VmId
from core.engine.planner import MAX_AGE
from lab.gateway import LabGateway
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play

SLOW = MAX_AGE + timedelta(seconds=1)


class Looks(LabGateway):
    """Hosts that note each look, and of which one may take its time."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.shown: list[Snapshot] = []
        self.known: dict[HostName, Snapshot | None] = {}
        self.slow = ""

    async def observe(self, host: HostName) -> Snapshot:
        self.shown.append(snapshot := await super().observe(host))
        return snapshot

    async def inspect(self, host: HostName, vm_ids: Collection[VmId] | None = None, **how: Any) -> Inspection:
        if host == self.slow:
            await asyncio.sleep(SLOW.total_seconds())
        if vm_ids:
            self.known[host] = how.get("known")
        return await super().inspect(host, vm_ids, **how)


@pytest.mark.parametrize("slow", ["", "HV02"], ids=["at once", "a destination takes its time"])
def test_a_source_is_asked_once_unless_its_answer_grew_old(tmp_path: Path, slow: str) -> None:
    """What it showed is taken while it is new; a slow host elsewhere must not let a plan stand on an old look."""

    async def script(stage: Stage) -> None:
        stage.gateway = looks = Looks(stage.world, stage.clock.steady_now)
        looks.slow = slow
        async with stage.running() as engine:
            await engine.requests.preview(stage.request("web*"))
        (taken,) = looks.known.values()
        assert taken is None if slow else taken in looks.shown

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)
