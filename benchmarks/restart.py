"""Measures how soon a restarted process has taken up what runs, and how much memory a large queue takes."""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.play import Silence
from benchmarks.report import Section, Size, Table, percentile
from benchmarks.situations import queued_move
from benchmarks.still import StillHosts, SystemTime, planned
from bot.interpreter_tuning import tune_interpreter
from core.config import Settings
from core.domain.model import event_data
from core.domain.model.event_data import EventKind
from core.domain.model.events import event
from core.domain.model.job import Job, JobId, JobState, transit_job
from core.domain.model.move import MoveState, transit
from core.domain.model.plan import Plan, PlannedMove
from core.domain.scheduling.slots import SlotKind, SlotUsage
from core.engine.engine import Engine
from core.store import SqlStore

_FULL_SLOTS = 1_000
_PATIENCE_S = 60.0
_BEAT_S = 0.01


def run(size: Size) -> Section:
    """Measure restarts and memory, each in a process of its own."""
    running, queued, times = (20, 200, 1) if size.is_quick else (500, 10_000, 3)
    restarts = [alone_in_a_process(adopted_s, running) for _ in range(times)]
    before_mb, after_mb, step_s, silent, pause_s = alone_in_a_process(memory_mb, queued)
    rows = (
        (f"restart to adopted, {running} running moves", f"{percentile(restarts, 0.5):.2f} s", "5 s"),
        (f"memory, {queued:,} queued moves", f"{after_mb:.0f} MB ({before_mb:.0f} MB before the start)", "300 MB"),
        (
            f"start until each of {queued:,} queued moves says why it waits",
            f"{step_s:.0f} s" if not silent else f"after {step_s:.0f} s {silent:,} had not",
            "10 s",
        ),
        ("longest pause of the event loop meanwhile", f"{pause_s * 1000:.0f} ms", "100 ms"),
    )
    return Section(
        "restart",
        "Restart and memory",
        "A process starts on the database of one that was killed; hosts answer in 0.05 s. *Adopted*: each move's "
        "adoption is on the disk. Memory is the largest resident set of a process that holds the engine, its database "
        "and the last look at 400 hosts, while it decides over the queue. Real time, real disk.",
        (Table(("", "measured", "aim"), rows),),
    )


def alone_in_a_process(measure: Any, moves: int) -> Any:
    """Measure in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_in_a_folder, measure, moves).result()


def _in_a_folder(measure: Any, moves: int) -> Any:
    folder = Path(tempfile.mkdtemp())
    try:
        return asyncio.run(measure(folder, moves))
    finally:
        shutil.rmtree(folder)


async def adopted_s(folder: Path, count: int) -> float:
    """Return the seconds from the start of an engine to the last adoption of so many running moves."""
    hosts = max(2, count // 10)
    plan = planned(count, hosts)
    store = SqlStore(url(folder))
    await store.open()
    job = await approved(store, plan)
    now = datetime.now(UTC)
    for move in await store.moves(job.id):
        claims = [
            SlotUsage(host=host, kind=SlotKind.LIVE, limit=_FULL_SLOTS, seen=frozenset(), counter=0, asked_at=now)
            for host in (move.source,)
        ]
        starting = transit(move, MoveState.STARTING, started_at=now)
        started, attempt = await store.begin_attempt(move, starting, claims, at=now)
        await store.confirm_attempt(attempt, started, transit(started, MoveState.MOVING), at=now)
    await store.close()
    began = time.perf_counter()
    engine = _engine(folder, plan, StillHosts(plan, slots=_FULL_SLOTS, are_moving=True))
    await engine.start()
    try:
        while await _adopted(engine, job) < count:  # noqa: ASYNC110 (real time)
            await asyncio.sleep(0.2)  # seldom: looking takes time itself
        return time.perf_counter() - began
    finally:
        await engine.stop()


async def _adopted(engine: Engine, job: Job) -> int:
    return sum(one.kind is EventKind.ADOPTED for one in await engine.queries.history(job.id))


async def memory_mb(folder: Path, count: int) -> tuple[float, float, float, int, float]:
    """Return megabytes before the start and at the most; seconds until every queued move says why it waits.

    After a minute it stops waiting; the fourth number is how many had not said so by then. The last is the longest
    pause of the event loop meanwhile, in seconds.
    """
    plan = planned(count, max(2, count // 25))
    store = SqlStore(url(folder))
    await store.open()
    await approved(store, plan)
    await store.close()
    before = _resident_mb()
    began = time.perf_counter()
    engine = _engine(folder, plan, StillHosts(plan, slots=2, are_moving=False))
    await engine.start()
    tune_interpreter()  # as the bot does
    lags: list[float] = []
    beat = asyncio.create_task(_beat(lags))
    try:
        while True:
            await asyncio.sleep(0.5)
            silent = await asyncio.to_thread(_silent, folder)
            took_s = time.perf_counter() - began
            if not silent or took_s > _PATIENCE_S:
                break
    finally:
        beat.cancel()
        await engine.stop()
    return before, _resident_mb(), took_s, silent, max(lags)


def _silent(folder: Path) -> int:
    """Count the queued moves that do not say why they wait, beside the process that owns the database."""
    query = "select count(*) from moves where state = ? and (hold is null or hold = 'null')"
    with closing(sqlite3.connect(f"file:{folder / 'bot.db'}?mode=ro", uri=True)) as database:
        return int(database.execute(query, (MoveState.QUEUED.value,)).fetchone()[0])


async def _beat(lags: list[float]) -> None:
    """Keep how late timers of this event loop come."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + _BEAT_S
        await asyncio.sleep(_BEAT_S)
        lags.append(loop.time() - due_s)


async def approved(store: SqlStore, plan: Sequence[PlannedMove]) -> Job:
    """Store an approved job with its queued moves."""
    now = datetime.now(UTC)
    asked = Job(
        id=JobId(""),
        plan=Plan(tuple(plan)),
        requester="U_ALICE",
        channel="C1",
        text="benchmark",
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    job = await store.add_job(asked, event(event_data.Proposed(vms=len(plan), blocked=0), now))
    moves = [queued_move(job.id, one, at=now) for one in plan]
    approved = transit_job(job, JobState.RUNNING, decided_by="U_BOB", decided_at=now)
    return await store.change_job(job, approved, event(event_data.Approved(), now, job=job), new_moves=moves)


def _engine(folder: Path, plan: Sequence[PlannedMove], hosts: StillHosts) -> Engine:
    names = {host for move in plan for host in (move.source, move.destination)}
    sections: dict[str, Any] = {"hosts": {name: {"address": f"{name.lower()}.contoso.com"} for name in sorted(names)}}
    store = SqlStore(url(folder))
    return Engine(settings=Settings(**sections), store=store, gateway=hosts, notifier=Silence(), clock=SystemTime())


def url(folder: Path) -> str:
    """Return the address of a database in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'bot.db'}"


def _resident_mb() -> float:
    """Return the most this process ever had in memory, in megabytes."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    return 0.0
