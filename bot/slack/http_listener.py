"""Listens to Slack over HTTP, for workspaces where Socket Mode is off: what Slack did not sign is not even parsed."""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp

from bot.slack.bound_address import bound
from bot.slack.signed_requests import judge
from core.ports import Clock

if TYPE_CHECKING:
    from socket import socket

log = logging.getLogger(__name__)

PATH = "/slack/events"
SILENCE = timedelta(minutes=10)
_FAREWELL_S = 2.0
"""For so long a request that is being answered may go on when the bot stops."""
_BAD_REQUEST, _UNAUTHORIZED = 400, 401


class HttpListener:
    """The HTTP server by which commands and clicks arrive."""

    def __init__(self, app: AsyncApp, listen: str, secret: str, clock: Clock) -> None:
        self._app = app
        self._listen = listen
        self._secret = secret
        self._clock = clock
        self._complained: dict[str, datetime] = {}
        self.trouble = ""
        self._runner: web.AppRunner | None = None
        self._socket: socket | None = None
        self.port = 0

    def bind(self) -> None:
        """Take the address: whoever calls from now on waits until ``start``.

        Raises:
            SettingsError: the address is malformed or taken.

        """
        self._socket = self._bound()

    def _bound(self) -> "socket":
        return bound(self._listen, "listen", "127.0.0.1:3000")

    async def start(self) -> None:
        """Listen. Raises SettingsError when the address is not taken yet and cannot be."""
        self._socket = taken = self._socket or self._bound()
        web_app = web.Application()
        web_app.router.add_post(PATH, self._hear)
        self._runner = web.AppRunner(web_app, access_log=None, shutdown_timeout=_FAREWELL_S)
        await self._runner.setup()
        await web.SockSite(self._runner, taken).start()
        host, self.port = self._runner.addresses[0][:2]
        log.info("listening for Slack on %s:%s%s", host, self.port, PATH)

    async def is_connected(self) -> bool:
        """Whether it listens; Slack calls when there is something to say."""
        return self._runner is not None

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()

    async def _hear(self, request: web.Request) -> web.Response:
        verdict = judge(request.headers, await request.read(), self._secret, self._clock.now())
        if not verdict.is_heard:
            self.trouble = verdict.why
            self._complain(verdict.why)
            return web.Response(status=_UNAUTHORIZED)
        self.trouble = ""
        try:
            payload = await to_bolt_request(request)
            answer = await self._app.async_dispatch(payload)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # Signed, but in no form that Bolt can read.
            self._complain(f"Slack sent something that cannot be read ({type(error).__name__}); it is refused.")
            return web.Response(status=_BAD_REQUEST)
        return await to_aiohttp_response(answer)

    def _complain(self, words: str) -> None:
        """Say it once in a while, however often it happens: anybody may send requests."""
        now = self._clock.now()
        before = self._complained.get(words)
        if before is None or not timedelta(0) <= now - before < SILENCE:
            self._complained = {one: at for one, at in self._complained.items() if now - at < SILENCE} | {words: now}
            log.warning("%s", words)
