"""Says in our words what a database did not do, without any value of a row: only names and the database's own codes."""

import sqlite3

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import MigrateBotError, Outdated, StoreBusy, StoreError, StoreFull

_BUSY = frozenset({"55P03"})
_FULL = frozenset({"53100"})
_OUTRUN = frozenset({"40001", "40P01"})


def explain(error: Exception) -> MigrateBotError:
    """Turn an error of SQLAlchemy, of a driver or of a codec into one of ours."""
    if isinstance(error, PoolTimeout):
        return StoreBusy("The database has no free connection.")
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(cause, MigrateBotError):
        return cause
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause)
    if isinstance(error, DBAPIError):
        return _by_sqlstate(str(getattr(cause, "sqlstate", None) or "no code"))
    return StoreError(f"The database could not be read or written ({type(cause).__name__}).")


def _sqlite(error: sqlite3.Error) -> StoreError:
    # SQLite's own texts name tables, columns and constraints, never values.
    text = str(error)
    code: int = getattr(error, "sqlite_errorcode", None) or 0
    primary = code & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} or "is locked" in text:
        return StoreBusy("The database stayed locked by another process.", hint="Is a second bot or a backup using it?")
    if primary == sqlite3.SQLITE_FULL or "is full" in text:
        return StoreFull("The database cannot grow: its disk is full.")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreError(
            "The database file cannot be opened.", hint="Check the folder in url of [store] and its rights."
        )
    return StoreError(f"The database said: {text}.")


def _by_sqlstate(code: str) -> StoreError:
    if code in _BUSY:
        return StoreBusy("The database stayed locked.")
    if code in _FULL:
        return StoreFull("The database cannot grow: its disk is full.")
    if code in _OUTRUN:
        return Outdated("Another transaction was first.")
    return StoreError(f"The database refused (SQLSTATE {code}).")
