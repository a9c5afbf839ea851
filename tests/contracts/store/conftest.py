"""Every implementation of the store's port; each test of this folder runs over all of them.

PostgreSQL takes part when ``MIGRATE_BOT_TEST_POSTGRES`` names a server where databases may be created, such as
``postgresql+asyncpg://postgres@localhost/postgres``. Each test makes a database of its own there and drops only that.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from core.ports import Store
from core.store import SqlStore
from core.store.ownership import Unguarded

SERVER = os.environ.get("MIGRATE_BOT_TEST_POSTGRES", "")


async def on_server(statement: str) -> None:
    """Say something to the server that no transaction may hold."""
    engine = create_async_engine(SERVER, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.exec_driver_sql(statement)
    await engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Return where an empty database is."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'migrate-bot.db'}"
        return
    if not SERVER:
        pytest.skip("on PostgreSQL (no server in MIGRATE_BOT_TEST_POSTGRES)")
    mine = f"migrate_bot_test_{uuid4().hex}"
    await on_server(f"CREATE DATABASE {mine}")
    yield make_url(SERVER).set(database=mine).render_as_string(hide_password=False)
    await on_server(f"DROP DATABASE {mine}")


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
