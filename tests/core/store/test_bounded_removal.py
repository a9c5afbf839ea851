"""The removal of what is old goes in pieces: none holds the loop, or another writer, for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.store import SqlStore, retention
from tests.support.databases import database_url
from tests.support.store_examples import begun, card, ended, later, running

MOST = 100
"""Rows that one transaction may read or remove: what 100,000 moves allow below a pause of 100 ms at load."""


@contextmanager
def counted(store: SqlStore) -> Iterator[list[int]]:
    """Count the rows that each transaction of the writer removes."""
    engines = store._database._engines
    assert engines is not None
    writer, removed = engines[0].sync_engine, list[int]()

    def begins(_: Any) -> None:
        removed.append(0)

    def executed(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE"):
            removed[-1] += cursor.rowcount

    event.listen(writer, "begin", begins)
    event.listen(writer, "after_cursor_execute", executed)
    yield removed


async def test_no_transaction_removes_or_reads_more_than_a_hundred_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of many moves, each with events and an attempt, is put away and removed in pieces, and is gone."""
    read = list[int]()
    append = retention.append

    def noted(file: Path, lines: Any) -> None:
        read.append(len(lines))
        append(file, lines)

    monkeypatch.setattr(retention, "append", noted)
    store = SqlStore(database_url(tmp_path / "bot.db"), history=tmp_path / "history.jsonl")
    await store.open()
    try:
        job, moves = await running(store, *(f"web{n:03d}" for n in range(130)))
        for move in moves:
            started, _ = await begun(store, move, limit=1000)
            await ended(store, started, MoveState.FAILED)
        done = replace(job, state=JobState.FINISHED, finished_at=later(10))
        await store.change_job(job, done, replace(card(), job_id=job.id))
        while notices := await store.claim_notices(500, later(100)):
            for notice in notices:
                await store.notice_said(notice.id, later(100))
        with counted(store) as removed:
            assert await store.forget_jobs(later(30), 10) == 1
        assert sum(removed) >= 3 * len(moves)
        assert max(removed) <= MOST
        assert sum(read) == sum(removed)
        assert max(read) <= MOST
        assert await store.jobs() == ()
    finally:
        await store.close()
