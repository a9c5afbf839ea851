"""The engine's front door: what the bot may ask of it."""

from collections.abc import Sequence

from core.config import Settings
from core.domain.job import Event, Job, JobId
from core.domain.plan import Request
from core.domain.view import HostView, JobView
from core.ports import Clock, HostGateway, Notifier, Store


class Engine:
    """Plans, carries out and tells. Build it, ``start`` it, ask it, ``stop`` it."""

    def __init__(
        self, *, settings: Settings, store: Store, gateway: HostGateway, notifier: Notifier, clock: Clock
    ) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Open the store, adopt what went on without us, and begin to work."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Start nothing more, let go of hosts and store. Migrations go on; the next start finds them."""
        raise NotImplementedError

    async def propose(self, request: Request) -> Job:
        """Make a plan of a request and put its card on the way (the notifier gets PROPOSED; no need to post anything).

        Raises RequestError (unknown or ambiguous VM or host, nothing to move …) and HostError, each with a sentence.
        """
        raise NotImplementedError

    async def approve(self, job_id: JobId, plan_hash: str, by: str) -> Job:
        """Count an approval of exactly this plan; with enough of them the job is queued in the same transaction.

        The caller has checked that ``by`` may approve; here: state, hash, expiry, self-approval, one click per person.
        Raises NotAllowed with a sentence when the click does not count, UnknownJob.
        """
        raise NotImplementedError

    async def reject(self, job_id: JobId, plan_hash: str, by: str, reason: str) -> Job:
        """Reject a proposed plan. Raises NotAllowed, UnknownJob."""
        raise NotImplementedError

    async def cancel(self, job_id: JobId, by: str, vm: str = "") -> tuple[Job, str]:
        """Withdraw a proposed job, or cancel a running one (or one VM of it): queued moves end, running ones are asked to.

        Returns the job and one sentence for the person. Raises UnknownJob, UnknownVm, NotAllowed.
        """
        raise NotImplementedError

    async def retry(self, job_id: JobId, by: str) -> Job:
        """Propose a new job of the moves that did not get done. Raises UnknownJob, NothingToMove, HostError."""
        raise NotImplementedError

    async def stop_starts(self, by: str) -> None:
        """The big red stop: no move is started until ``resume_starts``; survives restarts."""
        raise NotImplementedError

    async def resume_starts(self, by: str) -> None:
        """Allow starts again."""
        raise NotImplementedError

    async def jobs(self, limit: int = 20) -> Sequence[JobView]:
        """Return the newest jobs, newest first."""
        raise NotImplementedError

    async def job(self, job_id: JobId) -> JobView:
        """Return one job as it is now. Raises UnknownJob."""
        raise NotImplementedError

    async def history(self, job_id: JobId) -> Sequence[Event]:
        """Return everything that happened to a job. Raises UnknownJob."""
        raise NotImplementedError

    async def hosts(self) -> Sequence[HostView]:
        """Return every host of the settings as last seen."""
        raise NotImplementedError
