"""Dispatches moves: one loop, woken by events, that decides over everything open and carries the decisions out."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.domain.attempt.cleanup import leaves_own_folder
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId, JobState, transit_job
from core.domain.model.move import Attempt, HoldCode, Move, MoveId, MoveState, transit
from core.domain.scheduling.decisions import Decision, End, Held, Start
from core.domain.scheduling.dropout import Dropout, dropouts
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.schedule import Scheduler, next_change
from core.domain.scheduling.situation import Policy, Situation
from core.domain.scheduling.start_permission import STOP
from core.engine.attempt.context import EngineServices
from core.engine.attempt.runner import AttemptRunner
from core.engine.backup_outlooks import BackupOutlooks
from core.engine.best_effort import best_effort
from core.engine.hold_writer import HoldWriter
from core.errors import AttemptClosed, Outdated, StoreError, UnreadableRow
from core.tasks import MANY, TaskSet, compute, is_asked_to_end

log = logging.getLogger(__name__)

SAFETY_NET_S = 300.0
"""The loop is woken by whatever changes, and by the next time that matters; this only catches what nobody foresaw."""

SOON_S = 0.5
"""A moment that lies in the past already is looked at again no sooner than this."""

EXPECT_EVERY_S = 2.0
"""How often it is worked out what starts next in a long queue: that takes as long as a decision."""

_QUIET = {HoldCode.STOPPED, HoldCode.PAUSED, HoldCode.FREEZE, HoldCode.START_TIME}

_END_DATA: Mapping[MoveState, type[event_data.Ended]] = {
    MoveState.CANCELLED: event_data.Cancelled,
    MoveState.UNMIGRATABLE: event_data.Unmigratable,
    MoveState.LOST: event_data.Lost,
    MoveState.DONE: event_data.MovedByOthers,
}


@dataclass(frozen=True, slots=True)
class DispatchTiming:
    """Seconds between two polls of a busy host, and of an idle one."""

    busy_s: float
    idle_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was found out about a situation. ``holds``: what is new about why moves wait."""

    originals: Mapping[MoveId, Move]
    """The moves as they are stored."""
    to_do: Sequence[Start | End]
    holds: Sequence[Held]
    next_change: timedelta | None
    dropouts: Sequence[Dropout]


