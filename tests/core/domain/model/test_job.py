"""Promises of core.domain.model.move: one table of transitions."""

from collections.abc import Mapping
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model import event_data
from core.domain.model.event_data import EventKind
from core.domain.model.events import TONES, Tone, event
from core.domain.model.job import JOB_TRANSITIONS, JobState, transit_job
from core.domain.model.move import TRANSITIONS, HoldCode, MoveState, check_transition, transit
from core.errors import IllegalTransition
from tests.support.builders import NOW, job, move


@given(st.lists(st.sampled_from(MoveState), max_size=30))
def test_a_move_takes_only_steps_of_the_table(steps: list[MoveState]) -> None:
    """Whatever is tried, a move's state changes by the table or raises and stays; an end is final."""
    one = move(1)
    for step in steps:
        before = one.state
        if step is before or step in TRANSITIONS[before]:
            check_transition(before, step)
            one = transit(one, step)
            assert one.state is step
        else:
            with pytest.raises(IllegalTransition):
                transit(one, step)
            with pytest.raises(IllegalTransition):
                check_transition(before, step)
        assert not before.is_end or one.state is before


@given(st.lists(st.sampled_from(JobState), max_size=15))
def test_a_job_takes_only_steps_of_the_table(steps: list[JobState]) -> None:
    """Promise 6: a job that was rejected, expired or withdrawn never runs."""
    one = job(1, state=JobState.PROPOSED)
    for step in steps:
        before = one.state
        if step is before or step in JOB_TRANSITIONS[before]:
            one = transit_job(one, step)
            assert one.state is step
        else:
            with pytest.raises(IllegalTransition):
                transit_job(one, step)
        assert not before.is_end or one.state is before


def test_every_state_can_be_reached_and_left_towards_an_end() -> None:
    """No state is dead or a trap: from queued all are reachable, and from each an end is."""
    assert set(TRANSITIONS) == set(MoveState)
    assert set(JOB_TRANSITIONS) == set(JobState)
    assert _reachable(TRANSITIONS, MoveState.QUEUED) == set(MoveState)
    assert _reachable(JOB_TRANSITIONS, JobState.PROPOSED) == set(JobState)
    assert all(any(end.is_end for end in _reachable(TRANSITIONS, state)) for state in MoveState)
    assert all(any(end.is_end for end in _reachable(JOB_TRANSITIONS, state)) for state in JobState)


State = TypeVar("State", MoveState, JobState)


def _reachable(table: Mapping[State, frozenset[State]], start: State) -> set[State]:
    found, fresh = {start}, [start]
    while fresh:
        new = table[fresh.pop()] - found
        found |= new
        fresh += new
    return found


def test_a_move_is_done_only_through_verification_and_clean_up() -> None:
    """Promise 4: no way to ``done`` leaves out looking at both hosts and cleaning up, unless others did it all."""
    ways = [state for state in TRANSITIONS if MoveState.DONE in TRANSITIONS[state]]
    assert ways == [MoveState.QUEUED, MoveState.CLEANING]
    assert [state for state in TRANSITIONS if MoveState.CLEANING in TRANSITIONS[state]] == [MoveState.VERIFYING]


def test_a_transition_changes_what_it_is_given() -> None:
    """The fields that belong to a step are changed with it; staying is a step too."""
    assert transit(move(1), MoveState.QUEUED, attempts=2).attempts == 2
    assert transit(move(1), MoveState.STARTING, started_at=NOW).started_at == NOW


def test_only_open_attempts_hold_slots() -> None:
    """Promise 1: a move holds its slots from its reservation until it is verified."""
    assert {s for s in MoveState if s.holds_slots} == {MoveState.STARTING, MoveState.MOVING, MoveState.VERIFYING}


def test_only_what_needs_a_human_pages() -> None:
    """Failed, unmigratable and lost VMs, a missed deadline and a page nobody took call a human."""
    pages = {kind for kind, tone in TONES.items() if tone is Tone.PAGE}
    assert pages == {EventKind.FAILED, EventKind.UNMIGRATABLE, EventKind.LOST, EventKind.LATE, EventKind.ESCALATED}
    assert event(event_data.Unmigratable(), NOW, move=move(1)).tone is Tone.PAGE
    assert event(event_data.Unmigratable(follows=True), NOW, move=move(1)).tone is Tone.LINE


def test_an_event_knows_whom_it_is_about_and_how_loud_it_is() -> None:
    """An event carries its job and move; a hold is told only when it is worth a line."""
    told = event(event_data.Held(code=HoldCode.BACKUP), NOW, move=move(1))
    assert (told.job_id, told.move_id, told.tone) == ("J1", 1, Tone.LINE)
    assert event(event_data.Held(code=HoldCode.SLOT), NOW, move=move(1)).tone is None
    assert event(event_data.Approved(), NOW, job=job(2)).job_id == "J2"
    assert event(event_data.Stopped(), NOW).job_id is None
