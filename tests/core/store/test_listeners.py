"""Who hears what a database did hears it when it is done, and can change nothing of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.model import event_data
from core.domain.model.events import Recorded, event
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Move, MoveState
from core.errors import MigrateBotError, Outdated, StoreError
from core.store import SqlStore
from tests.support.databases import database_url
from tests.support.view_builders import NOW, job, move


class Heard:
    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.errors: list[MigrateBotError] = []

    def committed(self, happened: Sequence[Recorded]) -> None:
        self.events += happened

    def kinds(self) -> list[str]:
        return [one.event.kind.value for one in self.events]


@asynccontextmanager
async def opened(folder: Path, heard: Heard) -> AsyncIterator[tuple[SqlStore, Move]]:
    """A store with a running job of one VM."""
    store = SqlStore(database_url(folder / "bot.db"), on_commit=heard.committed, on_error=heard.errors.append)
    await store.open()
    try:
        asked = await store.add_job(replace(job(["web01"]), id=JobId("")), event(event_data.Proposed(vms=1), NOW))
        running = replace(asked, state=JobState.RUNNING)
        approved = event(event_data.Approved(count=1, needed=1), NOW, job=asked, actor="UBOB")
        await store.change_job(asked, running, approved, new_moves=[replace(move(0, "web01"), job_id=asked.id)])
        yield store, (await store.moves(asked.id))[0]
    finally:
        await store.close()


async def test_events_are_heard_with_their_ids_and_moves(tmp_path: Path) -> None:
    """In the order in which they happened, each with the number it has in the database, and the VM as it stands now."""
    heard = Heard()
    async with opened(tmp_path, heard) as (store, queued):
        over = replace(queued, state=MoveState.CANCELLED)
        stored = await store.change_move(queued, over, event(event_data.Cancelled(), NOW, move=queued, actor="UBOB"))
        await store.add_events(
            event(event_data.Stopped(), NOW, actor="UBOB"), event(event_data.Moving(), NOW, move=over)
        )
        known = await store.events(queued.job_id)
    assert heard.kinds() == ["proposed", "approved", "cancelled", "stopped", "moving"]
    assert [one.event for one in heard.events if one.event.job_id] == list(known)
    assert [one.move for one in heard.events] == [None, None, stored, None, stored], "also where only its id was given"


async def test_what_was_not_done_is_not_heard(tmp_path: Path) -> None:
    """Who comes second changes nothing, and nobody hears of an event of theirs, now or with the next transaction."""
    heard = Heard()
    async with opened(tmp_path, heard) as (store, queued):
        over = replace(queued, state=MoveState.CANCELLED)
        await store.change_move(queued, over)
        before = len(heard.events)
        with pytest.raises(Outdated):
            await store.change_move(queued, over, event(event_data.Cancelled(), NOW, move=queued))
        with pytest.raises(StoreError):  # it is told, and belongs to no job: the transaction fails at its end
            await store.add_events(event(event_data.Stopped(), NOW), event(event_data.Paused(), NOW))
        await store.learn_speed(queued.source, queued.destination, 1.0)
        assert len(heard.events) == before
        assert heard.errors == [], "what we decided ourselves is no failure of the database"


async def test_what_the_database_does_not_do_is_heard(tmp_path: Path) -> None:
    """An error of its own is told, and raised as ever."""
    heard = Heard()
    async with opened(tmp_path, heard) as (store, queued):
        with pytest.raises(StoreError) as caught:
            await store.learn_speed(queued.source, queued.destination, object())  # type: ignore[arg-type]
    assert heard.errors == [caught.value]


async def test_a_listener_that_breaks_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is committed is committed, and whoever wrote it hears so; the log says that somebody did not."""
    heard = Heard()
    async with opened(tmp_path, heard) as (store, _):
        heard.events = None  # type: ignore[assignment]
        await store.add_events(event(event_data.Stopped(), NOW, actor="UBOB"))
        heard.events = []
    assert "what the database did was not heard" in caplog.text
