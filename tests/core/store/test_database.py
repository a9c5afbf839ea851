"""How transactions end: by commit or not at all, also when their caller is cancelled; and that nothing stays open."""

import asyncio
import gc
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from core.domain.model.job import JobId
from core.errors import StoreBusy, StoreError, StoreFull, UnreadableRow
from core.store import SqlStore, dialects, rows, switches
from tests.support.store_examples import NOW, card, proposal, running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "migrate-bot.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlStore]:
    """Return an open store with next to no patience."""
    store = SqlStore(f"sqlite+aiosqlite:///{file}", timeout_s=0.05)
    await store.open()
    yield store
    await store.close()


def pragma(connection: Connection, setting: str) -> object:
    """Ask or tell SQLite a setting."""
    return connection.exec_driver_sql(f"PRAGMA {setting}").scalar()


def assert_ended(threads: set[threading.Thread]) -> None:
    """Every connection has a thread; a closed one's ends."""
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


async def test_a_commit_waits_for_the_disk(store: SqlStore) -> None:
    """The writer keeps a write-ahead log, waits for every commit to be on the disk, and checks references."""
    assert await store._database.write(pragma, "journal_mode") == "wal"
    assert await store._database.write(pragma, "synchronous") == 2  # FULL
    assert await store._database.write(pragma, "foreign_keys") == 1


