"""Looks whether a database is fit for the bot, without changing it, for ``migrate-bot check``."""

import os
from pathlib import Path

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import ArgumentError

from core.domain.model.inventory import CheckLine
from core.errors import StoreError, StoreMissing
from core.store.database import Database
from core.store.dialects import OLDEST_POSTGRESQL, POSTGRESQL

_SUBJECT = "database"
_WILL_COME = "nothing there yet; migrate-bot run makes it"
_FACTS = text(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS words,"
    " current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,"
    " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,"
    " pg_is_in_recovery() AS is_copy"
)


async def inspect(url: str, timeout_s: float = 5.0) -> CheckLine:
    """Look at the database of this URL."""
    try:
        is_server = make_url(url).drivername == POSTGRESQL
    except ArgumentError:
        is_server = False  # opening it says what is wrong with it
    database = Database(url, timeout_s=timeout_s)
    try:
        try:
            await database.open(is_to_look=True)
        except StoreMissing:
            return _missing_file(url) if not is_server else await _server(url, timeout_s, _WILL_COME)
        finally:
            await database.close()
        return await _server(url, timeout_s, "in order") if is_server else CheckLine(_SUBJECT, ok=True, text="in order")
    except StoreError as error:
        return CheckLine(_SUBJECT, ok=False, text=error.message, hint=error.hint)


def _missing_file(url: str) -> CheckLine:
    folder = Path(make_url(url).database or "").absolute().parent
    if os.access(folder, os.W_OK):
        return CheckLine(_SUBJECT, ok=True, text=_WILL_COME)
    return CheckLine(_SUBJECT, ok=False, text=f"nothing can be written in {folder}", hint="Check url in [store].")


async def _server(url: str, timeout_s: float, state: str) -> CheckLine:
    database = Database(url, timeout_s=timeout_s)
    try:
        await database.open(is_to_look=True, check=_nothing)
        trouble, words = await database.read(_trouble)
    finally:
        await database.close()
    return CheckLine(_SUBJECT, ok=not trouble, text=trouble or f"PostgreSQL {words}: {state}")


def _nothing(_: Connection) -> None:
    pass


def _trouble(connection: Connection) -> tuple[str, str]:
    facts = connection.execute(_FACTS).one()
    if facts.version < 10_000 * OLDEST_POSTGRESQL:
        return f"PostgreSQL {facts.words} is too old: it takes {OLDEST_POSTGRESQL} or newer", ""
    if facts.encoding != "UTF8":
        return f"its encoding is {facts.encoding}: create it with ENCODING 'UTF8'", ""
    if facts.is_copy:
        return "this server is a read-only copy: name the primary", ""
    if not facts.may_create:
        return "this account may not create tables there: GRANT CREATE ON SCHEMA public", ""
    if facts.fsync != "on":
        return "fsync is off on this server: a power cut loses what the bot was told is stored", ""
    return "", str(facts.words)
