"""A Socket Mode client that says why Slack ends a connection, and waits longer each time before the next one.

Slack's own client connects again at once after each ``disconnect``, for ever, and tells nobody why (bolt-js#2225).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from bot.slack.refusals import HINTS
from core.backoff import delay_s, doubling

log = logging.getLogger(__name__)

PAUSES = doubling(1.0, 60.0)
YOUNG_S = 60.0
"""A connection that ends sooner did not do its work: the next one waits."""
PING_S = 10.0

REASONS: Mapping[str, str] = {
    "too_many_websockets": "Slack allows this app no more connections (too_many_websockets): other copies of the bot "
    "hold them, or some that died lately.",
    "link_disabled": "Socket Mode is switched off in the app's settings (link_disabled). Switch it on there.",
}
"""What ends a connection, in words. ``warning`` and ``refresh_requested`` are part of every connection's life."""
ROUTINE = frozenset({"warning", "refresh_requested"})


class ConnectionLog:
    """Why there is no connection, and how long to wait before the next; it outlives a client that is replaced."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.trouble = ""
        self._now_s = now_s
        self._opened_s: float | None = None
        self._young = 0

    def opened(self) -> None:
        """Note Slack's hello."""
        if self.trouble:
            log.warning("Slack is connected again")
        self.trouble, self._opened_s = "", self._now_s()

    def ended(self, reason: str) -> None:
        """Note why Slack ends a connection or gives none; said in the log when it is news."""
        if reason in ROUTINE:
            log.info("Slack renews the connection (%s)", reason)
            return
        words = REASONS.get(reason) or f"Slack gives no connection ({reason}). {HINTS.get(reason, '')}".strip()
        if words != self.trouble:
            log.warning("%s", words)
        self.trouble = words

    def pause_s(self) -> float:
        """Return how long to wait now: not at all after a long connection, then longer each time."""
        has_lived = self._opened_s is not None and self._now_s() - self._opened_s >= YOUNG_S
        self._opened_s = None
        self._young = 0 if has_lived else self._young + 1
        return delay_s(PAUSES, self._young - 1) if self._young > 1 else 0.0


class PatientSocketClient(SocketModeClient):
    """Slack's client, one reconnect at a time."""

    def __init__(self, connection_log: ConnectionLog, sleep: Callable[[float], Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._connection_log = connection_log
        self._sleep = sleep
        self._reconnecting = asyncio.Lock()

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Take notice of hello and disconnect, then do as ever."""
        if message.get("type") == "hello":
            self._connection_log.opened()
        elif message.get("type") == "disconnect":
            self._connection_log.ended(str(message.get("reason") or "no reason given"))
        await super().run_message_listeners(message, raw_message)

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - Slack's signature
        """Replace the connection, unless somebody else has replaced it while this call waited for its turn."""
        before = self.current_session
        async with self._reconnecting:
            if self.closed or (self.current_session is not before and await self.is_connected()):
                return
            if pause_s := self._connection_log.pause_s():
                await self._sleep(pause_s)
            try:
                await super().connect_to_new_endpoint(force)
            except SlackApiError:
                return  # said already; the monitor of the connection tries again

    async def issue_new_wss_url(self) -> str:
        """Ask for an address; a refusal is noted in words."""
        try:
            return await super().issue_new_wss_url()
        except SlackApiError as error:
            self._connection_log.ended(str(error.response.get("error") or "no answer"))
            raise


class PatientSocketHandler(AsyncSocketModeHandler):
    """Bolt's handler around that client."""

    def __init__(
        self, app: AsyncApp, app_token: str, connection_log: ConnectionLog, sleep: Callable[[float], Any]
    ) -> None:
        # Not super().__init__(): it would make a client of its own, with a session and tasks that nobody closes.
        self.app = app
        self.app_token = app_token
        self.client = PatientSocketClient(
            connection_log,
            sleep,
            app_token=app_token,
            logger=_library_log(),
            web_client=app.client,
            ping_interval=PING_S,
        )
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]


def _library_log() -> logging.Logger:
    logger = logging.getLogger("slack_sdk.socket_mode")
    if _without_trace not in logger.filters:
        logger.addFilter(_without_trace)
    return logger


def _without_trace(record: logging.LogRecord) -> bool:
    """Keep the library's warning, leave out its trace: which line of it failed to connect helps nobody."""
    if str(record.msg).startswith(("Failed to connect", "Failed to run message listeners")):
        record.exc_info, record.exc_text = None, None
    return True
