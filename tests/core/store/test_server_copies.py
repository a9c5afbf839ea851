"""Copies of a database on a server: by its own tools, private, and put in its place without anything going astray."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from core.domain.model import event_data
from core.domain.model.events import event
from core.errors import StoreError, StoreMissing, StoreOwned
from core.store import SqlStore, put_in_place, save_copy
from tests.support.databases import change, postgresql_url, read
from tests.support.store_examples import proposal

NOW = datetime(2026, 11, 30, 10, 15, tzinfo=UTC)
SERVER = "postgresql+psycopg://migratebot:s3cr3t@db.contoso.com/migratebot?password=s3cr3t&sslmode=require"
PLAIN = "'postgresql://migratebot@db.contoso.com/migratebot?sslmode=require'"

needs_tools = pytest.mark.skipif(
    shutil.which("pg_restore") is None, reason="copies on PostgreSQL (pg_restore is not installed)"
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return postgresql_url(tmp_path / "copies")


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A database with J1, which nobody works on."""
    store = SqlStore(url)
    await store.open()
    asked = await store.add_job(proposal("web01"))
    await store.add_events(event(event_data.Rejected(reason=""), NOW, job=asked, actor="UBOB"))
    await store.close()
    yield store
    await store.close()


async def jobs_in(url: str) -> list[str]:
    store = SqlStore(url)
    await store.open_to_look()
    try:
        return [job.id for job in await store.jobs()]
    finally:
        await store.close()


async def one_more(store: SqlStore) -> None:
    await store.open()
    await store.add_job(proposal("web02"))
    await store.close()


@needs_tools
async def test_a_copy_is_made_while_a_bot_works_and_is_put_in_place_later(
    url: str, store: SqlStore, tmp_path: Path
) -> None:
    """Nobody else can read it; the tables of before are kept, the id is a new one, and notices may have been said."""
    copy = tmp_path / "copy"
    await store.open()
    before = await store.identity()
    save_copy(url, copy)
    await store.close()
    assert copy.stat().st_mode & 0o777 == 0o600
    await one_more(store)
    kept = await put_in_place(url, copy, now=NOW)
    assert kept == "schema migrate_bot_before_20261130t101500z of the database"
    assert await jobs_in(url) == ["J1"]
    [[held]] = read(url, "SELECT count(*) FROM migrate_bot_before_20261130t101500z.jobs")
    assert held == 2
    await store.open()
    assert await store.identity() != before
    assert [notice.maybe_said for notice in await store.claim_notices(10, NOW)] == [True]
    assert (await store.add_job(proposal("web03"))).id == "J2"
    change(url, "DROP SCHEMA migrate_bot_before_20261130t101500z CASCADE")


@needs_tools
async def test_the_password_is_no_argument(
    url: str, store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every user of a machine reads the arguments of programs; the environment is their owner's."""
    log = tmp_path / "called"
    for name in ("pg_dump", "pg_restore"):
        real = shutil.which(name)
        stand_in = tmp_path / name
        stand_in.write_text(f'#!/bin/sh\necho "{name} $PGPASSWORD" "$@" >> {log}\nexec {real} "$@"\n')
        stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with_password = make_url(url).set(password="s3cr3t").render_as_string(hide_password=False)
    save_copy(with_password, tmp_path / "copy")
    await put_in_place(with_password, tmp_path / "copy", now=NOW)
    called = [line.split() for line in log.read_text().splitlines()]
    assert [words[:2] for words in called] == [
        ["pg_dump", "s3cr3t"],
        ["pg_restore", "s3cr3t"],
        ["pg_restore", "s3cr3t"],
    ]
    assert not [word for words in called for word in words[2:] if "s3cr3t" in word]
    change(url, "DROP SCHEMA migrate_bot_before_20261130t101500z CASCADE")


@needs_tools
async def test_nothing_is_put_in_place_under_a_bot_that_works(url: str, store: SqlStore, tmp_path: Path) -> None:
    """It is refused with who works, and nothing changed."""
    save_copy(url, tmp_path / "copy")
    await one_more(store)
    await store.open()
    with pytest.raises(StoreOwned, match="Another migrate-bot works on this database: migrate-bot process"):
        await put_in_place(url, tmp_path / "copy", now=NOW)
    assert await jobs_in(url) == ["J2", "J1"]


def newer(url: str, copy: Path) -> None:
    change(url, "UPDATE alembic_version SET version_num = '9999'")
    save_copy(url, copy)
    change(url, "UPDATE alembic_version SET version_num = (SELECT version_num FROM kept)")


def text_file(_: str, copy: Path) -> None:
    copy.write_text("SELECT 1;\n")


def broken(url: str, copy: Path) -> None:
    save_copy(url, copy)
    copy.write_bytes(copy.read_bytes()[:-200])


def missing(_: str, __: Path) -> None:
    pass


def of_another_schema(url: str, copy: Path) -> None:
    other = postgresql_url(copy.with_name("other"))
    for table in ("jobs", "alembic_version"):
        change(other, f"CREATE TABLE {table} (id int)")
    save_copy(other, copy)


@needs_tools
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (newer, "written by a newer migrate-bot"),
        (text_file, "pg_restore failed: "),
        (broken, "pg_restore failed: "),
        (missing, "There is no file"),
        (of_another_schema, "and url in [store] leads to t_"),
    ],
)
async def test_what_cannot_be_put_in_place_changes_nothing(
    make: Callable[[str, Path], None], says: str, url: str, store: SqlStore, tmp_path: Path
) -> None:
    """It is refused in a sentence, also when it is found out after the tables of before were put aside."""
    change(url, "CREATE TABLE kept AS SELECT * FROM alembic_version")
    make(url, tmp_path / "copy")
    await one_more(store)
    with pytest.raises(StoreError) as refused:
        await put_in_place(url, tmp_path / "copy", now=NOW)
    assert says in refused.value.sentence()
    assert await jobs_in(url) == ["J2", "J1"]
    assert read(url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'migrate_bot_before_%'") == []
    await one_more(store)


@needs_tools
async def test_a_database_that_is_gone_is_put_back(url: str, store: SqlStore, tmp_path: Path) -> None:
    """The day a copy is for: nothing of ours is there; and what is empty cannot be copied."""
    save_copy(url, tmp_path / "copy")
    change(url, f"DROP SCHEMA {schema(url)} CASCADE")
    change(url, f"CREATE SCHEMA {schema(url)}")
    with pytest.raises(StoreMissing, match="no migrate-bot has worked on it"):
        save_copy(url, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert await put_in_place(url, tmp_path / "copy", now=NOW) == ""
    assert await jobs_in(url) == ["J1"]


def schema(url: str) -> str:
    return str(make_url(url).query["options"]).partition("=")[2]


async def test_without_the_tools_it_is_said_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command for whoever has them, without the password; nothing is asked of the server."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="its tool pg_dump is not installed here") as saving:
        save_copy(SERVER, tmp_path / "copy")
    with pytest.raises(StoreError, match="its tool pg_restore is not installed here") as restoring:
        await put_in_place(SERVER, tmp_path / "copy", now=NOW)
    assert f"pg_dump --format=custom --no-owner --file={tmp_path}/copy {PLAIN}" in saving.value.hint
    assert f"--dbname={PLAIN} {tmp_path}/copy && migrate-bot restored" in restoring.value.hint
    assert names(tmp_path) == []


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
