"""Carries out what people decide: approve, reject, cancel, pause, resume, stop all starts, answer, acknowledge."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from core.config import AccessSettings
from core.domain.model import event_data
from core.domain.model.events import Event, event
from core.domain.model.inventory import HostName
from core.domain.model.job import Approval, Job, JobId, JobState, transit_job
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.model.names import NameIndex, unmarked
from core.domain.model.ownership import Owner
from core.domain.model.plan import PlannedMove
from core.domain.model.views import CheckProgress
from core.domain.planning.drift import drift
from core.domain.reporting.announcements import alarm
from core.domain.scheduling.start_permission import STOP
from core.engine.api.decidable import STATE_WORDS, check_decidable, why_outdated
from core.engine.api.job_views import JobViews
from core.engine.best_effort import best_effort
from core.engine.delivery.escalation import Escalation
from core.engine.dispatcher import Dispatcher
from core.engine.hosts.owner_book import OwnedVm, OwnerBook
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.recorder import TransitionRecorder
from core.errors import AmbiguousVm, NotAllowed, Outdated, UnknownHost, UnknownVm


class Controls:
    """What people decide, each once and exactly as it was shown; ``engine.controls``.

    Who may decide is the caller's to check, all but that nobody approves their own request.
    """

    def __init__(
        self,
        access: AccessSettings,
        host_name: Callable[[str], HostName],
        recorder: TransitionRecorder,
        *,
        snapshot_cache: SnapshotCache,
        dispatcher: Dispatcher,
        escalation: Escalation,
        job_views: JobViews,
        checking: Callable[[JobId], CheckProgress | None],
        owners: OwnerBook | None = None,
    ) -> None:
        self._access = access
        self._host_name = host_name
        self._recorder = recorder
        self._snapshot_cache = snapshot_cache
        self._dispatcher = dispatcher
        self._escalation = escalation
        self._job_views = job_views
        self._checking = checking
        self._owners = owners

    async def approve(self, job_id: JobId, plan_hash: str, by: str, *, void: Collection[str] = ()) -> Job:
        """Count an approval of exactly this plan; with enough of them the job is queued in the same transaction.

        Earlier approvals of ``void``, who may not approve any more, are dropped. The caller has checked that ``by``
        may approve; here: state, hash, expiry, self-approval, one click per person.
        Raises NotAllowed with a sentence when the click does not count, UnknownJob.
        """
        job = await self._decidable(job_id, plan_hash)
        if not job.plan.is_checked:
            raise NotAllowed(f"{job.id} cannot be approved yet: {_how_far(self._checking(job.id))}")
        access = self._access
        if by == job.requester and not access.self_approval:
            raise NotAllowed(f"{job.id} is your own request; somebody else must approve it.")
        if any(approval.by == by for approval in job.approvals):
            raise NotAllowed(f"You approved {job.id} already; it needs somebody else too.")
        named = self._hosts_of(job)
        changes = drift(job.plan, self._snapshot_cache.snapshots)
        if changes:
            raise NotAllowed(
                f"{job.id} is out of date: {' '.join(changes)}",
                hint="Reject it and ask again: the plan would differ now.",
            )
        now = self._recorder.clock.now()
        approvals = (*(one for one in job.approvals if one.by not in void), Approval(by, now))
        count, needed = len(approvals), access.approvals_required
        if count < needed:
            said = event_data.Approval(count=count, needed=needed)
            return await self._decide(job, replace(job, approvals=approvals), event(said, now, job=job, actor=by))
        after = transit_job(job, JobState.RUNNING, approvals=approvals, decided_by=by, decided_at=now)
        moves = [replace(move, owner=self._owner_of(move)) for move in _moves(job, now, named)]
        estimate = self._job_views.estimate(after, moves)
        expected_s, moves_s = await best_effort(f"the estimate of {job.id}", estimate, (0.0, ()))
        approved = event_data.Approved(count=count, needed=needed, expected_s=expected_s, moves_s=moves_s)
        return await self._decide(job, after, event(approved, now, job=job, actor=by), moves)

    async def reject(self, job_id: JobId, plan_hash: str, by: str, reason: str) -> Job:
        """Reject a proposed plan. Raises NotAllowed, UnknownJob."""
        job = await self._decidable(job_id, plan_hash)
        now = self._recorder.clock.now()
        after = transit_job(
            job, JobState.REJECTED, decided_by=by, decided_at=now, decision_reason=reason, finished_at=now
        )
        return await self._decide(job, after, event(event_data.Rejected(reason=reason), now, job=job, actor=by))

    async def cancel(self, job_id: JobId, by: str, vm: str = "") -> tuple[Job, str]:
        """Withdraw a proposed job, or cancel a running one, or one VM of it.

        Queued moves end, running ones are asked to. Returns the job and one sentence for the person. Raises
        UnknownJob, UnknownVm, AmbiguousVm, NotAllowed.
        """
        job = await self._recorder.store.job(job_id)
        now = self._recorder.clock.now()
        if job.state is JobState.PROPOSED:
            after = transit_job(job, JobState.CANCELLED, decided_by=by, decided_at=now, finished_at=now)
            return await self._decide(
                job, after, event(event_data.Withdrawn(), now, job=job, actor=by)
            ), f"{job.id} is withdrawn; nothing was started."
        if job.state is not JobState.RUNNING:
            raise NotAllowed(f"{job.id} {STATE_WORDS[job.state]}; there is nothing to cancel.")

        async def wish() -> list[Move]:
            """Write down the wish and that it was said, or neither."""
            wanted = await self._cancellable(job, vm)
            names = tuple(move.vm_name for move in wanted)
            asked = event(event_data.CancelAsked(vms=names, running=_running(wanted)), now, job=job, actor=by)
            await self._recorder.store.change_moves([(move, replace(move, cancel_by=by)) for move in wanted], asked)
            return wanted

        wanted = await self._recorder.record_together(job.id, wish)
        for move in wanted:
            self._dispatcher.ask_cancel(move.id)
        running = _running(wanted)
        return job, _cancel_sentence(len(wanted) - running, running)

    async def pause(self, job_id: JobId, by: str) -> Job:
        """Start nothing more of this job until it is resumed; what runs goes on. Raises UnknownJob, NotAllowed."""
        return await self._set_paused(job_id, by, by, event_data.Paused())

    async def resume(self, job_id: JobId, by: str) -> Job:
        """Let a paused job go on. Raises UnknownJob, NotAllowed."""
        return await self._set_paused(job_id, "", by, event_data.Continued())

    async def answer_stuck(self, move_id: MoveId, answer: str, by: str) -> str:
        """Take an answer about a move that stands still: ``wait``, ``cancel`` or ``page``. Returns one sentence.

        The first answer to a question counts. Raises NotAllowed when there is no open question, or the move is over.
        """
        move = await self._escalation.answer(move_id, answer, by)
        if answer == "cancel":
            self._dispatcher.ask_cancel(move.id)
            return f"The host is asked to stop moving {move.vm_name}; the thread will tell."
        paged = "On-call is paged. " if answer == "page" else ""
        return f"{paged}{move.vm_name} goes on; you will be asked again if nothing changes."

    async def acknowledge(self, job_id: JobId, page_id: int, by: str) -> None:
        """Note that somebody takes care of a page (the id of its event): nobody is reminded of it.

        The first one counts. Raises NotAllowed, UnknownJob.
        """
        await self._escalation.acknowledge(job_id, page_id, by)

    async def stop_starts(self, by: str) -> None:
        """Stop every new start, the big red stop; it lasts until ``resume_starts`` and survives restarts."""
        await self._switch(by, event_data.Stopped(), by)

    async def resume_starts(self, by: str) -> None:
        """Allow starts again."""
        await self._switch("", event_data.Resumed(), by)

    # ------------------------------------------------------------------ inside

    async def _switch(self, value: str, said: event_data.Stopped | event_data.Resumed, by: str) -> None:
        running = await self._recorder.store.jobs(JobState.RUNNING, limit=10_000)
        told = alarm(said, self._recorder.clock.now(), by, running)
        await self._recorder.store.set_switch(STOP, value, *told)
        self._job_views.invalidate_all()
        self._dispatcher.wake()
        for job in running:
            self._recorder.changed(job.id)

    async def _set_paused(self, job_id: JobId, paused_by: str, by: str, said: event_data.EventData) -> Job:
        job = await self._recorder.store.job(job_id)
        if job.state is not JobState.RUNNING:
            raise NotAllowed(f"{job.id} {STATE_WORDS.get(job.state, 'is not approved yet')}.")
        if bool(job.paused_by) is bool(paused_by):
            raise NotAllowed(f"{job.id} is {'paused already' if paused_by else 'not paused'}.")
        told = event(said, self._recorder.clock.now(), job=job, actor=by)
        return await self._decide(job, replace(job, paused_by=paused_by), told)

    def _hosts_of(self, job: Job) -> dict[HostName, HostName]:
        """Return what the hosts of a plan are called in the settings now. Raises NotAllowed when one is gone."""
        names = {host for move in job.plan.moves for host in (move.source, move.destination)}
        try:
            return {name: self._host_name(name) for name in names}
        except UnknownHost as error:
            raise NotAllowed(
                f"{job.id} is out of date: {error.message}", hint="Reject it and ask again: the settings changed."
            ) from None

    def _owner_of(self, move: Move) -> Owner | None:
        """Return whose VM it is, as far as that is known by now."""
        return self._owners.of(OwnedVm(move.vm_id, move.vm_name, move.source)) if self._owners else None

    async def _decidable(self, job_id: JobId, plan_hash: str) -> Job:
        job = await self._recorder.store.job(job_id)
        check_decidable(job, plan_hash, self._recorder.clock.now())
        return job

    async def _decide(self, before: Job, after: Job, told: Event, moves: Sequence[Move] = ()) -> Job:
        try:
            job = await self._recorder.store.change_job(before, after, told, new_moves=moves)
        except Outdated:
            now = await self._recorder.store.job(before.id)
            raise NotAllowed(why_outdated(before, now)) from None
        self._recorder.changed(job.id)
        return job

    async def _cancellable(self, job: Job, vm: str) -> list[Move]:
        """Return the moves of a job, or the one of a VM, that can still be cancelled. Raises UnknownVm, NotAllowed."""
        moves = list(await self._recorder.store.moves(job.id))
        if vm:
            meant = NameIndex(move.vm_name for move in moves).meant(vm)
            moves = [m for m in moves if m.vm_name in meant or unmarked(vm).casefold() == str(m.vm_id).casefold()]
        if not moves:
            raise UnknownVm(f"{vm} is not in {job.id}.")
        if vm and len({move.vm_id for move in moves}) > 1:
            known = ", ".join(f"{move.vm_id} (from {move.source})" for move in moves)
            raise AmbiguousVm(f"{job.id} has {len(moves)} VMs called {vm}.", hint=f"Name one by its id: {known}.")
        wanted = [move for move in moves if not move.state.is_end and move.state is not MoveState.CLEANING]
        if not wanted:
            raise NotAllowed(f"{vm or job.id} has nothing left to cancel.")
        return wanted


def _moves(job: Job, now: datetime, named: Mapping[HostName, HostName]) -> list[Move]:
    """Make the moves of an approved plan; a VM that preflight ruled out is there too, with its reason."""
    blocked_ids = job.plan.blocked_ids
    called = [
        replace(planned, source=named[planned.source], destination=named[planned.destination])
        for planned in job.plan.moves
    ]
    return [_move(job, planned, now, is_blocked=planned.vm_id in blocked_ids) for planned in called]


def _move(job: Job, planned: PlannedMove, now: datetime, *, is_blocked: bool) -> Move:
    blocked = job.plan.why_blocked(planned.vm_id) if is_blocked else ""
    return Move(
        id=MoveId(0),
        job_id=job.id,
        vm_id=planned.vm_id,
        vm_name=planned.vm_name,
        source=planned.source,
        destination=planned.destination,
        path=planned.path,
        disks=planned.disks,
        size_bytes=planned.size_bytes,
        is_live=planned.is_live,
        state=MoveState.UNMIGRATABLE if blocked else MoveState.QUEUED,
        error=blocked,
        queued_at=now,
        ended_at=now if blocked else None,
        is_own_folder=planned.is_own_folder,
    )


def _how_far(checking: CheckProgress | None) -> str:
    so_far = f"they have checked {checking.answered} of {checking.total}" if checking else "they are about to be asked"
    return (
        f"its hosts have to say first whether they can take the VMs ({so_far}). Its card shows Approve when they have."
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
