"""What a move waits for, and how waiting ends."""

import asyncio
from datetime import timedelta
from pathlib import Path

from core.domain.model.event_data import EventKind
from core.domain.model.job import JobId, JobState
from core.domain.model.move import HoldCode, MoveState
from lab.hyperv.world.enums import OperationalStatus, VMState
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import BackupVariant, Fleet, ScheduledMigration
from tests.support.engine_harness import Stage, hosts, numbered, play, vm, vm_id
from tests.support.event_facts import facts


def test_a_vm_in_backup_is_waited_for_while_the_others_move(tmp_path: Path) -> None:
    """Weakness 19: a backup holds back its own VM only, not even those that are off."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(1), duration_s=1800)
        async with stage.running():
            job = await stage.ask_and_approve("all")
            await stage.state_is(job.id, "off01", MoveState.DONE, within_s=1200)
            (held,) = [m for m in await stage.store.moves(job.id) if m.vm_name == "web01"]
            assert held.hold is not None
            assert held.hold.code is HoldCode.BACKUP
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert [facts(e).text for e in stage.listener.of(EventKind.HELD)] == ["is being backed up; waits up to 1 h"]

    vms = (*numbered(2), vm(9, "off01", state=VMState.Off))
    play(tmp_path, Fleet(hosts=hosts(2), vms=vms), script)


def test_a_backup_that_never_ends_makes_its_vm_unmigratable(tmp_path: Path) -> None:
    """Promise 10: waiting has an end, and the end has a reason."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(1))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.UNMIGRATABLE
        assert "being backed up, for 1 h" in moves["web01"].error
        assert moves["web01"].attempts == 0
        assert not stage.world.migrations()

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_two_short_backups_are_not_one_long_one(tmp_path: Path) -> None:
    """Weakness 16: each backup has its own clock."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(1), duration_s=2000)
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await engine.controls.stop_starts("U_DAVE")
            await stage.until(lambda: _after(stage, 2600))
            stage.world.start_backup(vm_id(1), duration_s=2000)
            await stage.until(lambda: _after(stage, 4500))
            await engine.controls.resume_starts("U_DAVE")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


async def _after(stage: Stage, seconds: float) -> bool:
    return stage.loop.time() >= seconds


def test_an_unexplained_busy_state_has_a_shorter_patience(tmp_path: Path) -> None:
    """Weakness 3 and 17: a state nobody foresaw is waited for half an hour, then named."""

    async def script(stage: Stage) -> None:
        stage.world.force_status("HV01", vm_id(1), (OperationalStatus.Degraded,))
        stage.world.start_backup(vm_id(2), variant=BackupVariant.B)
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.UNMIGRATABLE}
        assert "is not healthy (degraded), for 30 min" in moves["web01"].error
        assert "its host does not say with what" in moves["web02"].error
        assert stage.loop.time() < 2400

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_other_peoples_moves_take_slots(tmp_path: Path) -> None:
    """Promise 1: the bot waits for a slot somebody else holds, and never exceeds a limit."""
    foreign = (
        ScheduledMigration(start_s=0, vm=vm_id(50), destination="HV03"),
        ScheduledMigration(start_s=0, vm=vm_id(51), destination="HV03"),
    )
    vms = (*numbered(3), vm(50, "theirs1", "HV02", gb=60), vm(51, "theirs2", "HV02", gb=60))

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            moves = await stage.finished(job.id)
            held = [facts(e).text for e in await stage.engine_events(job.id) if e.kind is EventKind.HELD]
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert "HV02 runs 2 of 2 live migrations, 2 of them started by others" in held

    stage = play(tmp_path, Fleet(hosts=hosts(3), vms=vms, migrations=foreign), script)
    assert stage.world.ledger.over_limit_starts() == 0
    assert max(stage.world.ledger.peaks.values()) == 2
    assert stage.world.ledger.violations == []


def test_running_vms_go_before_those_that_are_off(tmp_path: Path) -> None:
    """Parity: powered-off VMs last within their job."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("all")
            await stage.finished(job.id)
        order = [start.vm_name for start in stage.world.ledger.starts]
        assert order[-1] == "aaa-off"

    vms = (vm(9, "aaa-off", state=VMState.Off, gb=1), *numbered(3))
    play(tmp_path, Fleet(hosts=hosts(2, live_limit=1), vms=vms), script)


