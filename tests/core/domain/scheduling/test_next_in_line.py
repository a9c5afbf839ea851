"""Promises of core.domain.scheduling.next_in_line: who is made ready can start then."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Attempt, Move, MoveState
from core.domain.model.plan import Options
from core.domain.scheduling.decisions import Start
from core.domain.scheduling.next_in_line import AT_ONCE, NextInLine
from core.domain.scheduling.schedule import Scheduler
from core.domain.scheduling.situation import Situation
from tests.support.builders import GB, HV01, HV02, HV03, attempt, facts, job, move, situation, snapshot, vm

HOSTS = (HV01, HV02, HV03)


def line_of(at: Situation) -> NextInLine:
    scheduler = Scheduler()
    scheduler.decide(at)
    return scheduler.next_in_line()


def shown(*moves: Move, limit: int = 1) -> list[Snapshot]:
    return [
        snapshot(host, *(vm(one.id) for one in moves if one.source == host), of=facts(live=limit, storage=limit))
        for host in HOSTS
    ]


def under_way(at: Situation, one: Move) -> Attempt:
    return attempt(one.id, one.source, one.destination)


def test_the_first_in_the_queue_is_next() -> None:
    """With one slot taken, the move that starts next is the one the order puts first, and no other."""
    running, small, large = move(1), move(2, size_bytes=GB), move(3, size_bytes=9 * GB)
    at = situation([small, large], *shown(running, small, large), reservations=[attempt(1)])
    line = line_of(at)
    assert [one.id for one in line.after(running)] == [large.id]
    assert line.sources() == {HV01: 1}


def test_a_host_that_stays_full_lets_nothing_start() -> None:
    """A move that needs two hosts, of which an end frees one, is not next: its session is ready for when both are."""
    running, others, waiting = move(1, HV01, HV02), move(2, HV03, HV02), move(3, HV01, HV03)
    at = situation([waiting], *shown(running, waiting), reservations=[attempt(1), attempt(2, HV03, HV02)])
    line = line_of(at)
    assert line.after(running) == line.after(others) == ()
    assert line.sources() == {HV01: 1}


def test_no_session_waits_for_what_no_end_of_ours_lets_start() -> None:
    """A destination that is full without us may stay so for days: the source keeps no process for that."""
    at = situation(
        [move(1)],
        snapshot(HV01, vm(1), of=facts(live=1, storage=1)),
        snapshot(HV02, of=facts(live=0, storage=0)),
    )
    assert line_of(at) == NextInLine()


@pytest.mark.parametrize(("slots", "sessions"), [(1, 1), (4, 2)])
def test_a_full_host_needs_one_session(slots: int, sessions: int) -> None:
    """It has one free slot at a time, whichever destination frees it; a host with slots needs one for each."""
    running = move(1, HV01, HV02), move(2, HV01, HV03)
    waiting = move(3, HV01, HV02), move(4, HV01, HV03)
    full = facts(live=1, storage=1)
    at = situation(
        waiting,
        snapshot(HV01, *(vm(one.id) for one in (*running, *waiting)), of=facts(live=slots, storage=slots)),
        snapshot(HV02, of=full),
        snapshot(HV03, of=full),
        reservations=[attempt(1, HV01, HV02), attempt(2, HV01, HV03)],
    )
    assert line_of(at).sources() == {HV01: sessions}


def test_one_end_frees_a_slot_for_two() -> None:
    """Each host of the ended move may have one that waited for it alone."""
    running, here, there = move(1, HV01, HV02), move(2, HV01, HV03), move(3, HV02, HV03)
    at = situation(
        [here, there],
        snapshot(HV01, vm(1), vm(2), of=facts(live=1, storage=1)),
        snapshot(HV02, vm(3), of=facts(live=1, storage=1)),
        snapshot(HV03, of=facts(live=4, storage=4)),
        reservations=[attempt(1)],
    )
    assert {one.id for one in line_of(at).after(running)} == {2, 3}


def test_a_job_that_has_enough_under_way_goes_on_after_its_own() -> None:
    """What a job's own limit holds back is next when a move of this job ends, not of another."""
    running, waiting = move(1), move(2)
    at = situation(
        [replace(running, state=MoveState.MOVING), waiting],
        *shown(running, waiting, limit=4),
        reservations=[attempt(1)],
        jobs=[job(1, options=Options(parallel=1))],
    )
    line = line_of(at)
    assert [one.id for one in line.after(running)] == [2]
    assert line.after(move(9, job_number=2)) == ()


def test_nothing_is_next_before_anything_was_decided() -> None:
    """A bot that has just started makes nothing ready."""
    assert Scheduler().next_in_line() == NextInLine()


ROUTES = st.sampled_from([(a, b) for a in HOSTS for b in HOSTS if a != b])


@given(routes=st.lists(ROUTES, min_size=2, max_size=9), sizes=st.data(), limit=st.integers(1, 3))
def test_what_is_made_ready_can_start(
    routes: list[tuple[HostName, HostName]], sizes: st.DataObject, limit: int
) -> None:
    """Whatever ends first: a move is called next exactly when something can start, and each that is called can."""
    moves = [move(n, a, b, size_bytes=sizes.draw(st.integers(1, 99)) * GB) for n, (a, b) in enumerate(routes, start=1)]
    scheduler = Scheduler()
    first = situation(moves, *shown(*moves, limit=limit))
    started = [decision.move for decision in scheduler.decide(first) if isinstance(decision, Start)]
    waiting = [one for one in moves if one.id not in {start.id for start in started}]
    line = scheduler.next_in_line()
    for ended in started:
        still = [under_way(first, one) for one in started if one.id != ended.id]
        then = situation(waiting, *shown(*waiting, limit=limit), reservations=still)
        starts = [decision.move.id for decision in Scheduler().decide(then) if isinstance(decision, Start)]
        called = [one.id for one in line.after(ended)]
        assert len(called) <= AT_ONCE
        assert bool(called) == bool(starts)
        for one in (one for one in waiting if one.id in called):
            alone = situation([one], *shown(one, limit=limit), reservations=still)
            assert [type(decision) for decision in Scheduler().decide(alone)] == [Start]
