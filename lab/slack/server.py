"""Starts the workspace on localhost: Web API, Socket Mode, uploads, response URLs, control API, pages; one port."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from lab.slack.browser.routes import Browser
from lab.slack.control import Control
from lab.slack.people.input_field import InputField
from lab.slack.people.page import Pages
from lab.slack.people.person import Person, Workplace
from lab.slack.people.transcript import Transcript
from lab.slack.transport.api.gate import Gate
from lab.slack.transport.event_delivery import EventDelivery
from lab.slack.transport.event_feed import EventFeed
from lab.slack.transport.http_mode import WebhookTransport
from lab.slack.transport.interactions import Interactions
from lab.slack.transport.response_urls import Responses
from lab.slack.transport.socket_mode import SocketHub
from lab.slack.workspace.call_log import CallLog
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.clock import Clock, RealClock
from lab.slack.workspace.directory import DEFAULT_DIRECTORY, Directory, User, UserGroupEntry, load_directory
from lab.slack.workspace.faults import Faults
from lab.slack.workspace.grants import Grants
from lab.slack.workspace.manifest import DEFAULT_MANIFEST, Manifest, load_manifest, without_socket_mode
from lab.slack.workspace.rate_limit import RateLimiter, Strictness
from lab.slack.workspace.refusals import NotOnScreenError
from lab.slack.workspace.workspace import Workspace

_BODY_LIMIT_BYTES = 80 * 1024 * 1024


@web.middleware
async def _only_local(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a foreign web page could cause: by DNS rebinding, or by sending something here from its own place."""
    if request.host.rpartition(":")[0] not in {"127.0.0.1", "localhost"}:
        return web.Response(status=421, text="this is 127.0.0.1")
    origin = request.headers.get("Origin", "")
    if origin and origin != f"http://{request.host}":
        return web.Response(status=403, text="not from another page")
    return await handler(request)


class SlackLab:
    """The running workspace: `async with SlackLab() as lab:`, then `lab.api_url`, `lab.bot_token`, `lab.app_token`."""

    def __init__(
        self,
        *,
        directory: Directory | Path = DEFAULT_DIRECTORY,
        manifest: Manifest | Path = DEFAULT_MANIFEST,
        clock: Clock | None = None,
        port: int = 0,
        rate_limits: Strictness = Strictness.OFF,
        request_url: str = "",
        parts: Mapping[str, web.Application] | None = None,
    ) -> None:
        """With `request_url` the app is served in HTTP mode instead of Socket Mode.

        `parts` are served beside the workspace, each below the path of its name, for the page to use.
        """
        self.clock: Clock = clock or RealClock()
        loaded = load_directory(directory) if isinstance(directory, Path) else directory
        terms = load_manifest(manifest) if isinstance(manifest, Path) else manifest
        if request_url:
            terms = without_socket_mode(terms)
        self.workspace = Workspace(loaded, terms, self.clock)
        self.faults = Faults(self.clock.now)
        self.grants = Grants(self.clock)
        self.limiter = RateLimiter(self.clock, rate_limits)
        self.delivery = EventDelivery(self.clock, self.call_log, self.workspace.changes, self.faults)
        self.sockets = SocketHub(loaded.app.id, self.clock, self.call_log, self.workspace.changes, self.faults)
        self.sockets.on_connect = self.delivery.listener_came
        self.webhooks = WebhookTransport(request_url, loaded.app.signing_secret, self.clock) if request_url else None
        self.delivery.transport = self.webhooks or self.sockets
        self.events = EventFeed(self.workspace, self.delivery)
        self.interactions = Interactions(self.workspace, self.delivery, self.grants, self.faults)
        self.responses = Responses(self.workspace, self.grants, self.faults)
        input_field = InputField(self._find_user, self._find_channel, self._find_group)
        self._workplace = Workplace(
            workspace=self.workspace,
            interactions=self.interactions,
            events=self.events,
            responses=self.responses,
            input_field=input_field,
        )
        self._people: dict[str, Person] = {}
        self._gate = Gate(self.workspace, self.grants, self.faults, self.limiter, self._websocket_url)
        self._port = port
        self._parts = dict(parts or {})
        self._runner: web.AppRunner | None = None

    # -- addresses and secrets --------------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        return f"{self.base_url}/api/"

    @property
    def control_url(self) -> str:
        return f"{self.base_url}/control/"

    @property
    def bot_token(self) -> str:
        return self.workspace.directory.app.bot_token

    @property
    def app_token(self) -> str:
        return self.workspace.directory.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.workspace.directory.app.signing_secret

    @property
    def call_log(self) -> CallLog:
        return self.workspace.call_log

    def _websocket_url(self) -> str:
        return self.sockets.new_url(f"ws://127.0.0.1:{self._port}")

    # -- people -----------------------------------------------------------------------------------------------------

    def person(self, name: str) -> Person:
        """By name or user id; always the same object for the same person."""
        user = self.workspace.user(name)
        if user.id not in self._people:
            self._people[user.id] = Person(user, self._workplace)
        return self._people[user.id]

    def transcript(self, channel: str, *, viewer: str = "", with_times: bool = False) -> str:
        """Return what stands in a channel; with `viewer`, what that person reads there."""
        viewer_id = self.workspace.user(viewer).id if viewer else ""
        return Transcript(self.workspace, viewer_id, with_times=with_times).channel(self.workspace.channel(channel))

    def _find_user(self, name: str) -> User | None:
        try:
            return self.workspace.user(name)
        except NotOnScreenError:
            return None

    def _find_channel(self, name: str) -> Channel | None:
        try:
            return self.workspace.channel(name)
        except NotOnScreenError:
            return None

    def _find_group(self, handle: str) -> UserGroupEntry | None:
        return next((one for one in self.workspace.user_groups.values() if one.handle == handle), None)

    # -- life -------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        site_app = web.Application(client_max_size=_BODY_LIMIT_BYTES, middlewares=[_only_local])
        site_app.router.add_route("*", "/api/{method}", self._gate.serve)
        site_app.router.add_get("/link/", self.sockets.serve)
        site_app.router.add_post("/upload/{key}", self.workspace.files.receive)
        site_app.router.add_post("/response/{key}", self.responses.serve)
        site_app.router.add_get("/channel/{name}", Pages(self.workspace).serve)
        Control(self).add_routes(site_app.router)
        is_app_there, extras = lambda: bool(self.sockets.connections), lambda: list(self._parts)
        Browser(self.workspace, self.person, is_app_there, extras).add_routes(site_app.router)
        for name, part in self._parts.items():
            site_app.add_subapp(f"/{name}/", part)
        self._runner = web.AppRunner(site_app, access_log=None, shutdown_timeout=1.0)
        if self.webhooks is not None:
            await self.webhooks.start()
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._gate.base_url = self.interactions.base_url = self.base_url

    async def stop(self) -> None:
        await self.sockets.close()
        if self.webhooks is not None:
            await self.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