class Dispatcher:
    """The dispatch loop, owner of all attempts.

    ``busy`` is told which hosts open moves concern, with their VMs, and which jobs have moves under way.
    """

    def __init__(
        self,
        services: EngineServices,
        policy: Policy,
        timing: DispatchTiming,
        *,
        max_attempts: int,
        freeze: Calendar,
        backups: BackupOutlooks,
        busy: Callable[[Mapping[HostName, set[VmId]], set[JobId]], None],
        dropped_out: Callable[[Sequence[Dropout]], None],
    ) -> None:
        self._dropped_out = dropped_out
        self._services = services
        self._recorder, self._store, self._clock = services.recorder, services.recorder.store, services.clock
        self._snapshot_cache = services.snapshot_cache
        self._policy, self._timing, self._max_attempts = policy, timing, max_attempts
        self._scheduler = Scheduler()
        self._expect_from_s = 0.0
        self._freeze = freeze
        self._backups = backups
        self._busy = busy
        self.is_counting = False
        """Whether the clock of a busy VM ran when the loop last decided."""
        self.changed = asyncio.Event()
        """Set when there is something to decide again."""
        self._holds = HoldWriter(self._recorder, policy.snapshot_max_age, self.changed)
        self._runners: dict[MoveId, AttemptRunner] = {}
        self._attempts = TaskSet()
        self._unreadable: dict[JobId, str] = {}

    def wake(self) -> None:
        """Decide again soon."""
        self.changed.set()

    def ask_cancel(self, move_id: MoveId) -> None:
        """Pass a person's wish on to the running move."""
        runner = self._runners.get(move_id)
        if runner is not None:
            runner.ask_cancel()
        self.wake()

    def adopt(self, move: Move, attempt: Attempt, job: Job | None) -> None:
        """Take up a move that an earlier process left under way; without its job as the settings say."""
        self._follow(move, attempt, job, is_new=False)

    async def turn(self) -> float:
        """Decide once; a database that does not answer is asked again soon."""
        try:
            return await self.step()
        except StoreError as error:
            log.warning("the database did not answer, looking again soon: %s", error)
            return self._timing.busy_s

    async def stop(self) -> None:
        """Stop following the attempts; the migrations go on."""
        await self._attempts.cancel()

    async def step(self) -> float:
        """Decide once, over everything. Returns after how many seconds to look again unasked."""
        now = self._clock.now()
        jobs = await self._store.jobs(JobState.PROPOSED, JobState.RUNNING, limit=10_000)
        await self._expire([job for job in jobs if job.state is JobState.PROPOSED and now >= job.expires_at], now)
        running = {job.id: job for job in jobs if job.state is JobState.RUNNING}
        moves = await self._moves(running)
        self._note_open([move for move in moves if not move.state.is_end])
        situation = await self._situation(now, running, moves)
        found = await compute(len(moves), self._decide, situation)
        for decision in found.to_do:
            before = found.originals[decision.move.id]
            await self._carry_out(decision, before, running[decision.move.job_id], now)
        await self._expect(len(moves))
        await self._holds.write(found.holds, found.originals, situation)
        self._dropped_out(found.dropouts)
        await self._finish(running, moves, now)
        due = [job.expires_at for job in jobs if job.state is JobState.PROPOSED]
        left = [at - now for at in due]
        left += [] if found.next_change is None else [found.next_change]
        soonest_s = min([SAFETY_NET_S, *(one.total_seconds() for one in left)])
        return max(0.05, soonest_s) if soonest_s > 0 else SOON_S

    def _decide(self, situation: Situation) -> _Found:
        """Decide, and look through all of it for what follows."""
        decisions = self._scheduler.decide(situation)
        originals = {move.id: move for move in situation.moves}
        return _Found(
            originals=originals,
            to_do=[one for one in decisions if not isinstance(one, Held)],
            holds=self._holds.news(decisions, originals, situation),
            next_change=next_change(decisions, situation),
            dropouts=dropouts(situation),
        )

    async def _expect(self, moves: int) -> None:
        """Have what starts next made ready: a freed slot is not to wait for a login."""
        now_s = asyncio.get_running_loop().time()
        if moves >= MANY and now_s < self._expect_from_s:
            return
        await self._services.look_ahead.expect(await compute(moves, self._scheduler.next_in_line))
        self._expect_from_s = asyncio.get_running_loop().time() + EXPECT_EVERY_S

    async def _moves(self, running: dict[JobId, Job]) -> list[Move]:
        """Read the moves of running jobs, oldest first; a job of which one cannot be read is left as it is."""
        moves: list[Move] = []
        for job_id in reversed(tuple(running)):
            try:
                moves += await self._store.moves(job_id)
            except UnreadableRow as error:
                del running[job_id]
                if self._unreadable.get(job_id) != error.message:
                    self._unreadable[job_id] = error.message
                    log.warning("%s is left as it is: %s", job_id, error.sentence())
        return moves

    def _note_open(self, moves: Sequence[Move]) -> None:
        """Pass on what open moves concern: hosts to poll often, cards that change by themselves, clocks that run."""
        concerned = defaultdict[HostName, set[VmId]](set)
        for move in moves:
            if not _is_quiet(move):
                concerned[move.source].add(move.vm_id)
                concerned[move.destination].add(move.vm_id)
        self._busy(
            concerned,
            {move.job_id for move in moves if move.state.holds_slots},
        )
        self.is_counting = any(move.busy_since for move in moves)

    async def _situation(self, now: datetime, running: dict[JobId, Job], moves: Sequence[Move]) -> Situation:
        attempts, faults = await self._store.attempts(open_only=True), await self._faults(running)
        stopped_by = await self._store.switch(STOP)
        backups = await best_effort("the outlook on backups", self._backups.of(moves, running), {})
        # What hosts showed is taken last and at once: while the database is read they go on telling.
        return Situation(
            now=self._clock.steady_now(),
            wall_now=now,
            jobs=running,
            moves=moves,
            snapshots=dict(self._snapshot_cache.snapshots),
            reservations=attempts,
            policy=self._policy,
            trouble={host: trouble.text for host, trouble in self._snapshot_cache.troubles.items()},
            stopped_by=stopped_by,
            faults=faults,
            frozen_until=self._freeze.frozen_until(now),
            calendar=self._freeze,
            backups=backups,
        )

    async def _carry_out(self, decision: Decision, before: Move, job: Job, now: datetime) -> None:
        try:
            await self._apply(decision, before, job, now)
        except Outdated as error:
            log.info("%s changed meanwhile, deciding again: %s", before.vm_name, error)
            self.wake()
        except StoreError:
            raise
        except Exception:
            # One move that cannot be started or ended is no reason to leave the others.
            log.exception("what was decided about %s of %s could not be done", before.vm_name, job.id)

    async def _apply(self, decision: Decision, before: Move, job: Job, now: datetime) -> None:
        match decision:
            case Start(move, claims, reason, on_links, order):
                number = self._allowed(job)
                begins = event_data.Starting(
                    attempt=move.attempts + 1, of=number, reason=reason, to=move.destination, order=order
                )
                told = event(begins, now, move=move)
                after = transit(move, MoveState.STARTING, hold=None, not_before=None, started_at=move.started_at or now)
                at = self._clock.now()
                started, attempt = await self._store.begin_attempt(
                    before,
                    after,
                    claims,
                    told,
                    at=at,
                    on_links=on_links,
                    frozen_until=self._freeze.frozen_until(at),
                )
                self._follow(started, attempt, job, is_new=True)
            case End(move=move, state=state, text=text, hint=hint, follows=follows):
                changes: dict[str, Any] = {"error": text, "hint": hint}
                if state is MoveState.DONE:  # somebody else's doing, whatever we tried before
                    changes = {"error": "", "hint": "", "started_at": None}
                if leaves_own_folder(move, state):
                    changes["tidy_at"] = self._clock.steady_now()
                after = transit(move, state, hold=None, ended_at=now, **changes)
                said = _END_DATA[state](text=text, hint=hint, where=self._where(move))
                if isinstance(said, event_data.Unmigratable):
                    said = replace(said, follows=follows)
                await self._store.change_move(before, after, event(said, now, move=move))
                if after.tidy_at is not None:
                    self._services.tidy_soon()
                self.wake()
        self._recorder.changed(job.id)

    def _where(self, move: Move) -> HostName | str:
        """Return where a move that ends without an attempt has its VM, empty when no host shows it."""
        snapshots = self._snapshot_cache.snapshots
        if move.source not in snapshots or snapshots[move.source].own_vm(move.vm_id) is not None:
            return move.source
        return next((host for host, snapshot in snapshots.items() if snapshot.own_vm(move.vm_id) is not None), "")

    async def _faults(self, running: dict[JobId, Job]) -> tuple[Attempt, ...]:
        """Read what failed since the oldest running job began."""
        since = min((job.decided_at or job.created_at for job in running.values()), default=None)
        return await self._store.faults_since(since) if since else ()

    async def _expire(self, jobs: list[Job], now: datetime) -> None:
        for job in jobs:
            expired = transit_job(job, JobState.EXPIRED, decided_at=now, finished_at=now)
            try:
                await self._store.change_job(job, expired, event(event_data.Expired(), now, job=job))
            except Outdated:
                self.wake()
            else:
                self._recorder.changed(job.id)

    async def _finish(self, running: dict[JobId, Job], all_moves: Sequence[Move], now: datetime) -> None:
        """Finish the jobs that had no open move when this step began; whatever ends a move wakes the next step."""
        unfinished = {move.job_id for move in all_moves if not move.state.is_end}
        for job in running.values():
            if job.id in unfinished:
                continue
            moves = [move for move in all_moves if move.job_id == job.id]
            counts = {
                state.value: sum(1 for move in moves if move.state is state) for state in MoveState if state.is_end
            }
            since = job.decided_at or job.created_at
            moved = sum(move.moved_bytes for move in moves)
            data = event_data.Finished(seconds=(now - since).total_seconds(), bytes=moved, **counts)
            told = event(data, now, job=job)
            await self._store.change_job(job, transit_job(job, JobState.FINISHED, finished_at=now), told)
            self._recorder.changed(job.id)

    # ------------------------------------------------------------------ attempts

    def _allowed(self, job: Job | None) -> int:
        return (job.plan.options.attempts if job else None) or self._max_attempts

    def _follow(self, move: Move, attempt: Attempt, job: Job | None, *, is_new: bool) -> None:
        runner = AttemptRunner(self._services, move, attempt, self._allowed(job))
        self._runners[move.id] = runner
        self._attempts.start(self._guard(runner, move.vm_name, is_new=is_new), f"move {move.vm_name}")

    async def _guard(self, runner: AttemptRunner, name: str, *, is_new: bool) -> None:
        """Run an attempt; if it breaks on something nobody foresaw, take the move up again: it is not left alone."""
        work = runner.carry_out if is_new else runner.go_on
        try:
            while True:
                try:
                    await work()
                except AttemptClosed as error:
                    log.warning("leaving the attempt to move %s alone: %s", name, error)
                    work = runner.leave
                except (Exception, asyncio.CancelledError):  # a bug must not orphan a migration that runs on a host
                    if is_asked_to_end():
                        raise
                    log.exception("the attempt to move %s broke; taking the move up again", name)
                    await self._clock.sleep(self._timing.busy_s)
                    work = runner.take_up_again
                else:
                    return
        finally:
            self._runners.pop(runner.id, None)
            self.wake()


def _is_quiet(move: Move) -> bool:
    """Whether no news from a host would let this move start: it waits for people or for a time."""
    return move.state is MoveState.QUEUED and move.hold is not None and move.hold.code in _QUIET
