"""What every store promises about moves and attempts: slots are given once, and no VM is started twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from core.domain.model import event_data
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event, event
from core.domain.model.hyperv_enums import Operation, VmState
from core.domain.model.inventory import Adapter, Disk, HostName, Vm, VmDetails
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Fault, Hold, HoldCode, Move, MoveId, MoveState
from core.domain.model.ownership import Found, Owner, OwnerHold
from core.domain.scheduling.freeze import parse_window
from core.domain.scheduling.links import Link, LinkUsage, LinkWindow
from core.errors import IllegalTransition, Outdated, StoreError
from core.ports import Store
from tests.support.store_examples import HV01, HV02, NOW, begun, ended, later, moves_of, proposal, room, running

Reopen = Callable[[], Awaitable[Store]]


async def test_ids_are_of_the_plain_type(store: Store, reopen: Reopen) -> None:
    """Whatever the driver gives: a UUID of a class of its own cannot be sent to a host."""
    job, (move,) = await running(store, "web01")
    await begun(store, move)
    fresh = await reopen()
    (read,), (attempt,) = await fresh.moves(job.id), await fresh.attempts(open_only=True)
    assert (type(read.vm_id), type(attempt.vm_id)) == (UUID, UUID)


async def test_approval_and_moves_are_one_transaction(store: Store) -> None:
    """The moves of an approved job are there, in the plan's order, each with an id."""
    job, moves = await running(store, "c", "a", "b")
    assert [move.vm_name for move in moves] == ["c", "a", "b"]
    assert len({move.id for move in moves}) == 3
    assert {move.job_id for move in moves} == {job.id}
    assert [replace(move, id=MoveId(0), version=0) for move in moves] == moves_of(job)


async def test_ten_thousand_moves_are_added_in_order(store: Store) -> None:
    """A job as large as a data centre is approved in one transaction."""
    names = [f"vm{n}" for n in range(10_000)]
    job, moves = await running(store, *names)
    assert [move.vm_name for move in moves] == names
    assert (await store.job(job.id)).plan == job.plan


async def test_a_move_keeps_all_it_knows_through_a_restart(store: Store, reopen: Reopen) -> None:
    """Hold, look before the move, times and texts come back exactly."""
    _, (move,) = await running(store, "web01")
    vm = Vm(
        id=move.vm_id,
        name="web01",
        state=VmState.RUNNING,
        status=(Operation.IN_SERVICE, Operation.BACKING_UP),
        status_text="Betrieb",
        heartbeat=2,
    )
    changed = await store.change_move(
        move,
        replace(
            move,
            hold=Hold(HoldCode.BACKUP, "is being backed up", NOW),
            not_before=later(5),
            busy_since=NOW,
            busy_code=HoldCode.BACKUP,
            before=VmDetails(
                vm=vm,
                disks=(Disk(path="C:\\a.vhdx", file_bytes=2**41),),
                adapters=(Adapter("NIC", "vSwitch"),),
                iso_paths=("C:\\x.iso",),
                checkpoints=2,
            ),
            error="Fehler",
            hint="nachsehen",
            cancel_by="U3",
            queued_at=NOW,
            size_bytes=2**50,
            owner=Owner("ann@contoso.com", "by the VM's notes", Found.KNOWN, "U0ANN"),
            owner_hold=OwnerHold("U0ANN", "Monatsabschluß \u2028 „x“", NOW),
        ),
    )
    assert await (await reopen()).move(move.id) == changed


async def test_what_another_bot_changed_is_seen_at_the_next_look(store: Store, reopen: Reopen) -> None:
    """However often the moves were read before, nobody decides on what another process has changed meanwhile."""
    job, (one, two) = await running(store, "a", "b")
    other = await reopen()
    assert await other.moves(job.id) == await store.moves(job.id) == (one, two)
    changed = await other.change_move(one, replace(one, hold=Hold(HoldCode.BACKUP, "is being backed up", NOW)))
    assert await store.moves(job.id) == await store.moves(open_only=True) == (changed, two)


