"""The same question of many people is one look."""

import asyncio

import pytest

from bot.handlers.shared_lookups import SharedLookups
from core.errors import UnknownJob
from tests.support.view_builders import JumpClock


async def test_many_who_ask_the_same_get_one_look(clock: JumpClock) -> None:
    """Within a second one look serves all; afterwards there is a new one; other questions are other looks."""
    lookups, looks = SharedLookups[int](clock), []

    async def look() -> int:
        looks.append(1)
        await asyncio.sleep(0)
        return len(looks)

    assert await asyncio.gather(*(lookups.of("status", look) for _ in range(50))) == [1] * 50
    assert await lookups.of("jobs", look) == 2
    await clock.sleep(1.1)
    assert await lookups.of("status", look) == 3


async def test_looks_take_turns(clock: JumpClock) -> None:
    """No two looks at a time."""
    lookups, at_once, most = SharedLookups[None](clock), 0, 0

    async def look() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1

    await asyncio.gather(*(lookups.of(number, look) for number in range(9)))
    assert most == 1


async def test_a_failure_is_told_and_not_kept(clock: JumpClock) -> None:
    """Everybody who waits hears why; whoever asks next gets a new look; who gives up takes nothing from others."""
    lookups = SharedLookups[str](clock)

    async def fails() -> str:
        await asyncio.sleep(0)
        raise UnknownJob("There is no job J9.")

    async def works() -> str:
        await asyncio.sleep(0.01)
        return "J9"

    for told in await asyncio.gather(lookups.of("J9", fails), lookups.of("J9", fails), return_exceptions=True):
        assert isinstance(told, UnknownJob)
    first = asyncio.create_task(lookups.of("J9", works))
    second = asyncio.create_task(lookups.of("J9", works))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == "J9"
