"""How tests wait in real time for what comes true by itself: looked at often, given up after one generous limit."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 120.0
"""When a test gives up. What it waits for takes a second, so that this only ever ends a test that would hang."""


async def eventually(look: Callable[[], T | None]) -> T:
    """Return the first truthy answer, for what has no event that tells of it."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := look()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return found