async def test_a_start_that_was_decided_before_its_owner_held_it_is_refused(store: Store) -> None:
    """The hold and the reservation are compared with what is stored: one of the two wins, and the other hears of it."""
    job, (first, second) = await running(store, "web01", "web02")
    hold = OwnerHold("U0ANN", "not now", NOW)
    await store.change_move(first, replace(first, owner_hold=hold), event(event_data.OwnerHeld(), NOW, job=job))
    with pytest.raises(Outdated):
        await begun(store, first)
    assert await store.attempts() == ()
    with pytest.raises(Outdated, match="not now"):
        await begun(store, await store.move(first.id))
    await begun(store, second)
    with pytest.raises(Outdated):
        await store.change_move(second, replace(second, owner_hold=hold))


async def test_of_two_changes_to_one_move_the_second_is_refused(store: Store) -> None:
    """A change based on an old version raises Outdated and leaves no event."""
    job, (move,) = await running(store, "web01")
    first = await store.change_move(move, replace(move, hint="first"))
    with pytest.raises(Outdated):
        await store.change_move(move, replace(move, hint="second"), event(event_data.Held(), NOW, move=move))
    assert await store.move(move.id) == first
    assert await store.events(job.id) == ()


async def test_several_moves_change_together_or_not_at_all(store: Store) -> None:
    """One that somebody else changed meanwhile undoes the others and the event; else all change with one event."""
    job, (first, second) = await running(store, "web01", "web02")
    known = len(await store.events(job.id))
    newer = await store.change_move(second, replace(second, error="changed"))
    asked = event(event_data.CancelAsked(vms=("web01", "web02"), running=0), NOW, job=job)

    def wishes(*moves: Move) -> list[tuple[Move, Move]]:
        return [(move, replace(move, cancel_by="U3")) for move in moves]

    with pytest.raises(Outdated):
        await store.change_moves(wishes(first, second), asked)
    assert await store.moves(job.id) == (first, newer)
    assert len(await store.events(job.id)) == known
    changed = await store.change_moves(wishes(first, newer), asked)
    assert await store.moves(job.id) == changed
    assert [move.cancel_by for move in changed] == ["U3", "U3"]
    assert len(await store.events(job.id)) == known + 1


async def test_a_move_changes_state_only_as_the_table_allows(store: Store) -> None:
    """What the table of transitions forbids is not written."""
    _, (move,) = await running(store, "web01")
    with pytest.raises(IllegalTransition):
        await store.change_move(move, replace(move, state=MoveState.CLEANING))
    assert await store.move(move.id) == move


async def test_slots_are_not_taken_or_freed_without_an_attempt(store: Store) -> None:
    """Going to or from a state that holds slots needs begin_attempt and end_attempt."""
    _, (move,) = await running(store, "web01")
    with pytest.raises(IllegalTransition):
        await store.change_move(move, replace(move, state=MoveState.STARTING))
    started, attempt = await begun(store, move)
    with pytest.raises(IllegalTransition):
        await store.change_move(started, replace(started, state=MoveState.QUEUED))
    with pytest.raises(IllegalTransition):
        await store.end_attempt(attempt, started, replace(started, state=MoveState.MOVING), at=NOW)
    with pytest.raises(IllegalTransition):
        await store.begin_attempt(started, replace(started, state=MoveState.MOVING), room(9), at=NOW)
    assert await store.move(move.id) == started


async def test_open_moves_are_those_of_running_jobs_that_have_not_ended(store: Store) -> None:
    """Ended moves, and moves of jobs that are over, are not open."""
    job, (one, two) = await running(store, "a", "b")
    await store.change_move(one, replace(one, state=MoveState.CANCELLED))
    _, others = await running(store, "c")
    assert await store.moves(open_only=True) == (two, *others)
    assert await store.moves(job.id, open_only=True) == (two,)
    assert [move.vm_name for move in await store.moves()] == ["a", "b", "c"]
    await store.change_job(job, replace(job, state=JobState.FINISHED, finished_at=NOW))
    assert await store.moves(open_only=True) == others


