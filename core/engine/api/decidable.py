"""Says whether a plan still waits for a decision, and is the one that was shown."""

from datetime import datetime

from core.domain.model.job import Job, JobState
from core.errors import NotAllowed

STATE_WORDS = {
    JobState.RUNNING: "is approved already",
    JobState.FINISHED: "is finished",
    JobState.REJECTED: "was rejected",
    JobState.EXPIRED: "has expired; ask again",
    JobState.CANCELLED: "was withdrawn",
}


def check_decidable(job: Job, plan_hash: str, now: datetime) -> None:
    """Refuse a decision about a plan that is decided, expired, or not the one that was shown. Raises NotAllowed."""
    if job.state is not JobState.PROPOSED:
        raise NotAllowed(f"{job.id} {STATE_WORDS[job.state]}.")
    if now >= job.expires_at:
        raise NotAllowed(f"{job.id} has expired; ask again.")
    if job.plan.hash != plan_hash:
        hint = "Somebody changed it meanwhile: look at the card again." if job.plan.edits else ""
        raise NotAllowed(f"This card does not show the plan of {job.id} as it is now.", hint=hint)


def why_outdated(before: Job, now: Job) -> str:
    """Say why a decision came too late: somebody else decided, or changed the plan, at the same moment."""
    meanwhile = "was changed by somebody else at the same moment; look again"
    words = meanwhile if now.state is before.state else STATE_WORDS.get(now.state, meanwhile)
    return f"{before.id} {words}."
