"""How the reasons of a long queue are written down: all of them in one go, unless there is news to decide about."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.restart import approved, url
from benchmarks.still import planned
from core.domain.model.job import JobId
from core.domain.model.move import HoldCode, Move
from core.domain.scheduling.decisions import Held, hold
from core.engine.hold_writer import BATCH, HoldWriter
from core.engine.recorder import TransitionRecorder
from core.store import SqlStore
from tests.support.builders import POLICY, situation

COUNT = 5 * BATCH


class SlowTime:
    """A clock on which writing takes long."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def steady_now(self) -> datetime:
        self.at += timedelta(seconds=0.3)
        return self.at


class Queue:
    """A long queue in a real database, and the writer of its reasons."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.news = asyncio.Event()
        recorder = TransitionRecorder(store, SlowTime())
        recorder.listen(self._changed)
        self.writer = HoldWriter(recorder, POLICY.snapshot_max_age, self.news)
        self.told = 0

    def _changed(self, _job_id: JobId) -> None:
        self.told += 1
        self.news.set()

    async def write(self, moves: tuple[Move, ...]) -> None:
        at = situation(moves)
        decisions: list[Held] = [hold(move, HoldCode.SLOT, "HV01 is full", at.wall) for move in moves]
        originals = {move.id: move for move in moves}
        await self.writer.write(self.writer.news(decisions, originals, at), originals, at)

    async def silent(self) -> int:
        return sum(move.hold is None for move in await self.store.moves())


@asynccontextmanager
async def long_queue(folder: Path) -> AsyncIterator[tuple[Queue, tuple[Move, ...]]]:
    store = SqlStore(url(folder))
    await store.open()
    try:
        job = await approved(store, planned(COUNT, 4))
        yield Queue(store), await store.moves(job.id)
    finally:
        await store.close()


async def test_all_reasons_are_written_when_nothing_else_happens(tmp_path: Path) -> None:
    """Promise 10: a queue of thousands says why it waits in one go; what is written is no news to stop for."""
    async with long_queue(tmp_path) as (queue, moves):
        await queue.write(moves)
        assert await queue.silent() == 0
        assert queue.told == COUNT // BATCH
        assert queue.news.is_set(), "decided anew once, when all are written"


async def test_news_do_not_wait_for_a_long_queue(tmp_path: Path) -> None:
    """Promise 17: a slot that frees while thousands of reasons are written down is decided about soon."""
    async with long_queue(tmp_path) as (queue, moves):
        queue.news.set()
        await queue.write(moves)
        assert 0 < await queue.silent() < COUNT
