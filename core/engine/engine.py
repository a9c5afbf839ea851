"""Builds the engine of its parts, starts its loops and stops them."""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from zoneinfo import ZoneInfo

from core.config import Settings
from core.domain.model.allowed_paths import FolderRules
from core.domain.model.inventory import HostName, Snapshot, VmId
from core.domain.model.job import JobId
from core.domain.reporting.weekly import parse_weekly
from core.domain.scheduling.freeze import Calendar, parse_window
from core.domain.scheduling.links import Links
from core.domain.scheduling.situation import Policy
from core.engine.api.controls import Controls
from core.engine.api.job_views import JobViews
from core.engine.api.owner_holds import OwnerHolds
from core.engine.api.queries import Queries
from core.engine.api.requests import Requests
from core.engine.attempt.cleanup import FolderCleanup, PostponedCleanups
from core.engine.attempt.context import AttemptPolicy, EngineServices
from core.engine.attempt.look_ahead import LookAhead
from core.engine.backup_outlooks import BackupOutlooks
from core.engine.delivery.cards import Cards
from core.engine.delivery.deadlines import EVERY_S, DeadlineWarner
from core.engine.delivery.digest import WeeklyDigest
from core.engine.delivery.escalation import Escalation
from core.engine.delivery.outbox import Outbox
from core.engine.delivery.owner_messages import OwnerMessages
from core.engine.destination_choice import DestinationChoice
from core.engine.dispatcher import Dispatcher, DispatchTiming
from core.engine.hosts.backup_rhythms import BackupRhythms
from core.engine.hosts.backup_watch import BackupWatch
from core.engine.hosts.heartbeat import Heartbeat
from core.engine.hosts.machines import Machines
from core.engine.hosts.owner_book import OwnerBook
from core.engine.hosts.poller import HostPoller
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.plan_check import PlanCheck
from core.engine.plan_estimates import PlanEstimates
from core.engine.planner import Planner
from core.engine.recorder import TransitionRecorder
from core.engine.recovery import find_left_under_way, settle_hosts
from core.engine.replanner import Replanner
from core.engine.retention import Retention
from core.errors import StoreError
from core.ports import Clock, HostGateway, Notifier, Store, WhoIs
from core.supervisor import PATIENCE_S, Supervisor


