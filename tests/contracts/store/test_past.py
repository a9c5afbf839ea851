"""What a length of time comes to: the same on every database, and counted by it."""

from dataclasses import replace

import pytest

from core.domain.model import event_data
from core.domain.model.events import Tone, event
from core.domain.model.job import JobState
from core.domain.model.move import Fault, Hold, HoldCode, Move, MoveState
from core.domain.reporting.past import FaultTally, PairTally, VmFaultTally, WaitTally
from core.ports import Store
from tests.support.store_examples import HV01, HV02, NOW, begun, later, running


async def held(store: Store, move: Move, code: HoldCode, minutes: float) -> Move:
    """Let a move wait for a reason from then on."""
    at = later(minutes)
    told = event(event_data.Held(code=code, text="…"), at, move=move)
    return await store.change_move(move, replace(move, hold=Hold(code, "…", at)), told)


async def failed(store: Store, move: Move, fault: Fault, code: str) -> Move:
    """Let an attempt fail, and another one follow."""
    started, attempt = await begun(store, move)
    told = event(event_data.Retrying(code=code, attempt=1, of=3), later(2), move=move)
    back = replace(started, state=MoveState.QUEUED, attempts=move.attempts + 1)
    return await store.end_attempt(attempt, started, back, told, at=later(2), fault=fault, host_words="Nein")


async def moved(store: Store, move: Move) -> Move:
    """Let a move get done: five minutes of an attempt."""
    started, attempt = await begun(store, move)
    looked = await store.change_move(started, replace(started, state=MoveState.VERIFYING))
    cleaning = replace(looked, state=MoveState.CLEANING, attempts=move.attempts + 1, ended_at=None)
    arrived = await store.end_attempt(attempt, looked, cleaning, at=later(5))
    return await store.change_move(arrived, replace(arrived, state=MoveState.DONE, ended_at=later(6)))


async def test_what_moved_is_counted_by_pair_and_by_try(store: Store) -> None:
    """Bytes and seconds are those of the attempts that moved the VMs; a failed one before counts against the first."""
    job, (first, second) = await running(store, "web01", "web02")
    first = await store.change_move(first, replace(first, size_bytes=600))
    await moved(store, first)
    await moved(store, await failed(store, second, Fault.PASSING, "network"))
    await store.change_job(job, replace(job, state=JobState.FINISHED, finished_at=later(7)))
    past = await store.past(NOW, later(60))
    (pair,) = past.pairs
    assert pair == PairTally(source=HV01, destination=HV02, moves=2, size_bytes=615, seconds=pair.seconds)
    assert pair.seconds == pytest.approx(600, abs=0.01)
    assert (past.jobs, past.ends, past.first_try) == (1, {MoveState.DONE: 2}, 1)


async def test_failures_are_counted_with_their_fault_and_code(store: Store) -> None:
    """By pair and by VM; the code is that of the event which the end of the attempt was told with."""
    _, (first, second) = await running(store, "web01", "web02")
    await failed(store, await failed(store, first, Fault.PASSING, "network"), Fault.PASSING, "network")
    await failed(store, second, Fault.HOST, "logon-right")
    past = await store.past(NOW, later(60))
    assert set(past.faults) == {
        FaultTally(source=HV01, destination=HV02, fault=Fault.PASSING, code="network", attempts=2),
        FaultTally(source=HV01, destination=HV02, fault=Fault.HOST, code="logon-right", attempts=1),
    }
    assert past.vm_faults == (
        VmFaultTally(vm_name="web01", fault=Fault.PASSING, code="network", attempts=2),
        VmFaultTally(vm_name="web02", fault=Fault.HOST, code="logon-right", attempts=1),
    )


async def test_waiting_lasts_until_the_next_that_happens_to_the_move(store: Store) -> None:
    """By reason; what still waits has waited until the end of the time asked about."""
    _, (first, second) = await running(store, "web01", "web02")
    first = await held(store, first, HoldCode.SLOT, 1)
    first = await held(store, first, HoldCode.BACKUP, 4)
    await held(store, second, HoldCode.SLOT, 2)
    past = await store.past(NOW, later(12))
    found = {wait.code: wait for wait in past.waits}
    assert found[HoldCode.SLOT] == WaitTally(code=HoldCode.SLOT, moves=2, seconds=found[HoldCode.SLOT].seconds)
    assert found[HoldCode.SLOT].seconds == pytest.approx(3 * 60 + 10 * 60, abs=0.01)
    assert found[HoldCode.BACKUP].seconds == pytest.approx(8 * 60, abs=0.01)


async def test_pages_are_counted_with_the_time_until_one_was_taken(store: Store) -> None:
    """A reminder is no page of its own, and a second click takes nothing."""
    job, (move,) = await running(store, "web01")
    page = event(event_data.Lost(text="?"), later(1), move=move)
    reminder = event(event_data.Escalated(pages=(1,)), later(20), job=job)
    await store.add_events(page, page, reminder)
    (asked, _, _) = [one for one in await store.events(job.id) if one.tone is Tone.PAGE]
    about = event_data.Quote(id=asked.id, kind=asked.kind, at=asked.at, data={})
    for minutes in (13, 30):
        await store.add_events(event(event_data.Acknowledged(about=about), later(minutes), job=job, actor="U3"))
    past = await store.past(NOW, later(60))
    assert (past.pages, past.taken_s) == (2, (12 * 60.0,))


async def test_what_is_outside_of_the_time_does_not_count(store: Store) -> None:
    """From its first moment on, and before its last."""
    _, (first, second) = await running(store, "web01", "web02")
    await moved(store, await failed(store, first, Fault.PASSING, "network"))
    await held(store, second, HoldCode.SLOT, 3)
    for past in (await store.past(later(-60), NOW), await store.past(later(10), later(60))):
        assert (past.ends, past.pairs, past.faults, past.waits, past.pages) == ({}, (), (), (), 0)
