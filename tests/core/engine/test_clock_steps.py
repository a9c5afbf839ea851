"""What the engine does when the clock on the wall is put back or forth: nothing, but to name other moments."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, MoveState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id
from tests.support.event_facts import facts

STEPS = [timedelta(hours=-1), timedelta(seconds=-58), timedelta(hours=2)]
IDS = ["an hour back", "a minute back", "two hours forth"]


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_what_waits_to_be_said_is_not_said_later(tmp_path: Path, step: timedelta) -> None:
    """A notice failed before the step: it is tried again when its pause is over, and those behind it follow."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01")
            await asyncio.sleep(5)
            stage.listener.down = True
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await asyncio.sleep(20)
            stage.clock.step(step)
            stage.listener.down = False
            await asyncio.sleep(61)
            assert stage.listener.of(EventKind.APPROVED)
            assert stage.listener.of(EventKind.MOVING)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_a_restart_after_the_step_says_what_was_left(tmp_path: Path, step: timedelta) -> None:
    """The bot died while it said something, and the clock was put right meanwhile: it is said within a minute."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01")
            await asyncio.sleep(5)
            stage.listener.down = True
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await asyncio.sleep(2)
            await stage.store.claim_notices(5, stage.clock.now())
        stage.clock.step(step)
        stage.listener.down = False
        async with stage.running():
            await asyncio.sleep(90)
            assert stage.listener.of(EventKind.APPROVED)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_speeds_and_durations_are_what_passed(tmp_path: Path, step: timedelta) -> None:
    """A step while a VM moves: how long it took, and what the pair of hosts is learned to do, are as without it."""
    seen: list[tuple[float, float]] = []

    async def script(stage: Stage, step: timedelta) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            await asyncio.sleep(10)
            stage.clock.step(step)
            await stage.finished(job.id)
            (done,) = stage.listener.of(EventKind.DONE)
            speeds = await stage.store.speeds()
            seen.append((facts(done).seconds, speeds[HostName("HV01"), HostName("HV02")]))
            assert stage.listener.of(EventKind.STUCK) == []

    for number, by in enumerate((timedelta(0), step)):
        (tmp_path / str(number)).mkdir()
        play(tmp_path / str(number), Fleet(hosts=hosts(2), vms=tuple(numbered(1))), partial(script, step=by))
    assert seen[1] == pytest.approx(seen[0], rel=0.05)


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_hosts_go_on_being_seen(tmp_path: Path, step: timedelta) -> None:
    """A step: the next look at each host is believed, and no move waits for a host that answers."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01", "web02", "web03")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            before = dict(engine._snapshot_cache.snapshots)
            stage.clock.step(step)
            engine._dispatcher.wake()
            await asyncio.sleep(7)
            cache = engine._snapshot_cache
            assert all(cache.snapshots[host] is not snapshot for host, snapshot in before.items())
            await stage.finished(job.id)
            held = [facts(one).code for one in stage.listener.of(EventKind.HELD)]
            assert HoldCode.HOST not in held

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_a_vm_in_backup_is_given_the_time_that_was_promised(tmp_path: Path, step: timedelta) -> None:
    """A backup of forty minutes with a patience of an hour: a step neither ends the wait nor begins it anew."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(1))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(600)
            stage.clock.step(step)
            await asyncio.sleep(1800)
            (move,) = await stage.store.moves(job.id)
            assert (move.state, move.hold and move.hold.code) == (MoveState.QUEUED, HoldCode.BACKUP)
            # Nor does it go on for ever: the hour is over at its end.
            await asyncio.sleep(1300)
            (move,) = await stage.store.moves(job.id)
            assert move.state is MoveState.UNMIGRATABLE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_the_next_attempt_comes_when_its_delay_is_over(tmp_path: Path, step: timedelta) -> None:
    """A first attempt failed: a step while it waits for the second neither hurries nor delays it."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="network"))
        async with stage.running():
            job = await stage.ask_and_approve("web01")

            async def has_failed() -> bool:
                return bool(stage.listener.of(EventKind.RETRYING))

            await stage.until(has_failed)
            stage.clock.step(step)
            before_s = stage.loop.time()
            await stage.state_is(job.id, "web01", MoveState.MOVING, within_s=120)
            assert 20 < stage.loop.time() - before_s < 60

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("step", [STEPS[0], STEPS[2]], ids=[IDS[0], IDS[2]])
def test_on_call_is_reminded_after_the_time_that_passed(tmp_path: Path, step: timedelta) -> None:
    """A page waits for somebody: a step neither hurries nor delays the reminder of a quarter of an hour."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.VANISH))
        async with stage.running():
            await stage.ask_and_approve("web01")

            async def is_paged() -> bool:
                return bool(stage.listener.of(EventKind.LOST))

            await stage.until(is_paged)
            await asyncio.sleep(120)
            stage.clock.step(step)
            await asyncio.sleep(600)
            assert stage.listener.of(EventKind.ESCALATED) == []
            await asyncio.sleep(400)
            assert len(stage.listener.of(EventKind.ESCALATED)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("step", STEPS, ids=IDS)
def test_a_card_goes_on_and_shows_its_end(tmp_path: Path, step: timedelta) -> None:
    """A step while a job runs: its views stay as new as ever, estimates move on, and the last one shows the end."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            await asyncio.sleep(20)
            stage.clock.step(step)
            first = await engine.queries.job(job.id)
            await asyncio.sleep(10)
            second = await engine.queries.job(job.id)
            assert second.number > first.number
            assert second.moves[0].percent != first.moves[0].percent
            eta = second.moves[0].eta
            assert eta is not None
            assert timedelta(0) <= eta - stage.clock.now() < timedelta(minutes=3)
            await stage.finished(job.id)
            assert stage.listener.views[-1].is_over

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_the_night_summer_time_ends_is_decided_as_seldom_as_any(tmp_path: Path) -> None:
    """A freeze until 02:30, when 02:30 comes twice: it ends once, and nobody decides a thousand times a minute."""
    steps = [0]

    async def script(stage: Stage) -> None:
        stage.clock.step(datetime(2026, 10, 25, 0, 10, tzinfo=UTC) - stage.clock.now())
        async with stage.running() as engine:
            step = engine._dispatcher.step

            async def counted() -> float:
                steps[0] += 1
                delay_s: float = await step()
                return delay_s

            engine._dispatcher.step = counted
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(10 * 60)
            assert (await stage.store.moves(job.id))[0].state is MoveState.QUEUED
            await asyncio.sleep(25 * 60)  # 02:45 for the first time: the freeze is over
            assert (await stage.store.moves(job.id))[0].state is MoveState.DONE
            steps[0] = 0
            other = await stage.ask_and_approve("web02")
            await asyncio.sleep(45 * 60)  # 02:30 comes once more
            assert (await stage.store.moves(other.id))[0].state is MoveState.DONE
            assert steps[0] < 200

    settings = {"windows": ["Sat 22:00-02:30"], "zone": "Europe/Berlin"}
    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script, freeze=settings)
