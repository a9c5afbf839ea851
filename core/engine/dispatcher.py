"""The one loop that starts moves: woken by events, it decides over everything open and carries the decisions out."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.model.events import Event, EventKind, event
from core.domain.model.inventory import HostName
from core.domain.model.job import Job, JobId, JobState, transit_job
from core.domain.model.move import Attempt, HoldCode, Move, MoveId, MoveState, transit
from core.domain.reporting.announcements import adoptions
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.schedule import Decision, End, Held, Policy, Situation, Start, decide, next_times
from core.engine.attempt.context import EngineServices
from core.engine.attempt.runner import AttemptRunner
from core.errors import Outdated, StoreError

log = logging.getLogger(__name__)

STOP = "stop"
"""The switch of the big red stop: who pressed it, or empty."""

SAFETY_NET_S = 300.0
"""The loop is woken by whatever changes, and by the next time that matters; this only catches what nobody foresaw."""

LONG_QUEUE = 500
"""From so many open moves on, a decision takes long enough to be noticed by people who wait for an answer."""

MANY = 20
"""From so many on, the reasons of a job's moves to wait are written down together: all of them, or none."""

HOLDS_PER_STEP = 200
"""So many reasons to wait are written down before the loop looks again: a long queue must not hold up a free slot."""

_QUIET = {HoldCode.STOPPED, HoldCode.PAUSED, HoldCode.FREEZE, HoldCode.START_TIME}

_END_EVENTS = {
    MoveState.CANCELLED: EventKind.CANCELLED,
    MoveState.UNMIGRATABLE: EventKind.UNMIGRATABLE,
    MoveState.LOST: EventKind.LOST,
    MoveState.DONE: EventKind.MOVED_BY_OTHERS,
}


@dataclass(frozen=True, slots=True)
class DispatchTiming:
    """Seconds between two looks at a busy host, at an idle one, and of the loop that nobody wakes."""

    busy_s: float
    idle_s: float


