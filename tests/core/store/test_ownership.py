"""One process works on a database; whoever else comes is refused in one sentence, and may look."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import StoreError, StoreOwned
from core.store import SqlStore
from core.store.ownership import LockFile
from tests.support.store_examples import proposal

ROOT = Path(__file__).parents[3]
OWN = """
import asyncio, sys
from core.store import SqlStore
async def main():
    store = SqlStore(sys.argv[1])
    await store.open()
    print("open", flush=True)
    sys.stdin.readline()
asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "migrate-bot.db"


@pytest.fixture
def owner(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that works on the database."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWN, f"sqlite+aiosqlite:///{file}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.communicate()


def store_of(file: Path) -> SqlStore:
    return SqlStore(f"sqlite+aiosqlite:///{file}")


async def test_a_second_process_is_refused_with_one_sentence(file: Path, owner: subprocess.Popen[str]) -> None:
    """It names the first one's process id, and nothing was changed."""
    with pytest.raises(StoreOwned) as refused:
        await store_of(file).open()
    assert f"process {owner.pid} on " in refused.value.message
    assert "\n" not in refused.value.sentence()


async def test_the_lock_ends_with_its_process(file: Path, owner: subprocess.Popen[str]) -> None:
    """A bot that was killed keeps nobody out: the next start is not refused, though the file is still there."""
    owner.send_signal(signal.SIGKILL)
    owner.wait(60)
    store = store_of(file)
    assert LockFile(file).path.exists()
    await store.open()
    await store.close()


async def test_a_closed_database_is_free(file: Path) -> None:
    """Closing gives it up, also after an open that failed."""
    first, second = store_of(file), store_of(file)
    await first.open()
    with pytest.raises(StoreOwned):
        await second.open()
    await first.close()
    await second.open()
    await second.close()
    file.write_bytes(b"no database" * 100)  # noqa: ASYNC240 (a test waits for nobody)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a database"):
            await store_of(file).open()


async def test_who_looks_stands_beside_the_owner(file: Path, owner: subprocess.Popen[str]) -> None:
    """Looking needs no ownership, and can change nothing."""
    store = store_of(file)
    await store.open_to_look()
    assert await store.jobs() == ()
    with pytest.raises(StoreError, match="readonly"):
        await store.add_job(proposal("web01"))
    await store.close()
    assert owner.poll() is None


async def test_looking_creates_nothing(file: Path) -> None:
    """A wrong path is a sentence, not an empty database."""
    with pytest.raises(StoreError, match="There is no database"):
        await store_of(file).open_to_look()
    assert not LockFile(file).path.exists()
    assert not file.exists()  # noqa: ASYNC240


@pytest.mark.parametrize(("revision", "words"), [("0001", "older"), ("9999", "do not know")])
async def test_looking_leaves_another_versions_schema_alone(file: Path, revision: str, words: str) -> None:
    """A newer install that looks must not upgrade the database under the bot that runs."""
    store = store_of(file)
    await store.open()
    await store.close()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    with pytest.raises(StoreError, match=words):
        await store_of(file).open_to_look()
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(revision,)]
