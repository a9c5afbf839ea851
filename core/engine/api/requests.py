"""Makes the plan of what people ask for, and proposes it as a job: propose, preview, retry, back."""

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
from core.engine.planner import Planner
from core.engine.recorder import TransitionRecorder
from core.errors import NothingToMove, TooManyProposals


class Requests:
    """What people ask for: plans, and jobs proposed of them; ``engine.requests``. Nothing moves before an approval."""

    def __init__(self, planner: Planner, recorder: TransitionRecorder, access: AccessSettings) -> None:
        self._planner = planner
        self._recorder = recorder
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

    async def propose_plan(self, request: Request, plan: Plan) -> Job:
        """Put the card of a plan on the way that was previewed; approvers are told if it is out of date by then.

        Raises TooManyProposals.
        """
        async with self._one_at_a_time:
            await self._refuse_too_many(request.requester)
            return await self._propose(request, plan)

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


def _home(move: Move) -> str:
    """Return the folder a moved VM had its configuration in: what ``-DestinationStoragePath`` must name to go back."""
    return move.before.vm.config_path if move.before is not None else ""
