"""Moves are kept after reading: what is unchanged is not read again, and what is kept is bounded."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.domain.model.job import JobId
from core.domain.model.move import Move, MoveId
from core.store import SqlStore, moves
from core.store.moves import MoveCache
from tests.support.store_examples import running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """Return an open store."""
    store = SqlStore(f"sqlite+aiosqlite:///{tmp_path / 'migrate-bot.db'}")
    await store.open()
    yield store
    await store.close()


async def test_what_did_not_change_is_not_read_again(store: SqlStore) -> None:
    """Of many moves only those that were changed cost anything."""
    job, before = await running(store, "a", "b", "c")
    changed = await store.change_move(before[1], replace(before[1], cancel_by="U1"))
    after = await store.moves(job.id)
    assert after == (before[0], changed, before[2])
    assert after[0] is before[0]
    assert after[2] is before[2]


async def test_a_full_cache_still_gives_what_is_asked(store: SqlStore) -> None:
    """More moves than are kept are read again, and no more are kept."""
    job, known = await running(store, *"abcdefgh")
    cache = MoveCache(size=3)
    for _ in range(3):
        assert await store._database.read(moves.listed, cache, job.id, open_only=False) == known
        assert len(cache._moves) == 3


async def test_a_state_of_before_is_read_as_it_was(store: SqlStore) -> None:
    """A reader that began earlier gets its own state, and does no harm to those who come later."""
    job, (old,) = await running(store, "a")
    cache = MoveCache()

    def listed(connection: Connection) -> tuple[Move, ...]:
        return moves.listed(connection, cache, JobId(job.id), open_only=False)

    new = await store.change_move(old, replace(old, cancel_by="U1"))
    assert await store._database.read(listed) == (new,)
    cache._moves[MoveId(old.id)] = old  # as a reader that began before the change does at its end
    assert await store._database.read(listed) == (new,)
