"""The engine's front door: what the bot may ask of it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.config import Settings
from core.domain.alarm import alarm
from core.domain.dispatch import Policy
from core.domain.drift import drift
from core.domain.fleet import HostName, Snapshot, Vm, VmId
from core.domain.freeze import Calendar, parse_window
from core.domain.job import (
    Approval,
    Attempt,
    Event,
    EventKind,
    Job,
    JobId,
    JobState,
    Move,
    MoveId,
    MoveState,
    event,
    transit_job,
)
from core.domain.placement import Target
from core.domain.plan import Plan, PlannedMove, Request
from core.domain.view import HostView, JobView
from core.domain.where import Whereabouts, find
from core.engine.board import Board
from core.engine.cleaner import Cleaner
from core.engine.dispatcher import STOP, Dispatcher, Pace
from core.engine.ledger import Ledger
from core.engine.mover import Hands, Rules
from core.engine.observer import Observer
from core.engine.outbox import Cards, Outbox
from core.engine.pager import Pager
from core.engine.planner import Planner
from core.engine.tidier import Tidier
from core.engine.viewer import Viewer
from core.engine.views import view_hosts
from core.engine.warner import Warner
from core.engine.watchman import Watchman
from core.errors import NotAllowed, NothingToMove, Outdated, UnknownVm
from core.ports import Clock, HostGateway, Notifier, Store

log = logging.getLogger(__name__)

_STATE_WORDS = {
    JobState.RUNNING: "is approved already",
    JobState.FINISHED: "is finished",
    JobState.REJECTED: "was rejected",
    JobState.EXPIRED: "has expired; ask again",
    JobState.CANCELLED: "was withdrawn",
}


class Engine:
    """Plans, carries out and tells. Build it, ``start`` it, ask it, ``stop`` it."""

    def __init__(
        self, *, settings: Settings, store: Store, gateway: HostGateway, notifier: Notifier, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._board = Board()
        self._ledger = Ledger(store, clock)
        self._calendar = Calendar(tuple(map(parse_window, settings.freeze.windows)), ZoneInfo(settings.freeze.zone))
        self._planner = Planner(settings, self._calendar, gateway=gateway, store=store, board=self._board, clock=clock)
        migration = settings.migration
        pace = Pace(migration.poll_busy.total_seconds(), migration.poll_idle.total_seconds())
        self._observers = {
            HostName(name): Observer(
                HostName(name), gateway, self._board, clock, poll_busy_s=pace.busy_s, poll_idle_s=pace.idle_s
            )
            for name in settings.hosts
        }
        policy = Policy(
            migration.backup_threshold,
            migration.busy_patience,
            migration.max_parallel,
            migration.fail_fast,
            # A snapshot is too old when two idle polls have gone by without one.
            2 * migration.poll_idle + timedelta(minutes=1),
        )
        cleaner = Cleaner(gateway, self._fresh, clock)
        hands = Hands(gateway, self._ledger, self._board, clock, self._fresh, cleaner, _rules(settings))
        self._dispatcher = Dispatcher(
            hands, policy, pace, max_attempts=migration.max_attempts, freeze=self._calendar, busy=self._mark_busy
        )
        assumed_bytes_per_s = migration.assumed_speed_mb_s * 1_000_000
        self._viewer = Viewer(store, self._board, clock, self._calendar, assumed_bytes_per_s)
        self._watchman = Watchman(store, clock, policy.snapshot_max_age)
        self._tidier = Tidier(cleaner, self._ledger, clock)
        self._warner = Warner(self._ledger, clock, self._viewer.of)
        self._pager = Pager(self._ledger, clock, settings.slack.escalate_after)
        self._cards = Cards(store, notifier, clock, self._viewer.of)
        self._outbox = Outbox(store, notifier, clock, self._cards.touch)
        self._ledger.listen(self._changed)
        self._pace = pace
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Open the store, adopt what went on without us, and begin to work."""
        await self._store.open()
        await self._watchman.look_back()
        await self._dispatcher.adopt()
        await self._cards.resume()
        loops = [observer.run() for observer in self._observers.values()]
        loops += [self._outbox.run(), self._cards.run(self._pace.busy_s), self._dispatcher.run()]
        loops += [self._tidier.run(), self._warner.run(), self._pager.run()]
        loops += [self._watchman.run(lambda: self._dispatcher.is_counting)]
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Start nothing more, let go of hosts and store. Migrations go on; the next start finds them."""
        for task in reversed(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._gateway.close()
        await self._store.close()

    # ------------------------------------------------------------------ asking and deciding

    async def propose(self, request: Request) -> Job:
        """Make a plan of a request and put its card on the way (the notifier gets PROPOSED; no need to post anything).

        Raises RequestError (unknown or ambiguous VM or host, nothing to move …) and HostError, each with a sentence.
        """
        return await self.propose_plan(request, await self._planner.plan(request))

    async def preview(self, request: Request) -> Plan:
        """Make the plan of a request and do nothing with it. Raises like ``propose``."""
        return await self._planner.plan(request)

    async def propose_plan(self, request: Request, plan: Plan) -> Job:
        """Put the card of a plan on the way that was previewed; approvers are told if it is out of date by then."""
        now = self._clock.now()
        job = Job(
            JobId(""),
            plan,
            request.requester,
            request.channel,
            request.text,
            now,
            now + self._settings.access.approval_ttl,
        )
        blocked = len(plan.blocked_ids)
        proposed = event(EventKind.PROPOSED, now, actor=request.requester, vms=len(plan.moves), blocked=blocked)
        job = await self._store.add_job(job, proposed)
        self._ledger.changed(job.id)
        return job

    async def approve(self, job_id: JobId, plan_hash: str, by: str) -> Job:
        """Count an approval of exactly this plan; with enough of them the job is queued in the same transaction.

        The caller has checked that ``by`` may approve; here: state, hash, expiry, self-approval, one click per person.
        Raises NotAllowed with a sentence when the click does not count, UnknownJob.
        """
        job = await self._decidable(job_id, plan_hash)
        access = self._settings.access
        if by == job.requester and not access.self_approval:
            raise NotAllowed(f"{job.id} is your own request; somebody else must approve it.")
        if any(approval.by == by for approval in job.approvals):
            raise NotAllowed(f"You approved {job.id} already; it needs somebody else too.")
        changes = drift(job.plan, self._board.snapshots)
        if changes:
            raise NotAllowed(
                f"{job.id} is out of date: {' '.join(changes)}",
                hint="Reject it and ask again: the plan would differ now.",
            )
        now = self._clock.now()
        approvals = (*job.approvals, Approval(by, now))
        counted: dict[str, Any] = {"count": len(approvals), "needed": access.approvals_required}
        if len(approvals) < access.approvals_required:
            after, kind, moves = replace(job, approvals=approvals), EventKind.APPROVAL, []
        else:
            after = transit_job(job, JobState.RUNNING, approvals=approvals, decided_by=by, decided_at=now)
            kind, moves = EventKind.APPROVED, _moves(job, now)
        return await self._decide(job, after, event(kind, now, job=job, actor=by, **counted), moves)

    async def reject(self, job_id: JobId, plan_hash: str, by: str, reason: str) -> Job:
        """Reject a proposed plan. Raises NotAllowed, UnknownJob."""
        job = await self._decidable(job_id, plan_hash)
        now = self._clock.now()
        after = transit_job(
            job, JobState.REJECTED, decided_by=by, decided_at=now, decision_reason=reason, finished_at=now
        )
        return await self._decide(job, after, event(EventKind.REJECTED, now, job=job, actor=by, reason=reason))

    async def cancel(self, job_id: JobId, by: str, vm: str = "") -> tuple[Job, str]:
        """Withdraw a proposed job, or cancel a running one, or one VM of it.

        Queued moves end, running ones are asked to. Returns the job and one sentence for the person. Raises
        UnknownJob, UnknownVm, NotAllowed.
        """
        job = await self._store.job(job_id)
        now = self._clock.now()
        if job.state is JobState.PROPOSED:
            after = transit_job(job, JobState.CANCELLED, decided_by=by, decided_at=now, finished_at=now)
            return await self._decide(
                job, after, event(EventKind.WITHDRAWN, now, job=job, actor=by)
            ), f"{job.id} is withdrawn; nothing was started."
        if job.state is not JobState.RUNNING:
            raise NotAllowed(f"{job.id} {_STATE_WORDS[job.state]}; there is nothing to cancel.")

        async def wish() -> list[Move]:
            """Write down the wish and that it was said, or neither."""
            wanted = await self._cancellable(job, vm)
            names = [move.vm_name for move in wanted]
            asked = event(EventKind.CANCEL_ASKED, now, job=job, actor=by, vms=names, running=_running(wanted))
            await self._store.change_moves([(move, replace(move, cancel_by=by)) for move in wanted], asked)
            return wanted

        wanted = await self._ledger.record_together(job.id, wish)
        for move in wanted:
            self._dispatcher.ask_cancel(move.id)
        running = _running(wanted)
        return job, _cancel_sentence(len(wanted) - running, running)

    async def retry(self, job_id: JobId, by: str) -> Job:
        """Propose a new job of the moves that did not get done. Raises UnknownJob, NothingToMove, HostError."""
        job = await self._store.job(job_id)
        moves = [m for m in await self._store.moves(job.id) if m.state.is_end and m.state is not MoveState.DONE]
        if not moves:
            raise NothingToMove(f"Nothing of {job.id} is left to try again.")
        targets = {move.vm_id: Target(move.destination, move.path) for move in moves}
        return await self._again(job, by, f"retry {job.id}", {move.vm_id: move.source for move in moves}, targets)

    async def back(self, job_id: JobId, by: str) -> Job:
        """Propose the return trip: what a job moved goes back to where it was, as a new plan with its own approval.

        Raises UnknownJob, NothingToMove, RequestError, HostError.
        """
        job = await self._store.job(job_id)
        moves = [move for move in await self._store.moves(job.id) if move.is_our_doing]
        if not moves:
            raise NothingToMove(f"{job.id} moved nothing that could go back.")
        homes = {move.vm_id: Target(move.source, _home(move)) for move in moves}
        return await self._again(job, by, f"back {job.id}", {move.vm_id: move.destination for move in moves}, homes)

    async def pause(self, job_id: JobId, by: str) -> Job:
        """Start nothing more of this job until it is resumed; what runs goes on. Raises UnknownJob, NotAllowed."""
        return await self._set_paused(job_id, by, by, EventKind.PAUSED)

    async def resume(self, job_id: JobId, by: str) -> Job:
        """Let a paused job go on. Raises UnknownJob, NotAllowed."""
        return await self._set_paused(job_id, "", by, EventKind.CONTINUED)

    async def answer_stuck(self, move_id: MoveId, answer: str, by: str) -> str:
        """Take an answer about a move that stands still: ``wait``, ``cancel`` or ``page``. Returns one sentence.

        The first answer to a question counts. Raises NotAllowed when there is no open question, or the move is over.
        """
        move = await self._pager.answer(move_id, answer, by)
        if answer == "cancel":
            await self._ledger.record(move.id, lambda m: self._wish_cancel(m, by))
            self._dispatcher.ask_cancel(move.id)
            return f"The host is asked to stop moving {move.vm_name}; the thread will tell."
        paged = "On-call is paged. " if answer == "page" else ""
        return f"{paged}{move.vm_name} goes on; you will be asked again if nothing changes."

    async def acknowledge(self, job_id: JobId, page_id: int, by: str) -> None:
        """Note that somebody takes care of a page (the id of its event): nobody is reminded of it.

        The first one counts. Raises NotAllowed, UnknownJob.
        """
        await self._pager.acknowledge(job_id, page_id, by)

    async def waiting(self, job_id: JobId) -> Sequence[Event]:
        """Return the questions and pages of a job that nobody has answered or taken. Raises UnknownJob."""
        return await self._pager.waiting((await self._store.job(job_id)).id)

    async def stop_starts(self, by: str) -> None:
        """Stop every new start, the big red stop; it lasts until ``resume_starts`` and survives restarts."""
        await self._switch(by, EventKind.STOPPED, by)

    async def resume_starts(self, by: str) -> None:
        """Allow starts again."""
        await self._switch("", EventKind.RESUMED, by)

    # ------------------------------------------------------------------ looking

    async def jobs(self, limit: int = 20) -> Sequence[JobView]:
        """Return the newest jobs, newest first."""
        return [await self._viewer.of(job.id) for job in await self._store.jobs(limit=limit)]

    async def open_jobs(self, limit: int = 20) -> Sequence[JobView]:
        """Return the newest jobs that wait for approval or run, newest first."""
        found = await self._store.jobs(JobState.PROPOSED, JobState.RUNNING, limit=limit)
        return [await self._viewer.of(job.id) for job in found]

    async def job(self, job_id: JobId) -> JobView:
        """Return one job as it is now. Raises UnknownJob."""
        return await self._viewer.of((await self._store.job(job_id)).id)

    async def history(self, job_id: JobId) -> Sequence[Event]:
        """Return everything that happened to a job. Raises UnknownJob."""
        return await self._store.events((await self._store.job(job_id)).id)

    async def attempts(self, job_id: JobId) -> Sequence[Attempt]:
        """Return every attempt, of any job, since this job's approval and before its end. Raises UnknownJob."""
        job = await self._store.job(job_id)
        since, until = job.decided_at or job.created_at, job.finished_at or self._clock.now()
        every = await self._store.attempts()
        return [one for one in every if one.started_at <= until and (one.ended_at or until) >= since]

    async def hosts(self) -> Sequence[HostView]:
        """Return every host of the settings as last seen."""
        return view_hosts(list(self._observers), self._board, await self._store.attempts(open_only=True))

    async def stopped_by(self) -> str:
        """Return who pressed the big red stop; empty when starts are allowed."""
        return await self._store.switch(STOP)

    def inventory(self, host: HostName) -> Sequence[Vm]:
        """Return the VMs of a host as last seen, without asking it; nothing when it was never seen."""
        snapshot = self._board.snapshots.get(host)
        return snapshot.vms if snapshot else ()

    async def queue_lengths(self) -> dict[str, int]:
        """Return how many jobs wait for approval and run, and how many moves are in each state that is no end."""
        lengths = Counter(str(job.state) for job in await self._store.jobs(JobState.PROPOSED, JobState.RUNNING))
        lengths += Counter(str(move.state) for move in await self._store.moves(open_only=True))
        return dict(lengths)

    def snapshot_ages_s(self) -> dict[HostName, float | None]:
        """Return how many seconds ago each host last told about itself; None: never."""
        now, snapshots = self._clock.now(), self._board.snapshots
        return {
            host: (now - snapshots[host].taken_at).total_seconds() if host in snapshots else None
            for host in self._observers
        }

    async def where(self, name: str) -> Sequence[Whereabouts]:
        """Say where a VM is now, by name or id: from every host's newest snapshot, and its newest move.

        Several when VMs share the name. Raises UnknownVm when no host shows it and no job ever had it.
        """
        troubles = frozenset(self._board.troubles)
        hosts = list(self._observers)
        found = find(name, hosts, self._board.snapshots, troubles, await self._store.moves())
        if not found:
            silent = [host for host in hosts if host in troubles or host not in self._board.snapshots]
            hint = f"I cannot ask {', '.join(silent)} now." if silent else "Look at the spelling."
            raise UnknownVm(f"No host shows a VM called {name}, and no job ever had one.", hint=hint)
        return found

    # ------------------------------------------------------------------ inside

    async def _again(
        self, job: Job, by: str, text: str, sources: dict[VmId, HostName], targets: dict[VmId, Target]
    ) -> Job:
        """Propose VMs of a job anew, each to its own place."""
        options = replace(job.plan.options, start_at=None, until=None, subfolder=False, reason=text)
        request = Request(
            vms=tuple(str(vm_id) for vm_id in sources),
            sources=tuple(dict.fromkeys(sources.values())),
            destinations=tuple(dict.fromkeys(target.host for target in targets.values())),
            requester=by,
            channel=job.channel,
            options=options,
            text=text,
        )
        return await self.propose_plan(request, await self._planner.plan(request, targets))

    async def _set_paused(self, job_id: JobId, paused_by: str, by: str, kind: EventKind) -> Job:
        job = await self._store.job(job_id)
        if job.state is not JobState.RUNNING:
            raise NotAllowed(f"{job.id} {_STATE_WORDS.get(job.state, 'is not approved yet')}.")
        if bool(job.paused_by) is bool(paused_by):
            raise NotAllowed(f"{job.id} is {'paused already' if paused_by else 'not paused'}.")
        told = event(kind, self._clock.now(), job=job, actor=by)
        return await self._decide(job, replace(job, paused_by=paused_by), told)

    async def _decidable(self, job_id: JobId, plan_hash: str) -> Job:
        job = await self._store.job(job_id)
        if job.state is not JobState.PROPOSED:
            raise NotAllowed(f"{job.id} {_STATE_WORDS[job.state]}.")
        if self._clock.now() >= job.expires_at:
            raise NotAllowed(f"{job.id} has expired; ask again.")
        if job.plan.hash != plan_hash:
            raise NotAllowed(f"This card does not show the plan of {job.id} as it is now.")
        return job

    async def _decide(self, before: Job, after: Job, told: Event, moves: Sequence[Move] = ()) -> Job:
        try:
            job = await self._store.change_job(before, after, told, new_moves=moves)
        except Outdated:
            now = await self._store.job(before.id)
            words = _STATE_WORDS.get(now.state, "was changed by somebody else at the same moment; look again")
            raise NotAllowed(f"{before.id} {words}.") from None
        self._ledger.changed(job.id)
        return job

    async def _cancellable(self, job: Job, vm: str) -> list[Move]:
        """Return the moves of a job, or the one of a VM, that can still be cancelled. Raises UnknownVm, NotAllowed."""
        moves = [
            move
            for move in await self._store.moves(job.id)
            if not vm or vm.casefold() in {move.vm_name.casefold(), str(move.vm_id)}
        ]
        if not moves:
            raise UnknownVm(f"{vm} is not in {job.id}.")
        wanted = [move for move in moves if not move.state.is_end and move.state is not MoveState.CLEANING]
        if not wanted:
            raise NotAllowed(f"{vm or job.id} has nothing left to cancel.")
        return wanted

    async def _wish_cancel(self, move: Move, by: str) -> Move:
        if move.state.is_end or move.state is MoveState.CLEANING:
            return move
        return await self._store.change_move(move, replace(move, cancel_by=by))

    async def _switch(self, value: str, kind: EventKind, by: str) -> None:
        running = await self._store.jobs(JobState.RUNNING, limit=10_000)
        await self._store.set_switch(STOP, value, *alarm(kind, self._clock.now(), by, running))
        self._viewer.everything_changed()
        self._dispatcher.poke()
        for job in running:
            self._ledger.changed(job.id)

    def _changed(self, job_id: JobId) -> None:
        self._viewer.changed(job_id)
        self._outbox.poke()
        self._cards.touch(job_id)
        self._pager.touch(job_id)
        self._dispatcher.poke()

    def _mark_busy(self, hosts: set[HostName], jobs: set[JobId]) -> None:
        self._cards.follow(jobs)
        for name, observer in self._observers.items():
            was_busy, observer.is_busy = observer.is_busy, name in hosts
            if observer.is_busy and not was_busy:
                observer.poke()

    async def _fresh(self, host: HostName) -> Snapshot | None:
        observer = self._observers.get(host)
        return await observer.fresh() if observer else None


