"""Copies of the database: whole while a bot writes, private, and put in its place without anything going astray."""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import StoreError, StoreOwned
from core.store import SqlStore, put_in_place, save_copy
from tests.support.store_examples import proposal

NOW = datetime(2026, 11, 30, 10, 15, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "migrate-bot.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore(url_of(file))
    await store.open()
    await store.add_job(proposal("web01"))
    yield store
    await store.close()


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def names(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def rights(file: Path) -> int:
    return file.stat().st_mode & 0o777


async def jobs_in(file: Path) -> list[str]:
    store = SqlStore(url_of(file))
    await store.open_to_look()
    try:
        return [job.id for job in await store.jobs()]
    finally:
        await store.close()


async def test_a_copy_is_whole_while_the_bot_writes(file: Path, store: SqlStore, tmp_path: Path) -> None:
    """What the log of the database holds is in it; one file, and nobody else's to read."""
    copy = tmp_path / "copy.db"
    assert file.with_name("migrate-bot.db-wal").stat().st_size
    save_copy(url_of(file), copy)
    await store.add_job(proposal("web02"))
    assert rights(copy) == 0o600
    assert names(tmp_path, "copy*") == ["copy.db"]
    with closing(sqlite3.connect(copy)) as read:
        assert read.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        assert read.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.usefixtures("store")
async def test_a_copy_overwrites_nothing(file: Path, tmp_path: Path) -> None:
    """A file that is there stays, and a folder that is not there is said."""
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(StoreError, match="is there already and stays as it is"):
        save_copy(url_of(file), there)
    assert there.read_text() == "mine"
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        save_copy(url_of(file), tmp_path / "none" / "copy.db")


async def test_nothing_is_made_by_copying_what_is_not_there(tmp_path: Path) -> None:
    """A typo in the folder gives a sentence and no empty database."""
    with pytest.raises(StoreError, match="There is no database"):
        save_copy(url_of(tmp_path / "none.db"), tmp_path / "copy.db")
    assert names(tmp_path) == []


async def test_a_copy_in_place_is_another_database_and_the_one_before_is_kept(
    file: Path, store: SqlStore, tmp_path: Path
) -> None:
    """It has a new id, what was not said may have been said, and the one before is whole under its own name."""
    copy, own = tmp_path / "copy.db", await store.identity()
    save_copy(url_of(file), copy)
    await store.add_job(proposal("web02"))
    await store.close()
    kept = await put_in_place(url_of(file), copy, now=NOW)
    assert kept == str(tmp_path / "migrate-bot.db.before-20261130T101500Z")
    assert await jobs_in(Path(kept)) == ["J2", "J1"]
    assert await jobs_in(file) == ["J1"]
    assert rights(file) == 0o600
    assert not names(tmp_path, "*.part*")
    after = SqlStore(url_of(file))
    await after.open()
    assert await after.identity() not in {"", own}
    assert (await after.add_job(proposal("web03"))).id == "J2"
    await after.close()


async def test_what_only_the_log_of_the_one_before_holds_is_kept_too(
    file: Path, store: SqlStore, tmp_path: Path
) -> None:
    """A bot that was killed leaves its last changes in the log: they go with the kept one and not into the new one."""
    copy = tmp_path / "copy.db"
    save_copy(url_of(file), copy)
    await store.add_job(proposal("web02"))
    dead = tmp_path / "dead"
    dead.mkdir()
    for name in ("migrate-bot.db", "migrate-bot.db-wal"):
        (dead / name).write_bytes((tmp_path / name).read_bytes())
    kept = await put_in_place(url_of(dead / "migrate-bot.db"), copy, now=NOW)
    assert kept
    assert await jobs_in(Path(kept)) == ["J2", "J1"]
    assert await jobs_in(dead / "migrate-bot.db") == ["J1"]


async def test_a_damaged_database_is_replaced_and_kept_as_it_is(file: Path, store: SqlStore, tmp_path: Path) -> None:
    """The day a copy is for: nothing of the old one has to be readable."""
    copy = tmp_path / "copy.db"
    save_copy(url_of(file), copy)
    await store.close()
    damage(file)
    kept = await put_in_place(url_of(file), copy, now=NOW)
    assert kept
    assert content(Path(kept)) == b"\xff" * 8192
    assert await jobs_in(file) == ["J1"]


async def test_a_log_without_its_database_is_not_read_into_the_new_one(
    file: Path, store: SqlStore, tmp_path: Path
) -> None:
    """Somebody removed the file alone: SQLite would write the old log's pages over the new file."""
    copy, dead = tmp_path / "copy.db", tmp_path / "dead"
    save_copy(url_of(file), copy)
    await store.add_job(proposal("web02"))
    dead.mkdir()
    (dead / "migrate-bot.db-wal").write_bytes(content(file.with_name("migrate-bot.db-wal")))
    assert await put_in_place(url_of(dead / "migrate-bot.db"), copy, now=NOW) == ""
    assert names(dead, "*-wal") == ["migrate-bot.db.before-20261130T101500Z-wal"]
    assert await jobs_in(dead / "migrate-bot.db") == ["J1"]


def damage(path: Path) -> None:
    path.write_bytes(b"\xff" * 8192)


@pytest.mark.usefixtures("store")
async def test_nothing_is_put_in_place_under_a_bot_that_works(file: Path, tmp_path: Path) -> None:
    """It is refused with who works, and nothing changed."""
    save_copy(url_of(file), tmp_path / "copy.db")
    with pytest.raises(StoreOwned, match="Another migrate-bot"):
        await put_in_place(url_of(file), tmp_path / "copy.db", now=NOW)
    assert not names(tmp_path, "*before*")


def as_text(copy: Path, file: Path) -> None:
    copy.write_bytes(file.read_bytes().hex().encode())


def foreign(copy: Path, _: Path) -> None:
    with closing(sqlite3.connect(copy)) as other:
        other.execute("CREATE TABLE jobs (id)")


def newer(copy: Path, file: Path) -> None:
    save_copy(url_of(file), copy)
    with closing(sqlite3.connect(copy)) as later:
        later.execute("UPDATE alembic_version SET version_num = '9999'")
        later.commit()


def damaged(copy: Path, file: Path) -> None:
    save_copy(url_of(file), copy)
    content = copy.read_bytes()
    copy.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))


