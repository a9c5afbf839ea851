"""Answers what people look at: jobs, hosts, where a VM is, what happened. Changes nothing and asks no host."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.model.events import Event
from core.domain.model.inventory import HostName, Vm
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Attempt
from core.domain.model.views import DeliveryView, HostView, JobView, LinkView
from core.domain.reporting.insights import Insights, insights
from core.domain.reporting.paging import open_pages, open_questions
from core.domain.reporting.vm_location import VmLocation, find, ids_of
from core.domain.scheduling.links import NO_LINKS, Links
from core.domain.scheduling.start_permission import STOP
from core.engine.api.host_views import view_hosts, view_links
from core.engine.api.job_views import JobViews
from core.engine.hosts.backup_rhythms import BackupRhythms
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.errors import UnknownVm
from core.ports import Clock, Store


class Queries:
    """What people look at; ``engine.queries``. ``hosts``: those of the settings, in their order."""

    def __init__(
        self,
        store: Store,
        snapshot_cache: SnapshotCache,
        clock: Clock,
        job_views: JobViews,
        hosts: Sequence[HostName],
        *,
        links: Links = NO_LINKS,
        delivery: Callable[[], Awaitable[DeliveryView]],
        rhythms: BackupRhythms,
    ) -> None:
        self._store = store
        self._snapshot_cache = snapshot_cache
        self._clock = clock
        self._job_views = job_views
        self._hosts = hosts
        self._links = links
        self._delivery = delivery
        self._rhythms = rhythms

    async def jobs(self, limit: int = 20) -> Sequence[JobView]:
        """Return the newest jobs, newest first."""
        return [await self._job_views.of(job.id) for job in await self._store.jobs(limit=limit)]

    async def open_jobs(self, limit: int = 20) -> Sequence[JobView]:
        """Return the newest jobs that wait for approval or run, newest first."""
        found = await self._store.jobs(JobState.PROPOSED, JobState.RUNNING, limit=limit)
        return [await self._job_views.of(job.id) for job in found]

    async def job(self, job_id: JobId) -> JobView:
        """Return one job as it is now. Raises UnknownJob."""
        return await self._job_views.of((await self._store.job(job_id)).id)

    async def history(self, job_id: JobId) -> Sequence[Event]:
        """Return everything that happened to a job. Raises UnknownJob."""
        return await self._store.events((await self._store.job(job_id)).id)

    async def attempts(self, job_id: JobId) -> Sequence[Attempt]:
        """Return every attempt, of any job, since this job's approval and before its end. Raises UnknownJob."""
        job = await self._store.job(job_id)
        since, until = job.decided_at or job.created_at, job.finished_at or self._clock.now()
        return await self._store.attempts_between(since, until)

    async def hosts(self) -> Sequence[HostView]:
        """Return every host of the settings as last seen."""
        return view_hosts(self._hosts, self._snapshot_cache, await self._store.attempts(open_only=True), self._clock)

    async def links(self) -> Sequence[LinkView]:
        """Return every link of the settings with the moves on it, and those that wait for it."""
        if not self._links:
            return ()
        attempts, moves = await self._store.attempts(open_only=True), await self._store.moves(open_only=True)
        return view_links(self._links, self._snapshot_cache, attempts, moves, self._clock.now())

    async def delivery(self) -> DeliveryView:
        """Return what people are still to be told, and whether Slack takes anything at all."""
        return await self._delivery()

    async def stopped_by(self) -> str:
        """Return who pressed the big red stop; empty when starts are allowed."""
        return await self._store.switch(STOP)

    def inventory(self, host: HostName) -> Sequence[Vm]:
        """Return the VMs of a host as last seen, without asking it; nothing when it was never seen."""
        snapshot = self._snapshot_cache.snapshots.get(host)
        return snapshot.vms if snapshot else ()

    async def queue_lengths(self) -> dict[str, int]:
        """Return how many jobs wait for approval and run, and how many moves are in each state that is no end."""
        lengths = Counter(str(job.state) for job in await self._store.jobs(JobState.PROPOSED, JobState.RUNNING))
        lengths += Counter(str(move.state) for move in await self._store.moves(open_only=True))
        return dict(lengths)

    def snapshot_ages_s(self) -> dict[HostName, float | None]:
        """Return how many seconds ago each host last told about itself; None: never."""
        now, snapshots = self._clock.steady_now(), self._snapshot_cache.snapshots
        return {
            host: (now - snapshots[host].taken_at).total_seconds() if host in snapshots else None
            for host in self._hosts
        }

    async def where(self, name: str) -> Sequence[VmLocation]:
        """Say where a VM is now, by name or id: from every host's newest snapshot, and its newest move.

        Several when VMs share the name. Raises UnknownVm when no host shows it and no job ever had it.
        """
        troubles, snapshots = frozenset(self._snapshot_cache.troubles), self._snapshot_cache.snapshots
        known = await self._store.newest_moves(name, ids_of(name, snapshots))
        found = find(name, self._hosts, self._snapshot_cache.snapshots, troubles, known)
        if not found:
            silent = [host for host in self._hosts if host in troubles or host not in self._snapshot_cache.snapshots]
            hint = f"I cannot ask {', '.join(silent)} now." if silent else "Look at the spelling."
            raise UnknownVm(f"No host shows a VM called {name}, and no job ever had one.", hint=hint)
        learned = await self._rhythms.of({one.vm_id for one in found})
        return [replace(one, backups=learned[one.vm_id].rhythm) for one in found]

    async def insights(self, period: timedelta) -> Insights:
        """Judge the time until now: what moved, what was slow, who failed, what was waited for."""
        now = self._clock.now()
        return insights(await self._store.past(now - period, now))

    async def insights_between(self, since: datetime, until: datetime) -> Insights:
        """Judge the time between two moments."""
        return insights(await self._store.past(since, until))

    async def waiting(self, job_id: JobId) -> Sequence[Event]:
        """Return the questions and pages of a job that nobody has answered or taken. Raises UnknownJob."""
        history = await self.history(job_id)
        return (*open_questions(history), *open_pages(history))
