"""What the engine's decisions are driven with: one approved job, its moves as they wait, and their attempts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from core.domain.model.inventory import HostFacts
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Attempt, Move, MoveId
from core.domain.model.plan import Plan, PlannedMove
from core.domain.scheduling.situation import Policy

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
POLICY = Policy(
    backup_threshold=timedelta(hours=1),
    busy_timeout=timedelta(minutes=30),
    max_parallel=0,
    fail_fast=False,
    snapshot_max_age=timedelta(minutes=2),
)


def running_job(plan: Iterable[PlannedMove] = (), at: datetime = NOW) -> Job:
    """Make a job that was approved the moment it was asked for."""
    return Job(
        id=JobId("J1"),
        plan=Plan(tuple(plan)),
        requester="U",
        channel="C",
        text="",
        created_at=at,
        expires_at=at,
        state=JobState.RUNNING,
        decided_at=at,
    )


def queued_move(job: JobId, planned: PlannedMove, *, number: int = 0, at: datetime | None = None) -> Move:
    """Make the move of a planned VM, as it waits. ``number`` is its id; 0: the store gives it one."""
    return Move(
        id=MoveId(number),
        job_id=job,
        vm_id=planned.vm_id,
        vm_name=planned.vm_name,
        source=planned.source,
        destination=planned.destination,
        path=planned.path,
        size_bytes=planned.size_bytes,
        is_live=planned.is_live,
        queued_at=at,
    )


def attempt_of(move: Move, at: datetime = NOW) -> Attempt:
    """Make the first attempt of a move, not in any store."""
    return Attempt(
        id=0,
        move_id=move.id,
        vm_id=move.vm_id,
        source=move.source,
        destination=move.destination,
        number=1,
        started_at=at,
    )


def host_that_takes(moves: int) -> HostFacts:
    """Make what a host says of itself that allows so many moves of either kind at once."""
    return HostFacts(live_limit=moves, storage_limit=moves, is_migration_enabled=True)
