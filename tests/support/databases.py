"""Where the database of a test is: a file of its own, or a schema of its own on a PostgreSQL server.

``MIGRATE_BOT_TEST_STORE=postgresql`` puts every test on PostgreSQL; without it, only those that ask for it, and those
that are played on each database (``each_database`` in ``tests/conftest.py``). The server
is the one that ``MIGRATE_BOT_TEST_POSTGRES`` names, or one that listens here and lets ``postgres`` in. Each process of
a run makes a database there, and drops it at its end.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from core.store import dialects, store

T = TypeVar("T")
STORE = "MIGRATE_BOT_TEST_STORE"
KINDS = (os.environ[STORE],) if STORE in os.environ else ("sqlite", "postgresql")
_HERE = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
_NONE = "on PostgreSQL (no server listens on 127.0.0.1:5432)"
_made: list[str] = []


def is_on_postgresql() -> bool:
    """Whether the test that runs now is played on PostgreSQL."""
    return os.environ.get(STORE) == "postgresql"


def database_url(file: Path) -> str:
    """Return where the database goes that would be in this file: the same for the same file."""
    return postgresql_url(file) if is_on_postgresql() else f"sqlite+aiosqlite:///{file}"


def store_section(folder: Path) -> dict[str, dict[str, object]]:
    """Return the settings of the database for a bot on a lab's site."""
    return {"store": {"url": database_url(folder / "migrate-bot.db")}}


def postgresql_url(file: Path) -> str:
    """Return a schema of this file's own on the server; skip the test where there is no server."""
    database = own_database()
    if database is None:
        pytest.skip(_NONE)
    schema = f"t_{sha256(str(file.absolute()).encode()).hexdigest()[:16]}"
    _make_schema(schema)
    return _text(database.set(query={"options": f"-csearch_path={schema}"}))


@cache
def own_database() -> URL | None:
    """Make a database of this process's own on the server; None: there is no server."""
    server = _server()
    if server is None:
        return None
    name = f"migrate_bot_test_{os.getpid()}_{uuid4().hex[:8]}"
    on_server(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    _made.append(name)
    return server.set(database=name)


def next_database() -> None:
    """Let what this process tests from now on have another database: a server counts by database what it ended."""
    own_database.cache_clear()
    _make_schema.cache_clear()


@contextmanager
def patient_server() -> Iterator[None]:
    """Let a writer be silent for a minute: a bot that shares its event loop with a lab may be, and starts no second."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            patch.setitem(dialects._WRITING_SESSION, limit, 60_000)
        patch.setattr(store, "PROOF_WITHIN_S", 60.0)
        yield


def drop_databases() -> None:
    """Drop what this process made: whoever still uses it is thrown out, whoever comes next gets another."""
    while _made:
        on_server(f"DROP DATABASE {_made.pop()} WITH (FORCE)")
    own_database.cache_clear()
    _make_schema.cache_clear()


def on_server(statement: str, **values: Any) -> Any:
    """Say something to the server that no transaction may hold. Returns the first value of the answer, if any."""
    server = _server()
    assert server is not None
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        result = connection.execute(text(statement), values)
        return result.scalar() if result.returns_rows else None


def read(url: str, query: str) -> list[tuple[Any, ...]]:
    """Read beside whoever works on the database."""
    return _on(url, lambda connection: [tuple(row) for row in connection.execute(text(query))])


def change(url: str, statement: str, **values: Any) -> int:
    """Change something behind everybody's back. Returns how many rows it were."""
    return _on(url, lambda connection: connection.execute(text(statement), values).rowcount)


def sync_url(url: str) -> URL:
    """Return the same database for a driver that waits."""
    parsed = make_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


def _on(url: str, do: Callable[[Connection], T]) -> T:
    engine = create_engine(sync_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        return do(connection)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@cache
def _server() -> URL | None:
    named = os.environ.get("MIGRATE_BOT_TEST_POSTGRES", "")
    url = make_url(named or _HERE)
    if not named and not _listens(url):
        return None
    try:
        with create_engine(url, poolclass=NullPool).connect():
            return url
    except OperationalError:
        if named:
            raise
        return None


def _listens(url: URL) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((url.host or "", url.port or 0)) == 0


@cache
def _make_schema(name: str) -> None:
    database = own_database()
    assert database is not None
    change(_text(database), f"CREATE SCHEMA IF NOT EXISTS {name}")


if __name__ == "__main__":
    if _server() is None:
        sys.stderr.write("skipped: everything on PostgreSQL (no server listens on 127.0.0.1:5432)\n")
        sys.exit(1)
