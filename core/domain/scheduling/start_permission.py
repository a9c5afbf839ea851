"""Decides whether people still want a start that was decided: stop, pause, freeze, start time, cancel.

Asked by the decision, again where the reservation is written, and once more directly before the order goes out.
"""

from datetime import datetime

from core.domain.model.job import Job, JobState
from core.domain.model.move import HoldCode, Move
from core.domain.model.ownership import hold_text
from core.domain.model.units import zoned_time

STOP = "stop"
"""The switch of the big red stop: who pressed it, or empty."""


def stopped(job: Job, *, stopped_by: str, frozen_until: datetime | None, now: datetime) -> tuple[HoldCode, str] | None:
    """Say which order of people keeps a whole job from starting anything now; None when none does."""
    options = job.plan.options
    if stopped_by:
        return HoldCode.STOPPED, "all starts are stopped"
    if job.paused_by:
        return HoldCode.PAUSED, f"{job.id} is paused"
    if frozen_until is not None and now < frozen_until and not options.override:
        return HoldCode.FREEZE, f"moves are frozen until {zoned_time(frozen_until)}"
    if options.start_at is not None and now < options.start_at:
        return HoldCode.START_TIME, "waits for its start time"
    return None


def withdrawn(job: Job, move: Move, *, stopped_by: str, frozen_until: datetime | None, now: datetime) -> str:
    """Say why a move that is about to start must not; empty when it may."""
    if move.cancel_by:
        return "cancelled before the host was asked"
    if move.owner_hold is not None:
        return hold_text(move.owner_hold)
    if job.state is not JobState.RUNNING:
        return f"{job.id} is {job.state}"
    stop = stopped(job, stopped_by=stopped_by, frozen_until=frozen_until, now=now)
    return "" if stop is None else stop[1]