def itself(copy: Path, file: Path) -> None:
    os.link(file, copy)


def missing(copy: Path, file: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (as_text, "cannot be read as a database"),
        (foreign, "is no database of migrate-bot"),
        (newer, "written by a newer migrate-bot"),
        (damaged, "copy.db"),
        (itself, "is the database itself"),
        (missing, "There is no file"),
    ],
)
async def test_only_a_whole_copy_of_ours_is_put_in_place(
    make: Callable[[Path, Path], None], says: str, file: Path, store: SqlStore, tmp_path: Path
) -> None:
    """Anything else is refused in a sentence, and the database stays to the byte."""
    await store.close()
    make(tmp_path / "copy.db", file)
    before = content(file)
    with pytest.raises(StoreError) as refused:
        await put_in_place(url_of(file), tmp_path / "copy.db", now=NOW)
    assert says in refused.value.sentence()
    assert content(file) == before
    assert not names(tmp_path, "*before*") + names(tmp_path, "*.part*")


def content(file: Path) -> bytes:
    return file.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_what_root_makes_belongs_to_the_bots_user(tmp_path: Path) -> None:
    """After an act of root's in the folder of a bot that runs as somebody else, that bot still opens all of it."""
    file, copy = tmp_path / "bot" / "migrate-bot.db", tmp_path / "copy.db"
    file.parent.mkdir()
    first = SqlStore(url_of(file))
    await first.open()
    await first.close()
    save_copy(url_of(file), copy)
    for path in (file.parent, file):
        os.chown(path, 4711, 4712)
    for end in (".lock", "-wal", "-shm"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
    save_copy(url_of(file), tmp_path / "another.db")
    assert owners(file.parent) == {(4711, 4712)}
    await put_in_place(url_of(file), copy, now=NOW)
    assert owners(file.parent) == {(4711, 4712)}


def owners(folder: Path) -> set[tuple[int, int]]:
    return {(path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()}
