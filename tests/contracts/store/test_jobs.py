"""What every store promises about jobs, their cards, switches and speeds."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from core.domain.model import event_data
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event, Tone
from core.domain.model.inventory import HostName
from core.domain.model.job import Approval, Card, JobId, JobState
from core.domain.planning.speeds import LinkSpeed, SharedSpeed
from core.errors import IllegalTransition, Outdated, StoreError, UnknownJob
from core.ports import Store
from tests.support.store_examples import HV01, HV02, NOW, card, later, moves_of, plan, proposal, running

Reopen = Callable[[], Awaitable[Store]]


async def test_new_jobs_are_numbered_in_the_order_they_come(store: Store) -> None:
    """The first job is J1, the next J2, and each comes back as it was put in."""
    first, second = await store.add_job(proposal()), await store.add_job(proposal())
    assert (first.id, second.id) == ("J1", "J2")
    assert await store.job(first.id) == first
    assert await store.job(second.id) == second


@pytest.mark.parametrize("typed", ["J1", "j1", "1", " J1 "])
async def test_a_job_is_found_as_people_type_its_id(store: Store, typed: str) -> None:
    """Case and the J do not matter."""
    job = await store.add_job(proposal())
    assert await store.job(JobId(typed)) == job


@pytest.mark.parametrize("typed", ["J2", "", "J", "web01", "J-1", "1; DROP TABLE jobs", "J" + "9" * 40, "J\u0661"])
async def test_a_job_that_does_not_exist_is_said_to_be_unknown(store: Store, typed: str) -> None:
    """Whatever is typed, the answer is UnknownJob."""
    await store.add_job(proposal())
    with pytest.raises(UnknownJob):
        await store.job(JobId(typed))
    with pytest.raises(UnknownJob):
        await store.set_card(JobId(typed), Card("C1", "1.0"))


async def test_the_plan_survives_with_its_hash(store: Store, reopen: Reopen) -> None:
    """What was approved is what is read after a restart: equal, and of the same hash."""
    asked = replace(
        proposal(), plan=replace(plan("a", "b"), expected_s=None, options=replace(plan("x").options, attempts=3))
    )
    zone = timezone(timedelta(hours=2))
    asked = replace(
        asked, plan=replace(asked.plan, options=replace(asked.plan.options, start_at=later(9).astimezone(zone)))
    )
    await store.add_job(asked)
    read = await (await reopen()).job(JobId("J1"))
    assert read.plan == asked.plan
    assert read.plan.hash == asked.plan.hash


async def test_a_changed_job_carries_its_new_version(store: Store) -> None:
    """What change_job returns is what is stored, and can be changed again."""
    job = await store.add_job(proposal())
    once = await store.change_job(job, replace(job, approvals=(Approval("U2", NOW),)))
    twice = await store.change_job(once, replace(once, state=JobState.REJECTED, decision_reason="nein"))
    assert await store.job(job.id) == twice
    assert twice.version == once.version + 1


async def test_of_two_changes_to_one_job_the_second_is_refused(store: Store) -> None:
    """A change based on an old version raises Outdated and changes nothing, not even by its events and moves."""
    job = await store.add_job(proposal())
    first = await store.change_job(job, replace(job, state=JobState.REJECTED))
    approved = replace(job, state=JobState.RUNNING)
    with pytest.raises(Outdated):
        await store.change_job(job, approved, Event(data=event_data.Approved(), at=NOW), new_moves=moves_of(job))
    assert await store.job(job.id) == first
    assert await store.moves(job.id) == ()
    assert await store.events(job.id) == ()


async def test_of_two_approvals_at_once_none_is_overwritten(store: Store) -> None:
    """Two clicks that count on the same version: the second is refused, though the state is still the same."""
    job = await store.add_job(proposal())
    first = await store.change_job(job, replace(job, approvals=(Approval("U2", NOW),)))
    with pytest.raises(Outdated):
        await store.change_job(job, replace(job, approvals=(Approval("U3", NOW),)))
    assert await store.job(job.id) == first


async def test_many_clicks_at_once_approve_once(store: Store) -> None:
    """Of twenty tasks that approve one job, exactly one succeeds and the moves are there once."""
    job = await store.add_job(proposal("a", "b"))

    async def approve() -> bool:
        try:
            await store.change_job(job, replace(job, state=JobState.RUNNING), new_moves=moves_of(job))
        except Outdated:
            return False
        return True

    assert sum(await asyncio.gather(*(approve() for _ in range(20)))) == 1
    assert len(await store.moves(job.id)) == 2


async def test_a_job_that_ended_does_not_run_again(store: Store) -> None:
    """The table of states is asked before anything is written."""
    job = await store.add_job(proposal())
    job = await store.change_job(job, replace(job, state=JobState.EXPIRED))
    with pytest.raises(IllegalTransition):
        await store.change_job(job, replace(job, state=JobState.RUNNING))
    assert await store.job(job.id) == job


async def test_a_plan_can_be_replaced_and_is_read_anew(store: Store) -> None:
    """A job given another plan is read with that plan, though the first one was read before."""
    job = await store.add_job(proposal("a"))
    assert (await store.job(job.id)).plan == job.plan
    changed = await store.change_job(job, replace(job, plan=plan("a", "b")))
    assert (await store.job(job.id)).plan == changed.plan
    assert len(changed.plan.moves) == 2


async def test_the_card_is_not_lost_by_a_change_that_did_not_know_it(store: Store) -> None:
    """Setting the card leaves the version alone, and a change under way at that time leaves the card alone."""
    job = await store.add_job(proposal())
    await store.set_card(job.id, Card("C9", "17.5"))
    changed = await store.change_job(job, replace(job, state=JobState.EXPIRED))
    assert changed.card == Card("C9", "17.5")
    await store.set_card_final(JobId("j1"))
    assert await store.job(job.id) == replace(changed, is_card_final=True)


async def test_a_card_that_stands_for_another_is_known_as_such(store: Store) -> None:
    """The first card is none, nor is it the same under another id of its channel; a change of the job keeps it."""
    job = await store.add_job(proposal())
    for place, is_again in ((Card("C9", "17.5"), False), (Card("C10", "17.5"), False), (Card("C10", "18.5"), True)):
        await store.set_card(job.id, place)
        assert (await store.job(job.id)).is_card_again == is_again
    await store.set_card(job.id, Card("C10", "18.5"))
    assert (await store.change_job(job, replace(job, state=JobState.EXPIRED))).is_card_again
    assert (await store.job(job.id)).is_card_again


async def test_jobs_are_listed_newest_first(store: Store) -> None:
    """All of them, or those in some states, never more than asked for."""
    for name in "abc":
        await store.add_job(proposal(name))
    await running(store, "d")
    assert [job.id for job in await store.jobs()] == ["J4", "J3", "J2", "J1"]
    assert [job.id for job in await store.jobs(limit=2)] == ["J4", "J3"]
    assert [job.id for job in await store.jobs(JobState.PROPOSED)] == ["J3", "J2", "J1"]
    assert [job.id for job in await store.jobs(JobState.RUNNING, JobState.PROPOSED, limit=1)] == ["J4"]
    assert await store.jobs(JobState.FINISHED) == ()


async def test_events_come_back_in_order_with_the_job_they_belong_to(store: Store) -> None:
    """The id that add_job gives is in the events, each has an id of its own, and data survives."""
    job = await store.add_job(proposal(), card(), Event(data=event_data.Approval(count=1), at=later(1), actor="U2"))
    await store.add_events(Event(data=event_data.Held(text="läuft\n😀", follows=True), at=later(2), job_id=job.id))
    events = await store.events(JobId("j1"))
    assert [e.kind for e in events] == [EventKind.PROPOSED, EventKind.APPROVAL, EventKind.HELD]
    assert {e.job_id for e in events} == {"J1"}
    assert len({e.id for e in events}) == 3
    assert events[0] == replace(card(), job_id=job.id, id=events[0].id)
    assert events[2].data == event_data.Held(text="läuft\n😀", follows=True)


async def test_events_without_a_change_are_stored_together_or_not_at_all(store: Store) -> None:
    """Several at once, of several jobs, in their order; one that cannot be stored takes the others with it."""
    one, two = [await store.add_job(proposal()) for _ in range(2)]
    told = [
        Event(data=event_data.Adopted(), at=later(n), job_id=job.id, tone=Tone.LINE)
        for n, job in enumerate((one, two, one))
    ]
    await store.add_events(*told)
    await store.add_events()
    with pytest.raises(StoreError):
        await store.add_events(told[0], replace(told[0], job_id=None))
    assert [e.at for e in await store.events(one.id)] == [later(0), later(2)]
    assert [e.at for e in await store.events(two.id)] == [later(1)]
    assert {n.event.job_id for n in await store.claim_notices(9, NOW)} == {one.id, two.id}


async def test_a_switch_survives_a_restart(store: Store, reopen: Reopen) -> None:
    """The big red stop stays pressed; a switch never set is empty; setting it again replaces it."""
    assert await store.switch("stop") == ""
    await store.set_switch("stop", "U1", Event(data=event_data.Stopped(), at=NOW, actor="U1"))
    other = await reopen()
    assert await other.switch("stop") == "U1"
    await other.set_switch("stop", "")
    assert await store.switch("stop") == ""


async def test_speeds_are_learned_by_a_moving_average(store: Store) -> None:
    """One measurement is taken as it is, the next moves it part of the way, nonsense teaches nothing."""
    assert await store.speeds() == {}
    await store.learn_speed(HV01, HV02, 100.0)
    assert await store.speeds() == {(HV01, HV02): 100.0}
    await store.learn_speed(HV01, HV02, 200.0)
    await store.learn_speed(HV02, HostName("HV03"), 1e12)
    for nonsense in (0.0, -5.0, float("nan"), float("inf")):
        await store.learn_speed(HV01, HV02, nonsense)
    speeds = await store.speeds()
    assert 100.0 < speeds[HV01, HV02] < 200.0
    assert speeds[HV02, HostName("HV03")] == 1e12
    assert await store.link_speeds() == {}


async def test_a_link_learns_what_one_move_had_there_and_what_several_had_together(store: Store) -> None:
    """Who shared a link was held back by it: his pair learns from that only to be faster."""
    await store.learn_speed(HV01, HV02, 100.0, {"rack-a": 1.0, "rack-b": 1.2})
    assert await store.link_speeds() == {"rack-a": LinkSpeed(100.0, None), "rack-b": LinkSpeed(100.0, None)}
    await store.learn_speed(HV01, HV02, 60.0, {"rack-a": 2.0, "rack-b": 1.0})
    assert await store.link_speeds() == {"rack-a": LinkSpeed(100.0, 120.0), "rack-b": LinkSpeed(100.0, None)}
    await store.learn_speed(HV01, HV02, 80.0, {"rack-a": 2.0})
    rack = (await store.link_speeds())["rack-a"]
    assert rack.alone == 100.0
    assert rack.together == pytest.approx(120.0 + 0.3 * 40.0)
    assert await store.speeds() == {(HV01, HV02): 100.0}
    await store.learn_speed(HV01, HV02, 200.0, {"rack-a": 2.0})
    await store.learn_speed(HV02, HV01, 50.0, {"rack-a": 3.0})
    assert await store.speeds() == {(HV01, HV02): pytest.approx(130.0), (HV02, HV01): 50.0}
    await store.learn_speed(HV01, HV02, float("nan"), {"rack-c": 1.0})
    assert "rack-c" not in await store.link_speeds()


async def test_what_moves_at_one_host_share_is_kept_beside_what_they_showed(store: Store) -> None:
    """One row for a pair; a move that a link held back says nothing of its hosts."""
    assert await store.shared_speeds() == {}
    await store.learn_speed(HV01, HV02, 100.0)
    assert await store.shared_speeds() == {(HV01, HV02): SharedSpeed(alone=100.0)}
    await store.learn_speed(HV01, HV02, 50.0, at_host=2.0)
    (known,) = (await store.shared_speeds()).values()
    assert (known.alone, known.off_shared) == (100.0, 0.0)
    assert known.off_equal == pytest.approx(math.log(2))
    await store.learn_speed(HV01, HV02, 50.0, {"rack-a": 2.0}, at_host=2.0)
    await store.learn_speed(HV01, HV02, float("nan"), at_host=2.0)
    assert (await store.shared_speeds()) == {(HV01, HV02): known}
