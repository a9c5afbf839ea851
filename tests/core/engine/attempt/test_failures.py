"""What happens when a move fails, or when hosts say one thing and do another."""

from pathlib import Path

from core.domain.model.event_data import EventKind
from core.domain.model.move import MoveState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, WireFault, WireFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id
from tests.support.event_facts import facts


def test_a_passing_failure_is_tried_again_and_told(tmp_path: Path) -> None:
    """A dropped network costs one attempt; the second moves the VM."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="network"))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].attempts == 2
        (retrying,) = stage.listener.of(EventKind.RETRYING)
        assert "0x80072746" in facts(retrying).words
        assert stage.listener.of(EventKind.FAILED) == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_attempts_end_and_on_call_is_paged_once(tmp_path: Path) -> None:
    """Three attempts, then failed: with the host's words, a hint and where the VM is."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="network", times=None))
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.FAILED
        assert moves["web01"].attempts == 3
        assert moves["web02"].state is MoveState.DONE
        (failed,) = stage.listener.of(EventKind.FAILED)
        assert facts(failed).where == "HV01"
        assert facts(failed).hint
        assert stage.world.where_is(vm_id(1)) == "HV01"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_move_that_says_it_failed_but_succeeded_is_done(tmp_path: Path) -> None:
    """Promise 4: where the VM is decides, not what the command returned."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.SAYS_FAILED))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].attempts == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_move_that_says_it_succeeded_but_did_not_is_tried_again(tmp_path: Path) -> None:
    """Promise 4, the other way round."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.SAYS_SUCCEEDED))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].attempts == 2
        assert stage.world.where_is(vm_id(1)) == "HV02"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_vm_on_both_hosts_is_lost_and_left_alone(tmp_path: Path) -> None:
    """Promise 4: both copies mean stop, page, touch nothing."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.DUPLICATE))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.LOST
        assert stage.world.ledger.removals == []
        (lost,) = stage.listener.of(EventKind.LOST)
        assert "HV01 and HV02 both have the VM" in facts(lost).text

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_vm_on_neither_host_is_lost(tmp_path: Path) -> None:
    """Promise 4: nobody has it, so a human must look."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.VANISH))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.LOST

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_lost_connection_does_not_start_the_vm_twice(tmp_path: Path) -> None:
    """Promise 2: contact breaks right after the start; the move is followed to its end, not started again."""

    async def script(stage: Stage) -> None:
        stage.world.order(WireFault(host="HV01", kind=WireFaultKind.DROP, operation="Receive", times=1))
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert len(stage.world.ledger.starts) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_vm_that_can_never_move_is_not_tried_again(tmp_path: Path) -> None:
    """A permanent error ends the move at once and leaves the others alone."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="vtpm", at_percent=5, times=None))
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.UNMIGRATABLE
        assert moves["web01"].attempts == 1
        assert moves["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_fail_fast_starts_nothing_after_the_first_failure(tmp_path: Path) -> None:
    """Parity -CrashOnUnmigratable: running moves end, the rest is cancelled with the reason."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="vtpm", at_percent=5, times=None))
        async with stage.running():
            job = await stage.ask_and_approve("web*", fail_fast=True)
            moves = await stage.finished(job.id)
        states = [move.state for move in moves.values()]
        assert states.count(MoveState.UNMIGRATABLE) == 1
        assert states.count(MoveState.CANCELLED) >= 3
        assert MoveState.QUEUED not in states

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(6))), script)
