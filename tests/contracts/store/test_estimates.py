"""What was estimated at the approval comes back with what it took: of jobs that ended well, and of nothing else."""

from dataclasses import replace

import pytest

from core.domain.model import event_data
from core.domain.model.event_data import EventData
from core.domain.model.events import event
from core.domain.model.job import Job, JobState
from core.domain.model.move import Fault, MoveState
from core.domain.reporting.estimates import Estimated
from core.ports import Store
from tests.contracts.store.test_past import failed, moved
from tests.support.store_examples import NOW, begun, later, running

TOLD = event_data.Approved(count=1, needed=1, expected_s=500.0, moves_s=(240, 310))


async def approved(store: Store, told: EventData = TOLD) -> Job:
    """Carry out two moves, one after a failed attempt, of a job whose approval was told so."""
    job, (first, second) = await running(store, "web01", "web02")
    await store.add_events(event(told, NOW, job=job))
    await moved(store, first)
    await moved(store, await failed(store, second, Fault.PASSING, "network"))
    return job


async def over(store: Store, job: Job) -> None:
    await store.change_job(job, replace(job, state=JobState.FINISHED, finished_at=later(10)))


async def test_estimates_come_back_with_what_it_took(store: Store) -> None:
    """From the approval to the end; of each move the attempt that moved it, in the plan's order."""
    job = await approved(store)
    assert await store.estimates() == ((), ()), "it is not over"
    await over(store, job)
    assert await store.estimates() == ((Estimated(500.0, 600.0),), (Estimated(240.0, 300.0), Estimated(310.0, 300.0)))
    assert await store.estimates(NOW) == ((), ()), "then it was not"


@pytest.mark.parametrize("what", [event_data.Paused(), event_data.Stopped(), event_data.CancelAsked()])
async def test_what_people_held_up_says_nothing(store: Store, what: EventData) -> None:
    """No estimate knows that somebody will pause a job."""
    job = await approved(store)
    await store.add_events(event(what, later(1), job=job))
    await over(store, job)
    assert await store.estimates() == ((), ())


async def test_what_was_not_estimated_or_not_done_says_nothing(store: Store) -> None:
    """An approval of an older version, a job without an estimate, one whose VM failed."""
    for told in (event_data.Approved(count=1, needed=1), event_data.Approved(count=1, needed=1, expected_s=0.0)):
        await over(store, await approved(store, told))
    job, (move,) = await running(store, "web03")
    await store.add_events(event(replace(TOLD, moves_s=(240,)), NOW, job=job))
    started, attempt = await begun(store, move)
    gone = replace(started, state=MoveState.FAILED, attempts=1, ended_at=later(5))
    await store.end_attempt(attempt, started, gone, at=later(5), fault=Fault.VM)
    await over(store, job)
    assert await store.estimates() == ((), ())
