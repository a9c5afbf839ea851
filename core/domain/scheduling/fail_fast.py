"""Fail-fast: which jobs start nothing more because one of their VMs failed."""

from collections.abc import Iterable

from core.domain.model.inventory import VmId
from core.domain.model.job import JobId
from core.domain.model.move import Move, MoveState
from core.domain.scheduling.decisions import End
from core.domain.scheduling.situation import Situation

_FAILURES = {MoveState.FAILED, MoveState.UNMIGRATABLE, MoveState.LOST}


class FailedJobs:
    """The jobs that stop at their first failure and have one, each with the name of a VM that failed."""

    def __init__(self, situation: Situation, not_queued: Iterable[Move]) -> None:
        self._jobs = situation.jobs
        self._default = situation.policy.fail_fast
        self._vm_of = dict[JobId, str]()
        self._read(not_queued)

    def note(self, end: End) -> None:
        """Count a move that was just decided to end."""
        if end.state in _FAILURES and self._stops(end.move):
            self._vm_of.setdefault(end.move.job_id, end.move.vm_name)

    def has(self, job_id: JobId) -> bool:
        """Whether this job has failed."""
        return job_id in self._vm_of

    def end(self, move: Move) -> End | None:
        """End a move whose job has failed; None when it has not."""
        if move.job_id not in self._vm_of:
            return None
        return End(
            move=move, state=MoveState.CANCELLED, text=f"not started: {self._vm_of[move.job_id]} failed (fail-fast)"
        )

    def _stops(self, move: Move) -> bool:
        wanted = self._jobs[move.job_id].plan.options.fail_fast
        return self._default if wanted is None else wanted

    def _read(self, moves: Iterable[Move]) -> None:
        """Find the failures so far; what preflight ruled out was approved as such and does not count."""
        blocked = dict[JobId, frozenset[VmId]]()
        for move in moves:
            if move.state in _FAILURES and move.job_id not in self._vm_of and self._stops(move):
                if move.job_id not in blocked:
                    blocked[move.job_id] = self._jobs[move.job_id].plan.blocked_ids
                if move.vm_id not in blocked[move.job_id]:
                    self._vm_of[move.job_id] = move.vm_name
