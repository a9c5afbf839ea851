"""Builds and caches views of jobs: each is looked at once for everybody who asks at the same time.

Commands, cards, Home tabs and deadlines all ask, and a view of thousands of moves costs a moment of the only thread
there is. So who asks gets a view that was begun after the last change the engine knows of, and at most ``FRESH`` before
the question. Estimating when so many moves are over takes ten times as long: that is done in a thread, now and then.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName, Snapshot, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Attempt, Move, MoveId, MoveState
from core.domain.model.ownership import Owned
from core.domain.model.views import CheckProgress, EstimateError, JobView, MoveView
from core.domain.planning.forecast import Conditions, Forecast, forecast
from core.domain.planning.other_moves import in_the_way, other_moves
from core.domain.planning.speeds import Speeds, lines_of
from core.domain.planning.speeds import seconds as seconds_of
from core.domain.planning.work import Work
from core.domain.reporting.estimates import FEW_JOBS, error_of
from core.domain.reporting.owners import by_owner
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.links import NO_LINKS, Links, Place
from core.domain.scheduling.order import oldest_first
from core.domain.scheduling.start_permission import STOP
from core.engine.backup_outlooks import BackupOutlooks, Spans, seconds_from
from core.engine.best_effort import best_effort
from core.engine.hosts.owner_book import OwnedVm, OwnerBook
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.known_speeds import known_speeds
from core.engine.moments import SteadyMoments
from core.ports import Clock, Store
from core.tasks import MANY, compute


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewInputs:
    """The inputs of a job's view besides the job and its moves: nothing of it changes while a view is built."""

    attempts: Mapping[MoveId, Attempt]
    """The open ones."""
    percents: Mapping[VmId, int]
    speeds: Speeds
    snapshots: Mapping[HostName, Snapshot]
    calendar: Calendar
    stopped_by: str
    began: Mapping[MoveId, datetime] = field(default_factory=dict)
    """When the open attempts began, worked out anew for the clock on the wall as it goes now."""
    avoided: Mapping[VmId, Spans] = field(default_factory=dict)
    """When moves that wait will not start, for the backups of their VMs."""
    others: Sequence[Work] = ()
    """What others do on the hosts, or will before this job."""
    on_places: Mapping[Place, int] = field(default_factory=dict)
    """How many moves of all jobs are now where moves share speed: on each link, at each host."""
    max_parallel: int = 0
    """How many moves of one job may run at once when its plan does not say; 0: as many as the hosts allow."""


def view_job(
    job: Job, moves: Sequence[Move], known: ViewInputs, now: datetime, expected: Forecast | None, *, number: int = 0
) -> JobView:
    """Build a job's view. ``expected``: what ``expect`` says, None when nothing is left to do, or nobody knows."""
    rows, place = [], 0
    for move in moves:
        if move.state is MoveState.QUEUED:
            place += 1
            rows.append(MoveView(move, place=place))
            continue
        percent = known.percents.get(move.vm_id) if move.state.holds_slots else None
        attempt = known.attempts.get(move.id)
        ends = now + timedelta(seconds=_left_s(move, attempt, known, now)) if attempt and _is_to_do(move) else None
        rows.append(MoveView(move, percent, None, ends))
    if expected is None:
        return JobView(job=job, moves=tuple(rows), at=now, number=number, stopped_by=known.stopped_by)
    return JobView(
        job=job,
        moves=tuple(rows),
        at=now,
        number=number,
        eta=expected.eta,
        why_no_eta=expected.why_none,
        soonest=expected.soonest,
        stopped_by=known.stopped_by,
    )


def open_moves(job: Job, moves: Sequence[Move]) -> tuple[Move, ...]:
    """Return what a running job has still to do; nothing of another job."""
    return tuple(move for move in moves if _is_to_do(move)) if job.state is JobState.RUNNING else ()


def halted(job: Job, to_do: Sequence[Move], known: ViewInputs) -> str:
    """Say which order of people keeps a job, or a VM of it, from starting; empty when none does."""
    if known.stopped_by:
        return "all starts are stopped"
    if job.paused_by:
        return f"{job.id} is paused"
    held = next((move for move in to_do if move.owner_hold is not None), None)
    return f"{held.vm_name} waits for its owner" if held else ""


def expect(job: Job, to_do: Sequence[Move], known: ViewInputs, now: datetime) -> Forecast:
    """Estimate when a job ends. For thousands of moves that takes a tenth of a second."""
    options = job.plan.options
    calendar = None if options.override else known.calendar
    works = [*(_work(move, known, now) for move in to_do), *known.others]
    at_once = options.parallel or known.max_parallel
    return forecast(
        works,
        Conditions(
            now=now,
            snapshots=known.snapshots,
            calendar=calendar,
            start_at=options.start_at,
            halted=halted(job, to_do, known),
            at_once=at_once,
            lines=lines_of(known.speeds, now),
        ),
    )


def _is_to_do(move: Move) -> bool:
    return not move.state.is_end and move.state is not MoveState.CLEANING


