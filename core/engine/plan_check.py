"""Asks the hosts of a proposed plan whether they can take its VMs, and changes nothing there, before an approval.

Each VM is described by its own host and judged by the one it should go to, many of them in one call
(host_questions.py). A host is asked in a bounded number of calls at once, a plan for a bounded time; whoever has not
answered by then was not asked, and people read that. Whom a host cannot take goes to another of the plan's
destinations, which is asked then, each of them once. What is under way here is written down nowhere: after a restart
the next process begins again with every plan that nobody has checked.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core.domain.model.events import event
from core.domain.model.host_calls import CompatibilityReply
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.plan import Plan, PlannedMove
from core.domain.model.views import CheckProgress
from core.domain.planning.host_answers import (
    HostAnswer,
    Verdict,
    carried_over,
    checked,
    outcome,
    placed_again,
    said_no,
    to_ask,
)
from core.domain.planning.revision import Revision, choose_again
from core.engine.host_questions import ABOUT_ONE_VM, HostQuestions
from core.engine.recorder import TransitionRecorder
from core.errors import HostError, MigrateBotError
from core.ports import HostGateway
from core.tasks import TaskSet, compute

log = logging.getLogger(__name__)
Q = TypeVar("Q")
A = TypeVar("A")

_PAUSE_S = 30.0
_SHOW_EVERY_S = 2.0
_PROPOSED = 10_000


@dataclass(slots=True)
class _Check:
    """One plan whose hosts are being asked."""

    job: Job
    plan: Plan
    """The job's plan, with what was placed again since the check began."""
    moves: tuple[PlannedMove, ...]
    """What is asked, the first choice and those that followed."""
    ends_at: float
    answers: dict[tuple[VmId, HostName], HostAnswer] = field(default_factory=dict)
    refused: dict[HostName, HostError] = field(default_factory=dict)
    """Hosts that are not asked any more, and why: after any error that is not about one VM."""
    needs: dict[HostName, HostQuestions[VmId, bytes]] = field(default_factory=dict)
    verdicts: dict[HostName, HostQuestions[bytes, CompatibilityReply]] = field(default_factory=dict)
    calls: TaskSet = field(default_factory=TaskSet)
    task: asyncio.Task[None] | None = None


