"""Listens to Slack over HTTP, for workspaces where Socket Mode is off. Bolt checks every signature."""

import logging

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from core.errors import SettingsError

log = logging.getLogger(__name__)

PATH = "/slack/events"


class HttpListener:
    """The HTTP server by which commands and clicks arrive."""

    def __init__(self, app: AsyncApp, listen: str) -> None:
        self._app = app
        self._listen = listen
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen.

        Raises:
            SettingsError: the address is malformed or taken.

        """
        host, _, port = self._listen.rpartition(":")
        if not port.isdecimal():
            raise SettingsError(f"[slack] listen is {self._listen}.", hint="Write it as 127.0.0.1:3000.")
        server = self._app.server(port=int(port), path=PATH, host=host or "127.0.0.1")
        self._runner = web.AppRunner(server.web_app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host or "127.0.0.1", int(port)).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError(f"Cannot listen on {self._listen}: {error.strerror}.") from error
        self.port = int(self._runner.addresses[0][1])
        log.info("listening for Slack on %s:%s%s", host, self.port, PATH)

    async def is_connected(self) -> bool:
        """Whether it listens; Slack calls when there is something to say."""
        return self._runner is not None

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
