"""The engine's front door: what the bot may ask of it."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

from core.config import Settings
from core.domain.model.events import EventKind
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.job import JobId, JobState
from core.domain.reporting.announcements import alarm
from core.domain.scheduling.freeze import Calendar, parse_window
from core.domain.scheduling.schedule import Policy
from core.engine.api.controls import Controls
from core.engine.api.job_views import JobViews
from core.engine.api.queries import Queries
from core.engine.api.requests import Requests
from core.engine.attempt.cleanup import FolderCleanup, PostponedCleanups
from core.engine.attempt.context import AttemptPolicy, EngineServices
from core.engine.delivery.cards import Cards
from core.engine.delivery.deadlines import DeadlineWarner
from core.engine.delivery.escalation import Escalation
from core.engine.delivery.outbox import Outbox
from core.engine.dispatcher import STOP, Dispatcher, DispatchTiming
from core.engine.hosts.heartbeat import Heartbeat
from core.engine.hosts.poller import HostPoller
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.planner import Planner
from core.engine.recorder import TransitionRecorder
from core.ports import Clock, HostGateway, Notifier, Store


class Engine(Requests, Controls, Queries):
    """Plans, carries out and tells. Build it, ``start`` it, ask it, ``stop`` it.

    What it can be asked is in its three parts: what people ask for, what they decide, and what they look at.
    """

    def __init__(
        self, *, settings: Settings, store: Store, gateway: HostGateway, notifier: Notifier, clock: Clock
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._board = SnapshotCache()
        self._ledger = TransitionRecorder(store, clock)
        calendar = Calendar(tuple(map(parse_window, settings.freeze.windows)), ZoneInfo(settings.freeze.zone))
        planner = Planner(settings, calendar, gateway=gateway, store=store, board=self._board, clock=clock)
        migration = settings.migration
        pace = DispatchTiming(migration.poll_busy.total_seconds(), migration.poll_idle.total_seconds())
        self._observers = {
            HostName(name): HostPoller(
                HostName(name), gateway, self._board, clock, poll_busy_s=pace.busy_s, poll_idle_s=pace.idle_s
            )
            for name in settings.hosts
        }
        policy = Policy(
            migration.backup_threshold,
            migration.busy_patience,
            migration.max_parallel,
            migration.fail_fast,
            # A snapshot is too old when two idle polls have gone by without one.
            2 * migration.poll_idle + timedelta(minutes=1),
        )
        cleaner = FolderCleanup(gateway, self._fresh, clock, self._board.standing)
        hands = EngineServices(gateway, self._ledger, self._board, clock, self._fresh, cleaner, _rules(settings))
        self._dispatcher = Dispatcher(
            hands, policy, pace, max_attempts=migration.max_attempts, freeze=calendar, busy=self._mark_busy
        )
        self._viewer = JobViews(
            store,
            self._board,
            clock,
            calendar,
            assumed_bytes_per_s=migration.assumed_speed_mb_s * 1_000_000,
            max_parallel=migration.max_parallel,
        )
        self._watchman = Heartbeat(store, clock, policy.snapshot_max_age)
        self._tidier = PostponedCleanups(cleaner, self._ledger, clock)
        self._warner = DeadlineWarner(self._ledger, clock, self._viewer.of)
        self._pager = Escalation(self._ledger, clock, settings.slack.escalate_after)
        self._cards = Cards(store, notifier, clock, self._viewer.of)
        self._outbox = Outbox(store, notifier, clock, self._cards.touch)
        self._ledger.listen(self._changed)
        Requests.__init__(self, planner, self._ledger, settings.access.approval_ttl)
        Controls.__init__(self, settings.access, self._ledger, self._board, self._dispatcher, self._pager)
        Queries.__init__(self, store, self._board, clock, self._viewer, tuple(self._observers))
        self._pace = pace
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Open the store, adopt what went on without us, and begin to work."""
        await self._store.open()
        await self._watchman.look_back()
        await self._dispatcher.adopt()
        await self._cards.resume()
        loops = [observer.run() for observer in self._observers.values()]
        loops += [self._outbox.run(), self._cards.run(self._pace.busy_s), self._dispatcher.run()]
        loops += [self._tidier.run(), self._warner.run(), self._pager.run()]
        loops += [self._watchman.run(lambda: self._dispatcher.is_counting)]
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Start nothing more, let go of hosts and store. Migrations go on; the next start finds them."""
        for task in reversed(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._gateway.close()
        await self._store.close()

    # ------------------------------------------------------------------ the big red stop

    async def stop_starts(self, by: str) -> None:
        """Stop every new start, the big red stop; it lasts until ``resume_starts`` and survives restarts."""
        await self._switch(by, EventKind.STOPPED, by)

    async def resume_starts(self, by: str) -> None:
        """Allow starts again."""
        await self._switch("", EventKind.RESUMED, by)

    # ------------------------------------------------------------------ inside

    async def _switch(self, value: str, kind: EventKind, by: str) -> None:
        running = await self._store.jobs(JobState.RUNNING, limit=10_000)
        await self._store.set_switch(STOP, value, *alarm(kind, self._clock.now(), by, running))
        self._viewer.everything_changed()
        self._dispatcher.poke()
        for job in running:
            self._ledger.changed(job.id)

    def _changed(self, job_id: JobId) -> None:
        self._viewer.changed(job_id)
        self._outbox.poke()
        self._cards.touch(job_id)
        self._pager.touch(job_id)
        self._dispatcher.poke()

    def _mark_busy(self, hosts: set[HostName], jobs: set[JobId]) -> None:
        self._cards.follow(jobs)
        for name, observer in self._observers.items():
            was_busy, observer.is_busy = observer.is_busy, name in hosts
            if observer.is_busy and not was_busy:
                observer.poke()

    async def _fresh(self, host: HostName) -> Snapshot | None:
        observer = self._observers.get(host)
        return await observer.fresh() if observer else None


def _rules(settings: Settings) -> AttemptPolicy:
    migration = settings.migration

    def address(host: HostName) -> str:
        known = settings.hosts[host]
        return known.migration_address or known.address

    return AttemptPolicy(
        migration.confirm_start,
        migration.poll_busy.total_seconds(),
        migration.silence_patience,
        migration.retry_delay,
        migration.stuck_after,
        migration.assumed_speed_mb_s * 1_000_000,
        address,
    )