def _work(move: Move, known: ViewInputs, now: datetime) -> Work:
    attempt = known.attempts.get(move.id)
    if attempt is not None:
        # What is left of it at the pace of now, as if it shared nothing: the schedule works out who shares what.
        left = _left_s(move, attempt, known, now) * _share(move, known)
        return Work(move.source, move.destination, left, is_running=True)
    seconds = seconds_of(move.size_bytes, move.source, move.destination, known.speeds)
    avoids = seconds_from(known.avoided.get(move.vm_id, ()), now)
    return Work(move.source, move.destination, seconds, avoids=avoids)


def _left_s(move: Move, attempt: Attempt, known: ViewInputs, now: datetime) -> float:
    elapsed = (now - known.began.get(move.id, attempt.started_at)).total_seconds()
    percent = known.percents.get(move.vm_id) if move.state.holds_slots else None
    if percent:
        return elapsed * (100 - percent) / percent
    whole = seconds_of(move.size_bytes, move.source, move.destination, known.speeds) / _share(move, known)
    return max(0.0, whole - elapsed)


def _share(move: Move, known: ViewInputs) -> float:
    """Return which share of its own speed a move has, with all that are at its places now."""
    return known.speeds.share(move.source, move.destination, known.on_places)


_JOBS = 10_000
FRESH = timedelta(seconds=1)
"""How old a view may be: percents, and what another process writes, change without a word."""

HOLDS = timedelta(seconds=10)
OFF_HOLDS = timedelta(minutes=5)
"""For so long what is known of earlier estimates stands; a job that ends meanwhile changes little."""
"""How long an estimate for many moves holds: it is a matter of hours then, and takes a while."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A view, when it was begun (in steady time), and how many changes were known then."""

    view: JobView
    at: datetime
    changes: int


@dataclass(frozen=True, slots=True)
class _Expected:
    """An estimate, when it was made (in steady time), and what halted the job then."""

    forecast: Forecast
    at: datetime
    halted: str


