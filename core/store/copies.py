"""Copies the database while a bot works on it, and puts a copy in its place while none does.

What is on a server, its own tools copy (``server_copies``); a file is copied by SQLite's means.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import StoreError, StoreMissing
from core.store import server_copies
from core.store.ownership import LockFile, Unguarded, belongs_to_the_folder
from core.store.store import SqlStore

_PRIVATE = 0o600
_PATIENCE_S = 30.0
_LOGS = ("-wal", "-shm")
"""What SQLite keeps beside its file; it would be read into whatever file has the name then."""


def save_copy(url: str, target: Path) -> None:
    """Write the database as it is at this moment into a file of its own, whole and readable by its owner alone.

    Raises:
        StoreError: it is missing or broken, its server's tool is, or the file is there already or cannot be written.

    """
    parsed, is_file = _parsed(url), _is_file(url)
    database = Path(parsed.database or "").absolute()
    if is_file and not database.is_file():
        raise StoreMissing(f"There is no database {database} to copy.", hint="Is url in [store] right, in this folder?")
    if target.exists():
        raise StoreError(f"{target} is there already and stays as it is.", hint="Name another file.")
    with _part_of(target) as part:
        if is_file:
            _copy(database, part)
        else:
            server_copies.dump(parsed, part, by_hand=target)
        part.rename(target)


async def put_in_place(url: str, copy: Path, *, now: datetime) -> str:
    """Make a copy the database, with a new id; what had not been said when it was made may have been said since.

    Returns where the one before is kept: a file, or on a server a schema of the same database; empty: there was none.
    It is as it was, or replaced as a whole.

    Raises:
        StoreError: a bot works on the database, or the file is none of ours, or of a newer version.

    """
    if not _is_file(url):
        return await server_copies.replace(_parsed(url), copy, now, _make_new)
    database = _to_replace(url, copy)
    lock = LockFile(database)
    await lock.take()
    try:
        with _part_of(database) as part:
            _copy(copy, part)
            await _make_new(make_url(url).set(database=str(part)))
            kept = _exchange(database, part, now)
    finally:
        await lock.give_up()
    return str(kept or "")


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise StoreError("url in [store] names no database.") from None


def _is_file(url: str) -> bool:
    return _parsed(url).get_backend_name() == "sqlite"


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Yield a file beside another that nobody else can read; what is left of it at the end is removed."""
    part = target.with_name(f"{target.name}.part")
    leftovers = [part, *(part.with_name(f"{part.name}{end}") for end in _LOGS)]
    try:
        for file in leftovers:
            file.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE))
        belongs_to_the_folder(part)
        yield part
    except OSError as error:
        raise StoreError(f"{error.filename or target} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            for file in leftovers:
                file.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a database of ours by SQLite's own means: one state of it, whoever writes meanwhile (sqlite.org/backup)."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)) as there,
            closing(sqlite3.connect(target)) as here,
        ):
            found = there.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('alembic_version', 'jobs')")
            if found.fetchone() != (2,):
                raise StoreError(f"{source} is no database of migrate-bot.")
            there.backup(here)
            here.execute("PRAGMA journal_mode=DELETE")  # one file, that can be read anywhere
            [state] = here.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise StoreError(f"{source} is damaged: {state}")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{source} cannot be read as a database of migrate-bot ({error}).") from None
    _sync(target)


async def _make_new(url: URL) -> None:
    store = SqlStore(url.render_as_string(hide_password=False), ownership=Unguarded())
    await store.open()
    try:
        await store.put_back()
    finally:
        await store.close()


def _to_replace(url: str, copy: Path) -> Path:
    """Return the file that is to be replaced. Raises StoreError when this copy cannot replace it."""
    database = Path(_parsed(url).database or "").absolute()
    if not copy.is_file():
        raise StoreError(f"There is no file {copy}.")
    if database.exists() and database.samefile(copy):
        raise StoreError(f"{copy} is the database itself.", hint="Name a copy of it.")
    return database


def _exchange(database: Path, new: Path, now: datetime) -> Path | None:
    """Put a file in the database's place. The one before gets another name, and its file stays until that moment."""
    kept = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%SZ}")
    was_there = database.exists()
    if was_there:
        # Damaged as it may be: what can be brought from its log into the file is, and the log goes with the connection.
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(database, timeout=_PATIENCE_S)) as before:
            before.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _name_too(database, kept)
    for end in _LOGS:
        with suppress(FileNotFoundError):
            database.with_name(f"{database.name}{end}").rename(kept.with_name(f"{kept.name}{end}"))
    new.replace(database)
    _sync(database.parent)
    return kept if was_there else None


def _name_too(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        shutil.copy2(file, name)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
