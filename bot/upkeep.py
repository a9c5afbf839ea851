"""Opens the database beside a running bot to look, and in its place, while none runs, to work on it; makes plans."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.clock import SystemClock
from core.config import Settings
from core.domain.model.events import Notice, Recorded
from core.domain.model.job import Card
from core.domain.model.views import JobView
from core.engine.api.requests import Requests
from core.engine.engine import Engine
from core.engine.retention import Retention
from core.errors import NotifierDown, StoreError
from core.hyperv import PypsrpGateway
from core.ports import HostGateway, Store
from core.store import SqlStore, put_in_place, save_copy


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database alone, only to look at jobs while the bot runs or is down: nothing in it is changed."""
    store = SqlStore(settings.store.url)
    await store.open_to_look()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def engine_at_rest(settings: Settings, on_commit: Callable[[Sequence[Recorded]], None]) -> AsyncIterator[Engine]:
    """Own the database with an engine of which no loop turns: what is decided with it, the next start finds.

    ``on_commit`` hears of what is written down.

    Raises:
        StoreOwned: a bot works on the database.
        StoreError: there is none, or it is not of exactly this version; nothing is created or changed for it.

    """
    async with opened_store(settings):
        pass
    store = SqlStore(settings.store.url, history=settings.store.history, on_commit=on_commit)
    engine = Engine(
        settings=settings, store=store, gateway=PypsrpGateway(settings), notifier=_Nobody(), clock=SystemClock()
    )
    try:
        await store.open()
        yield engine
    finally:
        await engine.stop()


@asynccontextmanager
async def planning(settings: Settings, gateway: HostGateway) -> AsyncIterator[Requests]:
    """Make plans as the bot does, with an empty database that goes away: nothing is known of jobs and the past."""
    with TemporaryDirectory(prefix="migrate-bot-check-") as folder:
        store = SqlStore(f"sqlite+aiosqlite:///{Path(folder, 'check.db').as_posix()}")
        await store.open()
        try:
            engine = Engine(settings=settings, store=store, gateway=gateway, notifier=_Nobody(), clock=SystemClock())
            yield engine.requests
        finally:
            await store.close()


async def put_back(settings: Settings) -> None:
    """Note that the database was put back from a copy. Refused while a bot works on it."""
    async with _own_store(settings) as store:
        await store.put_back()


async def purge(settings: Settings, older_than: timedelta) -> int:
    """Remove the jobs that ended longer ago, after their history is in its file. Returns how many.

    Raises:
        StoreOwned: a bot works on the database.
        StoreError: there is none, or the history cannot be written, or has no file.

    """
    if settings.store.file is None and settings.store.history is None:
        raise StoreError(
            "Nothing is removed: the database is on a server, and no file is named for the history.",
            hint="Name one in history of [store].",
        )
    async with _own_store(settings) as store:
        retention, removed = Retention(store, SystemClock(), older_than), 0
        while count := await retention.remove():
            removed += count
    return removed


def back_up(settings: Settings, file: Path) -> None:
    """Copy the database, whoever works on it. Raises StoreError."""
    save_copy(settings.store.url, file)


async def restore(settings: Settings, file: Path) -> str:
    """Make a copy the database. Returns where the one before is kept, if there was one. Raises StoreError."""
    return await put_in_place(settings.store.url, file, now=SystemClock().now())


@asynccontextmanager
async def _own_store(settings: Settings) -> AsyncIterator[SqlStore]:
    async with opened_store(settings):
        pass
    store = SqlStore(settings.store.url, history=settings.store.history)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


class _Nobody:
    """Nobody is told anything by an engine at rest: it waits in the outbox, for the next start."""

    async def tell(self, _: Notice) -> Card | None:
        raise NotifierDown("no bot runs")

    async def show(self, _: JobView) -> Card | None:
        raise NotifierDown("no bot runs")
