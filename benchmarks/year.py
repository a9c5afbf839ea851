"""Measures a bot that has a year of history: how long its start, its answers and the removal of what is old take.

How long the event loop stood still meanwhile is measured beside it: for so long nobody was acknowledged.
"""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.play import Silence
from benchmarks.report import Section, Size, Table
from benchmarks.restart import approved, url
from benchmarks.still import StillHosts, SystemTime, planned
from core.config import Settings
from core.domain.model.job import JobId
from core.engine.engine import Engine
from core.store import SqlStore

VMS_PER_JOB = 40
BEAT_S = 0.005
_EVENTS_PER_MOVE = 6
_AIM_PAUSE_S, _AIM_WHERE_S = 0.1, 0.3


@dataclass
class Heart:
    """A timer that notes how late it comes."""

    late_s: list[float] = field(default_factory=list)
    own_s: list[float] = field(default_factory=list)
    """The processor time of this process from one beat to the next."""

    async def beat(self) -> None:
        """Beat for ever."""
        while True:
            due, own_s = time.perf_counter() + BEAT_S, time.process_time()
            await asyncio.sleep(BEAT_S)
            self.late_s.append(time.perf_counter() - due)
            self.own_s.append(time.process_time() - own_s)

    async def during(self, call: Callable[[], Awaitable[object]]) -> tuple[float, float, float]:
        """Return how long a call took, how long the loop stood still at most, and its processor time between beats."""
        self.late_s.clear()
        self.own_s.clear()
        began = time.perf_counter()
        await call()
        took_s = time.perf_counter() - began
        await asyncio.sleep(2 * BEAT_S)
        return took_s, max(self.late_s), max(self.own_s)


async def fill(folder: Path, jobs: int, ended_days_ago: int) -> None:
    """Make a database with so many finished jobs: one as the store writes it, and copies of it."""
    store = SqlStore(url(folder))
    await store.open()
    await approved(store, planned(VMS_PER_JOB, 2))
    await store.close()
    at = (datetime.now(UTC) - timedelta(days=ended_days_ago)).strftime("%Y-%m-%d %H:%M:%S.%f")
    database = sqlite3.connect(folder / "bot.db")
    database.execute(
        "UPDATE jobs SET state='finished', finished_at=?, is_card_final=1, card_channel='C1', card_ts='1'", (at,)
    )
    database.execute("UPDATE moves SET state='done', started_at=?, ended_at=?", (at, at))
    database.execute("UPDATE outbox SET outcome='said'")
    attempt = "move_id, vm_id, source, destination, number, started_at, confirmed_at, ended_at, host_words"
    database.execute(
        f"INSERT INTO attempts ({attempt}) SELECT id, vm_id, source, destination, 1, ?, ?, ?, '' FROM moves",  # noqa: S608
        (at, at, at),
    )
    database.execute(
        "INSERT INTO events (kind, at, job_id, move_id, actor, data, tone)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)"
        " SELECT 'verifying', ?1, job_id, id, 'bot', '{}', NULL FROM moves, n",
        (at, _EVENTS_PER_MOVE),
    )
    (events,) = database.execute("SELECT max(id) FROM events").fetchone()
    for number in range(2, jobs + 1):
        _copy(database, number, events)
    database.commit()
    database.execute("ANALYZE")
    database.close()


def _copy(database: sqlite3.Connection, number: int, events: int) -> None:
    """Copy job 1, its plan, moves, attempts, events and outbox, as another job with VMs of its own."""
    shift = {"moves": (number - 1) * VMS_PER_JOB, "events": (number - 1) * events}
    vm = f"printf('%032x', {number} * 100000 + id)"
    shifted = {
        "plans": {"id": f"{number}"},
        "jobs": {"id": f"{number}", "plan_id": f"{number}"},
        "moves": {
            "id": f"id + {shift['moves']}",
            "job_id": f"{number}",
            "vm_id": vm,
            "vm_name": f"'vm' || {number} || '-' || id",
        },
        "attempts": {"id": f"id + {shift['moves']}", "move_id": f"move_id + {shift['moves']}", "vm_id": vm},
        "events": {
            "id": f"id + {shift['events']}",
            "job_id": f"{number}",
            "move_id": f"move_id + {shift['moves']}",
        },
        "outbox": {"event_id": f"event_id + {shift['events']}", "job_id": f"{number}"},
    }
    first = {"plans": "id", "jobs": "id", "moves": "job_id", "events": "job_id", "outbox": "job_id"}
    for table, changed in shifted.items():
        names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        values = [changed.get(name, name) for name in names]
        of_one = "move_id <= " + str(VMS_PER_JOB) if table == "attempts" else f"{first[table]} = 1"
        database.execute(f"INSERT INTO {table} SELECT {', '.join(values)} FROM {table} WHERE {of_one}")  # noqa: S608


async def measured(jobs: int) -> list[tuple[str, ...]]:
    """Return what was done, how long it took, for how long the loop stood still, and on the processor."""
    folder, heart, rows = Path(tempfile.mkdtemp()), Heart(), list[tuple[str, ...]]()
    beating = asyncio.create_task(heart.beat())
    try:
        await fill(folder, jobs, ended_days_ago=30)
        await asyncio.sleep(0.1)  # the filling stood in the way of the timer, too
        plan = planned(VMS_PER_JOB, 2)
        hosts = {move.source: {"address": f"{move.source.lower()}.contoso.com"} for move in plan}
        engine = Engine(
            settings=Settings(hosts=hosts),  # type: ignore[arg-type]
            store=SqlStore(url(folder)),
            gateway=StillHosts(plan, slots=2, are_moving=False),
            notifier=Silence(),
            clock=SystemTime(),
        )

        async def note(what: str, call: Callable[[], Awaitable[object]]) -> None:
            rows.append((what, *(f"{one_s * 1000:.0f} ms" for one_s in await heart.during(call))))

        await note("start", engine.start)
        await note("the first five seconds", lambda: asyncio.sleep(5))
        await note("where, a name", lambda: engine.queries.where(f"VM{jobs // 2}-7"))
        await note("where, the same again", lambda: engine.queries.where(f"VM{jobs // 2}-7"))
        await note("where, an id", lambda: engine.queries.where(str(plan[3].vm_id)))
        await note("the attempts of a job", lambda: engine.queries.attempts(JobId(f"J{jobs // 2}")))
        await note("the newest 20 jobs", engine.queries.jobs)
        await engine.stop()
        store = SqlStore(url(folder), history=folder / "history.jsonl")
        await store.open()
        await note("the removal of 20 old jobs", lambda: store.forget_jobs(datetime.now(UTC), 20))
        await store.close()
    finally:
        beating.cancel()
        shutil.rmtree(folder)
    return rows


def run(size: Size) -> Section:
    """Measure with a year of history."""
    jobs = 25 if size.is_quick else 2_500
    rows = asyncio.run(measured(jobs))
    return Section(
        "year",
        "A year of history",
        f"A database with {jobs * VMS_PER_JOB:,} moves in {jobs:,} finished jobs, {_EVENTS_PER_MOVE} events each. "
        f"*Loop still*: the longest time for which nobody was acknowledged meanwhile; "
        "*processor*: the most processor time of the process between two beats of a timer. Aims: below "
        f"{_AIM_PAUSE_S * 1000:.0f} ms; `/migrate where` below {_AIM_WHERE_S * 1000:.0f} ms. Real time, real disk.",
        (Table(("", "took", "loop still", "processor"), tuple(rows)),),
    )
