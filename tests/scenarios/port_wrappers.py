"""The engine's doors as a scenario needs them: a store that is always in the same order, a listener that is strict.

All of them can be shut at once, as they are for a process that is killed.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sqlalchemy import Connection, Engine, StaticPool, create_engine, text
from sqlalchemy.event import listen

from core.domain.model.events import Notice, Tone
from core.domain.model.job import Card
from core.domain.model.views import JobView
from core.errors import NotifierDown, StoreError
from core.store import SqlStore, schema
from core.store.database import FORESEEN, Database
from core.store.db_errors import explain
from core.store.ownership import Unguarded
from lab.virtual_time import VirtualClock
from tests.scenarios.wording import said
from tests.support.databases import database_url, is_on_postgresql, sync_url


class PlainDatabase:
    """The store's database on this thread: a transaction is over before anything else happens."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine: Engine | None = None

    async def open(self) -> None:
        if self._engine is not None:
            return
        if is_on_postgresql():
            self._engine = _on_server(database_url(self._file))
            return
        if not self._file.exists():
            self._file.write_bytes(_empty_database())
        self._engine = _engine(self._file)

    async def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    async def write(self, do: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._engine is None:
            raise StoreError("The database is not open.")
        try:
            with self._engine.begin() as connection:
                return do(connection, *args, **kwargs)
        except FORESEEN as error:
            raise explain(error) from error

    read = write


def _engine(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}", connect_args={"isolation_level": None}, poolclass=StaticPool)
    listen(engine, "connect", _prepare)
    listen(engine, "begin", _begin)
    return engine


def _on_server(url: str) -> Engine:
    engine = create_engine(sync_url(url), poolclass=StaticPool, isolation_level="SERIALIZABLE")
    with engine.begin() as connection:
        schema.upgrade(connection)
    with engine.begin() as connection:
        # As with the file: what a crash of the system would lose is another test's question.
        connection.execute(text("SET synchronous_commit = off"))
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    # What a crash of the system would lose is another test's question.
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@cache
def _empty_database() -> bytes:
    """Return a database of the newest schema: bringing one there costs more than many a scenario."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = _engine(file)
        with engine.begin() as connection:
            schema.upgrade(connection)
        engine.dispose()
        return file.read_bytes()


class SteadyStore:
    """The real store on a real file; nothing else happens while it works, so that a scenario always plays the same.

    Before and after each call others get their turn, as they would with a store that takes its time.
    """

    def __init__(self, file: Path) -> None:
        self.calls: Counter[str] = Counter()
        self.is_shut = False
        # On a server the lock goes with a connection that the plain database does not have.
        self._inner = SqlStore(database_url(file), ownership=Unguarded() if is_on_postgresql() else None)
        self._inner._database = cast("Database", PlainDatabase(file))

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._inner, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            if self.is_shut:
                await _for_ever()
            self.calls[name] += 1
            try:
                return await method(*args, **kwargs)
            finally:
                await asyncio.sleep(0)

        return call

    async def let_go(self) -> None:
        """Close the file of a store that was shut, as the system does for a process that died."""
        await self._inner.close()


class ShutDoor:
    """A gateway that can be shut: a dead process asks no host anything more."""

    def __init__(self, inner: object) -> None:
        self.is_shut = False
        self._inner = inner

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._inner, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.is_shut:
                await _for_ever()
            return await method(*args, **kwargs)

        return call


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@dataclass
class Listener:
    """A notifier that remembers when each event was said, and is strict: never twice, never before its card."""

    clock: VirtualClock
    said: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    """Id of the event to when it was said, and how."""
    complaints: list[str] = field(default_factory=list)
    is_down: bool = False
    loses_reply: bool = False
    _notices: set[int] = field(default_factory=set)

    async def tell(self, notice: Notice) -> Card | None:
        if self.is_down:
            raise NotifierDown("Slack does not answer.")
        event = notice.event
        if notice.id not in self._notices:
            self._notices.add(notice.id)
            if event.tone is not Tone.CARD and notice.job.card is None:
                self.complaints.append(f"{event.kind} of {notice.job.id} was said before the card")
            if event.id in self.said:
                self.complaints.append(f"{event.kind} of {notice.job.id} was said twice, as two notices")
            self.said[event.id] = (self.clock.now(), said(notice))
        elif not notice.maybe_said:
            self.complaints.append(f"{event.kind} of {notice.job.id} was said twice, without a look whether it was")
        if self.loses_reply:
            self.loses_reply = False
            raise NotifierDown("The reply was lost.")
        return Card("C1", str(notice.id)) if event.tone is Tone.CARD else None

    async def show(self, view: JobView) -> None:
        if self.is_down:
            raise NotifierDown("Slack does not answer.")
        if view.job.card is None:
            self.complaints.append(f"{view.job.id} was shown before its card was posted")
