"""The composition root: with ``bot.upkeep`` the only module of the bot that names database and hosts' protocol."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import access
from bot.app import build_app
from bot.audit_log import AuditLog
from bot.clock import SystemClock
from bot.control_socket import ControlSocket
from bot.duty import CLOSES_WITHIN_S, Duty, Phase, leave
from bot.duty import LOOP as DUTY
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import Asker, CommandHandler
from bot.handlers.edit_handler import EditHandler
from bot.handlers.form_handler import FormHandler
from bot.handlers.machine_orders import carry_out
from bot.handlers.owner_handler import OwnerHandler
from bot.handlers.personal_limit import PersonalLimit
from bot.health import Health
from bot.metrics import Counters
from bot.notify.attachments import Attachments, TimelineInputs
from bot.notify.home_tabs import HomeTabs, ObservedNotifier
from bot.notify.notifier import SlackNotifier
from bot.slack.credentials import check_credentials, forget_proxy_on_loopback, web_client
from bot.slack.http_listener import HttpListener
from bot.slack.identities import Identities
from bot.slack.socket import SocketConnection
from bot.slack.table_form import TableForm
from bot.slack.user_groups import UserGroups
from bot.systemd import ServiceManager
from core.config import Settings, StoreSettings
from core.domain.model.event_data import Digest
from core.domain.model.events import Event
from core.domain.model.inventory import CheckLine
from core.domain.model.job import Job, JobId
from core.domain.reporting.insights import Insights
from core.domain.reporting.weekly import WEEK
from core.engine.engine import Engine
from core.errors import SettingsError
from core.hyperv import LoginMemory, PypsrpGateway, SessionRecord, endpoint_texts, install_commands
from core.ports import Clock, HostGateway, Notifier, Store
from core.store import PROOF_EVERY_S, SqlStore, inspect
from core.supervisor import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """The running bot: its parts, for whoever started it."""

    settings: Settings
    engine: Engine
    app: AsyncApp
    client: AsyncWebClient
    connection: SocketConnection | HttpListener
    lost: asyncio.Event
    """Set when another process may work on the database: this one is to stop, and may start anew."""


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    gateway: HostGateway | None = None,
    store: Store | None = None,
    tell_through: Callable[[Notifier], Notifier] | None = None,
    was_on_duty: bool = False,
) -> AsyncIterator[Bot]:
    """Run the bot; leaving the block stops it gracefully. Migrations go on, and the next start finds them.

    While another bot works on a database that can be shared, this one stands by, and enters the block when it may.
    ``tell_through`` puts something between the engine and Slack; ``was_on_duty``: this process lost its database.

    Raises:
        SettingsError: nobody may ask; a secret is missing or Slack does not accept it.
        StoreError: the database cannot be opened.

    """
    clock = clock or SystemClock()
    audit = AuditLog(Counters())
    client = _client(settings, audit.counters)
    await check_credentials(client, settings)
    _insist_on_requesters(settings)
    groups = UserGroups(client, clock)

    async def timeline_inputs(job_id: JobId) -> TimelineInputs:
        limits = {host.host: min(host.live_limit, host.storage_limit) for host in await engine.queries.hosts()}
        return TimelineInputs(await engine.queries.job(job_id), await engine.queries.attempts(job_id), limits)

    async def history(job_id: JobId) -> Sequence[Event]:
        return await engine.queries.history(job_id)

    async def newest_jobs() -> Sequence[Job]:
        return [view.job for view in await engine.queries.jobs()]

    async def past(digest: Digest) -> Insights:
        until = digest.until or clock.now()
        return await engine.queries.insights_between(digest.since or until - WEEK, until)

    tables = TableForm(clock, is_on=settings.slack.tables)
    attachments = Attachments(client, timeline_inputs, clock, past=past)
    notifier: Notifier = SlackNotifier(
        client,
        settings,
        groups,
        clock,
        attachments=attachments,
        history=history,
        past=past,
        database=lambda: engine.database_id,
        tables=tables,
    )
    observed = ObservedNotifier(tell_through(notifier) if tell_through else notifier, on_page=audit.paged)
    people = Identities(client, settings, clock)
    manager, supervisor = ServiceManager(), Supervisor()
    store = store or SqlStore(
        settings.store.url,
        history=settings.store.history,
        on_commit=audit.committed,
        on_error=audit.database_failed,
    )
    engine = Engine(
        settings=settings,
        store=store,
        gateway=gateway or _gateway(settings, clock),
        notifier=observed,
        clock=clock,
        supervisor=supervisor,
        who_is=people.look_up,
    )
    limit = PersonalLimit(settings.access.commands_per_minute, clock)
    background = BackgroundTasks(audit, admit=_admission(people, limit), tables=tables)
    handler = CommandHandler(engine, settings, groups, people, clock, hand_over=attachments.hand_over, tables=tables)
    home_tabs = HomeTabs(engine, client, settings, clock, groups=groups, people=people)
    observed.on_change = home_tabs.wake
    forms = FormHandler(engine, settings, groups, people, clock, limit=limit)
    edits, owners = EditHandler(engine, settings, groups, people), OwnerHandler(engine, people)
    app = build_app(settings, client, handler, background, forms=forms, edits=edits, owners=owners, home_tabs=home_tabs)
    connection = _connection(app, settings, supervisor, clock)
    control = ControlSocket(control_path(settings), lambda order, by: carry_out(engine, order, by, audit))
    duty = Duty(store, on_wait=manager.waiting, every_s=PROOF_EVERY_S, was_on_duty=was_on_duty)
    health = Health(engine, connection, settings.slack, duty, counters=audit.counters, clock=clock)
    try:
        await health.start()
        await duty.take()
        supervisor.start(DUTY, duty.turn)
        # A start that must fail fails before any host sees a login: one that comes again and again locks no account.
        connection.bind()
        await engine.start()
        await control.start()
        attachments.catch_up(newest_jobs)
        await home_tabs.start()
        await connection.start()
        supervisor.on_beat = manager.beat
        manager.ready()
        yield Bot(settings=settings, engine=engine, app=app, client=client, connection=connection, lost=duty.lost)
    finally:
        manager.stopping()
        # First nothing new comes in, then what came in is answered, then the engine lets go of the database.
        await leave(
            Phase(CLOSES_WITHIN_S, (health.stop, control.stop, connection.stop)),
            Phase(None, (background.close, attachments.close, home_tabs.stop)),
            Phase(None, (engine.stop, background.last_words)),
        )


async def check_store(settings: Settings) -> CheckLine:
    """Look whether the database is fit, without changing it."""
    return await inspect(settings.store.url)


def endpoint_of(settings: Settings) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the files of the hosts' endpoint by their paths, and the commands that install them.

    Raises:
        SettingsError: the settings are for no endpoint of their own.

    """
    return endpoint_texts(settings), install_commands()


