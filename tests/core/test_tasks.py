"""Promises of core.tasks: no task is lost, none breaks unseen, and a wait ends with what it waits for."""

import asyncio
import threading

from core.tasks import MANY, TaskSet, compute, wait_for


async def test_the_owner_hears_of_a_task_that_breaks_and_the_others_go_on() -> None:
    """An error that nobody foresaw reaches the owner with the task's name; its siblings keep running."""
    heard: list[tuple[str, str]] = []
    stays, noticed = asyncio.Event(), asyncio.Event()

    def hear(name: str, error: BaseException) -> None:
        heard.append((name, str(error)))
        noticed.set()

    tasks = TaskSet(hear)

    async def break_down() -> None:
        raise RuntimeError("a bug")

    async def stay() -> None:
        await stays.wait()

    tasks.start(stay(), "stays")
    tasks.start(break_down(), "breaks")
    async with asyncio.timeout(60):
        await noticed.wait()
    assert heard == [("breaks", "a bug")]
    assert len(tasks) == 1
    await tasks.cancel()


async def test_cancelling_ends_what_was_started_last_first_and_is_no_breaking() -> None:
    """All tasks are over when cancel returns, the last started was told first, and nobody hears of an error."""
    heard: list[str] = []
    ended: list[int] = []
    tasks = TaskSet(lambda name, _: heard.append(name))

    async def stay(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    for number in (1, 2, 3):
        tasks.start(stay(number), f"task {number}")
    await asyncio.sleep(0)
    await tasks.cancel()
    assert (ended, heard, len(tasks)) == ([3, 2, 1], [], 0)


async def test_finishing_waits_for_work_and_cancels_what_takes_too_long() -> None:
    """What ends by itself within the timeout is not cancelled, what does not is."""
    ended: list[str] = []
    tasks = TaskSet()

    async def work(name: str, until: asyncio.Event) -> None:
        await until.wait()
        ended.append(name)

    soon = asyncio.Event()
    tasks.start(work("short", soon), "short")
    tasks.start(work("endless", asyncio.Event()), "endless")
    soon.set()
    await tasks.finish(timeout_s=0.05)
    assert (ended, len(tasks)) == (["short"], 0)


async def test_a_wait_ends_with_the_event_and_makes_it_news_again() -> None:
    """What happened before the wait is not lost, and is told once."""
    event = asyncio.Event()
    event.set()
    async with asyncio.timeout(60):
        await wait_for(event, 3600)
    assert not event.is_set()


async def test_a_wait_ends_when_its_time_is_over() -> None:
    """Without the event a wait lasts for its time and raises nothing."""
    event = asyncio.Event()
    async with asyncio.timeout(60):
        await wait_for(event, 0.01)
    assert not event.is_set()


async def test_work_on_many_moves_is_left_to_a_thread() -> None:
    """For thousands it takes long, and the loop has people to answer; for a few, a thread costs more than it saves."""
    assert await compute(MANY - 1, threading.current_thread) is threading.main_thread()
    assert await compute(MANY, threading.current_thread) is not threading.main_thread()
