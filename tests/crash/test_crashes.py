"""The bot dies at a named point (SIGKILL) and is started again: everything ends as if nothing had happened."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.crash.coverage_run import Tour
from tests.crash.points import POINTS, Point, Story

# A lab, the first telling of a story and a death: on a busy machine that takes longer than other tests.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tour() -> AsyncIterator[Tour]:
    async with Tour() as on_tour:
        yield on_tour


def _group(point: Point) -> pytest.MarkDecorator:
    # One worker plays all of a story, so that each story's usual end is looked at once.
    return pytest.mark.xdist_group("crash: one VM" if point.story is Story.ONE else "crash: other stories")


@pytest.mark.parametrize("point", [pytest.param(p, id=f"{p.story}: {p}", marks=_group(p)) for p in POINTS])
async def test_a_death_changes_nothing(tour: Tour, point: Point) -> None:
    """Promise 3: VMs, starts on the hosts, limits, folders, card and thread end as they do when nobody dies."""
    seen = await tour.visit(point)
    assert seen.differences == ()


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("crash: other stories")
async def test_every_door_is_a_crash_point(tour: Tour) -> None:
    """Whatever is passed in a story without a death has its death: a new commit or remote call needs a new point."""
    for story in Story:
        await tour.usual(story)
    assert tour.passed <= {name for point in POINTS for name in (point.name, point.then)}