async def test_an_attempt_is_a_reservation_until_it_ends(store: Store, reopen: Reopen) -> None:
    """An attempt is open from begin to end, also for the next process; then its slots are free, its story told."""
    job, (move,) = await running(store, "web01")
    started, attempt = await begun(store, move)
    assert (attempt.number, attempt.source, attempt.destination, attempt.started_at) == (1, HV01, HV02, NOW)
    assert await (await reopen()).attempts(open_only=True) == (attempt,)
    moving = await store.confirm_attempt(attempt, started, replace(started, state=MoveState.MOVING), at=later(1))
    again = await store.confirm_attempt(
        attempt, moving, moving, event(event_data.Moving(), NOW, move=moving), at=later(2)
    )
    verifying = await store.change_move(again, replace(again, state=MoveState.VERIFYING))
    queued = await store.end_attempt(
        attempt,
        verifying,
        replace(verifying, state=MoveState.QUEUED),
        at=later(3),
        fault=Fault.PASSING,
        host_words="Nö",
    )
    assert await store.attempts(open_only=True) == ()
    closed = replace(attempt, confirmed_at=later(1), ended_at=later(3), fault=Fault.PASSING, host_words="Nö")
    assert await store.attempts(move.id) == (closed,)
    assert await store.move(move.id) == queued
    assert [e.kind for e in await store.events(job.id)] == [EventKind.STARTING, EventKind.MOVING]


async def test_attempts_are_numbered_per_move(store: Store) -> None:
    """Each further attempt has the next number, whatever the move counts."""
    _, (one, two) = await running(store, "a", "b")
    for number in (1, 2, 3):
        started, attempt = await begun(store, one)
        assert attempt.number == number
        one = await ended(store, started)
    _, attempt = await begun(store, two)
    assert attempt.number == 1
    assert [a.number for a in await store.attempts()] == [1, 2, 3, 1]


async def test_the_last_slot_is_given_once(store: Store) -> None:
    """Of twenty tasks that want one of three slots, three get one; the others change nothing."""
    job, moves = await running(store, *(f"vm{n}" for n in range(20)))

    async def start(move: Move) -> bool:
        try:
            await begun(store, move, limit=3)
        except Outdated:
            return False
        return True

    assert sum(await asyncio.gather(*map(start, moves))) == 3
    assert len(await store.attempts(open_only=True)) == 3
    assert len(await store.events(job.id)) == 3
    assert [m.state for m in await store.moves()].count(MoveState.QUEUED) == 17


async def test_a_links_last_move_is_given_once(store: Store) -> None:
    """Of ten tasks whose hosts have room one gets a link that carries one; what is on other hosts behind it counts."""
    _, (first, *moves) = await running(store, *(f"vm{n}" for n in range(10)))
    elsewhere = await store.change_move(first, replace(first, source=HostName("HV08"), destination=HostName("HV09")))
    link = Link(name="rack-a", hosts=frozenset({HV01, HostName("HV08")}), moves=2)

    async def start(move: Move) -> bool:
        try:
            await begun(store, move, limit=9, on_links=[LinkUsage(link)])
        except Outdated:
            return False
        return True

    assert await start(elsewhere)
    assert sum(await asyncio.gather(*map(start, moves))) == 1
    assert len(await store.attempts(open_only=True)) == 2
    with pytest.raises(Outdated, match=r"waits for link rack-a \(2 of 2 moves\)"):
        await begun(store, (await store.moves())[5], limit=9, on_links=[LinkUsage(link)])


async def test_the_number_of_a_link_is_that_of_the_time_of_the_start(store: Store) -> None:
    """A window that began between the decision and the reservation counts."""
    _, (first, second) = await running(store, "web01", "web02")
    window = LinkWindow(parse_window(f"{NOW:%Y-%m-%d}"), 1)
    link = Link(name="rack-a", hosts=frozenset({HV01}), moves=5, windows=(window,))
    await begun(store, first, limit=9, on_links=[LinkUsage(link)])
    with pytest.raises(Outdated, match="waits for link rack-a"):
        await begun(store, second, limit=9, on_links=[LinkUsage(link)])
    wide = LinkUsage(replace(link, windows=()))
    assert (await begun(store, second, limit=9, on_links=[wide]))[0].state is MoveState.STARTING


