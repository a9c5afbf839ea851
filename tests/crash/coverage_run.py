"""Goes through crash points one after another, on one lab as long as nothing went wrong there."""

import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.crash.crash_run import Place, place
from tests.crash.final_state import Ending
from tests.crash.points import Point, Story
from tests.crash.scenarios import STORIES


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a death."""

    ending: Ending
    differences: tuple[str, ...]


class Tour:
    """Remembers how each story ends when nobody dies, and compares."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        """Every point that was passed in a story without a death."""
        self._usual: dict[Story, Ending] = {}
        self._stack = AsyncExitStack()
        self._place: Place | None = None
        self._settings = ("", "")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def visit(self, point: Point) -> Seen:
        """Play the point's story with a death there."""
        usual = await self.usual(point.story)
        ending = await self._play(point.story, point)
        differences = tuple(ending.differences(usual))
        if differences:
            await self.leave()  # what went wrong here must not spoil the next
        return Seen(ending, differences)

    async def usual(self, story: Story) -> Ending:
        """Return how a story ends when nobody dies."""
        if story not in self._usual:
            ending = await self._play(story, None)
            assert ending.complaints == (), ending
            self._usual[story] = ending
        return self._usual[story]

    async def leave(self) -> None:
        """Close the lab; the next visit gets a new one."""
        self._place = None
        await self._stack.aclose()

    async def _play(self, story: Story, point: Point | None) -> Ending:
        here = await self._here(story)
        here.passed()
        try:
            ending = await here.play(STORIES[story], point)
        except BaseException:
            await self.leave()
            raise
        self.passed |= here.passed() if point is None else set()
        return ending

    async def _here(self, story: Story) -> Place:
        settings = story.check_timeout, story.owners
        if story.is_about_placing or settings != self._settings:
            await self.leave()
        if self._place is None:
            self._settings = settings
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            self._place = await self._stack.enter_async_context(place(folder, story))
        return self._place
