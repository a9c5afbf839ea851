"""The plan that a form is about: it travels with the form as its metadata, and comes back with it. Pure."""

import json
from dataclasses import dataclass

from core.domain.model.job import JobId


@dataclass(frozen=True, slots=True)
class PlanReference:
    """A plan as it was shown, and the channel in which; another hash by then means that it was changed meanwhile."""

    job_id: JobId
    plan_hash: str
    channel: str

    def pack(self) -> str:
        """Write it as the form's metadata."""
        return json.dumps([self.job_id, self.plan_hash, self.channel])

    @classmethod
    def unpack(cls, text: str) -> "PlanReference | None":
        """Read it back; None when it is not ours."""
        try:
            job_id, plan_hash, channel = map(str, json.loads(text))
        except (ValueError, TypeError):
            return None
        return cls(JobId(job_id), plan_hash, channel)