def test_a_silent_host_holds_only_its_own_moves(tmp_path: Path) -> None:
    """Promise 9: HV03 answers nothing; moves to HV02 go on, those to HV03 say why they wait and go on later."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            near = await stage.ask("web01")
            far = await stage.ask("web02", to="HV03")
            stage.world.order(WireFault(host="HV03", kind=WireFaultKind.HANG))
            for job in (near, far):
                await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            moves = await stage.finished(near.id, within_s=600)
            assert moves["web01"].state is MoveState.DONE
            await stage.until(lambda: _is_held(stage, far.id, HoldCode.HOST))
            stage.world.trouble.clear()
            moves = await stage.finished(far.id, within_s=900)
        assert moves["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(2))), script)


async def _is_held(stage: Stage, job_id: JobId, code: HoldCode) -> bool:
    return any(m.hold is not None and m.hold.code is code for m in await stage.store.moves(job_id))


def test_the_big_red_stop_survives_a_restart(tmp_path: Path) -> None:
    """Promise 11: stopped means no new start, running moves end, a restart changes nothing."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            await engine.controls.stop_starts("U_DAVE")
        async with stage.running() as engine:
            await stage.until(lambda: _after(stage, 3000))
            assert len(stage.world.ledger.starts) == 2
            held = [m for m in await stage.store.moves(job.id) if m.state is MoveState.QUEUED]
            assert {m.hold.code for m in held if m.hold} == {HoldCode.STOPPED}
            assert (await engine.queries.job(job.id)).stopped_by == "U_DAVE"
            await engine.controls.resume_starts("U_DAVE")
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(5))), script)


def test_limits_are_read_again_while_a_job_runs(tmp_path: Path) -> None:
    """A raised limit is used, a lowered one obeyed, without a restart."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
            for name in ("HV01", "HV02"):
                stage.world.change_host(name, {"live_limit": 4, "storage_limit": 4})
            await stage.finished(job.id)
            assert (await stage.store.job(job.id)).state is JobState.FINISHED

    fleet = Fleet(hosts=hosts(2, live_limit=1, storage_limit=1), vms=tuple(numbered(6)))
    stage = play(tmp_path, fleet, script)
    assert stage.world.ledger.peak("HV01", "live") == 4
    assert stage.world.ledger.violations == []


def test_a_backup_is_not_counted_while_nobody_watched(tmp_path: Path) -> None:
    """Weakness 16: the bot was away; the backup it sees now may be another, and is waited for anew."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(1), None)
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(240)
        await asyncio.sleep(1200)
        async with stage.running():
            back_at = stage.clock.now()
            await asyncio.sleep(480)
            (held,) = await stage.store.moves(job.id)
            assert held.hold is not None
            assert timedelta(0) <= held.hold.since - back_at < timedelta(minutes=1)
            stage.world.stop_backup(vm_id(1))
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert len(stage.listener.of(EventKind.HELD)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script, migration={"backup_threshold": "10m"})


def test_a_short_restart_stops_no_clock(tmp_path: Path) -> None:
    """A backup that never ends is given up after its time, though the bot was restarted in between."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(1), None)
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(300)
        await asyncio.sleep(60)
        async with stage.running():
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.UNMIGRATABLE
        assert moves["web01"].ended_at is not None
        assert moves["web01"].queued_at is not None
        waited = moves["web01"].ended_at - moves["web01"].queued_at
        assert timedelta(minutes=10) <= waited < timedelta(minutes=11)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script, migration={"backup_threshold": "10m"})
