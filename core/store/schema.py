"""Brings a database to the newest schema, in one transaction, by the scripts in ``migrations``."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from core.errors import StoreError, StoreMissing

MIGRATIONS = Path(__file__).with_name("migrations")


def settings(connection: Connection | None = None) -> Config:
    """Return Alembic's settings without a file; ``migrations/env.py`` finds the connection in them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def check(connection: Connection) -> None:
    """Check, without a change, that this database has exactly the newest schema.

    Raises:
        StoreError: it has another one.

    """
    known = ScriptDirectory.from_config(settings())
    current = MigrationContext.configure(connection).get_current_revision()
    if current == known.get_current_head():
        return
    if current is None:
        raise StoreMissing("The database is empty: no migrate-bot has worked on it yet.")
    if current in {step.revision for step in known.walk_revisions()}:
        raise StoreError(
            "The database has the schema of an older migrate-bot.",
            hint="Running this version once brings it up to date.",
        )
    raise _newer()


def upgrade(connection: Connection) -> None:
    """Carry out the steps that this database has not seen.

    Raises:
        StoreError: the database was written by a newer version of migrate-bot.

    """
    try:
        command.upgrade(settings(connection), "head")
    except CommandError:
        raise _newer() from None


def _newer() -> StoreError:
    return StoreError(
        "The database has a schema I do not know.", hint="It was written by a newer migrate-bot: update this one."
    )
