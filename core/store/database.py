"""Opens the database and runs transactions: one writer at a time, several readers, and no half transaction ever.

A transaction runs in a task of its own. Cancelling the caller while it waits for its turn cancels it; once begun, it is
carried to its end, and only then does the caller learn that it was cancelled. So no connection is left in the middle.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from core.domain.model.events import Recorded
from core.errors import MigrateBotError, StoreError, StoreLost, StoreUnreachable
from core.store import dialects, schema
from core.store.db_errors import explain
from core.store.events import RECORDED
from core.store.lines import Lines
from core.store.ownership import Ownership, Unguarded

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# What a transaction may die of: the database, or a value that no column can hold or no type can read.
FORESEEN = (SQLAlchemyError, ValueError, TypeError, LookupError, ArithmeticError, OSError)


def nobody(_: object) -> None:
    """Hear it, and do nothing."""


class Database:
    """A file (or server) with the newest schema. ``timeout_s``: how long to wait for another process.

    ``on_commit`` hears of the events of each transaction when the disk has them, ``on_error`` of what the database did
    not do; neither can change what became of it.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        ownership: Ownership | None = None,
        on_commit: Callable[[Sequence[Recorded]], None] = nobody,
        on_error: Callable[[MigrateBotError], None] = nobody,
    ) -> None:
        self._url = url
        self._on_commit = on_commit
        self._on_error = on_error
        self._timeout_s = timeout_s
        self._ownership = ownership or Unguarded()
        self._lines = Lines()
        self._engines: tuple[AsyncEngine, AsyncEngine] | None = None
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def open(self, *, is_to_look: bool = False, check: Callable[[Connection], None] = schema.check) -> None:
        """Open or create it and bring its schema up to date; nothing happens when it is open.

        ``is_to_look``: open what is there, change nothing, not even the schema, but ``check`` it.
        """
        if self._engines is not None:
            return
        self._engines = dialects.connect(self._url, self._timeout_s, is_to_look=is_to_look)
        writer, reader = self._engines
        if not is_to_look:
            event.listen(writer.sync_engine, "connect", lambda connection, _: self._ownership.connected(connection))
        for engine in (writer, reader):
            event.listen(engine.sync_engine, "connect", lambda connection, _: self._lines.note(connection))
        try:
            await (self.read(check) if is_to_look else self.write(schema.upgrade))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let what is under way come to its end, then let go of every connection."""
        engines, self._engines = self._engines, None
        while self._under_way:
            await asyncio.wait(self._under_way)
        for engine in engines or ():
            await engine.dispose()

    async def prove(self, within_s: float) -> None:
        """Show that the connection that writes is alive, and cut every line of this process when it is not.

        Raises:
            StoreLost: it does not answer in time, or it is gone.

        """
        proof = asyncio.create_task(self.write(_nothing))
        done, _ = await asyncio.wait({proof}, timeout=within_s)
        if not done:
            # Whoever waits on a dead line waits for ever, and closing would wait for them.
            self._lines.cut()
        try:
            await proof
        except StoreUnreachable as error:
            raise StoreLost(f"This process has lost the right to write: {error.message}") from error

    async def write(self, do: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``do`` in a transaction that may write; when this returns, the disk has it."""
        await self._turn.acquire()
        try:
            writer, _ = self._open_engines()
            task = self._begin(self._commit(writer, lambda connection: do(connection, *args, **kwargs)))
        except BaseException:
            self._turn.release()
            raise
        task.add_done_callback(lambda _: self._turn.release())
        return await _end(task)

    async def read(self, do: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``do`` on one consistent state of the database."""
        _, reader = self._open_engines()
        return await _end(self._begin(self._look(reader, lambda connection: do(connection, *args, **kwargs))))

    def _open_engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        if self._engines is None:
            raise StoreError("The database is not open.")
        return self._engines

    def _begin(self, transaction: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(transaction)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _commit(self, engine: AsyncEngine, do: Callable[[Connection], T]) -> T:
        recorded: list[Recorded] = []

        def within(connection: Connection) -> T:
            connection.info[RECORDED] = recorded
            return do(connection)

        try:
            async with engine.begin() as connection:
                result = await connection.run_sync(within)
        except FORESEEN as error:
            raise self._explained(error) from error
        if recorded:
            self._tell(self._on_commit, recorded)
        return result

    async def _look(self, engine: AsyncEngine, do: Callable[[Connection], T]) -> T:
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(do)
        except FORESEEN as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> MigrateBotError:
        told = explain(error)
        self._tell(self._on_error, told)
        return told

    @staticmethod
    def _tell(listener: Callable[[T], None], what: T) -> None:
        try:
            listener(what)
        except Exception:
            # What the database has done, or not done, stays so, whatever becomes of those who hear of it.
            log.exception("what the database did was not heard")


def _nothing(connection: Connection) -> None:
    connection.execute(select(1))


async def _end(task: "asyncio.Task[T]") -> T:
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait({task})
        raise
