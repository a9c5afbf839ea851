"""Makes the plan of what people ask for, and proposes it as a job: propose, preview, edit, retry, back."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from core.config import AccessSettings
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Move, MoveState
from core.domain.model.plan import Plan, Request
from core.domain.planning.destinations import Destination
from core.domain.planning.host_answers import carried_over
from core.domain.planning.revision import Changes, revise
from core.engine.api.decidable import check_decidable, why_outdated
from core.engine.plan_check import PlanCheck
from core.engine.planner import Planner
from core.engine.recorder import TransitionRecorder
from core.errors import NotAllowed, NothingToMove, Outdated, RequestError, TooManyProposals


class Requests:
    """What people ask for: plans, and jobs proposed of them; ``engine.requests``. Nothing moves before an approval."""

    def __init__(
        self, planner: Planner, recorder: TransitionRecorder, plan_check: PlanCheck, access: AccessSettings
    ) -> None:
        self._planner = planner
        self._recorder = recorder
        self._plan_check = plan_check
        self._access = access
        self._one_at_a_time = asyncio.Lock()

    async def propose(self, request: Request) -> Job:
        """Make a plan of a request and put its card on the way (the notifier gets PROPOSED; no need to post anything).

        Raises RequestError (unknown or ambiguous VM or host, nothing to move …) and HostError, each with a sentence.
        """
        return await self.propose_plan(request, await self.preview(request))

    async def preview(self, request: Request) -> Plan:
        """Make the plan of a request and do nothing with it. Raises like ``propose``."""
        return await self._plan(request)

    async def look(self, request: Request) -> Plan:
        """Make the plan of a request, also one of which nothing can move. Raises RequestError and HostError."""
        return await self._planner.look(request)

    async def propose_plan(self, request: Request, plan: Plan) -> Job:
        """Put the card of a plan on the way that was previewed; approvers are told if it is out of date by then.

        Its hosts are asked about it first, where that is to be done: until they have answered nobody can approve it.
        Raises TooManyProposals.
        """
        async with self._one_at_a_time:
            await self._refuse_too_many(request.requester)
            return await self._propose(request, replace(plan, is_checked=not self._plan_check.is_due(plan)))

    async def _propose(self, request: Request, plan: Plan) -> Job:
        now = self._recorder.clock.now()
        job = Job(
            id=JobId(""),
            plan=plan,
            requester=request.requester,
            channel=request.channel,
            text=request.text,
            created_at=now,
            expires_at=now + self._access.approval_ttl,
        )
        blocked = len(plan.blocked_ids)
        proposed = event(event_data.Proposed(vms=len(plan.moves), blocked=blocked), now, actor=request.requester)
        job = await self._recorder.store.add_job(job, proposed)
        self._recorder.changed(job.id)
        self._plan_check.wake()
        return job

    async def edit(self, job_id: JobId, plan_hash: str, changes: Changes, by: str) -> Job:
        """Make a plan that waits for approval again, with a person's changes: its approvals no longer count.

        The caller has checked that ``by`` may. Raises NotAllowed (decided, expired, changed by somebody else
        meanwhile), RequestError, HostError, UnknownJob, each with a sentence; then nothing was changed.
        """
        store = self._recorder.store
        job = await store.job(job_id)
        check_decidable(job, plan_hash, self._recorder.clock.now())
        revision = revise(job.plan, changes, self._planner.own_paths, by=by, at=self._recorder.clock.now())
        try:
            plan = await self._planner.plan_again(job, revision)
        except RequestError:
            # Somebody may have decided meanwhile: then that is why, and not what became of the VMs since.
            check_decidable(await store.job(job_id), plan_hash, self._recorder.clock.now())
            raise
        plan = carried_over(job.plan, plan)
        plan = replace(plan, is_checked=not self._plan_check.is_due(plan))
        now = self._recorder.clock.now()
        after = replace(job, plan=plan, approvals=(), expires_at=now + self._access.approval_ttl)
        told = event(_edited(job, plan, len(revision.edits) - len(job.plan.edits)), now, job=job, actor=by)
        check_decidable(job, plan_hash, now)
        try:
            job = await store.change_job(job, after, told)
        except Outdated:
            raise NotAllowed(why_outdated(job, await store.job(job.id))) from None
        self._recorder.changed(job.id)
        self._plan_check.wake()
        return job

    async def retry(self, job_id: JobId, by: str) -> Job:
        """Propose a new job of the moves that did not get done. Raises UnknownJob, NothingToMove, HostError."""
        job = await self._recorder.store.job(job_id)
        moves = [
            m for m in await self._recorder.store.moves(job.id) if m.state.is_end and m.state is not MoveState.DONE
        ]
        if not moves:
            raise NothingToMove(f"Nothing of {job.id} is left to try again.")
        targets = {move.vm_id: Destination(move.destination, move.path) for move in moves}
        return await self._again(job, by, f"retry {job.id}", {move.vm_id: move.source for move in moves}, targets)

    async def back(self, job_id: JobId, by: str) -> Job:
        """Propose the return trip: what a job moved goes back to where it was, as a new plan with its own approval.

        Raises UnknownJob, NothingToMove, RequestError, HostError.
        """
        job = await self._recorder.store.job(job_id)
        moves = [move for move in await self._recorder.store.moves(job.id) if move.is_our_doing]
        if not moves:
            raise NothingToMove(f"{job.id} moved nothing that could go back.")
        homes = {move.vm_id: Destination(move.source, _home(move)) for move in moves}
        return await self._again(job, by, f"back {job.id}", {move.vm_id: move.destination for move in moves}, homes)

    # ------------------------------------------------------------------ inside

    async def _again(
        self, job: Job, by: str, text: str, sources: dict[VmId, HostName], targets: dict[VmId, Destination]
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
        return await self.propose_plan(request, await self._plan(request, targets))

    async def _plan(self, request: Request, fixed: Mapping[VmId, Destination] | None = None) -> Plan:
        await self._refuse_too_many(request.requester)  # before the hosts are bothered
        return await self._planner.plan(request, fixed)

    async def _refuse_too_many(self, requester: str) -> None:
        most = self._access.open_proposals
        if not most:
            return
        proposed = await self._recorder.store.jobs(JobState.PROPOSED)
        mine = [job.id for job in proposed if job.requester == requester]
        if len(mine) >= most:
            raise TooManyProposals(
                f"{len(mine)} of your requests wait for an approval already; that is the most I keep.",
                hint=f"Let somebody decide, or withdraw one, such as {mine[-1]}.",
            )


def _edited(job: Job, plan: Plan, count: int) -> event_data.Edited:
    """Say what a person changed, the last ``count`` edits, and who had to go elsewhere because of it."""
    edits = plan.edits[-count:]
    by_hand = {edit.vm_id for edit in edits}
    before = {move.vm_id: move.destination for move in job.plan.moves}
    return event_data.Edited(
        moved=tuple((edit.vm_name, edit.to) for edit in edits if edit.to),
        left_out=tuple(edit.vm_name for edit in edits if not edit.to),
        displaced=tuple(
            (move.vm_name, move.destination)
            for move in plan.moves
            if move.vm_id not in by_hand and before[move.vm_id] != move.destination
        ),
        approvals=len(job.approvals),
    )


def _home(move: Move) -> str:
    """Return the folder a moved VM had its configuration in: what ``-DestinationStoragePath`` must name to go back."""
    return move.before.vm.config_path if move.before is not None else ""