@asynccontextmanager
async def opened_gateway(settings: Settings) -> AsyncIterator[HostGateway]:
    """Reach the hosts alone, to check them; nothing is written down, whoever runs it."""
    gateway = PypsrpGateway(settings)
    try:
        yield gateway
    finally:
        await gateway.close()


def sessions_folder(store: StoreSettings) -> Path:
    """Return where open sessions are written down."""
    return _beside(store, "sessions")


def control_path(settings: Settings) -> Path:
    """Return where a running bot takes orders of its own machine."""
    return _beside(settings.store, "control")


def _beside(store: StoreSettings, what: str) -> Path:
    """Return a path beside the database file, or in the working directory when there is no file."""
    return Path(f"{store.file or 'migrate-bot'}.{what}")


def _client(settings: Settings, counters: Counters) -> AsyncWebClient:
    forget_proxy_on_loopback(settings.slack.api_url)
    return web_client(settings, refused=lambda about: counters.slack_refusals.labels(about).inc())


def _connection(
    app: AsyncApp, settings: Settings, supervisor: Supervisor, clock: Clock
) -> SocketConnection | HttpListener:
    if settings.slack.mode == "socket":
        return SocketConnection(app, settings.slack_app_token.get_secret_value(), supervisor)
    return HttpListener(app, settings.slack.listen, settings.slack_signing_secret.get_secret_value(), clock)


def _gateway(settings: Settings, clock: Clock) -> HostGateway:
    record, logins = SessionRecord(sessions_folder(settings.store)), LoginMemory(_beside(settings.store, "logins"))
    return PypsrpGateway(settings, now=clock.steady_now, record=record, logins=logins)


def _insist_on_requesters(settings: Settings) -> None:
    if not settings.access.requesters:
        hint = 'Write requesters = ["*"] for everybody of the workspace, or list users and user groups.'
        raise SettingsError(access.NOBODY_ASKS, hint=hint)


def _admission(people: Identities, limit: PersonalLimit) -> Callable[[Asker], Awaitable[None]]:
    async def admit(asker: Asker) -> None:
        await people.admit(asker.user, asker.team)
        limit.note(asker.user)

    return admit