class Engine:
    """The whole engine, wired together. Build it, ``start`` it, ask it, ``stop`` it.

    It is asked through its parts: ``requests`` (what people ask for), ``controls`` (what they decide), ``owner_holds``
    (what owners of VMs do) and ``queries`` (what they look at).
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        gateway: HostGateway,
        notifier: Notifier,
        clock: Clock,
        supervisor: Supervisor | None = None,
        who_is: WhoIs | None = None,
    ) -> None:
        """Wire it. ``who_is`` finds owners of VMs in Slack; None: none is looked for."""
        self.supervisor = supervisor or Supervisor()
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._snapshot_cache = SnapshotCache()
        self._recorder = TransitionRecorder(store, clock)
        self._machines = Machines(store)
        self._host_name = settings.host_name
        zone = ZoneInfo(settings.freeze.zone)
        calendar = Calendar(tuple(map(parse_window, settings.freeze.windows)), zone)
        migration = settings.migration
        self._backup_watch = BackupWatch(store, clock)
        self._snapshot_cache.looked = self._backup_watch.look
        rhythms = BackupRhythms(store, clock, self._backup_watch, zone)
        self._timing = DispatchTiming(migration.poll_busy.total_seconds(), migration.poll_idle.total_seconds())
        self._pollers = {
            HostName(name): HostPoller(
                HostName(name),
                gateway,
                self._snapshot_cache,
                clock,
                machines=self._machines,
                poll_busy_s=self._timing.busy_s,
                poll_idle_s=self._timing.idle_s,
            )
            for name in settings.hosts
        }
        links = settings.known_links()
        policy = Policy(
            backup_threshold=migration.backup_threshold,
            busy_timeout=migration.busy_patience,
            max_parallel=migration.max_parallel,
            fail_fast=migration.fail_fast,
            # A snapshot is too old when two idle polls have gone by without one.
            snapshot_max_age=2 * migration.poll_idle + timedelta(minutes=1),
            replan_after=migration.replan_after if migration.replan else None,
            folders={
                HostName(name): FolderRules(known.allowed_paths, known.path) for name, known in settings.hosts.items()
            },
            links=links,
        )
        own_paths = {HostName(name): known.path for name, known in settings.hosts.items()}
        cleanup = FolderCleanup(
            gateway, self._fresh, self._recorder, standing=self._snapshot_cache.standing, own_paths=own_paths
        )
        self._look_ahead = LookAhead(gateway, self._machines, clock)
        self._postponed_cleanups = PostponedCleanups(cleanup, self._recorder, clock)
        services = EngineServices(
            gateway=gateway,
            recorder=self._recorder,
            snapshot_cache=self._snapshot_cache,
            clock=clock,
            fresh=self._fresh,
            look_soon=self._look_soon,
            machines=self._machines,
            cleanup=cleanup,
            look_ahead=self._look_ahead,
            tidy_soon=self._postponed_cleanups.wanted.set,
            policy=_attempt_policy(settings, calendar, links),
        )
        self._replanner = Replanner(settings, self._recorder, gateway, DestinationChoice(settings, store, clock))
        assumed_bytes_per_s = migration.assumed_speed_mb_s * 1_000_000
        backups = BackupOutlooks(
            store, rhythms, is_on=migration.around_backups, assumed_bytes_per_s=assumed_bytes_per_s, links=links
        )
        self._dispatcher = Dispatcher(
            services,
            policy,
            self._timing,
            max_attempts=migration.max_attempts,
            freeze=calendar,
            backups=backups,
            busy=self._note_open,
            dropped_out=self._replanner.note,
        )
        planner = Planner(
            settings,
            PlanEstimates(
                store,
                clock,
                calendar,
                backups,
                assumed_bytes_per_s=assumed_bytes_per_s,
                max_parallel=migration.max_parallel,
            ),
            gateway=gateway,
            store=store,
            snapshot_cache=self._snapshot_cache,
            machines=self._machines,
            clock=clock,
        )
        self._plan_check = PlanCheck(
            gateway,
            self._recorder,
            plan_again=planner.plan_again,
            estimated=planner.estimated,
            timeout_s=migration.check_timeout.total_seconds(),
            per_host=migration.checks_per_host,
        )
        self._owner_book = OwnerBook(
            gateway,
            None if settings.access.owners == "off" else who_is,
            clock,
            key=settings.owners.key,
            patterns=settings.owners.vms,
        )
        self._job_views = JobViews(
            store,
            self._snapshot_cache,
            clock,
            calendar,
            assumed_bytes_per_s=assumed_bytes_per_s,
            max_parallel=migration.max_parallel,
            backups=backups,
            links=links,
            checking=self._plan_check.progress,
            owners=self._owner_book,
        )
        self._heartbeat = Heartbeat(store, clock, policy.snapshot_max_age, lambda: self._dispatcher.is_counting)
        self._deadline_warner = DeadlineWarner(self._recorder, clock, self._job_views.of)
        self._escalation = Escalation(self._recorder, clock, settings.slack.escalate_after)
        weekly = settings.slack.digest and parse_weekly(settings.slack.digest, ZoneInfo(settings.freeze.zone))
        self._owner_messages = OwnerMessages(
            self._recorder,
            clock,
            self._owner_book,
            may_hold=settings.access.owners == "hold",
            reshow=self._reshow,
        )
        self._digest = WeeklyDigest(self._recorder, clock, weekly or None)
        self._outbox = Outbox(store, notifier, clock, lambda job_id: self._cards.wake(job_id))  # noqa: PLW0108  # made below
        self._cards = Cards(
            store, notifier, clock, self._job_views.of, tick_s=self._timing.busy_s, shown=self._outbox.note_answer
        )
        self._retention = Retention(store, clock, settings.store.keep)
        self._recorder.listen(self._changed)
        self.requests = Requests(planner, self._recorder, self._plan_check, settings.access)
        self.controls = Controls(
            settings.access,
            settings.host_name,
            self._recorder,
            snapshot_cache=self._snapshot_cache,
            dispatcher=self._dispatcher,
            escalation=self._escalation,
            job_views=self._job_views,
            checking=self._plan_check.progress,
            owners=self._owner_book,
        )
        self.owner_holds = OwnerHolds(self._recorder, is_on=settings.access.owners == "hold")
        self.queries = Queries(
            store,
            self._snapshot_cache,
            clock,
            self._job_views,
            tuple(self._pollers),
            links=links,
            delivery=self._outbox.status,
            rhythms=rhythms,
        )
        self.database_id = ""
        """Which database the numbers of jobs, moves and events are of; known from the start on."""
        # A poll asks a host several times, and waits for it each time.
        self._poll_patience_s = PATIENCE_S + 20 * settings.winrm.operation_timeout.total_seconds()
        self._watching = ExitStack()

    async def start(self) -> None:
        """Open the store, adopt what went on without us, and begin to work."""
        await self._store.open()
        self.database_id = await self._store.identity()
        await self._machines.load()
        await settle_hosts(self._store, self._host_name, self._clock)
        await self._heartbeat.look_back()
        await self._backup_watch.load()
        for left in await find_left_under_way(self._store, self._clock):
            self._dispatcher.adopt(left.move, left.attempt, left.job)
        await self._cards.resume()
        self._watching.enter_context(self._snapshot_cache.watch(self._dispatcher.changed))
        start = self.supervisor.start
        for host, poller in self._pollers.items():
            start(f"poll {host}", poller.turn, wake=poller.wanted, patience_s=self._poll_patience_s)
        start("backup watch", self._backup_watch.turn, wake=self._backup_watch.changed)
        start("outbox", self._outbox.turn, wake=self._outbox.changed)
        start("cards", self._cards.turn, first_after_s=self._timing.busy_s)
        start("plan checks", self._plan_check.turn, wake=self._plan_check.changed)
        start("dispatcher", self._dispatcher.turn, wake=self._dispatcher.changed)
        start("replanner", self._replanner.turn, wake=self._replanner.changed)
        start("postponed clean-ups", self._postponed_cleanups.turn, wake=self._postponed_cleanups.wanted)
        start("deadlines", self._deadline_warner.turn, first_after_s=EVERY_S)
        start("digest", self._digest.turn)
        start("escalation", self._escalation.turn)
        start("owners", self._owner_book.turn, wake=self._owner_book.wanted)
        start("messages to owners", self._owner_messages.turn, wake=self._owner_messages.changed)
        start("heartbeat", self._heartbeat.turn)
        start("retention", self._retention.turn)

    async def stop(self) -> None:
        """Start nothing more, let go of store and hosts. Migrations go on; the next start finds them.

        The store first: another process may have it as soon as nothing here sends or writes any more, and a host that
        hangs may take seconds to say goodbye to. Whatever had been started when a start failed is ended too.
        """
        try:
            await self.supervisor.stop()
            await self._plan_check.stop()
            await self._owner_book.close()
            await self._cards.stop()
            await self._dispatcher.stop()
            await self._look_ahead.close()
            await self._save_backups()
            for poller in self._pollers.values():
                poller.close()
            self._watching.close()
        finally:
            try:
                await self._store.close()
            finally:
                await self._gateway.close()

    # ------------------------------------------------------------------ inside

    def _changed(self, job_id: JobId) -> None:
        """Tell everything that shows a job, or acts on it, that it changed."""
        self._job_views.invalidate(job_id)
        self._outbox.wake()
        self._cards.wake(job_id)
        self._escalation.note_change(job_id)
        self._plan_check.note_change(job_id)
        self._owner_messages.note_change(job_id)
        self._dispatcher.wake()

    def _note_open(self, hosts: Mapping[HostName, set[VmId]], jobs: set[JobId]) -> None:
        """Poll hosts that open moves concern more often, and keep the cards of jobs with moves under way up to date."""
        self._cards.follow(jobs)
        for name, poller in self._pollers.items():
            was_busy, poller.is_busy = poller.is_busy, name in hosts
            poller.vms = frozenset(hosts.get(name, ()))
            if poller.is_busy and not was_busy:
                poller.wake()

    def _reshow(self, job_id: JobId) -> None:
        """Bring a card up to date with what is known now besides the job itself."""
        self._job_views.invalidate(job_id)
        self._cards.wake(job_id)

    def _look_soon(self, host: HostName) -> None:
        poller = self._pollers.get(host)
        if poller is not None:
            poller.wake()

    async def _save_backups(self) -> None:
        """Write down until when hosts were looked at; a kill loses a few minutes of that, and nothing else."""
        with suppress(StoreError):
            await self._backup_watch.save(is_last=True)

    async def _fresh(self, host: HostName) -> Snapshot | None:
        poller = self._pollers.get(host)
        return await poller.fresh() if poller else None


def _attempt_policy(settings: Settings, freeze: Calendar, links: Links) -> AttemptPolicy:
    migration = settings.migration

    def address(host: HostName) -> str:
        known = settings.hosts[host]
        return known.migration_address or known.address

    return AttemptPolicy(
        confirm_start=migration.confirm_start,
        poll_s=migration.poll_busy.total_seconds(),
        silence_timeout=migration.silence_patience,
        retry_delay=migration.retry_delay,
        stuck_after=migration.stuck_after,
        assumed_bytes_per_s=migration.assumed_speed_mb_s * 1_000_000,
        address=address,
        frozen_until=freeze.frozen_until,
        links=links,
        replans=migration.replan,
        own_errors=settings.errors,
    )
