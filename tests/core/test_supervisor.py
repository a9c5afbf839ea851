"""Promises of core.supervisor: a loop that breaks goes on, and one that hangs, breaks for ever or ends is noticed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from core.supervisor import PATIENCE_S, LoopStatus, Supervisor
from lab.virtual_time import VirtualTimeLoop, run_virtually


def play(script: Callable[[Supervisor], Awaitable[None]]) -> None:
    """Play a script on virtual time; whatever was started is stopped in the end."""

    async def main(_: VirtualTimeLoop) -> None:
        supervisor = Supervisor()
        try:
            await script(supervisor)
        finally:
            await supervisor.stop()

    run_virtually(main)


def only(supervisor: Supervisor) -> LoopStatus:
    (status,) = supervisor.status()
    return status


def test_a_loop_that_breaks_goes_on_with_growing_pauses(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a turn raises: the next one comes, ever later, the log has the place, and a good turn makes it well."""
    turns: list[float] = []

    async def turn() -> float:
        turns.append(asyncio.get_running_loop().time())
        if len(turns) <= 3:
            raise IndexError("list index out of range")
        return 10.0

    async def script(supervisor: Supervisor) -> None:
        supervisor.start("outbox", turn)
        await asyncio.sleep(2)
        assert (only(supervisor).restarts, only(supervisor).error) == (2, "IndexError")
        assert supervisor.is_alive
        await asyncio.sleep(10)
        assert (only(supervisor).restarts, only(supervisor).error) == (3, "")

    with caplog.at_level(logging.ERROR):
        play(script)
    assert turns == [0, 1, 3, 7]
    assert "outbox broke" in caplog.text
    assert "in turn" in caplog.text


def test_a_wake_does_not_hurry_a_loop_that_broke() -> None:
    """News wakes a loop that is well; one that broke keeps its pause, however much news there is."""
    turns: list[float] = []
    wake = asyncio.Event()

    async def turn() -> float:
        turns.append(asyncio.get_running_loop().time())
        if len(turns) == 2:
            raise RuntimeError
        return 100.0

    async def script(supervisor: Supervisor) -> None:
        supervisor.start("dispatcher", turn, wake=wake)
        for _ in range(40):
            await asyncio.sleep(0.1)
            wake.set()

    play(script)
    assert turns[:2] == pytest.approx([0, 0.1])
    assert turns[2] == pytest.approx(1.1)


def test_a_loop_that_hangs_is_dead_and_silences_the_beats_of_all() -> None:
    """A turn that takes longer than its patience: not alive, and the others' signs of life are passed on no more."""
    beats: list[float] = []

    async def hang() -> float:
        await asyncio.Event().wait()
        return 0.0

    async def turn() -> float:
        return 5.0

    async def script(supervisor: Supervisor) -> None:
        supervisor.on_beat = lambda: beats.append(asyncio.get_running_loop().time())
        supervisor.start("hangs", hang, patience_s=60.0)
        supervisor.start("cards", turn)
        await asyncio.sleep(59)
        assert supervisor.is_alive
        await asyncio.sleep(60)
        assert [loop.name for loop in supervisor.status() if not loop.is_alive] == ["hangs"]
        assert not supervisor.is_alive

    play(script)
    assert 55 <= max(beats) <= 60


def test_a_loop_that_breaks_for_ever_is_dead_in_the_end() -> None:
    """Breaking again and again is turning, but no living: after its patience the keeper is to try a new process."""

    async def turn() -> float:
        raise KeyError("count")

    async def script(supervisor: Supervisor) -> None:
        supervisor.start("outbox", turn)
        await asyncio.sleep(PATIENCE_S - 10)
        assert supervisor.is_alive
        await asyncio.sleep(20)
        assert not supervisor.is_alive

    play(script)


def test_what_a_turn_waits_for_may_be_cancelled_without_ending_the_loop() -> None:
    """A future that somebody cancels breaks the turn, not the loop."""
    turns: list[int] = []

    async def turn() -> float:
        turns.append(1)
        if len(turns) == 1:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        return 1.0

    async def script(supervisor: Supervisor) -> None:
        supervisor.start("poll HV01", turn)
        await asyncio.sleep(5)
        assert not supervisor.broken.is_set()

    play(script)
    assert len(turns) > 3


def test_a_loop_that_ends_for_good_is_told() -> None:
    """A loop whose task somebody else ends: whoever keeps the process hears of it; one that is stopped is no news."""

    async def turn() -> float:
        return 1.0

    async def script(supervisor: Supervisor) -> None:
        supervisor.start("stopped", turn)
        await supervisor.stop("stopped")
        assert supervisor.is_alive
        supervisor.start("outbox", turn)
        await asyncio.sleep(1)
        (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "outbox"]
        task.cancel()
        await asyncio.wait({task})
        assert supervisor.broken.is_set()
        assert not supervisor.is_alive

    play(script)
