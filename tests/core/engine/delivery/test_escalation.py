"""Pages are taken once, reminded of once, and questions are answered once, over restarts."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import MoveState
from core.errors import NotAllowed, StoreBusy
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, host, play, vm, vm_id
from tests.support.event_facts import facts

HOSTS = (host("HV01"), host("HV02"))


def test_on_call_is_reminded_once_of_what_nobody_took(tmp_path: Path) -> None:
    """A quarter of an hour after a page, and never again; not even by another process."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01", until=stage.clock.now())
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await stage.state_is(job.id, "web01", MoveState.DONE)
            await asyncio.sleep(60)
            (late,) = stage.listener.of(EventKind.LATE)
            assert stage.listener.of(EventKind.ESCALATED) == []
        async with stage.running():
            await asyncio.sleep(1000)
        async with stage.running() as engine:
            await asyncio.sleep(4000)
            (reminder,) = stage.listener.of(EventKind.ESCALATED)
            assert facts(reminder).pages == (late.id,)
            assert 15 * 60 <= (reminder.at - late.at).total_seconds() <= 17 * 60
            assert [one.id for one in await engine.queries.waiting(job.id)] == [late.id]
            await engine.controls.acknowledge(job.id, reminder.id, "U_EVE")
            assert await engine.queries.waiting(job.id) == ()
            with pytest.raises(NotAllowed, match="taken this already"):
                await engine.controls.acknowledge(job.id, late.id, "U_DAVE")

    play(tmp_path, Fleet(hosts=HOSTS, vms=(vm(1, "web01"),)), script)


@pytest.mark.parametrize(("after", "is_taken"), [("15m", True), ("0", False)])
def test_a_page_that_somebody_took_is_not_brought_up_again(tmp_path: Path, after: str, is_taken: bool) -> None:
    """Nor any page when the settings say so. Of two clicks at once one counts."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01", until=stage.clock.now())
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await stage.state_is(job.id, "web01", MoveState.DONE)
            await asyncio.sleep(60)
            (late,) = stage.listener.of(EventKind.LATE)
            if is_taken:
                clicks = (engine.controls.acknowledge(job.id, late.id, who) for who in ("U_EVE", "U_DAVE"))
                results = await asyncio.gather(*clicks, return_exceptions=True)
                assert sorted(type(result).__name__ for result in results) == ["NoneType", "NotAllowed"]
            await asyncio.sleep(7200)
        assert stage.listener.of(EventKind.ESCALATED) == []
        assert len(stage.listener.of(EventKind.ACKNOWLEDGED)) == is_taken

    play(tmp_path, Fleet(hosts=HOSTS, vms=(vm(1, "web01"),)), script, slack={"escalate_after": after})


def test_a_question_is_answered_once(tmp_path: Path) -> None:
    """Of three people who click at once one decides; the others hear that it is decided."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.STALL, at_percent=60))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            (move,) = await stage.store.moves(job.id)
            with pytest.raises(NotAllowed, match="no open question"):
                await engine.controls.answer_stuck(move.id, "wait", "U_EVE")
            await asyncio.sleep(1500)
            (stuck,) = stage.listener.of(EventKind.STUCK)
            answers = zip(("wait", "cancel", "page"), ("U_ANN", "U_BOB", "U_EVE"), strict=True)
            clicks = (engine.controls.answer_stuck(move.id, answer, who) for answer, who in answers)
            results = await asyncio.gather(*clicks, return_exceptions=True)
            assert [type(result).__name__ for result in results].count("NotAllowed") == 2
            await asyncio.sleep(30)
            (answered,) = stage.listener.of(EventKind.ANSWERED)
            assert facts(answered).about.id == stuck.id

    play(tmp_path, Fleet(hosts=HOSTS, vms=(vm(1, "web01"),)), script)


def test_an_answer_and_its_wish_are_one(tmp_path: Path) -> None:
    """A death right after the answer "cancel": the next process asks the host, as people were told."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.STALL, at_percent=60))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            await asyncio.sleep(1500)
            (move,) = await stage.store.moves(job.id)
            # The process dies when the first transaction is through: nothing behind it happens.
            await engine.controls._escalation.answer(move.id, "cancel", "U_BOB")
        async with stage.running():
            moves = await stage.finished(job.id)
        assert (moves["web01"].state, moves["web01"].cancel_by) == (MoveState.CANCELLED, "U_BOB")

    play(tmp_path, Fleet(hosts=HOSTS, vms=(vm(1, "web01"),)), script)


def test_a_busy_database_costs_no_reminder(tmp_path: Path) -> None:
    """The page is off the list only when it has been looked at: one refused read delays its reminder by a minute."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01", until=stage.clock.now())
            escalation: Any = engine._escalation
            real = escalation._store
            failed: list[str] = []

            class Busy:
                def __getattr__(self, name: str) -> Any:
                    if name != "events" or failed or not stage.listener.of(EventKind.LATE):
                        return getattr(real, name)
                    failed.append(name)
                    raise StoreBusy("The database stayed locked by another process.")

            escalation._store = Busy()
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await asyncio.sleep(3600)
            assert failed == ["events"]
            assert len(stage.listener.of(EventKind.ESCALATED)) == 1

    play(tmp_path, Fleet(hosts=HOSTS, vms=(vm(1, "web01"),)), script)
