"""Answers ``GET /health``, ``/live``, ``/ready``, ``/leader``, ``/metrics`` and ``/docs``, and asks a bot how it is.

Alive is a bot whose loops all turn; a restart helps one that is not. Ready is one that is alive and that Slack reaches,
or that stands by for the one that is. The leader is the one of several that works on the database. The pages at
``/docs`` are there when the settings say where they lie.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from aiohttp import web

from bot import doc_pages, metrics
from bot.duty import Duty, DutyState
from bot.slack.bound_address import bound, host_and_port
from core.config import SlackSettings
from core.engine.engine import Engine
from core.errors import SettingsError, StoreError
from core.ports import Clock

if TYPE_CHECKING:
    from socket import socket

log = logging.getLogger(__name__)

_KEY, _EXAMPLE = "health", "127.0.0.1:8080"
PATH = "/health"
LIVE = "/live"
READY = "/ready"
LEADER = "/leader"
METRICS = "/metrics"
_OK, _UNAVAILABLE = 200, 503
_FAREWELL_S = 2.0
"""For so long a request that is being answered may go on when the bot stops."""
_ASK_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_ANY = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "::": "[::1]"}  # noqa: S104 - an address to compare with


class SlackConnection(Protocol):
    """The connection by which Slack reaches the bot."""

    async def is_connected(self) -> bool:
        """Whether it is open now."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not open, or hears nothing, in words; empty when nothing is known."""
        ...


async def ask(listen: str) -> tuple[bool, str]:
    """Ask the bot that listens at an address how it is. Returns whether all is well, and a sentence.

    Raises:
        SettingsError: the address is malformed, or there is none.

    """
    if not listen:
        raise SettingsError("[slack] health is empty: the bot answers nowhere.", hint="Write it as 127.0.0.1:8080.")
    host, port = host_and_port(listen, _KEY, _EXAMPLE)
    try:
        async with (
            aiohttp.ClientSession(timeout=_ASK_TIMEOUT) as session,
            session.get(f"http://{_ANY.get(host, host)}:{port}{PATH}") as answer,
        ):
            status = answer.status
            told = await answer.json() if status in {_OK, _UNAVAILABLE} else {}
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False, f"No bot answers at {listen}."
    state = told.get("state") if isinstance(told, dict) else ""
    if state == DutyState.STANDBY:
        return True, f"The bot stands by. {told['waits_for']}"
    if state == DutyState.STARTING:
        return False, "The bot starts."
    if status == _OK:
        return True, "The bot runs and Slack reaches it."
    if status == _UNAVAILABLE:
        return False, _trouble(told)
    return False, f"Something that is no migrate-bot answers at {listen}: HTTP {status}."


def _trouble(told: Any) -> str:
    loops = told.get("loops", {}) if isinstance(told, dict) else {}
    dead = [name for name, loop in loops.items() if not loop.get("alive", True)]
    if dead:
        return f"The bot runs, but these loops of it do not: {', '.join(dead)}. Restart it, and look at its log."
    slack = told.get("slack", {}) if isinstance(told, dict) else {}
    if slack.get("takes_nothing"):
        return f"The bot runs, but Slack takes nothing from it. {slack['takes_nothing']}"
    return f"The bot runs, but has no connection to Slack. {slack.get('trouble') or ''}".strip()


