"""What is known of backups, on the real engine: seen in every look, written on change, kept over restarts."""

import asyncio
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from core.domain.model.inventory import VmId
from core.domain.model.move import MoveState
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import BackupWindow, Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id

LONG_AGO = timedelta(days=100)
FLEET = Fleet(hosts=hosts(2), vms=tuple(numbered(2)))


async def runs(stage: Stage, number: int = 1) -> list[tuple[float, float, float | None]]:
    """Return what is written down of a VM: after and when it began, and when it ended, in minutes of the stage."""
    began = stage.clock.now() - LONG_AGO
    found = await stage.store.backup_runs([VmId(vm_id(number))], began)
    zero = stage.world.epoch

    def minutes(at: object) -> float | None:
        return None if at is None else (at - zero).total_seconds() / 60  # type: ignore[operator]

    return [(minutes(r.started_after), minutes(r.started_at), minutes(r.ended_at)) for r in found]  # type: ignore[misc]


def test_a_backup_is_written_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    """Begin and end lie within a look of the truth; in between nothing is written."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            await asyncio.sleep(600)
            stage.world.start_backup(vm_id(1), duration_s=1200)
            await asyncio.sleep(60)
            ((after, began, ended),) = await runs(stage)
            assert after <= 10 <= began <= after + 1
            assert ended is None
            store: Any = stage.store
            before = store.calls["note_backups"]
            await asyncio.sleep(480)
            assert store.calls["note_backups"] <= before + 1
            await asyncio.sleep(800)
            ((_, same, ended),) = await runs(stage)
            assert same == began
            assert ended is not None
            assert 30 <= ended <= 31
            assert await runs(stage, 2) == []

    play(tmp_path, FLEET, script)


def test_a_backup_that_is_over_after_a_restart_ended_in_between(tmp_path: Path) -> None:
    """Its end lies between the last look before and the first after the downtime; one that goes on is the same one."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            await asyncio.sleep(300)
            stage.world.start_backup(vm_id(1), duration_s=1800)
            stage.world.start_backup(vm_id(2), duration_s=7200)
            await asyncio.sleep(900)
        await asyncio.sleep(1800)
        async with stage.running():
            await asyncio.sleep(120)
            (run,) = await stage.store.backup_runs([VmId(vm_id(1))], stage.clock.now() - LONG_AGO)
            assert run.ended_at is not None
            assert run.ended_after is not None
            last, first = (stage.world.epoch + timedelta(seconds=s) for s in (1200, 3000))
            assert last - timedelta(seconds=60) <= run.ended_after <= last
            assert first <= run.ended_at <= first + timedelta(seconds=60)
            assert run.minutes is None
            ((_, _, ended),) = await runs(stage, 2)
            assert ended is None

    play(tmp_path, FLEET, script)


def test_a_silent_host_does_not_end_a_backup(tmp_path: Path) -> None:
    """A VM that nobody looked at is not out of backup."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            await asyncio.sleep(300)
            stage.world.start_backup(vm_id(1), duration_s=600)
            await asyncio.sleep(120)
            stage.world.order(WireFault(host="HV01", kind=WireFaultKind.REFUSE))
            await asyncio.sleep(1200)
            ((_, _, ended),) = await runs(stage)
            assert ended is None
            stage.world.trouble.clear()
            await asyncio.sleep(300)
            ((_, _, ended),) = await runs(stage)
            assert ended is not None
            assert ended >= 27

    play(tmp_path, FLEET, script)


def test_a_rhythm_is_learned_from_what_was_seen_though_the_bot_was_off_by_day(tmp_path: Path) -> None:
    """Five nights, five starts of the bot: it says when the backup comes, and a move goes around it."""

    async def script(stage: Stage) -> None:
        evening_s = 13 * 3600.0
        stage.world.switch_nightly_backups(
            BackupWindow(start_s=evening_s + 3600, vms=(vm_id(1),), duration_s=2400, jitter_s=120)
        )
        await asyncio.sleep(evening_s)
        for night in range(5):
            async with stage.running() as engine:
                await asyncio.sleep(2.5 * 3600)
                (found,) = await engine.queries.where("web01")
                assert bool(found.backups.windows) is (night == 4)
            await asyncio.sleep(21.5 * 3600)
        async with stage.running() as engine:
            await asyncio.sleep(3000)
            (found,) = await engine.queries.where("web01")
            assert found.backups.text == "is backed up nightly about 22:00–22:40"  # noqa: RUF001
            job = await stage.ask_and_approve("web01", "web02")
            await stage.state_is(job.id, "web02", MoveState.DONE, within_s=2400)
            (waiting,) = [move for move in await stage.store.moves(job.id) if move.vm_name == "web01"]
            assert waiting.is_around_backup
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].started_at is not None
        assert moves["web01"].started_at.astimezone(UTC).strftime("%H:%M") >= "22:35"
        assert not stage.world.ledger.skipped_backups

    slow = Fleet(hosts=hosts(2), vms=tuple(numbered(2, gb=60)))
    play(tmp_path, slow, script)
