"""Jobs: a plan on its way, and the table of its legal transitions.

Nothing changes a job's state except ``transit_job``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from core.domain.model.plan import Plan
from core.errors import IllegalTransition

JobId = NewType("JobId", str)
"""``J1``, ``J2``, … as people type it."""


class JobState(StrEnum):
    """The states of a job."""

    PROPOSED = "proposed"
    RUNNING = "running"
    FINISHED = "finished"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether the job is over."""
        return not JOB_TRANSITIONS[self]


JOB_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.PROPOSED: frozenset({JobState.RUNNING, JobState.REJECTED, JobState.EXPIRED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.FINISHED}),
    JobState.FINISHED: frozenset(),
    JobState.REJECTED: frozenset(),
    JobState.EXPIRED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Approval:
    """One approver's click."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """The place of a job's card: Slack's channel id and message timestamp."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan on its way: proposed, approved, carried out."""

    id: JobId
    plan: Plan
    requester: str
    channel: str
    text: str
    created_at: datetime
    expires_at: datetime
    state: JobState = JobState.PROPOSED
    approvals: tuple[Approval, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""
    paused_by: str = ""
    """Who paused it; empty while it goes on."""
    is_late_told: bool = False
    """Whether people were warned that the time in its plan no longer fits."""
    finished_at: datetime | None = None
    card: Card | None = None
    is_card_final: bool = False
    is_card_again: bool = False
    """Whether the card stands for one that somebody deleted: that is done once."""
    version: int = 0


def transit_job(job: Job, to: JobState, **changes: Any) -> Job:
    """Return the job in its next state.

    Raises:
        IllegalTransition: the table does not allow it.

    """
    if to is not job.state and to not in JOB_TRANSITIONS[job.state]:
        raise IllegalTransition(f"{job.id} cannot go from {job.state} to {to}.")
    return replace(job, state=to, **changes)