async def test_two_bots_on_one_database_cannot_both_take_the_last_slot(store: Store, reopen: Reopen) -> None:
    """Whichever is second is told Outdated, and nothing else: it reads again and decides again."""
    _, moves = await running(store, *(f"vm{n}" for n in range(10)))
    bots = (store, await reopen())

    async def start(bot: Store, move: Move) -> bool:
        try:
            await begun(bot, move, limit=1)
        except Outdated:
            return False
        return True

    for one, two in zip(moves[::2], moves[1::2], strict=True):
        assert sum(await asyncio.gather(start(bots[0], one), start(bots[1], two))) == 1
        await store.adopt_attempts()
        for started in [move for move in await store.moves() if move.state is MoveState.STARTING]:
            await ended(store, started)


async def test_a_freed_slot_can_be_taken(store: Store) -> None:
    """When an attempt ends, the next one may begin in the same second."""
    _, (one, two) = await running(store, "a", "b")
    started, _ = await begun(store, one, limit=1)
    with pytest.raises(Outdated):
        await begun(store, two, limit=1)
    await ended(store, started, MoveState.CLEANING)
    await begun(store, two, limit=1)


async def test_a_vm_is_never_started_while_an_attempt_of_it_is_open(store: Store) -> None:
    """Two jobs may name one VM; only one of them moves it."""
    _, (mine,) = await running(store, "web01")
    job = await store.add_job(proposal("web01"))
    same = replace(moves_of(job)[0], vm_id=mine.vm_id)
    await store.change_job(job, replace(job, state=JobState.RUNNING), new_moves=[same])
    (other,) = await store.moves(job.id)
    await begun(store, mine, limit=9)
    with pytest.raises(Outdated):
        await begun(store, other, limit=9)
    assert await store.move(other.id) == other


async def test_a_reservation_on_an_old_version_is_refused(store: Store) -> None:
    """A move changed meanwhile, such as by a cancel, is not started and holds no slot."""
    _, (move,) = await running(store, "web01")
    await store.change_move(move, replace(move, cancel_by="U3"))
    with pytest.raises(Outdated):
        await begun(store, move)
    assert await store.attempts() == ()


async def test_odd_words_of_a_host_do_not_keep_a_move_from_ending(store: Store) -> None:
    """Half a surrogate pair or a NUL in a host's text is replaced, not refused: its slots must be freed."""
    job, (move,) = await running(store, "web01")
    started, attempt = await begun(store, move)
    odd = "Fehler \ud800 \0 😀"
    failed = replace(started, state=MoveState.FAILED, error=odd, hold=Hold(HoldCode.BUSY, odd, NOW))
    happened = event(event_data.Failed(words=odd), NOW, move=move)
    await store.end_attempt(attempt, started, failed, happened, at=NOW, host_words=odd)
    plain = "Fehler \ufffd \ufffd 😀"
    stored = await store.move(move.id)
    assert (stored.error, (await store.attempts())[0].host_words) == (plain, plain)
    assert stored.hold == Hold(HoldCode.BUSY, "Fehler \ufffd \0 😀", NOW)
    assert (await store.events(job.id))[-1].data == event_data.Failed(words="Fehler \ufffd \0 😀")


async def test_a_move_that_does_not_exist_is_an_error_of_the_store(store: Store) -> None:
    """Nothing is made up."""
    with pytest.raises(StoreError):
        await store.move(7)


async def test_an_event_that_cannot_be_stored_undoes_its_change(store: Store) -> None:
    """State and event are one transaction: an event of a job that does not exist takes the change with it."""
    _, (move,) = await running(store, "web01")
    stray = replace(event(event_data.Held(), NOW), job_id=JobId("J99"))
    with pytest.raises(StoreError):
        await store.change_move(move, replace(move, hint="new"), stray)
    with pytest.raises(StoreError):
        await store.change_move(
            move, replace(move, hint="new"), Event(data=event_data.Held(), at=NOW.replace(tzinfo=None))
        )
    assert await store.move(move.id) == move
