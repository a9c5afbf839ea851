"""Says in our words what a database did not do, without any value of a row: only names and the database's own codes."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import MigrateBotError, Outdated, StoreBusy, StoreError, StoreFull, StoreUnreachable

_BUSY = frozenset({"55P03"})
_FULL = frozenset({"53100"})
_OUTRUN = frozenset({"40001", "40P01"})
# PostgreSQL, Appendix A: class 08 and 57P01..57P05 are connections that broke or were ended; "starting up" is 57P03.
_GONE = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "53300"})
_SPOKEN = {
    "28P01": re.compile("password authentication failed|no password supplied"),
    "28000": re.compile("role .* does not exist|no pg_hba.conf entry"),
    "3D000": re.compile("database .* does not exist"),
    "53300": re.compile("too many clients|remaining connection slots"),
}
_REFUSED = {
    "28P01": "it rejects the password",
    "28000": "it does not let this account in",
    "3D000": "it has no database of that name",
    "42501": "this account may not do that there",
    "25006": "it takes no changes: is it a standby?",
}
_CHECK_URL = "Check url in [store], and the password where it gets one."


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
        return _by_sqlstate(_sqlstate(cause), is_broken=error.connection_invalidated)
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


def _sqlstate(cause: BaseException | None) -> str:
    code = str(getattr(cause, "sqlstate", None) or "")
    if code:
        return code
    # Of a login that was refused libpq tells the server's words only (English, unless the server was told otherwise).
    return next((known for known, words in _SPOKEN.items() if words.search(str(cause))), "")


def _by_sqlstate(code: str, *, is_broken: bool) -> StoreError:
    if code in _BUSY:
        return StoreBusy("The database stayed locked.")
    if code in _FULL:
        return StoreFull("The database cannot grow: its disk is full.")
    if code in _OUTRUN:
        return Outdated("Another transaction was first.")
    if code in _REFUSED:
        return StoreError(f"The server of the database was reached, but {_REFUSED[code]}.", hint=_CHECK_URL)
    if is_broken or not code or code in _GONE or code.startswith("08"):
        known = f" (SQLSTATE {code})" if code else ""
        return StoreUnreachable(f"The server of the database cannot be reached, or broke off{known}.")
    return StoreError(f"The database refused (SQLSTATE {code}).")
