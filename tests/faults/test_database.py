"""What the bot does when its own disk is full, or somebody else locks its database, while moves run."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from core.domain.model.move import MoveState
from core.errors import StoreBusy, StoreFull
from tests.support.databases import is_on_postgresql
from tests.support.fault_harness import Ground, fleet, ground, vm

pytestmark = pytest.mark.skipif(is_on_postgresql(), reason="of the troubles of a database in a file")


def _pragma(connection: Connection, setting: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {setting}").scalar()


async def _fill(here: Ground) -> None:
    """Leave the database no page to grow by, and no free one inside."""
    database = here.store._database
    await database.write(_pragma, f"max_page_count={await database.write(_pragma, 'page_count')}")
    with contextlib.suppress(StoreFull):
        for number in range(10_000):
            await here.store.set_switch(f"filler {number} {'x' * 2000}", "x")


async def _has_ended(here: Ground) -> bool:
    return all(migration.is_done for migration in here.lab.world.migrations())


async def test_a_full_disk_loses_no_running_move(tmp_path: Path) -> None:
    """The database cannot grow while a VM moves: nothing else starts, people hear why; with room again all is told."""
    described = fleet(vm(1, "web01", gb=20), vm(2, "web02", gb=1), live_limit=1, storage_limit=1)
    async with ground(tmp_path, described) as here:
        job = await here.go("web01", "web02")
        await here.is_in(job, "web01", MoveState.MOVING)
        await _fill(here)
        here.lab.jump(3600)
        await here.until(lambda: _has_ended(here))
        with pytest.raises(StoreFull) as full:
            await here.store.set_switch("x" * 5000, "x")
        assert "disk" in full.value.sentence()
        assert len(here.lab.world.ledger.starts) == 1, "what cannot be written down is not started"
        await here.store._database.write(_pragma, "max_page_count=1000000")
        moves = await here.over(job)
        assert {name: (move.state, move.attempts) for name, move in moves.items()} == {
            "web01": (MoveState.DONE, 1),
            "web02": (MoveState.DONE, 1),
        }
        here.once_each("web01", "web02")

        async def told() -> bool:
            return "J1 finished" in here.listener.lines

        await here.until(told)
        assert len(here.listener.lines) == len(set(here.listener.lines))


async def test_a_locked_database_delays_and_loses_nothing(tmp_path: Path) -> None:
    """Another program holds the database locked for longer than the bot's patience: it waits, then goes on."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20)), busy_s=0.2) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        other = sqlite3.connect(tmp_path / "bot.db", timeout=30, isolation_level=None, check_same_thread=False)
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        here.lab.jump(3600)
        await here.until(lambda: _has_ended(here))
        for _ in range(3):
            with pytest.raises(StoreBusy) as busy:
                await here.engine.controls.stop_starts("U_DAVE")
        assert busy.value.hint
        assert (await here.move(job, "web01")).state is MoveState.MOVING
        other.execute("ROLLBACK")
        other.close()
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01")
