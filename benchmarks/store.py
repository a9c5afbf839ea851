"""Measures how many state changes a second the database takes, each of them on the disk when it returns."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from benchmarks.databases import Where, kinds
from benchmarks.report import Section, Size, Table, percentile
from benchmarks.restart import approved
from benchmarks.still import planned
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.move import Move, MoveState, transit
from core.domain.scheduling.slots import SlotKind, SlotUsage
from core.store import SqlStore

T = TypeVar("T")

_SLOTS = 1_000


def run(size: Size) -> Section:
    """Take moves through all their states, one after another and fifty at a time."""
    moves, times = (10, 1) if size.is_quick else (100, 3)
    rows = []
    for (kind, where), at_once in ((kind, at_once) for kind in kinds() for at_once in (1, 50)):
        results = [asyncio.run(_measure(where, moves, at_once)) for _ in range(times)]
        rates = [len(spent) / took for spent, took in results]
        spent = [one for result, _ in results for one in result]
        rows.append(
            (
                kind,
                f"{at_once}",
                f"{percentile(rates, 0.5):.0f}",
                f"{percentile(spent, 0.5) * 1000:.1f} ms",
                f"{percentile(spent, 0.99) * 1000:.1f} ms",
            )
        )
    return Section(
        "store",
        "State changes the store takes",
        f"{moves} moves go through begin, confirm, verify, end and done, each with its event and outbox row in one "
        "transaction that is on the disk when it returns: SQLite in a file, write-ahead log, `synchronous=FULL`; "
        "PostgreSQL on the same machine, where there is one, `SERIALIZABLE`, `synchronous_commit=on`. A caller among "
        "many waits for its turn; that is in its time.",
        (Table(("database", "moves at once", "transitions a second", "median", "p99"), tuple(rows)),),
    )


async def _measure(where: Where, count: int, at_once: int) -> tuple[list[float], float]:
    folder = Path(tempfile.mkdtemp())
    store = SqlStore(where(folder))
    await store.open()
    try:
        job = await approved(store, planned(count, 10))
        turn = asyncio.Semaphore(at_once)
        spent: list[float] = []
        moves = await store.moves(job.id)
        began = time.perf_counter()
        await asyncio.gather(*(_carry(store, move, turn, spent) for move in moves))
        return spent, time.perf_counter() - began
    finally:
        await store.close()
        shutil.rmtree(folder)


async def _carry(store: SqlStore, move: Move, turn: asyncio.Semaphore, spent: list[float]) -> None:
    async with turn:
        now = datetime.now(UTC)
        claims = _claims(move, now)
        starting = transit(move, MoveState.STARTING, started_at=now)
        move, attempt = await _timed(
            spent,
            store.begin_attempt(move, starting, claims, event(event_data.Starting(attempt=1), now, move=move), at=now),
        )
        moving = transit(move, MoveState.MOVING)
        move = await _timed(
            spent, store.confirm_attempt(attempt, move, moving, event(event_data.Moving(), now, move=move), at=now)
        )
        verifying = transit(move, MoveState.VERIFYING)
        move = await _timed(spent, store.change_move(move, verifying, event(event_data.Verifying(), now, move=move)))
        cleaning = transit(move, MoveState.CLEANING, attempts=1)
        move = await _timed(
            spent, store.end_attempt(attempt, move, cleaning, event(event_data.Moved(), now, move=move), at=now)
        )
        done = transit(move, MoveState.DONE, ended_at=now)
        await _timed(spent, store.change_move(move, done, event(event_data.Done(), now, move=move)))


def _claims(move: Move, at: datetime) -> Sequence[SlotUsage]:
    return [
        SlotUsage(host=host, kind=SlotKind.LIVE, limit=_SLOTS, seen=frozenset(), counter=0, asked_at=at)
        for host in (move.source, move.destination)
    ]


async def _timed(spent: list[float], call: Awaitable[T]) -> T:
    began = time.perf_counter()
    result = await call
    spent.append(time.perf_counter() - began)
    return result
