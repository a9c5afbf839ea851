"""Answers ``GET /health`` and ``GET /metrics`` for whoever watches over the bot."""

import logging
from typing import Protocol

from aiohttp import web

from bot import metrics
from core.config import SlackSettings
from core.engine.engine import Engine
from core.errors import SettingsError

log = logging.getLogger(__name__)

PATH = "/health"
METRICS = "/metrics"
_OK, _UNAVAILABLE = 200, 503


class SlackConnection(Protocol):
    """The way by which Slack reaches the bot."""

    async def is_connected(self) -> bool:
        """Whether it is open now."""
        ...


class Health:
    """The endpoint; without an address there is none."""

    def __init__(self, engine: Engine, connection: SlackConnection, settings: SlackSettings) -> None:
        self._engine = engine
        self._connection = connection
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen.

        Raises:
            SettingsError: the address is malformed or taken.

        """
        listen = self._settings.health
        if not listen:
            return
        host, _, port = listen.rpartition(":")
        if not port.isdecimal():
            raise SettingsError(f"[slack] health is {listen}.", hint="Write it as 127.0.0.1:8080.")
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        app.router.add_get(METRICS, self._measure)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host or "127.0.0.1", int(port)).start()
        except OSError as error:
            await self.stop()
            raise SettingsError(f"Cannot listen on {listen}: {error.strerror}.") from error
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
        self._runner = None

    async def _answer(self, _: web.Request) -> web.Response:
        is_connected = await self._connection.is_connected()
        ages_s = {host: age if age is None else round(age, 1) for host, age in self._engine.snapshot_ages_s().items()}
        told = {
            "slack": {"mode": self._settings.mode, "connected": is_connected},
            "snapshot_age_s": ages_s,
            "queue": await self._engine.queue_lengths(),
            "stopped_by": await self._engine.stopped_by(),
        }
        return web.json_response(told, status=_OK if is_connected else _UNAVAILABLE)

    async def _measure(self, _: web.Request) -> web.Response:
        standing = metrics.BotStatus(
            await self._connection.is_connected(),
            await self._engine.stopped_by(),
            await self._engine.queue_lengths(),
            await self._engine.hosts(),
            self._engine.snapshot_ages_s(),
        )
        return web.Response(body=metrics.text(standing), headers={"Content-Type": metrics.CONTENT_TYPE})
