"""A restart in the middle: moves went on without the bot, and it takes them up where they are."""

import asyncio
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from lab.hyperv.world.faults import MoveFault, WireFault, WireFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id
from tests.support.event_facts import facts

pytestmark = pytest.mark.usefixtures("each_database")


def test_running_moves_are_adopted_and_the_job_goes_on(tmp_path: Path) -> None:
    """Promise 3: two moves run when the bot goes; the next start follows them and starts the rest, each once."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
        async with stage.running():
            moves = await stage.finished(job.id)
            history = await stage.engine_events(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert len(stage.world.ledger.starts) == 5
        assert sum(one.kind is EventKind.ADOPTED for one in history) == 2
        (adopted,) = stage.listener.of(EventKind.ADOPTED)
        assert facts(adopted).vms == ("web01", "web02")
        left = [entry.path for entry in stage.world.all_entries("HV01") if entry.path.startswith("D:\\VMs\\")]
        assert left == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(5))), script)


def test_a_restart_says_nothing_new_about_those_who_wait(tmp_path: Path) -> None:
    """Promise 7: hosts that nobody has looked at yet are no news, and what was said of a backup is not said again."""

    async def script(stage: Stage) -> None:
        stage.world.start_backup(vm_id(3), 600)
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
        async with stage.running():
            await stage.finished(job.id)
        (held,) = stage.listener.of(EventKind.HELD)
        assert "backed up" in facts(held).text

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(5))), script)


def test_a_move_that_ended_meanwhile_is_found_done(tmp_path: Path) -> None:
    """Promise 3: the move ended and its job object is gone when the bot comes back; the hosts still tell."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        await asyncio.sleep(3600)
        async with stage.running():
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert len(stage.world.ledger.starts) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_move_that_failed_meanwhile_is_tried_again(tmp_path: Path) -> None:
    """Promise 3: what ended badly without us costs its attempt and is tried again."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="network"))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        await asyncio.sleep(120)
        async with stage.running():
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].attempts == 2

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_reservation_that_never_became_a_move_costs_nothing(tmp_path: Path) -> None:
    """Promise 2: the bot died between reserving and starting; it waits until a start would show, then starts."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01")
            stage.world.order(WireFault(host="HV01", kind=WireFaultKind.SLOW, delay_s=30))
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await stage.state_is(job.id, "web01", MoveState.STARTING)
        stage.world.trouble.clear()
        assert stage.world.ledger.starts == []
        async with stage.running():
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].attempts == 1
        assert len(stage.world.ledger.starts) == 1
        assert stage.listener.of(EventKind.ADOPTED) == [], "nothing ran: nobody hears of a move found again"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_host_silent_for_an_hour_makes_its_started_move_lost(tmp_path: Path) -> None:
    """Promise 4: the truth cannot be established, so a human must look."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        stage.world.order(WireFault(host="HV02", kind=WireFaultKind.REFUSE))
        async with stage.running():
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.LOST
        assert "HV02 does not answer" in moves["web01"].error

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_nothing_is_said_twice_when_a_reply_is_lost(tmp_path: Path) -> None:
    """Promise 7: the message arrived, the answer did not; the listener is asked whether it was said."""

    async def script(stage: Stage) -> None:
        stage.listener.loses_reply = True
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.finished(job.id)
        kinds = [event.kind for event in stage.listener.events]
        assert len(kinds) == len(set(kinds))

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_an_outage_of_slack_delays_no_move(tmp_path: Path) -> None:
    """Promise 9: moves run while nobody listens; everything is told afterwards, in order."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            stage.listener.down = True
            job = await stage.ask_and_approve("web*")

            async def is_over() -> bool:
                return (await stage.store.job(job.id)).state is JobState.FINISHED

            await stage.until(is_over)
            assert stage.listener.events == []
            stage.listener.down = False
            await asyncio.sleep(300)
        kinds = [event.kind for event in stage.listener.events]
        assert kinds[0] is EventKind.PROPOSED
        assert kinds[-1] is EventKind.FINISHED
        assert kinds.count(EventKind.DONE) == 2
        assert stage.listener.views[-1].is_over

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)
