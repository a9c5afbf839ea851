"""Promises of core.domain.attempt.retry."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.retry import FREE_TRIES, LONGEST_DELAY, RetryDecision, after_failure, delay
from core.domain.model.event_data import EventKind, Failed, NotStarted, Retrying, Unmigratable
from core.domain.model.move import Fault, MoveState
from tests.support.builders import NOW, after, move

FREE = [Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED]
COSTLY = [Fault.PASSING, Fault.UNKNOWN, Fault.CANCELLED]


def fail(
    fault: Fault, *, attempts: int = 0, tries: int = 1, allowed: int = 3, jitter: float = 0.0, **of: Any
) -> RetryDecision:
    return after_failure(
        move(1, attempts=attempts, **of),
        Diagnosis("code", fault, "do this", "the host's words"),
        now=NOW,
        tries=tries,
        allowed=allowed,
        retry_delay=timedelta(seconds=30),
        jitter=lambda: jitter,
    )


@pytest.mark.parametrize("fault", FREE)
def test_what_was_nobodys_failure_costs_no_attempt(fault: Fault) -> None:
    """Weakness 15: a full host, a backup, a start that never happened: the attempt is not counted."""
    then = fail(fault, attempts=2, tries=3)
    assert (then.state, then.attempts, then.data.kind) == (MoveState.QUEUED, 2, EventKind.NOT_STARTED)
    assert then.not_before == after(30)


@pytest.mark.parametrize("fault", COSTLY)
def test_a_real_failure_is_tried_again_and_costs_an_attempt(fault: Fault) -> None:
    """Weakness 9: passing errors are tried again, later each time, as often as allowed."""
    first, second, third = fail(fault), fail(fault, attempts=1, tries=2), fail(fault, attempts=2, tries=3)
    assert [(one.state, one.attempts, one.not_before) for one in (first, second)] == [
        (MoveState.QUEUED, 1, after(30)),
        (MoveState.QUEUED, 2, after(60)),
    ]
    assert (third.state, third.attempts, third.not_before) == (MoveState.FAILED, 3, None)
    assert isinstance(first.data, Retrying)
    assert isinstance(third.data, Failed)
    assert first.data.again_at == after(30)
    assert (third.data.attempts, third.data.of) == (3, 3)


def test_the_first_failure_of_an_off_vm_is_one_of_its_attempts() -> None:
    """Weakness 8: a VM that is off is tried again like any other."""
    assert fail(Fault.PASSING, is_live=False).state is MoveState.QUEUED


@pytest.mark.parametrize("fault", [Fault.VM, Fault.PAIR])
def test_what_cannot_work_is_not_tried_again(fault: Fault) -> None:
    """A reason that will not pass ends the move at its first attempt."""
    then = fail(fault)
    assert (then.state, then.data.kind, then.attempts) == (MoveState.UNMIGRATABLE, EventKind.UNMIGRATABLE, 1)


def test_what_needs_an_operator_ends_at_once() -> None:
    """A full disk or a rejected login is for a human, not for another attempt."""
    then = fail(Fault.OPERATOR)
    assert (then.state, then.data.kind) == (MoveState.FAILED, EventKind.FAILED)


@pytest.mark.parametrize("fault", Fault)
def test_a_cancelled_move_ends_cancelled(fault: Fault) -> None:
    """Whatever made it end: who asked to cancel sees it cancelled, and it is not tried again."""
    then = fail(fault, cancel_by="U_BOB")
    assert (then.state, then.data.kind, then.not_before) == (MoveState.CANCELLED, EventKind.CANCELLED, None)


@pytest.mark.parametrize("fault", FREE)
def test_free_tries_end_too(fault: Fault) -> None:
    """Weakness 3: what costs nothing does not go on for ever."""
    assert fail(fault, tries=3 + FREE_TRIES - 1).state is MoveState.QUEUED
    assert fail(fault, tries=3 + FREE_TRIES).state is MoveState.FAILED


def test_free_tries_get_slower_but_only_so_far() -> None:
    """A host that is full again and again is asked less often, and a free slot is still found soon."""
    waits = [fail(Fault.LIMIT, attempts=1, tries=tries).not_before for tries in (2, 3, 4, 5, 20)]
    assert waits == [after(30), after(60), after(120), after(240), after(240)]


@pytest.mark.parametrize("allowed", [1, 2, 7])
def test_as_many_attempts_as_allowed(allowed: int) -> None:
    """Weakness 28: one attempt allowed is one attempt made, many are many; the last one ends the move."""
    states = [fail(Fault.PASSING, attempts=n, tries=n + 1, allowed=allowed).state for n in range(allowed)]
    assert states == [MoveState.QUEUED] * (allowed - 1) + [MoveState.FAILED]


@pytest.mark.parametrize("fault", Fault)
def test_every_class_of_failure_says_what_the_host_said(fault: Fault) -> None:
    """Weakness 11: the words, the hint and the rule go along with every next step."""
    data = fail(fault).data
    assert isinstance(data, Failed | NotStarted | Retrying | Unmigratable)
    assert (data.words, data.hint, data.code) == ("the host's words", "do this", "code")


@given(st.integers(1, 500), st.floats(0, 1), st.integers(0, 7200))
def test_delays_are_bounded(attempt: int, chance: float, first_s: int) -> None:
    """A delay doubles up to the longest one, and chance adds a quarter at most, never takes away."""
    first = timedelta(seconds=first_s)
    plain = min(LONGEST_DELAY, first * 2 ** min(attempt - 1, 10))
    assert plain <= delay(attempt, first, lambda: chance) <= plain * 1.25 + timedelta(microseconds=1)


@given(st.sampled_from(Fault), st.integers(0, 5), st.integers(1, 40), st.integers(1, 5))
def test_every_failure_leads_somewhere(fault: Fault, attempts: int, tries: int, allowed: int) -> None:
    """A failed move is queued with a time to come, or at an end; attempts never fall and never pass what is allowed."""
    then = fail(fault, attempts=min(attempts, allowed - 1), tries=tries, allowed=allowed)
    assert then.state is MoveState.QUEUED or then.state.is_end
    assert (then.not_before is not None) == (then.state is MoveState.QUEUED)
    assert min(attempts, allowed - 1) <= then.attempts <= allowed
