"""On PostgreSQL the right to write goes with one connection: who loses it writes no more, whoever comes is told."""

import asyncio
import os
from pathlib import Path

import pytest

from core.errors import StoreError, StoreLeased, StoreLost, StoreMissing, StoreUnreachable
from core.store import SqlStore, dialects, inspect
from core.store.database import Database
from tests.support.databases import own_database, postgresql_url, read
from tests.support.eventually import eventually
from tests.support.store_examples import proposal
from tests.takeover.network import stretch

_HOLDERS = "SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objid = hashtext('{}')::oid"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return postgresql_url(tmp_path)


def holders(url: str) -> list[int]:
    """Return the server's processes that hold the lock of this database."""
    ((schema,),) = read(url, "SELECT current_schema()")
    return [pid for (pid,) in read(url, _HOLDERS.format(schema))]


def throw_out(url: str) -> None:
    """End the session that holds the lock, as an administrator or a restart does."""
    (pid,) = holders(url)
    read(url, f"SELECT pg_terminate_backend({pid})")


async def test_whoever_comes_second_is_told_who_works_there(url: str) -> None:
    """One sentence with process and machine; nothing was changed, and afterwards it is free."""
    first, second = SqlStore(url), SqlStore(url)
    await first.open()
    with pytest.raises(StoreLeased) as refused:
        await second.open()
    assert f"migrate-bot process {os.getpid()} on " in refused.value.message
    await first.close()
    await second.open()
    await second.close()


async def test_bots_with_schemas_of_their_own_share_a_database(tmp_path: Path) -> None:
    """The lock is of the schema, not of the whole database."""
    first, second = SqlStore(postgresql_url(tmp_path / "one")), SqlStore(postgresql_url(tmp_path / "two"))
    await first.open()
    await second.open()
    await first.close()
    await second.close()


async def test_who_lost_the_connection_never_writes_again(url: str) -> None:
    """Not even when the lock is free again: somebody may have had it in between."""
    first = SqlStore(url)
    await first.open()
    await first.add_job(proposal("web01"))
    throw_out(url)
    with pytest.raises(StoreUnreachable):
        await first.add_job(proposal("web02"))
    await eventually(lambda: not holders(url) or None)
    for _ in range(2):
        with pytest.raises(StoreLost):
            await first.add_job(proposal("web03"))
    with pytest.raises(StoreLost):
        await first.keep_ownership()
    second = SqlStore(url)
    await second.open()
    assert len(await second.jobs()) == 1
    await first.close()
    await second.close()


async def test_a_session_that_keeps_silent_is_ended_by_the_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs gives no proof of life: the server takes the lock from it, by its own clock."""
    monkeypatch.setitem(dialects._WRITING_SESSION, "idle_session_timeout", 200)
    store = SqlStore(url)
    await store.open()
    await eventually(lambda: not holders(url) or None)
    with pytest.raises(StoreLost):
        await store.keep_ownership()
    await store.close()


async def test_readers_do_not_notice_that_the_server_was_restarted(url: str) -> None:
    """Finding 17: a reader's connection that broke is replaced before it is used."""
    database = Database(url, timeout_s=5)
    await database.open()
    ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% {} on %'"
    store = SqlStore(url)
    store._database = database
    assert await store.jobs() == ()
    read(url, ours.format(os.getpid()))
    assert await store.jobs() == ()
    await database.close()


async def test_a_dead_line_is_given_up_and_cut(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes back and nobody says why: the right to write is lost, and closing does not wait for ever."""
    monkeypatch.setattr("core.store.store.PROOF_WITHIN_S", 0.3)
    async with stretch(url) as (network, through):
        store = SqlStore(through)
        await store.open()
        await store.keep_ownership()
        network.is_open.clear()
        stuck = asyncio.create_task(store.add_job(proposal("web01")))
        with pytest.raises(StoreLost):
            await store.keep_ownership()
        with pytest.raises(StoreError):
            await stuck
        async with asyncio.timeout(10):
            await store.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"database": "no_such_database"}, "it has no database of that name"),
        ({"username": "nobody_we_know"}, "it does not let this account in"),
        ({"port": 1}, "cannot be reached"),
        ({"drivername": "postgresql+asyncpg"}, "names no database I can use"),
        ({"drivername": "postgresql"}, "names no database I can use"),
    ],
)
async def test_a_wrong_address_is_one_sentence(url: str, change: dict[str, str], words: str) -> None:
    """It says what is wrong and shows nothing of the URL: it may hold a password."""
    server = own_database()
    assert server is not None
    wrong = server.set(password="swordfish", **change).render_as_string(hide_password=False)  # type: ignore[arg-type]
    with pytest.raises(StoreError) as error:
        await SqlStore(wrong).open()
    assert words in error.value.sentence()
    assert "swordfish" not in error.value.sentence()


async def test_check_looks_and_changes_nothing(url: str) -> None:
    """An empty database is no fault; nothing is made by looking."""
    line = await inspect(url)
    assert line.ok
    assert "nothing there yet" in line.text
    with pytest.raises(StoreMissing):
        await SqlStore(url).open_to_look()
    assert read(url, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()") == []
    store = SqlStore(url)
    await store.open()
    line = await inspect(url)
    assert (line.ok, "in order" in line.text) == (True, True)
    await store.close()


async def test_who_looks_can_change_nothing(url: str) -> None:
    """Beside the one that works there."""
    owner, looker = SqlStore(url), SqlStore(url)
    await owner.open()
    await looker.open_to_look()
    assert await looker.jobs() == ()
    with pytest.raises(StoreError):
        await looker.add_job(proposal("web01"))
    await looker.close()
    assert len(holders(url)) == 1
    await owner.close()
