"""The bot is killed again and again, wherever it happens to be, while hosts and VMs make trouble."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import MoveState
from core.engine.engine import Engine
from core.store import SqlStore
from lab.hyperv.world.faults import MoveFault, WireFault, WireFaultKind
from lab.hyperv.world.fleet import BackupWindow, Fleet
from lab.virtual_time import Outside
from tests.support.databases import database_url
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id
from tests.support.mortality import Life, Mortal, kill

VMS = 4
FAILING = {vm_id(2): 1}
"""VMs whose first moves fail, and how often."""
DEATHS = 24
SHORT, LONG = (1, 8), (10, 60)
"""How often a life passes a door: some do not get far."""


@asynccontextmanager
async def living(stage: Stage, disk: SqlStore, life: Life) -> AsyncIterator[Engine]:
    """Run an engine that is not stopped at the end but dropped."""
    others = asyncio.all_tasks()
    doors: dict[str, Any] = {
        "store": Mortal(Outside(reborn(disk), stage.loop), life, is_store=True),
        "gateway": Mortal(stage.gateway, life, is_store=False),
        "notifier": Mortal(stage.listener, life, is_store=False),
    }
    try:
        yield Engine(settings=stage.settings, clock=stage.clock, **doors)
    finally:
        life.over.set()
        while life.writing:
            await asyncio.wait(life.writing)
        await kill(asyncio.all_tasks() - others - life.sent)


def reborn(disk: SqlStore) -> SqlStore:
    """Make the store of another process on the same disk. The open file is shared: to open it takes most of a life."""
    store = SqlStore("")
    store._database = disk._database
    return store


async def weather(stage: Stage, random: Random) -> None:
    """Let hosts fall silent for a while, now and then."""
    while True:
        await asyncio.sleep(random.uniform(30, 400))
        stage.world.order(WireFault(host=random.choice(("HV01", "HV02")), kind=WireFaultKind.REFUSE))
        await asyncio.sleep(random.uniform(5, 120))
        for name in ("HV01", "HV02"):
            stage.world.trouble.for_host(name).clear()


async def live_and_die(stage: Stage, disk: SqlStore, random: Random) -> None:
    """Live for some calls or for some time, whichever ends first; then be down for a while."""
    life = Life(random.randint(*random.choice((SHORT, LONG, LONG))))
    async with living(stage, disk, life) as engine:
        starting = asyncio.create_task(engine.start())
        try:
            async with asyncio.timeout(random.uniform(5, 400)):
                await life.over.wait()
        except TimeoutError:
            pass
        starting.cancel()
    await asyncio.sleep(random.choice((0.0, 1.0, 20.0, 90.0)))


@pytest.mark.parametrize("seed", range(4))
def test_dozens_of_deaths_start_no_vm_twice(tmp_path: Path, seed: int) -> None:
    """Promises 1, 2, 3: no start while an earlier move may run, no host above a limit, every move ends, told once."""
    random = Random(seed)  # noqa: S311 (a storm that can be had again)

    async def script(stage: Stage) -> None:
        for number, times in FAILING.items():
            stage.world.order(MoveFault(vm=number, at_percent=40, times=times))
        async with stage.running():
            job = await stage.ask_and_approve("web*", attempts=5)
        disk = SqlStore(database_url(stage.db))
        await Outside(disk, stage.loop).open()
        trouble = asyncio.create_task(weather(stage, random))
        for _ in range(DEATHS):
            await live_and_die(stage, disk, random)
        trouble.cancel()
        await disk.close()
        for name in ("HV01", "HV02"):
            stage.world.trouble.for_host(name).clear()
        async with stage.running():
            async with asyncio.timeout(12 * 3600):
                while not (await stage.store.job(job.id)).is_card_final:  # noqa: ASYNC110 (virtual time)
                    await asyncio.sleep(20)
            moves = {move.vm_name: move for move in await stage.store.moves(job.id)}
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        ledger = stage.world.ledger
        assert ledger.violations == []
        assert max(ledger.peaks.values()) <= 2
        assert [start for start in ledger.starts if not start.is_accepted] == []
        starts = Counter(start.vm_id for start in ledger.starts)
        assert starts == {vm_id(n): 1 + FAILING.get(vm_id(n), 0) for n in range(1, VMS + 1)}
        for move in moves.values():
            assert stage.world.where_is(move.vm_id) == move.destination
        for kind, count in ((EventKind.PROPOSED, 1), (EventKind.DONE, VMS), (EventKind.FINISHED, 1)):
            assert len(stage.listener.of(kind)) == count

    window = BackupWindow(start_s=20.0, vms=(vm_id(1), vm_id(3)), duration_s=90.0, merge_s=20.0)
    fleet = Fleet(hosts=hosts(2), vms=tuple(numbered(VMS, gb=6)), backups=(window,))
    play(tmp_path, fleet, script, migration={"poll_busy": "30s", "confirm_start": "30s", "retry_delay": "1s"})
