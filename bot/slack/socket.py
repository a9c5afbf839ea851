"""Keeps the Socket Mode connection, and replaces it when it is dead.

Slack's own handler can stop after a reconnect (bolt-python#1529), and repeats a refused handshake with the same address
for ever; a new handler asks for a new address.
"""

import asyncio
import logging

from slack_bolt.app.async_app import AsyncApp

from bot.slack.api_errors import ask
from bot.slack.socket_client import ConnectionLog, PatientSocketHandler
from core.errors import NotifierError
from core.supervisor import Supervisor

log = logging.getLogger(__name__)

LOOP = "connection to Slack"
CHECK_EVERY_S = 60.0
_FAILURES_ALLOWED = 2
_FIRST_CONNECT_S = 10.0


class SocketConnection:
    """The Socket Mode connection by which commands and clicks arrive."""

    def __init__(self, app: AsyncApp, app_token: str, supervisor: Supervisor) -> None:
        self._app = app
        self._app_token = app_token
        self._supervisor = supervisor
        self._log = ConnectionLog()
        self._handler: PatientSocketHandler | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._failures = 0

    async def start(self) -> None:
        """Connect, and go on trying in the background when Slack does not answer at once."""
        await self._renew()
        self._supervisor.start(LOOP, self.turn, first_after_s=CHECK_EVERY_S)

    def bind(self) -> None:
        """Nothing is taken on this machine."""

    async def stop(self) -> None:
        """Disconnect."""
        await self._supervisor.stop(LOOP)
        await self._drop()

    async def is_healthy(self) -> bool:
        """Whether Slack answers and the socket is open."""
        try:
            await ask(self._app.client.auth_test())
        except NotifierError as error:
            log.warning("Slack does not answer as it should: %s", error.sentence())
            return False
        return await self.is_connected()

    async def is_connected(self) -> bool:
        """Whether the socket is open, without asking Slack."""
        return self._handler is not None and bool(await self._handler.client.is_connected())

    @property
    def trouble(self) -> str:
        """Why there is no connection, in words; empty when nothing is known."""
        return self._log.trouble

    async def check(self, failures: int) -> int:
        """Look once; replace the connection at the second failure in a row. Returns the failures so far."""
        if await self.is_healthy():
            return 0
        if failures + 1 < _FAILURES_ALLOWED:
            return failures + 1
        log.warning("the connection to Slack is dead; making a new one")
        await self._renew()
        return 0

    async def turn(self) -> float:
        """Look at the connection, and replace it when it is dead."""
        self._failures = await self.check(self._failures)
        return CHECK_EVERY_S

    async def _renew(self) -> None:
        await self._drop()
        self._handler = PatientSocketHandler(self._app, self._app_token, self._log, asyncio.sleep)
        self._connecting = asyncio.create_task(self._connect(self._handler), name="socket connect")
        done, _ = await asyncio.wait({self._connecting}, timeout=_FIRST_CONNECT_S)
        if not done:
            log.warning("Slack does not answer yet; I keep trying to connect")

    @staticmethod
    async def _connect(handler: PatientSocketHandler) -> None:
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]
        except Exception:
            # Whatever the SDK raises: the next look finds no connection, and makes a new one.
            log.exception("the connection to Slack could not be made")
        else:
            log.info("connected to Slack")

    async def _drop(self) -> None:
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._handler:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
        self._handler = self._connecting = None