class Health:
    """The HTTP server of ``/health`` and the others; without an address there is none."""

    def __init__(
        self,
        engine: Engine,
        connection: SlackConnection,
        settings: SlackSettings,
        duty: Duty,
        *,
        counters: metrics.Counters,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._counters = counters
        self._clock = clock
        self._duty = duty
        self._supervisor = engine.supervisor
        self._connection = connection
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self._socket: socket | None = None
        self.port = 0

    def bind(self) -> None:
        """Take the address: whoever calls from now on waits until ``start``.

        Raises:
            SettingsError: the address is malformed or taken.

        """
        if self._settings.health:
            self._socket = bound(self._settings.health, _KEY, _EXAMPLE)

    async def start(self) -> None:
        """Answer.

        Raises:
            SettingsError: the address is not taken yet and cannot be, or there are no pages where they should be.

        """
        if self._socket is None:
            self.bind()
        if self._socket is None:
            return
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        app.router.add_get(LIVE, self._live)
        app.router.add_get(READY, self._ready)
        app.router.add_get(LEADER, self._leader)
        app.router.add_get(METRICS, self._measure)
        if self._settings.docs:
            doc_pages.add_to(app, Path(self._settings.docs))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FAREWELL_S)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()
        self._runner = self._socket = None

    async def _answer(self, _: web.Request) -> web.Response:
        if self._duty.state is not DutyState.LEADER:
            return self._not_on_duty()
        is_connected = await self._connection.is_connected()
        ages_s = {
            host: age if age is None else round(age, 1) for host, age in self._engine.queries.snapshot_ages_s().items()
        }
        delivery = await self._engine.queries.delivery()
        oldest = delivery.oldest
        told: dict[str, Any] = {
            "state": self._duty.state,
            "slack": {
                "mode": self._settings.mode,
                "connected": is_connected,
                "trouble": self._connection.trouble,
                "takes_nothing": delivery.trouble,
                "takes_nothing_since": delivery.trouble_since.isoformat() if delivery.trouble_since else "",
            },
            "notices": {
                "waiting": delivery.waiting,
                "oldest": oldest.isoformat() if oldest else "",
                "given_up": delivery.given_up,
            },
            "loops": self._loops(),
            "snapshot_age_s": ages_s,
        }
        try:
            told["queue"] = await self._engine.queries.queue_lengths()
            told["stopped_by"] = await self._engine.queries.stopped_by()
        except StoreError as error:
            told["database"] = error.message
        is_well = is_connected and self._supervisor.is_alive and not delivery.trouble and "database" not in told
        return web.json_response(told, status=_OK if is_well else _UNAVAILABLE)

    async def _live(self, _: web.Request) -> web.Response:
        is_alive = self._supervisor.is_alive
        return web.json_response({"loops": self._loops()}, status=_OK if is_alive else _UNAVAILABLE)

    def _not_on_duty(self) -> web.Response:
        is_standby = self._duty.state is DutyState.STANDBY
        told = {"state": self._duty.state, "waits_for": self._duty.waits_for}
        return web.json_response(told, status=_OK if is_standby else _UNAVAILABLE)

    async def _leader(self, _: web.Request) -> web.Response:
        is_leader = self._duty.state is DutyState.LEADER
        return web.json_response({"state": self._duty.state}, status=_OK if is_leader else _UNAVAILABLE)

    async def _ready(self, _: web.Request) -> web.Response:
        if self._duty.state is not DutyState.LEADER:
            return self._not_on_duty()
        is_ready = self._supervisor.is_alive and await self._connection.is_connected()
        return web.json_response({"ready": is_ready}, status=_OK if is_ready else _UNAVAILABLE)

    def _loops(self) -> dict[str, Any]:
        return {
            loop.name: {
                "alive": loop.is_alive,
                "age_s": round(loop.age_s, 1),
                "restarts": loop.restarts,
                **({"error": loop.error} if loop.error else {}),
            }
            for loop in self._supervisor.status()
        }

    async def _measure(self, _: web.Request) -> web.Response:
        if self._duty.state is not DutyState.LEADER:
            return web.Response(body=metrics.text(self._counters), headers={"Content-Type": metrics.CONTENT_TYPE})
        status = metrics.BotStatus(
            is_connected=await self._connection.is_connected(),
            stopped_by=await self._engine.queries.stopped_by(),
            lengths=await self._engine.queries.queue_lengths(),
            hosts=await self._engine.queries.hosts(),
            links=await self._engine.queries.links(),
            ages_s=self._engine.queries.snapshot_ages_s(),
            delivery=await self._engine.queries.delivery(),
            loops=self._supervisor.status(),
            at=self._clock.now(),
        )
        return web.Response(body=metrics.text(self._counters, status), headers={"Content-Type": metrics.CONTENT_TYPE})
