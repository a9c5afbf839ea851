"""The migrations lead from nothing to exactly the tables the code uses."""

import re
import sqlite3
from pathlib import Path
from typing import cast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Dialect, create_engine
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from core.errors import StoreError
from core.store import SqlStore, schema
from core.store.tables import metadata


def migrated(file: Path) -> dict[str, str]:
    """Return what SQLite says of every table and index after the migrations."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        schema.upgrade(connection)
    engine.dispose()
    return described(file)


def described(file: Path) -> dict[str, str]:
    """Return the definitions of a database, without their line breaks."""
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: re.sub(r"\s+", " ", sql) for name, sql in rows if name != "alembic_version"}


def test_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    """A database made by the migrations is the same, to the letter, as one made from the tables."""
    engine = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert migrated(tmp_path / "migrated.db") == described(tmp_path / "direct.db")


def test_alembic_finds_nothing_left_to_do(tmp_path: Path) -> None:
    """A change of a table without a migration would show here."""
    engine = create_engine(f"sqlite:///{tmp_path / 'migrate-bot.db'}")

    def differences(connection: Connection) -> list[object]:
        schema.upgrade(connection)
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    with engine.begin() as connection:
        assert differences(connection) == []
    engine.dispose()


@pytest.mark.parametrize(
    "dialect", [cast("type[Dialect]", PGDialect)(), SQLiteDialect()], ids=lambda dialect: dialect.name
)
def test_the_tables_can_be_made_elsewhere(dialect: Dialect) -> None:
    """No table needs one database: the open attempt of a VM is unique on each."""
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables]
    made += [
        str(CreateIndex(index).compile(dialect=dialect)) for table in metadata.sorted_tables for index in table.indexes
    ]
    assert any("UNIQUE INDEX ix_attempts_open" in sql and "WHERE ended_at IS NULL" in sql for sql in made)


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    """A database of today's schema is opened as it is, twice in a row too."""
    file = tmp_path / "migrate-bot.db"
    before = migrated(file)
    store = SqlStore(f"sqlite+aiosqlite:///{file}")
    await store.open()
    await store.open()
    await store.close()
    assert described(file) == before


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """An old bot does not touch what it does not understand; it says so."""
    file = tmp_path / "migrate-bot.db"
    migrated(file)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="schema") as refused:
        await SqlStore(f"sqlite+aiosqlite:///{file}").open()
    assert "newer" in refused.value.hint


async def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are one transaction: the next start finds the database as it was."""
    file = tmp_path / "migrate-bot.db"

    def interrupted(connection: Connection) -> None:
        real(connection)
        raise OSError("power cut")

    real = schema.upgrade
    monkeypatch.setattr(schema, "upgrade", interrupted)
    with pytest.raises(StoreError):
        await SqlStore(f"sqlite+aiosqlite:///{file}").open()
    assert described(file) == {}
