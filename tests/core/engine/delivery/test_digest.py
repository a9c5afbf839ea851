"""The weekly digest is put on its way once a week, whoever restarts; of a week without anything nothing is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.model.event_data import Digest, EventKind
from core.domain.model.events import Tone
from core.domain.reporting.weekly import parse_weekly
from core.engine.delivery.digest import WeeklyDigest
from core.engine.recorder import TransitionRecorder
from core.ports import Store
from core.store import SqlStore
from tests.support.databases import database_url
from tests.support.past_example import a_month
from tests.support.view_builders import JumpClock

MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
WEEKLY = parse_weekly("Mon 09:00", UTC)


async def digests(store: Store) -> list[Digest]:
    found = [event for job in await store.jobs() for event in await store.events(job.id)]
    assert all(event.tone is Tone.MESSAGE for event in found if event.kind is EventKind.DIGEST)
    return [event.data for event in found if isinstance(event.data, Digest)]


async def look(store: Store, at: datetime) -> None:
    """Look once, as a process that has just started."""
    clock = JumpClock()
    clock.at = at
    await WeeklyDigest(TransitionRecorder(store, clock), clock, WEEKLY).turn()


@pytest.fixture
async def store(tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201 - pytest knows
    await a_month(tmp_path, MONDAY)
    opened = SqlStore(database_url(tmp_path / "bot.db"))
    await opened.open()
    yield opened
    await opened.close()


async def test_it_is_put_on_its_way_once_a_week(store: Store) -> None:
    """Not for the week before anybody wanted it; each look is a new process's."""
    for hours in (-100, -99, -1):
        await look(store, MONDAY + timedelta(hours=hours))
    assert await digests(store) == []
    for hours in (0, 1, 50):
        await look(store, MONDAY + timedelta(hours=hours))
    assert await digests(store) == [Digest(since=MONDAY - timedelta(days=7), until=MONDAY)]


async def test_a_week_without_anything_is_not_told(store: Store) -> None:
    """And the one after it is not told twice as long."""
    for week in range(5):
        await look(store, MONDAY + timedelta(days=7 * week))
    assert await digests(store) == []
    assert await store.switch("digest") == (MONDAY + timedelta(days=28)).isoformat()


async def test_a_note_nobody_can_read_costs_one_digest(store: Store) -> None:
    """It begins anew, as if wanted from now on."""
    await store.set_switch("digest", "soon")
    await look(store, MONDAY)
    assert await digests(store) == []
    assert await store.switch("digest") == MONDAY.isoformat()
