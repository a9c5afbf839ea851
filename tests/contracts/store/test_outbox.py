"""What every store promises about notices: all are handed out, in order, and marked when they may have been said."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from core.domain.model import event_data
from core.domain.model.event_data import EventKind
from core.domain.model.event_json import DATA_OF
from core.domain.model.events import Event, Tone, event
from core.domain.model.job import Card
from core.errors import StoreError
from core.ports import Store
from core.store import SqlStore
from tests.support.store_examples import NOW, card, later, proposal, running

Reopen = Callable[[], Awaitable[Store]]


def line(kind: EventKind = EventKind.APPROVED) -> Event:
    """Return an event that is told as a line."""
    return Event(data=DATA_OF[kind](), at=NOW, tone=Tone.LINE)


async def said(store: Store) -> list[str]:
    """Deliver everything that is due, and return the kinds in the order they came."""
    kinds = []
    while notices := await store.claim_notices(10, NOW):
        for notice in notices:
            kinds.append(f"{notice.job.id} {notice.event.kind}")
            await store.notice_said(notice.id, NOW)
    return kinds


async def test_a_notice_carries_its_job_and_move_as_they_are_now(store: Store) -> None:
    """What it takes to say an event is read when it is said; an event without a tone is not handed out at all."""
    job, (move,) = await running(store, "web01")
    quiet = Event(data=event_data.Verifying(), at=NOW, job_id=job.id, move_id=move.id)
    await store.change_move(
        move, replace(move, hint="old"), quiet, event(event_data.Retrying(attempt=1), NOW, move=move)
    )
    await store.set_card(job.id, Card("C1", "1.5"))
    now = await store.change_move(await store.move(move.id), replace(move, hint="new"))
    (notice,) = await store.claim_notices(10, NOW)
    assert (notice.event.kind, notice.event.data) == (EventKind.RETRYING, event_data.Retrying(attempt=1))
    assert (notice.job, notice.move) == (replace(job, card=Card("C1", "1.5")), now)
    assert (notice.tries, notice.maybe_said) == (0, False)


async def test_notices_of_one_job_come_one_by_one_in_order(store: Store) -> None:
    """Nothing is handed out behind an undelivered notice of the same job."""
    await store.add_job(proposal(), card(), line(), line(EventKind.EXPIRED))
    (first,) = await store.claim_notices(10, NOW)
    assert first.event.kind is EventKind.PROPOSED
    assert await store.claim_notices(10, NOW) == ()
    await store.notice_said(first.id, NOW)
    assert await said(store) == ["J1 approved", "J1 expired"]


async def test_a_notice_that_waits_holds_up_only_its_own_job(store: Store) -> None:
    """A failed delivery is due again at its time; other jobs go on meanwhile."""
    await store.add_job(proposal(), card(), line())
    await store.add_job(proposal(), card())
    first, second = await store.claim_notices(10, NOW)
    await store.notice_said(second.id, NOW)
    await store.notice_failed(first.id, "rate limited", later(1))
    assert await store.claim_notices(10, later(0.9)) == ()
    (again,) = await store.claim_notices(10, later(1))
    assert (again.id, again.tries, again.maybe_said) == (first.id, 1, True)


async def test_a_notice_given_up_lets_the_next_one_pass(store: Store) -> None:
    """What Slack will never take does not silence the rest of the job."""
    await store.add_job(proposal(), card(), line())
    (first,) = await store.claim_notices(10, NOW)
    await store.notice_failed(first.id, "msg_too_long", None)
    assert await said(store) == ["J1 approved"]


async def test_what_a_dead_process_was_saying_is_handed_out_as_maybe_said(store: Store, reopen: Reopen) -> None:
    """The next process gets the notice, marked, once what the dead one had sent must have arrived: not seen twice."""
    await store.add_job(proposal(), card())
    (before,) = await store.claim_notices(10, NOW)
    restarted = await reopen()
    assert await restarted.claim_notices(10, later(0.1)) == ()
    (after,) = await restarted.claim_notices(10, later(0.2))
    assert not before.maybe_said
    assert after == replace(before, tries=1, maybe_said=True)


async def test_a_notice_nobody_reports_on_comes_back(store: Store) -> None:
    """A try that never reported, such as one that was cancelled, does not silence the job for ever."""
    await store.add_job(proposal(), card())
    (first,) = await store.claim_notices(10, NOW)
    assert await store.claim_notices(10, later(1)) == ()
    (again,) = await store.claim_notices(10, later(5))
    assert (again.id, again.maybe_said) == (first.id, True)


async def test_a_delivered_notice_is_never_handed_out_again(store: Store, reopen: Reopen) -> None:
    """Not to another process, not later, and not when a late failure is reported after all."""
    await store.add_job(proposal(), card())
    (notice,) = await store.claim_notices(10, NOW)
    await store.notice_said(notice.id, NOW)
    await store.notice_failed(notice.id, "late", later(1))
    assert await (await reopen()).claim_notices(10, later(99)) == ()


async def test_no_more_notices_than_asked_for_and_the_oldest_first(store: Store) -> None:
    """The limit counts; what did not fit comes next."""
    for _ in range(5):
        await store.add_job(proposal(), card())
    assert [n.job.id for n in await store.claim_notices(2, NOW)] == ["J1", "J2"]
    assert [n.job.id for n in await store.claim_notices(9, NOW)] == ["J3", "J4", "J5"]


async def test_two_claims_at_once_share_the_notices(store: Store) -> None:
    """No notice is handed out to two tasks."""
    for _ in range(6):
        await store.add_job(proposal(), card())
    claimed = await asyncio.gather(*(store.claim_notices(2, NOW) for _ in range(6)))
    ids = [notice.id for notices in claimed for notice in notices]
    assert len(ids) == len(set(ids)) == 6


async def test_a_told_event_without_a_job_is_refused(store: Store) -> None:
    """There is no card to tell it at: better an error at once than a silence."""
    with pytest.raises(StoreError, match="needs a job"):
        await store.add_events(line())


async def test_a_database_put_back_from_a_copy_is_another_one(store: Store, reopen: Reopen) -> None:
    """Its id stays over restarts and changes then; whatever it has not delivered may have been said."""
    own = await store.identity()
    assert own
    assert await (await reopen()).identity() == own
    await store.add_job(proposal("web01"), card())
    assert isinstance(store, SqlStore)
    assert await store.put_back() != own
    assert await store.identity() != own
    (notice,) = await store.claim_notices(10, NOW)
    assert notice.maybe_said


def page() -> Event:
    """Return an event that is told as a page."""
    return Event(data=event_data.Late(), at=NOW, tone=Tone.PAGE)


async def test_a_page_overtakes_ordinary_lines(store: Store) -> None:
    """It comes together with the oldest line, not behind it; but not before anybody tried to post the card."""
    job = await store.add_job(proposal(), card(), line(), line(EventKind.EXPIRED), page())
    (first,) = await store.claim_notices(10, NOW)
    assert first.event.kind is EventKind.PROPOSED
    await store.notice_said(first.id, NOW)
    claimed = await store.claim_notices(10, NOW)
    assert [one.event.kind for one in claimed] == [EventKind.APPROVED, EventKind.LATE]
    await store.notice_failed(claimed[0].id, "not me", later(1))
    await store.notice_said(claimed[1].id, NOW)
    assert await said(store) == []
    assert {one.job.id for one in claimed} == {job.id}


async def test_a_page_waits_for_no_card_that_cannot_be_posted(store: Store) -> None:
    """Once the card was tried in vain the page goes, each page in its turn."""
    await store.add_job(proposal(), card(), page(), page())
    (first,) = await store.claim_notices(10, NOW)
    await store.notice_failed(first.id, "nowhere", later(9))
    assert await said(store) == ["J1 late", "J1 late"]


async def test_what_is_given_up_says_so_in_the_history(store: Store) -> None:
    """In the same transaction; it is counted, as is what still waits."""
    job = await store.add_job(proposal(), card(), line())
    assert await store.outbox_counts() == (2, NOW, 0)
    (first,) = await store.claim_notices(10, NOW)
    unsaid = Event(data=event_data.Unsaid(what="proposed", reason="no"), at=NOW, job_id=job.id)
    await store.notice_failed(first.id, "no", None, unsaid)
    assert (await store.events(job.id))[-1].data == unsaid.data
    assert await said(store) == ["J1 approved"]
    assert await store.outbox_counts() == (0, None, 1)


async def test_pages_that_were_given_up_are_tried_again(store: Store) -> None:
    """Only pages, and none that is older than asked for."""
    await store.add_job(proposal(), card(), line(), page())
    while claimed := await store.claim_notices(10, NOW):
        for one in claimed:
            await store.notice_failed(one.id, "no", None)
    assert await store.retry_pages(later(1)) == 0
    assert await store.retry_pages(NOW) == 1
    (again,) = await store.claim_notices(10, NOW)
    assert (again.event.kind, again.maybe_said) == (EventKind.LATE, True)
