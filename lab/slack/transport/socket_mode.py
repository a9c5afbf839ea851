"""Socket Mode: an app's websockets, and which of them gets the next envelope (docs.slack.dev: using-socket-mode)."""

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from lab.slack.transport.event_delivery import Ack, Answer, Envelope
from lab.slack.workspace.call_log import CallLog
from lab.slack.workspace.changes import Change, Changes
from lab.slack.workspace.clock import Clock, Timer
from lab.slack.workspace.faults import FaultKind, Faults
from lab.slack.workspace.messages import Json

MAX_CONNECTIONS = 10
WARNING_S = 10.0
CONNECTION_LIFE_S = 18_060
DEBUG_CONNECTION_LIFE_S = 360
_REMEMBERED = 10_000


@dataclass(slots=True, eq=False, kw_only=True)
class Connection:
    """One websocket of the app."""

    id: str
    socket: web.WebSocketResponse
    request: web.Request
    life: Timer | None = None
    is_leaving: bool = False  # warned: gets something only when nobody else is there

    def abort(self) -> None:
        """Cut the TCP connection without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


class SocketHub:
    """The `Transport` over any number of websockets; each envelope goes to exactly one, in turn."""

    timeout_reason = "timeout"

    def __init__(self, app_id: str, clock: Clock, call_log: CallLog, changes: Changes, faults: Faults) -> None:
        self.connections: list[Connection] = []
        self.most_connections = MAX_CONNECTIONS
        self.is_enabled = True
        self.turned_away = 0
        self.on_connect: Callable[[], None] = lambda: None
        self._app_id = app_id
        self._clock = clock
        self._call_log = call_log
        self._changes = changes
        self._faults = faults
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # -- tickets ----------------------------------------------------------------------------------------------------

    def new_url(self, websocket_base: str) -> str:
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return f"{websocket_base}/link/?ticket={ticket}&app_id={self._app_id}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)  # a failed handshake raises here and leaves the ticket good
        self._tickets.discard(ticket)
        connection = Connection(id=uuid4().hex[:8], socket=socket, request=request)
        if not self.is_enabled or len(self.connections) >= self.most_connections:
            self.turned_away += 1
            reason = "too_many_websockets" if self.is_enabled else "link_disabled"
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": _DEBUG})
            await socket.close()
            return socket
        life_s = DEBUG_CONNECTION_LIFE_S if request.query.get("debug_reconnects") == "true" else CONNECTION_LIFE_S
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self.connections) + 1,
                "connection_info": {"app_id": self._app_id},
                "debug_info": {**_DEBUG, "started": "lab", "build_number": 1, "approximate_connection_time": life_s},
            }
        )
        self.connections.append(connection)
        connection.life = self._clock.call_later(life_s - WARNING_S, lambda: self.refresh(connection))
        self._changes.publish(Change("socket.opened", "", connection.id))
        self.on_connect()
        try:
            await self._listen(connection)
        finally:
            connection.life.cancel()
            with suppress(ValueError):
                self.connections.remove(connection)
            self._changes.publish(Change("socket.closed", "", connection.id))
        return socket

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if frame.type is WSMsgType.PING:
                if not self._faults.take({FaultKind.NO_PONG}, connection.id):
                    await connection.socket.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._hear(frame.data)

    def _hear(self, text: str) -> None:
        try:
            body = json.loads(text)
            envelope_id = body["envelope_id"]
        except (ValueError, TypeError, KeyError):
            self._call_log.stray_acks += 1
            return
        answer = self._waiting.pop(envelope_id, None)
        if answer is None:
            self._call_log.stray_acks += 1
        elif answer.done():
            self._call_log.late_acks += 1  # changes nothing: the person has already seen the error
        else:
            answer.set_result(Ack(body.get("payload")))

    # -- sending ----------------------------------------------------------------------------------------------------

    def offer(self, envelope: Envelope) -> "asyncio.Future[Answer] | None":
        alive = [one for one in self.connections if not one.socket.closed]
        ready = [one for one in alive if not one.is_leaving] or alive
        if not ready:
            return None
        connection = ready[self._turn % len(ready)]
        self._turn += 1
        envelope_id = str(uuid4())
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        while len(self._waiting) > _REMEMBERED:  # only to tell a late ack from a stray one
            del self._waiting[next(iter(self._waiting))]
        if self._faults.take({FaultKind.ABORT_SOCKET}, envelope.subject):
            connection.abort()
            return answer
        frame: Json = {
            "envelope_id": envelope_id,
            "type": envelope.kind.value,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.accepts_response_payload,
        }
        if envelope.kind.value == "events_api":
            frame["retry_attempt"] = envelope.retry_attempt
            frame["retry_reason"] = envelope.retry_reason
        self._send(connection, frame)
        return answer

    def _send(self, connection: Connection, frame: Json) -> None:
        self._spawn(self._write(connection, json.dumps(frame)))

    async def _write(self, connection: Connection, text: str) -> None:
        with suppress(ConnectionError, RuntimeError):  # the socket went away meanwhile: the ack timer tells
            await connection.socket.send_str(text)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- ending -----------------------------------------------------------------------------------------------------

    def refresh(self, connection: Connection) -> None:
        """Warn, and ten seconds later ask for a new connection and close this one."""
        connection.is_leaving = True
        self._send(connection, {"type": "disconnect", "reason": "warning", "debug_info": _DEBUG})
        self._clock.call_later(WARNING_S, lambda: self._dismiss(connection, "refresh_requested"))

    def disable(self) -> None:
        """Socket Mode was switched off in the app's settings."""
        for connection in tuple(self.connections):
            connection.is_leaving = True
            self._dismiss(connection, "link_disabled")

    def _dismiss(self, connection: Connection, reason: str) -> None:
        async def part() -> None:
            await self._write(connection, json.dumps({"type": "disconnect", "reason": reason, "debug_info": _DEBUG}))
            await connection.socket.close()

        self._spawn(part())

    async def close(self) -> None:
        for connection in tuple(self.connections):
            connection.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_DEBUG = {"host": "applink-lab"}