class PlanCheck:
    """The checks of plans that are under way; a loop that begins those that are due and ends those nobody needs."""

    def __init__(
        self,
        gateway: HostGateway,
        recorder: TransitionRecorder,
        *,
        plan_again: Callable[[Job, Revision], Awaitable[Plan]],
        estimated: Callable[[Plan], Awaitable[Plan]],
        timeout_s: float,
        per_host: int,
    ) -> None:
        self._gateway = gateway
        self._plan_again = plan_again
        self._estimated = estimated
        self._recorder = recorder
        self._timeout_s = timeout_s
        self._per_host = per_host
        self._seats: defaultdict[HostName, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_host))
        self._checks: dict[JobId, _Check] = {}
        self._tasks = TaskSet()
        self.changed = asyncio.Event()

    def is_due(self, plan: Plan) -> bool:
        """Whether the hosts of a new plan are to be asked."""
        return self._timeout_s > 0 and bool(to_ask(plan))

    def wake(self) -> None:
        """Look for plans to be checked now."""
        self.changed.set()

    def note_change(self, job_id: JobId) -> None:
        """Look whether a job that changed still needs its check."""
        if job_id in self._checks:
            self.wake()

    def progress(self, job_id: JobId) -> CheckProgress | None:
        """Say how far the check of a job is; None when there is none under way.

        It counts VMs: one that was placed anew is checked when the host it goes to now has answered.
        """
        check = self._checks.get(job_id)
        if check is None:
            return None
        last = {move.vm_id: move.destination for move in check.moves}
        return CheckProgress(sum(1 for pair in last.items() if pair in check.answers), len(last))

    async def turn(self) -> float:
        """Begin the checks that are due, end those of jobs that were decided, or whose plan is another one now."""
        jobs = await self._recorder.store.jobs(JobState.PROPOSED, limit=_PROPOSED)
        due = {job.id: job for job in jobs if not job.plan.is_checked}
        for job_id, check in tuple(self._checks.items()):
            job = due.get(job_id)
            if job is None or job.plan.hash != check.job.plan.hash:
                self._end(check)
        for job in due.values():
            if job.id not in self._checks:
                self._begin(job)
        return _PAUSE_S

    async def stop(self) -> None:
        """Ask nobody anything more."""
        await self._tasks.cancel()

    # ------------------------------------------------------------------ inside

    def _begin(self, job: Job) -> None:
        check = _Check(job, job.plan, to_ask(job.plan), asyncio.get_running_loop().time() + self._timeout_s)
        self._checks[job.id] = check
        self._tasks.start(self._run(check), f"check of {job.id}")

    def _end(self, check: _Check) -> None:
        del self._checks[check.job.id]
        if check.task is not None:
            check.task.cancel()

    async def _run(self, check: _Check) -> None:
        check.task = asyncio.current_task()
        job_id = check.job.id

        async def write_down() -> None:
            await self._write_down(check)

        try:
            if self._checks.get(job_id) is check:
                await self._ask_all(check, check.moves)
                while moved := await self._place_again(check):
                    await self._ask_all(check, moved)
                await self._recorder.patiently(write_down)
        finally:
            if self._checks.get(job_id) is check:
                del self._checks[job_id]
            self._recorder.changed(job_id)

    async def _place_again(self, check: _Check) -> tuple[PlannedMove, ...]:
        """Place VMs elsewhere whose hosts said no, and return what is to be asked of that: no pair a second time."""
        count, answers = len(check.moves), check.answers
        plan = await compute(count, checked, check.plan, answers)
        revision = await compute(count, choose_again, plan, said_no(answers))
        if revision is None:
            return ()
        try:
            async with asyncio.timeout_at(check.ends_at):
                made = carried_over(plan, await self._plan_again(check.job, revision))
        except (TimeoutError, MigrateBotError) as error:
            log.info("the plan of %s stays as it was though hosts said no: %s", check.job.id, error)
            return ()
        moved = tuple(move for move in to_ask(made) if (move.vm_id, move.destination) not in answers)
        if not moved:
            return ()
        check.plan = made
        check.moves += moved
        return moved

    async def _ask_all(self, check: _Check, moves: Sequence[PlannedMove]) -> None:
        asking = [asyncio.create_task(self._ask(check, move), name=f"check {move.vm_name}") for move in moves]
        if not asking:
            return
        pending, shown = set(asking), len(check.answers)
        try:
            while pending and (left_s := check.ends_at - asyncio.get_running_loop().time()) > 0:
                _, pending = await asyncio.wait(pending, timeout=min(left_s, _SHOW_EVERY_S))
                if pending and len(check.answers) > shown:
                    shown = len(check.answers)
                    self._recorder.changed(check.job.id)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await check.calls.cancel()

    async def _ask(self, check: _Check, move: PlannedMove) -> None:
        check.answers[move.vm_id, move.destination] = await self._answer(check, move)

    async def _answer(self, check: _Check, move: PlannedMove) -> HostAnswer:
        describing = self._questions(check, move.source, check.needs, self._gateway.compatibility_info)
        judging = self._questions(check, move.destination, check.verdicts, self._gateway.test_compatibility)
        try:
            reply = await judging.ask(await describing.ask(move.vm_id))
        except HostError as error:
            return HostAnswer(Verdict.UNKNOWN, error.sentence())
        except Exception as error:
            # A bug may cost the answer about one VM, never the button that a whole plan waits for.
            log.exception("the check of %s for %s broke", move.vm_name, check.job.id)
            return HostAnswer(Verdict.UNKNOWN, f"The bot broke while it asked ({type(error).__name__}).")
        verdict = Verdict.FITS if reply.is_compatible else Verdict.DOES_NOT_FIT
        return HostAnswer(verdict, " ".join(reply.reasons))

    def _questions(
        self,
        check: _Check,
        host: HostName,
        known: dict[HostName, HostQuestions[Q, A]],
        method: Callable[[HostName, Sequence[Q]], Awaitable[Sequence[A | HostError]]],
    ) -> HostQuestions[Q, A]:
        """Return the questions of one kind to a host; they raise at once where it is no longer asked."""

        async def put(questions: Sequence[Q]) -> Sequence[A | HostError]:
            refusal = check.refused.get(host)
            if refusal is not None:
                raise refusal
            try:
                return await method(host, questions)
            except ABOUT_ONE_VM:
                raise
            except HostError as error:
                check.refused[host] = error
                raise

        if host not in known:
            known[host] = HostQuestions(put, self._seats[host], check.calls, calls_at_once=self._per_host)
        return known[host]

    async def _write_down(self, check: _Check) -> None:
        """Put what the hosts said into the plan, unless the job was decided or its plan changed meanwhile."""
        job = await self._recorder.store.job(check.job.id)
        if job.state is not JobState.PROPOSED or job.plan.is_checked or job.plan.hash != check.job.plan.hash:
            return
        count, answers = len(check.moves), check.answers
        plan = await compute(count, lambda: placed_again(checked(check.plan, answers), answers))
        if plan.blocked_ids - job.plan.blocked_ids:
            plan = await self._estimated(plan)
        said = await compute(count, outcome, plan, [move.vm_id for move in check.moves], answers)
        told = event(said, self._recorder.clock.now(), job=job)
        await self._recorder.store.change_job(job, replace(job, plan=plan), told)
