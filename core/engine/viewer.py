"""Shows jobs as they are now: each is looked at once for everybody who asks at the same time.

Commands, cards, Home tabs and deadlines all ask, and a view of thousands of moves costs a moment of the only thread
there is. So who asks gets a view that was begun after the last change the engine knows of, and at most ``FRESH`` before
the question. Estimating when so many moves are over takes ten times as long: that is done in a thread, now and then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain import eta
from core.domain.forecast import Forecast
from core.domain.freeze import Calendar
from core.domain.job import Job, JobId, Move
from core.domain.view import JobView
from core.engine.board import Board
from core.engine.dispatcher import STOP
from core.engine.views import Known, expect, halted, open_moves, view_job
from core.ports import Clock, Store

FRESH = timedelta(seconds=1)
"""How old a view may be: percents, and what another process writes, change without a word."""

LARGE = 500
"""From so many open moves on an estimate holds for ``HOLDS``: it is a matter of hours then, and takes a while."""

HOLDS = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A view, when it was begun, and how many changes were known then."""

    view: JobView
    at: datetime
    changes: int


@dataclass(frozen=True, slots=True)
class _Expected:
    """An estimate, when it was made, and what halted the job then."""

    forecast: Forecast
    at: datetime
    halted: str


class Viewer:
    """Builds views of jobs. It must be told of every change."""

    def __init__(
        self,
        store: Store,
        board: Board,
        clock: Clock,
        calendar: Calendar,
        *,
        assumed_bytes_per_s: float,
        max_parallel: int,
    ) -> None:
        self._store = store
        self._board = board
        self._clock = clock
        self._calendar = calendar
        self._assumed_bytes_per_s = assumed_bytes_per_s
        self._max_parallel = max_parallel
        self._changes = 0
        self._all_changed = 0
        self._changed: dict[JobId, int] = {}
        self._seen: dict[JobId, _Seen] = {}
        self._expected: dict[JobId, _Expected] = {}
        self._turns: defaultdict[JobId, asyncio.Lock] = defaultdict(asyncio.Lock)

    def changed(self, job_id: JobId) -> None:
        """Note that a job changed: whoever asks from now on must see it."""
        self._changes += 1
        self._changed[job_id] = self._changes

    def everything_changed(self) -> None:
        """Note a change that concerns every job."""
        self._changes += 1
        self._all_changed = self._changes

    async def of(self, job_id: JobId) -> JobView:
        """Show a job, by its id as the store writes it. Raises UnknownJob."""
        asked_at, changes = self._clock.now(), max(self._changed.get(job_id, 0), self._all_changed)
        async with self._turns[job_id]:
            seen = self._seen.get(job_id)
            if seen is None or seen.changes < changes or asked_at - seen.at >= FRESH:
                self._forget(asked_at)
                seen = self._seen[job_id] = await self._look(job_id)
        return seen.view

    async def _look(self, job_id: JobId) -> _Seen:
        at, changes = self._clock.now(), self._changes
        job = await self._store.job(job_id)
        moves = await self._store.moves(job_id)
        known = Known(
            {attempt.move_id: attempt for attempt in await self._store.attempts(open_only=True)},
            dict(self._board.percents),
            eta.Speeds(await self._store.speeds(), self._assumed_bytes_per_s),
            dict(self._board.snapshots),
            self._calendar,
            await self._store.switch(STOP),
            self._max_parallel,
        )
        to_do = open_moves(job, moves)
        expected = await self._expect(job, to_do, known, at) if to_do else None
        view = view_job(job, moves, known, at, expected)
        if len(moves) >= LARGE:
            await asyncio.sleep(0)  # everybody else gets a turn before it is drawn
        return _Seen(view, at, changes)

    async def _expect(self, job: Job, to_do: Sequence[Move], known: Known, now: datetime) -> Forecast:
        if len(to_do) < LARGE:
            return expect(job, to_do, known, now)
        made = self._expected.get(job.id)
        if made is None or now - made.at >= HOLDS or made.halted != halted(job, known):
            forecast = await asyncio.to_thread(expect, job, to_do, known, now)
            made = self._expected[job.id] = _Expected(forecast, now, halted(job, known))
        return made.forecast

    def _forget(self, now: datetime) -> None:
        """Drop what is too old to be shown again."""
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if now - seen.at < FRESH}
        self._expected = {job_id: made for job_id, made in self._expected.items() if now - made.at < HOLDS}
        for job_id in [job_id for job_id, turn in self._turns.items() if not turn.locked()]:
            del self._turns[job_id]
