"""Orders of the bot's own machine: each act as from Slack, with a sentence, and told once."""

from pathlib import Path

import pytest

from bot.audit_log import AuditLog
from bot.handlers.machine_orders import Act, MachineOrder, carry_out
from bot.metrics import Counters
from core.domain.model.event_data import EventKind
from core.domain.model.move import HoldCode, MoveState
from core.errors import NotAllowed, UnknownJob, UnknownVm
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play

AUDIT = AuditLog(Counters())
BY = "root on mgmt01 (command line)"


def test_each_order_is_carried_out_with_a_sentence_and_told_once(tmp_path: Path) -> None:
    """Stop, pause, cancel, resume: the engine's own decisions, by whoever gave them; twice is no second act."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:

            async def say(act: Act, job: str = "", vm: str = "") -> str:
                return await carry_out(engine, MachineOrder(act=act, job=job, vm=vm), BY, AUDIT)

            assert (await say(Act.STOP)).startswith("Stopped: nothing new starts, in any job.")
            assert await say(Act.STOP) == f"It is stopped already, by {BY}: nothing new starts, in any job."
            job = await stage.ask_and_approve("web*")
            assert await say(Act.CANCEL, "j1", "web01") == "J1: 1 waiting VM will not be moved."
            assert (await say(Act.PAUSE, "j1")).startswith("J1 is paused: nothing more of it starts.")
            assert await say(Act.RESUME) == "Migrations start again."
            assert (await say(Act.RESUME)).startswith("Nothing is stopped.")
            await stage.state_is(job.id, "web01", MoveState.CANCELLED)
            waiting = [move for move in await stage.store.moves(job.id) if move.vm_name == "web02"]
            assert [move.hold.code for move in waiting if move.hold] == [HoldCode.PAUSED]
            assert await say(Act.RESUME, "J1") == "J1 goes on."
            moves = await stage.finished(job.id)
            assert [move.state for move in moves.values()] == [MoveState.CANCELLED, MoveState.DONE]

    stage = play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)
    kinds = (EventKind.CANCEL_ASKED, EventKind.PAUSED, EventKind.RESUMED, EventKind.CONTINUED)
    assert [[event.actor for event in stage.listener.of(kind)] for kind in kinds] == [[BY]] * 4


def test_what_cannot_be_done_is_refused_in_the_same_words_as_in_slack(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown job, a VM of another one, a pause of what is paused; the audit log has each order and each refusal."""
    caplog.set_level("INFO", logger="audit")

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await carry_out(engine, MachineOrder(act=Act.STOP), BY, AUDIT)
            await stage.ask_and_approve("web01")
            pause = MachineOrder(act=Act.PAUSE, job="J1")
            await carry_out(engine, pause, BY, AUDIT)
            for order, error in (
                (MachineOrder(act=Act.CANCEL, job="J9"), UnknownJob),
                (MachineOrder(act=Act.CANCEL, job="J1", vm="sql01"), UnknownVm),
                (pause, NotAllowed),
            ):
                with pytest.raises(error):
                    await carry_out(engine, order, BY, AUDIT)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
    assert f"request stop by {BY}" in caplog.text
    assert f"refused cancel J1 sql01 to {BY}: sql01 is not in J1. (UnknownVm)" in caplog.text
