"""Brings a database to the newest schema, in one transaction, by the scripts in ``migrations``."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from core.errors import StoreError

MIGRATIONS = Path(__file__).with_name("migrations")


def settings(connection: Connection | None = None) -> Config:
    """Return Alembic's settings without a file; ``migrations/env.py`` finds the connection in them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Carry out the steps that this database has not seen.

    Raises:
        StoreError: the database was written by a newer version of migrate-bot.

    """
    try:
        command.upgrade(settings(connection), "head")
    except CommandError:
        raise StoreError(
            "The database has a schema I do not know.", hint="It was written by a newer migrate-bot: update this one."
        ) from None
