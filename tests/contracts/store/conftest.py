"""Every implementation of the store's port; each test of this folder runs over all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from core.ports import Store
from core.store import SqlStore

IMPLEMENTATIONS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: SqlStore(f"sqlite+aiosqlite:///{folder / 'migrate-bot.db'}"),
}


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
async def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Open the same stored state again, as the next process would; all are closed at the end."""
    opened: list[Store] = []

    async def open_store() -> Store:
        store = IMPLEMENTATIONS[request.param](tmp_path)
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
