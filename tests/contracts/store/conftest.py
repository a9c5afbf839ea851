"""Every implementation of the store's port; each test of this folder runs over all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from core.ports import Store
from core.store import SqlStore
from core.store.ownership import Unguarded
from tests.support.databases import postgresql_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty database is."""
    file = tmp_path / "migrate-bot.db"
    return postgresql_url(file) if request.param == "postgresql" else f"sqlite+aiosqlite:///{file}"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return the file for the history of what is removed."""
    return tmp_path / "history.jsonl"


@pytest.fixture
async def reopen(url: str, history: Path) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Open the same stored state again, as the next process would; all are closed at the end."""
    opened: list[Store] = []

    async def open_store() -> Store:
        # The process before this one is taken for dead: its lock is gone, whatever it still tries.
        store = SqlStore(url, ownership=Unguarded(), history=history)
        opened.append(store)
        await store.open()
        return store

    yield open_store
    for store in opened:
        await store.close()


@pytest.fixture
async def store(reopen: Callable[[], Awaitable[Store]]) -> Store:
    """Return an empty open store."""
    return await reopen()
