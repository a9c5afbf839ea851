"""Copies a database on a PostgreSQL server by the server's own tools, and puts such a copy in its place.

The tools get the password in their environment, never among their arguments, where every user of the machine reads it
(libpq, "Environment Variables"). A copy holds our tables and nothing else that is in the database.
"""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from core.errors import StoreError, StoreMissing
from core.store.advisory_lock import AdvisoryLock
from core.store.db_errors import explain
from core.store.dialects import POSTGRESQL
from core.store.tables import metadata

_VERSION = "alembic_version"
_OURS = (*metadata.tables, _VERSION)
_HEART = {"jobs", _VERSION}
_ENTRY = re.compile(r"^\d+; \d+ \d+ TABLE (?!DATA )(\S+) (\S+) ", re.MULTILINE)
"""A table in a copy's list: ``215; 1259 16385 TABLE public jobs postgres`` (PostgreSQL, "pg_restore", -l)."""


def dump(url: URL, target: Path, *, by_hand: Path) -> None:
    """Write our tables as they are at this moment into a file that is there. ``by_hand``: what it is to be called.

    Raises:
        StoreError: the tool is not installed, or says no; the server does; or there is nothing to copy.

    """
    command = f"pg_dump --format=custom --no-owner --file={shlex.quote(str(by_hand))} {shlex.quote(_plain(url))}"
    tool = _tool("pg_dump", command)
    with _connected(url) as connection:
        schema, found = _schema(connection), _present(connection, _OURS)
    if not set(found) >= _HEART:
        raise StoreMissing("The database is empty: no migrate-bot has worked on it yet.")
    tables = [f'--table="{schema}"."{name}"' for name in found]
    with target.open("wb") as out:
        _run([tool, "--format=custom", "--no-owner", "--no-privileges", *tables, f"--dbname={_plain(url)}"], url, out)
        os.fsync(out.fileno())


async def replace(url: URL, copy: Path, now: datetime, renew: Callable[[URL], Awaitable[None]]) -> str:
    """Put a copy in the database's place and ``renew`` it; nobody else gets the right to write meanwhile.

    Returns where the tables of before are kept; empty: there were none. It is as it was, or replaced.

    Raises:
        StoreError: a bot works on it, the copy is none of ours, or the tool is missing or says no.

    """
    command = f"pg_restore --clean --if-exists --no-owner --dbname={shlex.quote(_plain(url))} {shlex.quote(str(copy))}"
    tool = _tool("pg_restore", f"Stop every bot, then: {command} && migrate-bot restored")
    with _connected(url) as connection:
        AdvisoryLock().connected(connection.connection.driver_connection)
        schema, tables = _schema(connection), await asyncio.to_thread(_listed, tool, url, copy)
        if tables.keys() != {schema}:
            held = " and ".join(sorted(tables))
            raise StoreError(f"{copy} is of the schema {held}, and url in [store] leads to {schema}.")
        ours = {*_OURS, *tables[schema]}
        moved, kept = _present(connection, ours), f"migrate_bot_before_{now:%Y%m%dt%H%M%Sz}"
        _move(connection, moved, schema, kept)
        try:
            options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
            await asyncio.to_thread(_run, [tool, *options, f"--dbname={_plain(url)}", str(copy)], url, None)
            await renew(url)
        except BaseException:
            _put_back(connection, moved, schema, kept, ours)
            raise
    return f"schema {kept} of the database" if moved else ""


def _move(connection: Connection, tables: Collection[str], source: str, target: str) -> None:
    with connection.begin():
        connection.execute(text(f'CREATE SCHEMA "{target}"'))
        for name in tables:
            connection.execute(text(f'ALTER TABLE "{source}"."{name}" SET SCHEMA "{target}"'))
        if not tables:
            connection.execute(text(f'DROP SCHEMA "{target}"'))


def _put_back(connection: Connection, tables: Collection[str], schema: str, kept: str, ours: Collection[str]) -> None:
    with connection.begin():
        for name in ours:
            connection.execute(text(f'DROP TABLE IF EXISTS "{schema}"."{name}" CASCADE'))
        for name in tables:
            connection.execute(text(f'ALTER TABLE "{kept}"."{name}" SET SCHEMA "{schema}"'))
        connection.execute(text(f'DROP SCHEMA IF EXISTS "{kept}"'))


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    try:
        engine = create_engine(url.set(drivername=POSTGRESQL), poolclass=NullPool, hide_parameters=True)
    except ImportError:
        raise StoreError(
            "The driver of PostgreSQL is not installed.", hint='Install it: pip install "migrate-bot[postgresql]"'
        ) from None
    try:
        with engine.connect() as connection:
            with connection.begin():
                connection.execute(text("SET idle_session_timeout = 0"))  # the tools take their time
            yield connection
    except SQLAlchemyError as error:
        raise explain(error) from None


def _schema(connection: Connection) -> str:
    with connection.begin():
        found = connection.execute(text("SELECT current_schema()")).scalar()
    if not found or '"' in found:
        raise StoreError("The schema that url in [store] leads to is not there.")
    return str(found)


def _present(connection: Connection, names: Collection[str]) -> list[str]:
    query = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(:names)")
    with connection.begin():
        return sorted(connection.execute(query, {"names": list(names)}).scalars())


def _listed(tool: str, url: URL, copy: Path) -> dict[str, set[str]]:
    """Return the tables of a copy by their schemas. Raises StoreError when it is no copy of ours."""
    if not copy.is_file():
        raise StoreError(f"There is no file {copy}.")
    found: dict[str, set[str]] = {}
    for schema, name in _ENTRY.findall(_run([tool, "--list", str(copy)], url, subprocess.PIPE)):
        found.setdefault(schema, set()).add(name)
    is_ours = any(tables >= _HEART for tables in found.values())
    if not is_ours or any('"' in name for tables in found.values() for name in tables):
        raise StoreError(f"{copy} is no copy of a database of migrate-bot.")
    return found


def _tool(name: str, by_hand: str) -> str:
    tool = shutil.which(name)
    if tool is None:
        raise StoreError(f"The database is on a server, and its tool {name} is not installed here.", hint=by_hand)
    return tool


def _run(command: Sequence[str], url: URL, out: IO[bytes] | int | None) -> str:
    """Run a tool to its end and return what it printed. Raises StoreError with the last line it complained in."""
    password = url.password or url.query.get("password")
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    done = subprocess.run(  # noqa: S603 - a tool of the server's, with arguments that no shell reads
        command, env=environment, stdout=out, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise StoreError(f"{Path(command[0]).name} failed: {said.rstrip('.')}.")
    return done.stdout or ""


def _plain(url: URL) -> str:
    """Return how the tools of the server name it, without the password."""
    query = {key: value for key, value in url.query.items() if key != "password"}
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database, query).render_as_string()
