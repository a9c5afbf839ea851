"""What survives the death of the process, and what two processes on one file do to each other."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.model.job import JobId
from core.store import SqlStore
from tests.support.store_examples import begun, running

ROOT = Path(__file__).parents[3]
PRELUDE = """
import asyncio, os, signal, sys
from core.errors import Outdated
from core.store import SqlStore, events, jobs
from core.store.ownership import Unguarded
from tests.support.store_examples import begun, card, proposal
store = SqlStore(sys.argv[1], ownership=Unguarded())
"""
DIE_AFTER_COMMIT = """
async def main():
    await store.open()
    await store.add_job(proposal("web01"), card())
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
DIE_BEFORE_COMMIT = """
def half(connection):
    jobs.add(connection, proposal("web02"), [card()])
    os.kill(os.getpid(), signal.SIGKILL)
async def main():
    await store.open()
    await store._database.write(half)
asyncio.run(main())
"""
RACE = """
async def main():
    await store.open()
    moves = await store.moves()
    print("ready", flush=True)
    sys.stdin.readline()
    for move in moves:
        try:
            await begun(store, move, limit=1)
        except Outdated:
            print("refused", flush=True)
        else:
            print("started", flush=True)
    await store.close()
asyncio.run(main())
"""
OPEN = """
async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    await store.open()
    print((await store.add_job(proposal("web01"))).id, flush=True)
    await store.close()
asyncio.run(main())
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a database that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'migrate-bot.db'}"


def start(script: str, url: str) -> subprocess.Popen[str]:
    """Start a process of its own, in a folder that is not the source's."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(url.removeprefix("sqlite+aiosqlite:///")).parent,
        env={"PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def pair(request: pytest.FixtureRequest, url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Return two processes of one script; they are gone at the end."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def race(pair: list[subprocess.Popen[str]], script: str, url: str) -> list[list[str]]:
    """Let two processes get ready, go at once, and say what they printed."""
    pair += [start(script, url), start(script, url)]
    for process in pair:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].split() for process in pair]


async def test_a_commit_survives_kill_9(url: str) -> None:
    """What a method returned from is on the disk: job, event and notice."""
    with start(DIE_AFTER_COMMIT, url) as process:
        assert process.wait(60) == -signal.SIGKILL
    store = SqlStore(url)
    await store.open()
    job = await store.job(JobId("J1"))
    assert [move.vm_name for move in job.plan.moves] == ["web01"]
    assert len(await store.events(job.id)) == 1
    await store.close()


async def test_half_a_transaction_does_not_survive(url: str) -> None:
    """What was not committed when the process was killed leaves no trace, and the next job gets its number."""
    for script in (DIE_AFTER_COMMIT, DIE_BEFORE_COMMIT):
        with start(script, url) as process:
            assert process.wait(60) == -signal.SIGKILL
    store = SqlStore(url)
    await store.open()
    assert [job.id for job in await store.jobs()] == ["J1"]
    job, _ = await running(store, "web03")
    assert job.id == "J2"
    await store.close()


async def test_two_processes_cannot_both_take_the_last_slot(url: str, pair: list[subprocess.Popen[str]]) -> None:
    """Even of two bots whose lock is gone one gets the slot; nobody sees a locked database."""
    store = SqlStore(url)
    await store.open()
    await running(store, *(f"vm{n}" for n in range(10)))
    said = await asyncio.to_thread(race, pair, RACE, url)
    assert sorted(said[0] + said[1]) == ["refused"] * 19 + ["started"]
    assert len(await store.attempts(open_only=True)) == 1
    with pytest.raises(Exception, match="runs 1 of 1"):
        await begun(store, (await store.moves())[9], limit=1)
    await store.close()


def test_two_processes_may_create_the_database_at_once(url: str, pair: list[subprocess.Popen[str]]) -> None:
    """The schema is made once, and both go on with it."""
    said = race(pair, OPEN, url)
    assert sorted(said) == [["J1"], ["J2"]]