def _rules(settings: Settings) -> Rules:
    migration = settings.migration

    def address(host: HostName) -> str:
        known = settings.hosts[host]
        return known.migration_address or known.address

    return Rules(
        migration.confirm_start,
        migration.poll_busy.total_seconds(),
        migration.silence_patience,
        migration.retry_delay,
        migration.stuck_after,
        migration.assumed_speed_mb_s * 1_000_000,
        address,
    )


def _home(move: Move) -> str:
    """Return the folder a moved VM had its configuration in: what ``-DestinationStoragePath`` must name to go back."""
    return move.before.vm.config_path if move.before is not None else ""


def _moves(job: Job, now: datetime) -> list[Move]:
    """Make the moves of an approved plan; a VM that preflight ruled out is there too, with its reason."""
    blocked_ids = job.plan.blocked_ids
    return [_move(job, planned, now, is_blocked=planned.vm_id in blocked_ids) for planned in job.plan.moves]


def _move(job: Job, planned: PlannedMove, now: datetime, *, is_blocked: bool) -> Move:
    blocked = job.plan.why_blocked(planned.vm_id) if is_blocked else ""
    return Move(
        MoveId(0),
        job.id,
        planned.vm_id,
        planned.vm_name,
        planned.source,
        planned.destination,
        planned.path,
        planned.disks,
        planned.size_bytes,
        planned.is_live,
        MoveState.UNMIGRATABLE if blocked else MoveState.QUEUED,
        error=blocked,
        queued_at=now,
        ended_at=now if blocked else None,
        is_own_folder=planned.is_own_folder,
    )


def _running(moves: Sequence[Move]) -> int:
    return sum(1 for move in moves if move.state is not MoveState.QUEUED)


def _cancel_sentence(queued: int, running: int) -> str:
    parts = []
    if queued:
        parts.append(f"{queued} waiting VM{'s' if queued > 1 else ''} will not be moved")
    if running:
        parts.append(f"{running} running move{'s are' if running > 1 else ' is'} asked to stop; the thread will tell")
    return "; ".join(parts) + "."
