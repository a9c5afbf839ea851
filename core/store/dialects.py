"""Holds all that differs between databases: how to connect, how a transaction begins, what makes it durable.

SQLite: write-ahead log, ``synchronous=FULL`` (a commit is on the disk when it returns), and a writer takes the write
lock with ``BEGIN IMMEDIATE``, so that a transaction never finds out at its end that another one was first. PostgreSQL
gets the same from ``SERIALIZABLE``; psycopg 3 is the one driver. Its writer has one connection, which is never replaced
by another one in silence: with it goes the right to write (``advisory_lock``).
"""

import os
import socket
from asyncio import sleep
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.errors import StoreError, StoreMissing

READERS = 3
_PRIVATE, _OTHERS = 0o600, 0o077
LOG_TRIES = 5
LOG_PAUSE_S = 0.1

POSTGRESQL = "postgresql+psycopg"
OLDEST_POSTGRESQL = 14
"""The first one that ends a session which stays idle for too long."""
PROOF_EVERY_S = 1.5
"""How often a bot on PostgreSQL shows that it lives, on the connection that writes."""
PROOF_WITHIN_S = 5.0
"""How long the server may take to answer that; then this process takes its right to write for lost."""
SILENCE_S = 6
"""For how long a session of the writer may be silent before the server ends it, and its lock with it."""
_CONNECT_S = 5
_PROBE_AFTER_S, _PROBE_EVERY_S, _PROBES = 2, 1, 3
# On both sides: a machine that is gone, or behind a network that is, closes nothing. (libpq, "Connection Control".)
_LINE = {
    "connect_timeout": _CONNECT_S,
    "client_encoding": "utf8",
    "keepalives_idle": _PROBE_AFTER_S,
    "keepalives_interval": _PROBE_EVERY_S,
    "keepalives_count": _PROBES,
    "tcp_user_timeout": 1000 * _CONNECT_S,
}
_SESSION = {
    "TimeZone": "UTC",
    "tcp_keepalives_idle": _PROBE_AFTER_S,
    "tcp_keepalives_interval": _PROBE_EVERY_S,
    "tcp_keepalives_count": _PROBES,
    "tcp_user_timeout": 1000 * _CONNECT_S,
}
_WRITING_SESSION = {
    "idle_session_timeout": 1000 * SILENCE_S,
    "idle_in_transaction_session_timeout": 1000 * SILENCE_S,
    "lock_timeout": 1000 * _CONNECT_S,
}
_SERVER = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
_DURABLY = (
    "SELECT CASE current_setting('synchronous_commit')"
    " WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END"
)
_EXAMPLES = (
    "For example sqlite+aiosqlite:///migrate-bot.db or postgresql+psycopg://migratebot@db.contoso.com/migratebot"
)


def connect(url: str, timeout_s: float, *, is_to_look: bool = False) -> tuple[AsyncEngine, AsyncEngine]:
    """Return an engine for the one writer and an engine for readers; nothing is opened yet.

    ``is_to_look``: both only read; a file that is not there is not created.

    Raises:
        StoreError: the URL names no database we can use.

    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, timeout_s, is_to_look=is_to_look)
        if parsed.drivername == POSTGRESQL:
            return _postgresql(parsed, is_to_look=is_to_look)
        kind = "its driver is another one"
    except ImportError:
        raise StoreError(
            "url in [store] names PostgreSQL, and its driver is not installed.",
            hint='Install it: pip install "migrate-bot[postgresql]"',
        ) from None
    except ArgumentError as error:
        kind = type(error).__name__
    # The URL may hold a password: it is not repeated.
    raise StoreError(f"url in [store] names no database I can use ({kind}).", hint=_EXAMPLES) from None


def _postgresql(url: URL, *, is_to_look: bool) -> tuple[AsyncEngine, AsyncEngine]:
    name = f"migrate-bot process {os.getpid()} on {socket.gethostname()}"[:63]
    line = {"application_name": name, **_LINE}
    args = {key: value for key, value in line.items() if key not in url.query}
    writer = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
        isolation_level="SERIALIZABLE",
        connect_args=args,
    )
    reader = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=READERS,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args=args,
        execution_options={"postgresql_readonly": True},
    )
    if is_to_look:
        writer = reader
    else:
        event.listen(writer.sync_engine, "connect", _set_up_writer)
    event.listen(reader.sync_engine, "connect", _set_up_reader)
    return writer, reader


def _set_up_reader(connection: Any, _: object) -> None:
    _set(connection, _SESSION)


def _set_up_writer(connection: Any, _: object) -> None:
    version, encoding = ask(connection, _SERVER)
    if version < 10_000 * OLDEST_POSTGRESQL or encoding != "UTF8":
        connection.close()
        raise StoreError(
            f"The server has PostgreSQL {version // 10_000} with the encoding {encoding}.",
            hint=f"It takes PostgreSQL {OLDEST_POSTGRESQL} or newer, and a database with ENCODING 'UTF8'.",
        )
    _set(connection, _SESSION | _WRITING_SESSION)
    # That a commit is on the disk when it returns is not for the server's settings to give up.
    ask(connection, _DURABLY)


def _set(connection: Any, session: dict[str, Any]) -> None:
    ask(connection, "SELECT " + ", ".join(f"set_config('{key}', '{value}', false)" for key, value in session.items()))


def ask(connection: Any, statement: str) -> Any:
    """Ask a server for one row on a connection as its driver has it, in a transaction of its own."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        row = cursor.fetchone()
    finally:
        cursor.close()
    connection.commit()
    return row


