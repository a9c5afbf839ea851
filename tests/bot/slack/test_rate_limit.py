"""The bot never speaks faster than it may, whatever arrives."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.rate_limit import CallBudget, ChannelSpacing
from tests.support.view_builders import JumpClock


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 5)), max_size=30))
async def test_turns_of_one_key_keep_the_gap(turns: list[tuple[str, float]]) -> None:
    """However turns are asked for, two of one key are never closer than the gap."""
    clock = JumpClock()
    gaps: ChannelSpacing[str] = ChannelSpacing(clock, 1.2)
    given_at: dict[str, list[datetime]] = {"a": [], "b": []}
    for key, pause_s in turns:
        clock.at += timedelta(seconds=pause_s)
        await gaps.turn(key)
        given_at[key].append(clock.now())
    for times in given_at.values():
        assert all(b - a >= timedelta(seconds=1.19) for a, b in pairwise(times))


@given(st.lists(st.sampled_from([0.0, 0.0, 0.4, 2.0]), min_size=52, max_size=80))
async def test_a_minute_never_holds_more_than_the_budget(pauses: list[float]) -> None:
    """Any sixty seconds hold the burst and a minute's worth at most."""
    clock = JumpClock()
    budget = CallBudget(clock, per_minute=40, burst=10)
    spent: list[datetime] = []
    for pause_s in pauses:
        clock.at += timedelta(seconds=pause_s)
        await budget.turn()
        spent.append(clock.now())
    for first in spent:
        assert sum(1 for at in spent if first <= at < first + timedelta(seconds=60)) <= 51


async def test_a_quiet_time_costs_no_wait() -> None:
    """After a pause the first turns are free."""
    clock = JumpClock()
    budget = CallBudget(clock, per_minute=40, burst=10)
    for _ in range(10):
        await budget.turn()
    assert clock.sleeps == []


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forth"])
async def test_a_clock_that_is_put_right_delays_nobody(step: timedelta) -> None:
    """The wall is put back by an hour, or forth: gaps and budgets are as long as ever, and none is skipped."""
    clock = JumpClock()
    gaps, budget = ChannelSpacing[str](clock, 1.2), CallBudget(clock, per_minute=40, burst=10)
    await gaps.turn("C1")
    for _ in range(10):
        await budget.turn()
    clock.sleeps.clear()
    clock.step(step)
    await gaps.turn("C1")
    await budget.turn()
    budget.block(30)
    clock.step(step)
    await budget.turn()
    assert clock.sleeps == pytest.approx([1.2, 30.0], abs=0.01)