class JobViews:
    """A cache of job views. It must be told of every change."""

    def __init__(
        self,
        store: Store,
        snapshot_cache: SnapshotCache,
        clock: Clock,
        calendar: Calendar,
        *,
        assumed_bytes_per_s: float,
        max_parallel: int,
        backups: BackupOutlooks,
        links: Links = NO_LINKS,
        checking: Callable[[JobId], CheckProgress | None] = lambda _: None,
        owners: OwnerBook | None = None,
    ) -> None:
        self._owners = owners
        self._checking = checking
        self._backups = backups
        self._store = store
        self._snapshot_cache = snapshot_cache
        self._clock = clock
        self._calendar = calendar
        self._assumed_bytes_per_s = assumed_bytes_per_s
        self._max_parallel = max_parallel
        self._links = links
        self._moments = SteadyMoments(clock)
        self._off_found: tuple[datetime, EstimateError | None] | None = None
        self._open: tuple[datetime, Sequence[Move]] = clock.steady_now(), ()
        self._number = 0
        self._changes = 0
        self._all_changed = 0
        self._changed: dict[JobId, int] = {}
        self._seen: dict[JobId, _Seen] = {}
        self._expected: dict[JobId, _Expected] = {}
        self._turns: defaultdict[JobId, asyncio.Lock] = defaultdict(asyncio.Lock)

    def invalidate(self, job_id: JobId) -> None:
        """Drop a job's view: whoever asks from now on must see what changed."""
        self._changes += 1
        self._changed[job_id] = self._changes

    def invalidate_all(self) -> None:
        """Drop every job's view."""
        self._changes += 1
        self._all_changed = self._changes

    async def of(self, job_id: JobId) -> JobView:
        """Show a job, by its id as the store writes it. Raises UnknownJob."""
        asked_at, changes = self._clock.steady_now(), max(self._changed.get(job_id, 0), self._all_changed)
        async with self._turns[job_id]:
            seen = self._seen.get(job_id)
            if seen is None or seen.changes < changes or asked_at - seen.at >= FRESH:
                self._forget(asked_at)
                seen = self._seen[job_id] = await self._look(job_id)
        return seen.view

    async def _look(self, job_id: JobId) -> _Seen:
        at, now, changes = self._clock.steady_now(), self._clock.now(), self._changes
        self._number += 1
        number = self._number
        job = await self._store.job(job_id)
        moves = await self._store.moves(job_id)
        known = await self._inputs(at, now, job, moves)
        to_do = open_moves(job, moves)
        expected = None
        if to_do:
            estimate = self._expect(job, to_do, known, now, at)
            expected = await best_effort(f"the estimate of {job_id}", estimate, None)
        view = await compute(len(moves), view_job, job, moves, known, now, expected, number=number)
        if view.eta or (job.state is JobState.PROPOSED and job.plan.expected_s):
            view = replace(view, off=await best_effort("how far off estimates were", self._off(at), None))
        if not job.plan.is_checked:
            view = replace(view, checking=self._checking(job_id))
        if self._owners is not None and self._owners.is_on:
            view = replace(view, owned=self._owned(job, moves), owners_unknown=self._owners.trouble)
        return _Seen(view, at, changes)

    def _owned(self, job: Job, moves: Sequence[Move]) -> tuple[Owned, ...]:
        """Say whose the VMs are: as it was written down with their moves, before that as it is known now."""
        if moves:
            return by_owner((move.vm_name, move.owner) for move in moves)
        if self._owners is None or job.state is not JobState.PROPOSED:
            return ()
        planned = (OwnedVm(one.vm_id, one.vm_name, one.source) for one in job.plan.moves)
        return by_owner((vm.name, self._owners.of(vm)) for vm in planned)

    async def estimate(self, job: Job, moves: Sequence[Move]) -> tuple[float, tuple[int, ...]]:
        """Say in how many seconds a job approved now will be over (0: nobody knows), and what each move takes."""
        at, now = self._clock.steady_now(), self._clock.now()
        known = await self._inputs(at, now, job, moves)
        to_do = [move for move in moves if _is_to_do(move)]
        forecast = await compute(len(to_do) + len(known.others), expect, job, to_do, known, now)
        speeds = await known_speeds(self._store, self._links, self._assumed_bytes_per_s)
        each = (seconds_of(one.size_bytes, one.source, one.destination, speeds) for one in moves)
        return (forecast.eta.likely - now).total_seconds() if forecast.eta else 0.0, tuple(map(round, each))

    async def _off(self, at: datetime) -> EstimateError | None:
        """Say how far off estimates were so far; found out anew now and then."""
        if self._off_found is None or at - self._off_found[0] >= OFF_HOLDS:
            jobs, _ = await self._store.estimates()
            self._off_found = at, error_of(jobs, FEW_JOBS)
        return self._off_found[1]

    async def _inputs(self, at: datetime, now: datetime, job: Job, moves: Sequence[Move]) -> ViewInputs:
        attempts = {attempt.move_id: attempt for attempt in await self._store.attempts(open_only=True)}
        speeds = (await known_speeds(self._store, self._links, self._assumed_bytes_per_s)).of_schedule()
        options = job.plan.options
        waiting = [move for move in open_moves(job, moves) if move.state is MoveState.QUEUED]
        calendar = None if options.override else self._calendar
        return ViewInputs(
            attempts=attempts,
            began={one.move_id: now - (at - self._moments.of(one.id, one.started_at)) for one in attempts.values()},
            percents=dict(self._snapshot_cache.percents),
            speeds=speeds,
            snapshots=dict(self._snapshot_cache.snapshots),
            calendar=self._calendar,
            stopped_by=await self._store.switch(STOP),
            avoided=await best_effort(
                "the outlook on backups", self._backups.avoided(waiting, options, now, calendar), {}
            ),
            others=await best_effort(
                "the estimate of others' moves",
                self._others(job, moves, attempts.values(), speeds, at=at, now=now),
                (),
            )
            if open_moves(job, moves)
            else (),
            on_places=Counter(at for one in attempts.values() for at in speeds.places(one.source, one.destination)),
            max_parallel=self._max_parallel,
        )

    async def _others(
        self, job: Job, own: Sequence[Move], attempts: Iterable[Attempt], speeds: Speeds, *, at: datetime, now: datetime
    ) -> list[Work]:
        """Estimate what others do on the hosts: moves under way, and those of older jobs that wait for room."""
        running = await self._store.jobs(JobState.RUNNING, limit=_JOBS)
        by_age = oldest_first([job, *(one for one in running if one.id != job.id)])
        older = {one.id for one in by_age[: by_age.index(job)]}
        moves = await self._all_open(at) if len(by_age) > 1 else own
        mine = {move.vm_id for move in own}
        others = [
            move
            for move in in_the_way(moves)
            if move.job_id != job.id and (move.job_id in older or move.state.holds_slots)
        ]
        snapshots = {
            host: replace(seen, jobs=tuple(one for one in seen.jobs if one.vm_id not in mine))
            for host, seen in self._snapshot_cache.snapshots.items()
        }
        return other_moves(others, attempts, snapshots, speeds, now, percents=self._snapshot_cache.percents)

    async def _all_open(self, at: datetime) -> Sequence[Move]:
        """Read the open moves of all jobs; many of them now and then only."""
        if at - self._open[0] >= HOLDS or len(self._open[1]) < MANY:
            self._open = at, await self._store.moves(open_only=True)
        return self._open[1]

    async def _expect(
        self, job: Job, to_do: Sequence[Move], known: ViewInputs, now: datetime, at: datetime
    ) -> Forecast:
        if len(to_do) + len(known.others) < MANY:
            return expect(job, to_do, known, now)
        made = self._expected.get(job.id)
        if made is None or at - made.at >= HOLDS or made.halted != halted(job, to_do, known):
            forecast = await asyncio.to_thread(expect, job, to_do, known, now)
            made = self._expected[job.id] = _Expected(forecast, at, halted(job, to_do, known))
        return made.forecast

    def _forget(self, now: datetime) -> None:
        """Drop what is too old to be shown again."""
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if now - seen.at < FRESH}
        self._expected = {job_id: made for job_id, made in self._expected.items() if now - made.at < HOLDS}
        for job_id in [job_id for job_id, turn in self._turns.items() if not turn.locked()]:
            del self._turns[job_id]