def _sqlite(url: URL, timeout_s: float, *, is_to_look: bool) -> tuple[AsyncEngine, AsyncEngine]:
    if url.database in {None, "", ":memory:"} or url.get_driver_name() != "aiosqlite":
        raise StoreError("url in [store] names no file.", hint="Example: sqlite+aiosqlite:///migrate-bot.db")
    # isolation_level None: the driver begins nothing on its own, so that the BEGIN below is the only one.
    args: dict[str, Any] = {"timeout": timeout_s, "isolation_level": None}
    if is_to_look:
        path = Path(url.database or "").absolute()
        try:
            path.stat()
        except FileNotFoundError:
            raise StoreMissing(
                f"There is no database {path.name} yet.", hint=f"I looked in {path.parent}. migrate-bot run makes it."
            ) from None
        except OSError as error:
            raise StoreError(f"The database {path} cannot be read: {error.strerror}.") from None
        url = url.set(database=f"{path.as_uri()}?mode=ro", query={**url.query, "uri": "true"})
    else:
        _keep_private(Path(url.database or ""))
    opener = _open_reader if is_to_look else _open_writer
    writer = create_async_engine(
        url, hide_parameters=True, pool_size=1, max_overflow=0, connect_args=args | {"async_creator_fn": opener}
    )
    reader = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=READERS,
        max_overflow=0,
        connect_args=args | {"async_creator_fn": _open_reader},
    )
    event.listen(writer.sync_engine, "begin", _begin if is_to_look else _begin_immediate)
    event.listen(reader.sync_engine, "begin", _begin)
    return writer, reader


def _keep_private(path: Path) -> None:
    """Let nobody else read the database: it holds who asked for what, and why. Its log files get the same rights."""
    with suppress(OSError):  # the folder is missing, or the file somebody else's: opening it says so
        path.touch(mode=_PRIVATE)
        if path.stat().st_mode & _OTHERS:
            path.chmod(_PRIVATE)


async def _open_writer(*args: Any, **kwargs: Any) -> aiosqlite.Connection:
    connection = await _open_file(*args, **kwargs)
    try:
        await _keep_log(connection)
        await _pragma(connection, "synchronous=FULL")
        await _pragma(connection, "foreign_keys=ON")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _open_reader(*args: Any, **kwargs: Any) -> aiosqlite.Connection:
    connection = await _open_file(*args, **kwargs)
    try:
        await _pragma(connection, "query_only=ON")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _open_file(*args: Any, **kwargs: Any) -> aiosqlite.Connection:
    connection = aiosqlite.connect(*args, **kwargs)
    connection._thread.daemon = True  # noqa: SLF001 (what SQLAlchemy does when it opens the file itself)
    try:
        return await connection
    except BaseException:
        # aiosqlite stops its thread but does not wait for it: it would report to an event loop that may be closed.
        connection._thread.join()  # noqa: SLF001
        raise


async def _keep_log(connection: aiosqlite.Connection) -> None:
    # While two processes create one file, SQLite refuses this to one of them at once, whatever its timeout.
    for tries_left in reversed(range(LOG_TRIES)):
        try:
            mode = await _pragma(connection, "journal_mode=WAL")
        except aiosqlite.OperationalError as error:
            if not tries_left or "locked" not in str(error):
                raise
            await sleep(LOG_PAUSE_S)
        else:
            if mode != "wal":
                raise StoreError("The database cannot keep a write-ahead log there.", hint="Keep it on a local disk.")
            return


async def _pragma(connection: aiosqlite.Connection, setting: str) -> Any:
    async with connection.execute(f"PRAGMA {setting}") as cursor:
        row = await cursor.fetchone()
    return row[0] if row else None


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
