"""A command that shows nothing or does not return is given up, and its move is found out otherwise. On virtual time."""

from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import MoveState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id

HOUR = 3600.0


def test_a_command_that_shows_nothing_does_not_hold_its_slots_for_ever(tmp_path: Path) -> None:
    """The host takes Move-VM and nothing begins: it is tried again, and both VMs arrive."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.NEVER_BEGINS))
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02")
            moves = await stage.finished(job.id, within_s=2 * HOUR)
            assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert stage.world.ledger.violations == []
        assert len(stage.world.ledger.starts) == 2

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_cancel_ends_a_command_that_shows_nothing(tmp_path: Path) -> None:
    """Somebody cancels meanwhile: the move ends as cancelled, and the VM stays where it is."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.NEVER_BEGINS, times=None))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.STARTING)
            await engine.controls.cancel(job.id, "U_BOB", "web01")
            moves = await stage.finished(job.id, within_s=HOUR)
            assert moves["web01"].state is MoveState.CANCELLED
        assert stage.world.where_is(vm_id(1)) == "HV01"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_command_that_does_not_return_is_not_waited_for(tmp_path: Path) -> None:
    """The VM has arrived and both hosts show it: done, in minutes, and nobody is asked."""
    seen: dict[str, Any] = {}

    async def script(stage: Stage) -> None:
        for number in (1, 2, 3):
            stage.world.order(MoveFault(vm=vm_id(number), kind=MoveFaultKind.NEVER_RETURNS))
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", "web03")
            seen["moves"] = await stage.finished(job.id, within_s=HOUR)

    stage = play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)
    assert [(move.state, move.attempts) for move in seen["moves"].values()] == [(MoveState.DONE, 1)] * 3
    assert EventKind.STUCK not in [event.kind for event in stage.listener.events]
    assert stage.world.ledger.violations == []


@pytest.mark.slow
def test_a_move_of_hours_is_not_left_by_its_own_command(tmp_path: Path) -> None:
    """A slow move, shown late and percent by percent: the command is stayed with to its end, which is its report."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id, within_s=20 * HOUR)
            assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1, gb=2000))), script)
