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
from core.ports import Clock
from core.tasks import TaskSet

log = logging.getLogger(__name__)

CHECK_EVERY_S = 60.0
_FAILURES_ALLOWED = 2
_FIRST_CONNECT_S = 10.0


class SocketConnection:
    """The Socket Mode connection by which commands and clicks arrive."""

    def __init__(self, app: AsyncApp, app_token: str, clock: Clock) -> None:
        self._app = app
        self._app_token = app_token
        self._clock = clock
        self._log = ConnectionLog()
        self._handler: PatientSocketHandler | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._loops = TaskSet()

    async def start(self) -> None:
        """Connect, and go on trying in the background when Slack does not answer at once."""
        await self._renew()
        self._loops.start(self._watch(), "socket watchdog")

    async def stop(self) -> None:
        """Disconnect."""
        await self._loops.cancel()
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

    async def _watch(self) -> None:
        failures = 0
        while True:
            await self._clock.sleep(CHECK_EVERY_S)
            try:
                failures = await self.check(failures)
            except Exception:
                # The watchdog must outlive whatever the SDK raises while a connection is replaced.
                log.exception("the connection to Slack could not be checked")

    async def _renew(self) -> None:
        await self._drop()
        self._handler = PatientSocketHandler(self._app, self._app_token, self._log, self._clock.sleep)
        self._connecting = asyncio.create_task(self._connect(self._handler), name="socket connect")
        done, _ = await asyncio.wait({self._connecting}, timeout=_FIRST_CONNECT_S)
        if not done:
            log.warning("Slack does not answer yet; I keep trying to connect")

    @staticmethod
    async def _connect(handler: PatientSocketHandler) -> None:
        await handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("connected to Slack")

    async def _drop(self) -> None:
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._handler:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
        self._handler = self._connecting = None