class Dispatcher:
    """Owns the movers. ``busy`` is told which hosts open moves concern, and which jobs have moves under way."""

    def __init__(
        self,
        hands: EngineServices,
        policy: Policy,
        pace: DispatchTiming,
        *,
        max_attempts: int,
        freeze: Calendar,
        busy: Callable[[set[HostName], set[JobId]], None],
    ) -> None:
        self._hands = hands
        self._ledger, self._store, self._clock = hands.ledger, hands.ledger.store, hands.clock
        self._board = hands.board
        self._policy, self._pace, self._max_attempts = policy, pace, max_attempts
        self._freeze = freeze
        self._busy = busy
        self.is_counting = False
        """Whether the clock of a busy VM ran when the loop last decided."""
        self._since = self._clock.now()
        self._wake = asyncio.Event()
        self._movers: dict[MoveId, AttemptRunner] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def poke(self) -> None:
        """Look again soon."""
        self._wake.set()

    def ask_cancel(self, move_id: MoveId) -> None:
        """Pass a person's wish on to the running move."""
        mover = self._movers.get(move_id)
        if mover is not None:
            mover.ask_cancel()
        self.poke()

    async def adopt(self) -> None:
        """Take up every move that an earlier process left under way."""
        jobs = {job.id: job for job in await self._store.jobs(JobState.RUNNING, limit=10_000)}
        attempts = {attempt.move_id: attempt for attempt in await self._store.attempts()}
        under_way = [
            move
            for move in await self._store.moves(open_only=True)
            if move.state.holds_slots or move.state is MoveState.CLEANING
        ]
        await self._note_adopted([move for move in under_way if move.state.holds_slots])
        for move in under_way:
            log.info("adopting %s of %s, found %s", move.vm_name, move.job_id, move.state)
            self._shepherd(move, attempts[move.id], jobs[move.job_id], is_new=False)

    async def _note_adopted(self, moves: Sequence[Move]) -> None:
        """Write down what was found, all at once: each transaction waits for the disk."""
        try:
            if moves:
                await self._store.add_events(*adoptions(moves, self._clock.now()))
        except StoreError as error:  # following the moves matters more than saying so
            log.warning("the database did not take which moves were found: %s", error)

    async def run(self) -> None:
        """Dispatch for ever; stop the movers at the end (the migrations go on)."""
        try:
            with self._board.watch() as news:
                while True:
                    delay_s = SAFETY_NET_S
                    try:
                        delay_s = await self.step()
                    except StoreError as error:
                        log.warning("the database did not answer, looking again soon: %s", error)
                        delay_s = self._pace.busy_s
                    await self._pause(news, delay_s)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pause(self, news: asyncio.Event, delay_s: float) -> None:
        """Wait for a poke, news from a host, or the slow tick."""
        wakers = {asyncio.create_task(self._wake.wait()), asyncio.create_task(news.wait())}
        try:
            await asyncio.wait(wakers, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waker in wakers:
                waker.cancel()
            self._wake.clear()
            news.clear()

    async def step(self) -> float:
        """Decide once, over everything. Returns after how many seconds to look again unasked."""
        now = self._clock.now()
        jobs = await self._store.jobs(JobState.PROPOSED, JobState.RUNNING, limit=10_000)
        await self._expire([job for job in jobs if job.state is JobState.PROPOSED and now >= job.expires_at], now)
        running = {job.id: job for job in jobs if job.state is JobState.RUNNING}
        moves = [move for job_id in reversed(running) for move in await self._store.moves(job_id)]
        open_moves = [move for move in moves if not move.state.is_end]
        self._busy(
            {host for move in open_moves if not _is_quiet(move) for host in (move.source, move.destination)},
            {move.job_id for move in open_moves if move.state.holds_slots},
        )
        self.is_counting = any(move.busy_since for move in open_moves)
        attempts, faults = await self._store.attempts(open_only=True), await self._faults(running)
        stopped_by = await self._store.switch(STOP)
        # What hosts showed is taken last and at once: while the database is read they go on telling.
        situation = Situation(
            now,
            running,
            moves,
            dict(self._board.snapshots),
            attempts,
            self._policy,
            {host: trouble.text for host, trouble in self._board.troubles.items()},
            stopped_by,
            faults,
            self._freeze.frozen_until(now),
        )
        originals = {move.id: move for move in moves}
        silences = {(m.job_id, m.hold.text) for m in open_moves if m.hold and m.hold.code is HoldCode.HOST}
        # A long queue takes a while to think about: not in the thread that answers people.
        is_long = len(open_moves) >= LONG_QUEUE
        decisions = await asyncio.to_thread(decide, situation) if is_long else decide(situation)
        acts: list[Decision] = [decision for decision in decisions if not isinstance(decision, Held)]
        holds = [keep for keep in decisions if isinstance(keep, Held) and self._is_new(keep, originals, situation)]
        if len(holds) > HOLDS_PER_STEP:
            self.poke()
        news = sorted(holds, key=lambda keep: _is_reworded(keep, originals))[:HOLDS_PER_STEP]

        async def apply(decision: Decision) -> None:
            before, job = originals[decision.move.id], running[decision.move.job_id]
            try:
                await self._apply(decision, before, job, now, silences)
            except Outdated as error:
                log.info("%s changed meanwhile, deciding again: %s", before.vm_name, error)
                self.poke()

        for act in acts:
            await apply(act)
        for keep in await self._hold_together(news, originals, now, silences):
            await apply(keep)
        await self._finish(running, moves, now)
        due = [job.expires_at for job in jobs if job.state is JobState.PROPOSED]
        due += next_times(decisions, situation)
        return max(0.05, min([SAFETY_NET_S, *((at - now).total_seconds() for at in due)]))

    async def _apply(
        self, decision: Start | Held | End, before: Move, job: Job, now: datetime, silences: set[tuple[JobId, str]]
    ) -> None:
        """Carry out a decision. ``silences`` are the troubles of hosts that the job was told of, for another VM."""
        match decision:
            case Start(move, claims, reason):
                number = self._allowed(job)
                told = event(EventKind.STARTING, now, move=move, attempt=move.attempts + 1, of=number, reason=reason)
                after = transit(move, MoveState.STARTING, hold=None, not_before=None, started_at=move.started_at or now)
                started, attempt = await self._store.begin_attempt(before, after, claims, told, at=now)
                self._shepherd(started, attempt, job, is_new=True)
            case Held():
                move = decision.move
                await self._store.change_move(before, move, *_held(before, move, now, silences))
            case End(move, state, text, hint, follows):
                changes: dict[str, Any] = {"error": text, "hint": hint}
                if state is MoveState.DONE:  # somebody else's doing, whatever we tried before
                    changes = {"error": "", "hint": "", "started_at": None}
                after = transit(move, state, hold=None, ended_at=now, **changes)
                data: dict[str, Any] = {"text": text, "hint": hint, "words": "", "code": "", "where": self._where(move)}
                data |= {"follows": True} if follows else {}
                await self._store.change_move(before, after, event(_END_EVENTS[state], now, move=move, **data))
                self.poke()
        self._ledger.changed(job.id)

    async def _hold_together(
        self, holds: list[Held], originals: dict[MoveId, Move], now: datetime, silences: set[tuple[JobId, str]]
    ) -> list[Held]:
        """Write down why the many of a long queue wait, each job's in one transaction. Returns those left to write."""
        by_job: defaultdict[JobId, list[Held]] = defaultdict(list)
        for keep in holds:
            by_job[keep.known.job_id].append(keep)
        left: list[Held] = []
        for job_id, keeps in by_job.items():
            if len(keeps) < MANY:
                left += keeps
                continue
            changes = [(originals[keep.known.id], keep.move) for keep in keeps]
            told = [one for before, after in changes for one in _held(before, after, now, silences)]
            try:
                await self._store.change_moves(changes, *told)
            except Outdated as error:
                log.info("a move of %s changed meanwhile, deciding again: %s", job_id, error)
                self.poke()
            self._ledger.changed(job_id)
        return left

    def _where(self, move: Move) -> HostName | str:
        """Return where a move that ends without an attempt has its VM, empty when no host shows it."""
        snapshots = self._board.snapshots
        if move.source not in snapshots or snapshots[move.source].vm(move.vm_id) is not None:
            return move.source
        return next((host for host, snapshot in snapshots.items() if snapshot.vm(move.vm_id) is not None), "")

    async def _faults(self, running: dict[JobId, Job]) -> tuple[Attempt, ...]:
        """Read what failed since the oldest running job began."""
        since = min((job.decided_at or job.created_at for job in running.values()), default=None)
        return await self._store.faults_since(since) if since else ()

    def _is_new(self, keep: Held, originals: dict[MoveId, Move], situation: Situation) -> bool:
        """Whether a move that waits has something new to say about why."""
        move, before = keep.known, originals[keep.known.id]
        if (before.hold, before.busy_since, before.busy_code) == (keep.hold, move.busy_since, move.busy_code):
            return False
        return keep.hold.code is not HoldCode.HOST or not self._is_too_soon(move, situation)

    def _is_too_soon(self, move: Move, situation: Situation) -> bool:
        """Whether a host of this move has had no time to answer since the start: its reason of before still stands."""
        if situation.now - self._since >= self._policy.snapshot_max_age:
            return False
        known = (situation.snapshots, situation.trouble)
        return not all(any(host in told for told in known) for host in (move.source, move.destination))

    async def _expire(self, jobs: list[Job], now: datetime) -> None:
        for job in jobs:
            expired = transit_job(job, JobState.EXPIRED, decided_at=now, finished_at=now)
            try:
                await self._store.change_job(job, expired, event(EventKind.EXPIRED, now, job=job))
            except Outdated:
                self.poke()
            else:
                self._ledger.changed(job.id)

    async def _finish(self, running: dict[JobId, Job], all_moves: Sequence[Move], now: datetime) -> None:
        """Finish the jobs that had no open move when this step began; whatever ends a move wakes the next step."""
        unfinished = {move.job_id for move in all_moves if not move.state.is_end}
        for job in running.values():
            if job.id in unfinished:
                continue
            moves = [move for move in all_moves if move.job_id == job.id]
            counts: dict[str, Any] = {
                state.value: sum(1 for move in moves if move.state is state) for state in MoveState if state.is_end
            }
            since = job.decided_at or job.created_at
            moved = sum(move.moved_bytes for move in moves)
            told = event(EventKind.FINISHED, now, job=job, seconds=(now - since).total_seconds(), bytes=moved, **counts)
            await self._store.change_job(job, transit_job(job, JobState.FINISHED, finished_at=now), told)
            self._ledger.changed(job.id)

    # ------------------------------------------------------------------ movers

    def _allowed(self, job: Job) -> int:
        return job.plan.options.attempts or self._max_attempts

    def _shepherd(self, move: Move, attempt: Attempt, job: Job, *, is_new: bool) -> None:
        mover = AttemptRunner(self._hands, move, attempt, self._allowed(job))
        self._movers[move.id] = mover
        task = asyncio.create_task(self._guard(mover, move.vm_name, is_new=is_new), name=f"move {move.vm_name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, mover: AttemptRunner, name: str, *, is_new: bool) -> None:
        """Run a mover; if it breaks on something nobody foresaw, take the move up again: it must not be left alone."""
        work = mover.carry_out if is_new else mover.go_on
        try:
            while True:
                try:
                    await work()
                except Exception:  # a bug must not orphan a migration that runs on a host
                    log.exception("the mover of %s broke; taking the move up again", name)
                    await self._clock.sleep(self._pace.busy_s)
                    work = mover.take_up_again
                else:
                    return
        finally:
            self._movers.pop(mover.id, None)
            self.poke()


def _is_quiet(move: Move) -> bool:
    """Whether no news from a host would let this move start: it waits for people or for a time."""
    return move.state is MoveState.QUEUED and move.hold is not None and move.hold.code in _QUIET


def _is_reworded(keep: Held, originals: dict[MoveId, Move]) -> bool:
    """Whether a move waits for the same as before, only said otherwise: that can wait longest itself."""
    before = originals[keep.known.id].hold
    return before is not None and before.code is keep.hold.code


def _held(before: Move, move: Move, now: datetime, silences: set[tuple[JobId, str]]) -> tuple[Event, ...]:
    """Note why a move waits, if it is for another reason; a job hears of a silent host once, not once per VM."""
    if move.hold is None or (before.hold is not None and before.hold.code is move.hold.code):
        return ()
    about = (move.job_id, move.hold.text)
    is_told = move.hold.code is HoldCode.HOST and about in silences
    silences.add(about)
    follows: dict[str, Any] = {"follows": True} if is_told else {}
    return (event(EventKind.HELD, now, move=move, code=move.hold.code, text=move.hold.text, **follows),)
