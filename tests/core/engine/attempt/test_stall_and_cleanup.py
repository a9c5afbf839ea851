"""What the engine does besides moving: pausing, going back, asking when stuck, tidying later, freezing, warning."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.events import Tone
from core.domain.model.move import HoldCode, MoveState
from core.domain.model.plan import FindingCode
from core.errors import NotAllowed
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, WireFault, WireFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id
from tests.support.event_facts import facts


def test_a_paused_job_starts_nothing_until_it_goes_on(tmp_path: Path) -> None:
    """Pausing lets running moves end and holds the rest with a reason, also over a restart."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
            await engine.controls.pause(job.id, "U_DAVE")
            with pytest.raises(NotAllowed, match="paused already"):
                await engine.controls.pause(job.id, "U_DAVE")
        async with stage.running() as engine:
            await asyncio.sleep(1800)
            waiting = [m for m in await stage.store.moves(job.id) if m.state is MoveState.QUEUED]
            assert len(stage.world.ledger.starts) == 2
            assert {m.hold.code for m in waiting if m.hold} == {HoldCode.PAUSED}
            await engine.controls.resume(job.id, "U_DAVE")
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4))), script)


def test_of_two_who_pause_at_once_one_hears_of_the_other(tmp_path: Path) -> None:
    """One pauses; the other is told what happened, not that the job is approved."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            both = (engine.controls.pause(job.id, by) for by in ("U_DAVE", "U_BOB"))
            answers = await asyncio.gather(*both, return_exceptions=True)
            [refused] = [one for one in answers if isinstance(one, NotAllowed)]
            assert "paused already" in refused.message or "at the same moment" in refused.message
            history = await engine.queries.history(job.id)
            assert [event.kind for event in history].count(EventKind.PAUSED) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_the_return_trip_brings_every_vm_home(tmp_path: Path) -> None:
    """/migrate back proposes the way back, each VM to the folder it came from, approved anew."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            await stage.finished(job.id)
            back = await engine.requests.back(job.id, "U_ALICE")
            assert {move.destination for move in back.plan.moves} == {"HV01"}
            await engine.controls.approve(back.id, back.plan.hash, "U_BOB")
            moves = await stage.finished(back.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        home = stage.world.vm("HV01", vm_id(1))
        assert home is not None
        assert home.path == "D:\\VMs\\web01"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


@pytest.mark.parametrize(("answer", "state"), [("wait", MoveState.MOVING), ("cancel", MoveState.CANCELLED)])
def test_people_are_asked_about_a_move_that_stands_still(tmp_path: Path, answer: str, state: MoveState) -> None:
    """Weakness 4: a move stuck at 60 % is asked about, once for a while; only people end it."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.STALL, at_percent=60))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(1500)
            (stuck,) = stage.listener.of(EventKind.STUCK)
            assert facts(stuck).percent == 60
            assert stuck.move_id is not None
            await engine.controls.answer_stuck(stuck.move_id, answer, "U_DAVE")
            await asyncio.sleep(600)
            (move,) = await stage.store.moves(job.id)
            assert move.state is state
        assert len(stage.listener.of(EventKind.ANSWERED)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_clean_up_that_cannot_be_done_now_is_done_later(tmp_path: Path) -> None:
    """Weakness 23: the source falls silent after the move; its folders go when it answers again."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            stage.world.order(WireFault(host="HV01", kind=WireFaultKind.HANG, operation=None, times=None))
            await stage.state_is(job.id, "web01", MoveState.MOVING, MoveState.VERIFYING, MoveState.CLEANING)
            await asyncio.sleep(600)
            stage.world.trouble.clear()
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE
            await asyncio.sleep(3600)
        left = [entry.path for entry in stage.world.all_entries("HV01") if entry.path.startswith("D:\\VMs\\")]
        assert left == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_failed_move_leaves_no_folder_of_its_own_behind(tmp_path: Path) -> None:
    """What was made for this VM alone on the destination is removed again, if empty."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="network", times=None))
        stage.world.add_file("HV02", "D:\\VMs\\web01", is_folder=True)
        async with stage.running():
            job = await stage.ask_and_approve("web01", subfolder=True, attempts=1)
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.FAILED
        there = [entry.path for entry in stage.world.all_entries("HV02") if "web01-1" in entry.path]
        assert there == []
        assert stage.world.entry("HV02", "D:\\VMs\\web01") is not None, "somebody else's folder stays"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_nothing_starts_in_a_freeze_window_unless_it_is_overridden(tmp_path: Path) -> None:
    """The lab's Monday begins at 08:00 UTC: frozen until 18:00; an override with a reason starts at once."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            frozen = await stage.ask_and_approve("web01")
            assert FindingCode.FROZEN in {finding.code for finding in frozen.plan.findings}
            urgent = await stage.ask_and_approve("web02", override="disk is dying")
            moves = await stage.finished(urgent.id, within_s=1800)
            assert moves["web02"].state is MoveState.DONE
            (held,) = await stage.store.moves(frozen.id)
            assert held.hold is not None
            assert held.hold.text == "moves are frozen until Mon 18:00 UTC"
            moves = await stage.finished(frozen.id, within_s=11 * 3600)
        assert moves["web01"].state is MoveState.DONE
        first = moves["web01"].started_at
        assert first is not None
        assert (first.hour, first.minute) == (18, 0)

    settings = {"freeze": {"windows": ["Mon-Fri 08:00-18:00"]}}
    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script, **settings)


def test_people_are_warned_once_when_the_time_no_longer_fits(tmp_path: Path) -> None:
    """Deadline mode: the lower bound passes the wished end while the job runs; on-call is paged once."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            until = stage.clock.now() + timedelta(minutes=12)
            job = await stage.ask_and_approve("web*", until=until)
            assert FindingCode.TOO_LATE not in {finding.code for finding in job.plan.findings}
            for name in ("HV01", "HV02"):
                stage.world.change_host(name, {"bandwidth_bytes_per_s": 10_000_000})
            await stage.finished(job.id)
        assert len(stage.listener.of(EventKind.LATE)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4))), script)


def test_a_wished_end_that_cannot_fit_is_told_before_approval(tmp_path: Path) -> None:
    """The plan itself warns when even the lower bound is too late."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            until = stage.clock.now() + timedelta(seconds=30)
            job = await stage.ask("web*", until=until)
            assert FindingCode.TOO_LATE in {finding.code for finding in job.plan.findings}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4))), script)


def test_a_pair_that_cannot_work_together_is_tried_once(tmp_path: Path) -> None:
    """No delegation between two hosts: one VM finds out, the others are not tried, on-call is paged once."""

    async def script(stage: Stage) -> None:
        for number in range(1, 6):
            stage.world.order(MoveFault(vm=vm_id(number), cause="no-credentials", at_percent=3, times=None))
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.UNMIGRATABLE}
        assert len(stage.world.ledger.starts) <= 2
        tones = [event.tone for event in stage.listener.of(EventKind.UNMIGRATABLE)]
        assert tones.count(Tone.PAGE) <= 2
        assert len(tones) == 5

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(5))), script)


def test_what_a_move_changed_is_told(tmp_path: Path) -> None:
    """Post-move check: a VM that is off after a live move is a finding in the thread."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)

            (migration,) = stage.world.migrations()
            migration.on_end.append(lambda _: stage.world.set_state("HV02", vm_id(1), VMState.Off))
            await stage.finished(job.id)
        (done,) = stage.listener.of(EventKind.DONE)
        assert "it was running before the move and is off now" in facts(done).differences

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
