"""What becomes of a year: looks find what they show, and what is old goes into a file before it goes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.model.inventory import VmId
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Move, MoveState
from core.errors import UnknownJob
from core.ports import Store
from tests.support.store_examples import NOW, begun, card, ended, later, proposal, running


async def finished(store: Store, *names: str, ended_min: float = 10) -> JobId:
    """Store a job whose moves failed, and which ended so many minutes later."""
    job, moves = await running(store, *names)
    for move in moves:
        started, _ = await begun(store, move)
        await ended(store, started, MoveState.FAILED)
    done = replace(job, state=JobState.FINISHED, finished_at=later(ended_min))
    return (await store.change_job(job, done, replace(card(), job_id=job.id))).id


def lines_of(history: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]


def make_folder(history: Path) -> None:
    history.mkdir()


async def say_all(store: Store) -> None:
    while notices := await store.claim_notices(50, later(100)):
        for notice in notices:
            await store.notice_said(notice.id, later(100))


async def test_what_is_old_is_put_away_and_then_removed(store: Store, history: Path) -> None:
    """Jobs that ended before a time go, with all that hung on them; each row is a line of the file; others stay."""
    old, young = await finished(store, "web01", "web02"), await finished(store, "web03", ended_min=60)
    await say_all(store)
    assert await store.forget_jobs(later(30), 10) == 1
    with pytest.raises(UnknownJob):
        await store.job(old)
    assert [move.vm_name for move in await store.moves()] == ["web03"]
    assert len(await store.attempts()) == 1
    assert (await store.job(young)).id == young
    rows = lines_of(history)
    count = {table: sum(1 for row in rows if row["table"] == table) for table in {row["table"] for row in rows}}
    assert count == {"plans": 1, "jobs": 1, "moves": 2, "attempts": 2, "events": 3, "outbox": 1}
    assert {row["vm_name"] for row in rows if row["table"] == "moves"} == {"web01", "web02"}
    assert await store.forget_jobs(later(30), 10) == 0


async def test_a_number_of_a_removed_job_is_not_given_again(store: Store) -> None:
    """The newest job went: the next one has the next number."""
    old = await finished(store)
    await say_all(store)
    await store.forget_jobs(later(30), 10)
    assert (await store.add_job(proposal())).id == f"J{int(old[1:]) + 1}"


async def test_what_is_not_over_stays(store: Store) -> None:
    """A job that runs, one that somebody must still hear of, and one that has folders to clean up stay, however old."""
    await running(store, "web01")
    await finished(store, "web02")  # not said yet
    cleaned = await finished(store, "web03")
    (move,) = await store.moves(cleaned)
    await store.change_move(move, replace(move, leftovers=("D:\\a",), tidy_at=later(20)))
    before = await store.jobs()
    for notice in await store.claim_notices(50, later(1)):
        if notice.job.id == cleaned:
            await store.notice_said(notice.id, later(1))
    assert await store.forget_jobs(later(1000), 10) == 0
    assert await store.jobs() == before


async def test_nothing_goes_that_cannot_be_put_away(store: Store, history: Path) -> None:
    """The file cannot be written: an error says so, and everything is still there."""
    old = await finished(store)
    await say_all(store)
    make_folder(history)
    with pytest.raises(Exception, match="history file cannot be written"):
        await store.forget_jobs(later(30), 10)
    assert (await store.job(old)).id == old
    assert len(await store.events(old)) > 0


async def test_the_newest_move_of_a_vm_is_found_by_name_and_id(store: Store) -> None:
    """By name in any case, by its id in text, by the ids of VMs; of each VM the newest only."""
    first, (one, other) = await running(store, "Web01", "web02")
    again = [replace(one, job_id=first.id)]
    second = await store.add_job(proposal("web09"))
    running_again = replace(second, state=JobState.RUNNING, decided_at=NOW)
    await store.change_job(second, running_again, new_moves=again)
    newest = max(await store.moves(), key=lambda move: move.id)

    async def ids(name: str, *vm_ids: VmId) -> set[Move]:
        return set(await store.newest_moves(name, vm_ids))

    assert await ids("WEB01") == {newest}
    assert await ids(str(one.vm_id)) == await ids(f"{{{one.vm_id}}}".upper()) == {newest}
    assert await ids("nobody", other.vm_id) == {other}
    assert await ids("web0") == set()
    assert await ids("WEB02", one.vm_id) == {other, newest}


async def test_looks_read_what_they_show(store: Store) -> None:
    """Attempts of moves under way, attempts within a time, and jobs whose card is still open."""
    await finished(store, "web01")
    job, (move, waiting) = await running(store, "web02", "web03")
    _, attempt = await begun(store, move)
    assert await store.attempts_under_way() == (attempt,)
    assert {one.id for one in await store.attempts_between(later(6), later(9))} == {attempt.id}
    assert len(await store.attempts_between(NOW, later(9))) == 2
    assert await store.attempts_between(later(-9), later(-6)) == ()
    open_cards = await store.jobs_with_open_cards()
    assert job.id in open_cards
    await store.set_card_final(open_cards[-1])
    assert await store.jobs_with_open_cards() == open_cards[:-1]
    assert waiting.state is MoveState.QUEUED


async def test_events_are_read_after_one_of_them(store: Store) -> None:
    """Who follows a job reads what is new alone."""
    old = await finished(store, "web01")
    events = await store.events(old)
    assert [await store.events(old, after=one.id) for one in events] == [events[n:] for n in range(1, len(events) + 1)]
    assert await store.events(old, after=0) == events