async def test_a_writer_holds_the_lock_from_its_beginning(store: SqlStore, file: Path) -> None:
    """BEGIN IMMEDIATE: nobody else can write between what a transaction reads and what it writes."""

    def contest(_: Connection) -> str:
        other = sqlite3.connect(file, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return str(error)
        finally:
            other.close()
        return "not locked"

    assert await store._database.write(contest) == "database is locked"


async def test_a_reader_cannot_write(store: SqlStore) -> None:
    """A change outside a writing transaction is refused by the database."""
    with pytest.raises(StoreError):
        await store._database.read(switches.write, "stop", "U1", ())


async def test_a_caller_cancelled_in_the_middle_learns_it_after_the_commit(store: SqlStore) -> None:
    """A transaction that has begun is carried to its end; the connection is whole afterwards."""

    def cancelled_meanwhile(connection: Connection) -> None:
        caller.cancel()
        switches.write(connection, "stop", "U1", ())

    caller = asyncio.create_task(store._database.write(cancelled_meanwhile))
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await store.switch("stop") == "U1"
    await store.set_switch("stop", "U2")


async def test_a_caller_cancelled_before_its_turn_writes_nothing(store: SqlStore) -> None:
    """What waits behind another writer can still be called off."""
    first = asyncio.create_task(store.set_switch("first", "yes"))
    second = asyncio.create_task(store.set_switch("second", "yes"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await first
    assert (await store.switch("first"), await store.switch("second")) == ("yes", "")
    await store.set_switch("third", "yes")  # the turn it waited for is not lost


async def test_cancelling_at_any_step_leaves_all_or_nothing(store: SqlStore) -> None:
    """Wherever the cancel falls, job, event and notice are there together or not at all, and the next write works."""
    for steps in range(40):
        task = asyncio.create_task(store.add_job(proposal(), card()))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.add_job(proposal(), card())
    jobs = await store.jobs()
    assert len(jobs) > 1
    assert all([len(await store.events(job.id)) == 1 for job in jobs])
    assert {n.job.id for n in await store.claim_notices(100, NOW)} == {job.id for job in jobs}


async def test_a_cancelled_reader_gives_its_connection_back(store: SqlStore) -> None:
    """More cancelled readers than there are connections do not keep the next one waiting."""
    readers: list[asyncio.Task[str]] = []

    def cancelled_meanwhile(connection: Connection) -> str:
        readers[-1].cancel()
        return switches.read(connection, "stop")

    for _ in range(10):
        readers.append(asyncio.create_task(store._database.read(cancelled_meanwhile)))
        with pytest.raises(asyncio.CancelledError):
            await readers[-1]
    assert await store.switch("stop") == ""


async def test_closing_waits_for_what_is_under_way(store: SqlStore, file: Path) -> None:
    """A write begun before close is carried out; one after it is refused."""
    write = asyncio.create_task(store.set_switch("stop", "U1"))
    await asyncio.sleep(0)
    await store.close()
    await write
    with pytest.raises(StoreError, match="not open"):
        await store.set_switch("stop", "U2")
    await store.open()
    assert await store.switch("stop") == "U1"


async def test_nothing_is_left_open(file: Path) -> None:
    """After close no thread runs, no connection waits to be collected, and the log is folded into the one file."""
    before = set(threading.enumerate())
    store = SqlStore(f"sqlite+aiosqlite:///{file}")
    await store.open()
    await asyncio.gather(*(store.switch("stop") for _ in range(20)), store.set_switch("stop", "U1"))
    await store.close()
    await store.close()
    assert_ended(set(threading.enumerate()) - before)
    del store
    gc.collect()  # a connection that was not closed would warn here, and warnings are errors
    assert {path.name for path in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}


async def test_a_database_locked_by_another_process_is_busy(store: SqlStore, file: Path) -> None:
    """After its patience the store says StoreBusy; when the lock is gone it works again."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await store.set_switch("stop", "U1")
    assert await store.switch("stop") == ""
    other.execute("ROLLBACK")
    other.close()
    await store.set_switch("stop", "U1")


async def test_creating_the_database_beside_another_process_waits(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses to start the log while somebody else does; the store looks again instead of giving up."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE other (id)")
    other.execute("BEGIN EXCLUSIVE")
    refused = []

    async def then_the_other_is_done(seconds: float) -> None:
        refused.append(seconds)
        other.execute("COMMIT")
        other.close()

    monkeypatch.setattr(dialects, "sleep", then_the_other_is_done)
    store = SqlStore(f"sqlite+aiosqlite:///{file}", timeout_s=0.01)
    await store.open()
    assert len(refused) == 1
    await store.close()


async def test_a_full_disk_is_said_and_leaves_no_half(store: SqlStore) -> None:
    """StoreFull, nothing of the change is there, and with room again everything works."""
    _, (move,) = await running(store, "web01")
    pages = await store._database.write(pragma, "page_count")
    await store._database.write(pragma, f"max_page_count={pages}")
    with pytest.raises(StoreFull) as full:
        await store.add_job(proposal(*(f"vm{n}" for n in range(500))), card())
    assert full.value.hint
    assert await store.move(move.id) == move
    await store._database.write(pragma, "max_page_count=100000")
    assert (await store.add_job(proposal(), card())).id == "J2"
    assert len(await store.claim_notices(10, NOW)) == 1


async def test_the_database_itself_refuses_a_second_open_attempt(store: SqlStore) -> None:
    """Promise 2 does not hang on our code alone: a unique index allows one open attempt per VM."""
    _, (move,) = await running(store, "web01")
    row = (
        "INSERT INTO attempts (move_id, vm_id, source, destination, number, started_at, host_words)"
        " VALUES (:move, 'f', 'a', 'b', :number, '2026-01-01 00:00:00.000000', '')"
    )
    await store._database.write(lambda c: c.execute(text(row), {"move": move.id, "number": 1}))
    with pytest.raises(StoreError, match="UNIQUE"):
        await store._database.write(lambda c: c.execute(text(row), {"move": move.id, "number": 2}))
    await store._database.write(
        lambda c: c.execute(text("UPDATE attempts SET ended_at = '2026-01-01 00:00:01.000000'"))
    )
    await store._database.write(lambda c: c.execute(text(row), {"move": move.id, "number": 2}))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite:///file.db",
        "nonsense",
        "oracle+nodriver://scott:tiger@host/db",
        "sqlite+aiosqlite:////no/such/folder/migrate-bot.db",
    ],
)
async def test_a_url_that_cannot_be_used_is_one_sentence(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong url is an error of the store with a hint, and never repeats a password."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as refused:
        await SqlStore(url).open()
    assert refused.value.hint
    assert "tiger" not in refused.value.sentence()


async def test_a_file_that_is_no_database_is_an_error_of_the_store(file: Path) -> None:
    """Somebody else's file is left as it is."""
    before = set(threading.enumerate())
    sentence = "hello" * 1000
    file.write_text(sentence)  # noqa: ASYNC240 (a test may wait)
    with pytest.raises(StoreError):
        await SqlStore(f"sqlite+aiosqlite:///{file}").open()
    assert file.read_text() == sentence  # noqa: ASYNC240
    assert_ended(set(threading.enumerate()) - before)


async def test_an_error_says_nothing_of_what_is_stored(store: SqlStore) -> None:
    """Neither a refused value nor one that cannot be read is in the error's text."""
    await store.add_job(proposal())

    def spoil(connection: Connection, sql: str) -> None:
        connection.execute(text(sql), {"value": "ÜBERNAHME"})

    with pytest.raises(StoreError) as refused:
        await store._database.write(spoil, "INSERT INTO switches (name) VALUES (:value)")
    await store._database.write(spoil, "UPDATE jobs SET state = :value")
    assert await store.jobs() == ()
    with pytest.raises(UnreadableRow, match="Row J1 of jobs cannot be read: its state is unknown") as unreadable:
        await store.job(JobId("J1"))
    assert "ÜBERNAHME" not in refused.value.sentence() + str(refused.value.__cause__)
    assert "ÜBERNAHME" not in unreadable.value.sentence()


@pytest.mark.skipif(os.name != "posix", reason="rights of files as POSIX has them")
async def test_the_database_is_nobody_else_s(tmp_path: Path) -> None:
    """The file and its logs can be read by their owner alone, an older file too, whatever the usual rights are."""
    path = tmp_path / "bot.db"
    path.touch(mode=0o644)
    path.chmod(0o644)
    before = os.umask(0o022)
    try:
        store = SqlStore(f"sqlite+aiosqlite:///{path}")
        await store.open()
        await store.add_job(proposal())
        rights = _rights(tmp_path)
        await store.close()
    finally:
        os.umask(before)
    rights.pop("bot.db.lock", None)
    assert len(rights) == 3
    assert set(rights.values()) == {0}


def _rights(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o077 for file in folder.glob("bot.db*")}


def test_a_driver_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL in the settings, and the extra not installed: the answer is the command, not a library's name."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError) as missing:
        dialects.connect("postgresql+psycopg://bot@db.contoso.com/bot", 1.0)
    assert missing.value.sentence().endswith('Install it: pip install "migrate-bot[postgresql]"')


async def test_others_get_a_turn_while_thousands_of_rows_are_gone_through(store: SqlStore) -> None:
    """A transaction runs on the loop that answers people: the history of a large job took a tenth of a second."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def go_through(_: Connection) -> int:
        before = turns
        assert len(list(rows.in_turns(range(5 * rows.AT_ONCE)))) == 5 * rows.AT_ONCE
        return turns - before

    task = asyncio.create_task(others())
    assert await store._database.read(go_through) >= 4
    task.cancel()
