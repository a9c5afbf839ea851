"""Serves one simulated host's WinRM service over HTTP and HTTPS on localhost, with the faults that were ordered.

Sources: MS-WSMV 2.1 (transport), MS-WSMV 2.2.9.1 (encrypted bodies).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from aiohttp import web

from lab.hyperv.remoting import wsman
from lab.hyperv.remoting.auth import (
    CHALLENGES,
    AuthenticatedConnection,
    Authenticator,
    CannotOpen,
    is_sealed,
    open_body,
    seal_body,
)
from lab.hyperv.remoting.wsman_service import Client, ClientGone, Service
from lab.hyperv.world.faults import HostFaults, WireFault, WireFaultKind

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

LOCALHOST: Final = "127.0.0.1"
_MAX_BODY_BYTES: Final = 2 << 20
_SHUTDOWN_S: Final = 0.1
_UNAUTHORIZED: Final = 401
_SEALED_PART: Final = b"\tOriginalContent:"
_WEB_PAGE: Final = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1><hr></body></html>"


class Endpoint:
    """The listener of one host: `http_port` and, with a TLS context, `https_port` once started."""

    def __init__(
        self,
        service: Service,
        gate: Authenticator,
        trouble: HostFaults,
        tls: ssl.SSLContext | None = None,
        *,
        idle_connection_s: float = 120.0,
    ) -> None:
        self._service = service
        self._gate = gate
        self._trouble = trouble
        self._tls = tls
        self._idle_connection_s = idle_connection_s
        self._connections: WeakKeyDictionary[asyncio.BaseTransport, AuthenticatedConnection] = WeakKeyDictionary()
        self._under_way: set[asyncio.Task[object]] = set()
        self._runner: web.AppRunner | None = None
        self.http_port = 0
        self.https_port = 0

    async def start(self) -> None:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/wsman", self._answer_post)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN_S, keepalive_timeout=self._idle_connection_s
        )
        await self._runner.setup()
        self.http_port = await self._listen(self._runner, None)
        if self._tls is not None:
            self.https_port = await self._listen(self._runner, self._tls)

    async def _listen(self, runner: web.AppRunner, tls: ssl.SSLContext | None) -> int:
        before = len(runner.addresses)
        await web.TCPSite(runner, LOCALHOST, 0, ssl_context=tls).start()
        return int(runner.addresses[before][1])

    async def stop(self) -> None:
        """Close the listeners and break every connection."""
        await self._service.shells.close()
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
            await self._break_connections()
            await self._break_off()
            await self._runner.cleanup()
        await self._break_connections()

    async def restart(self) -> None:
        """Do what a restart of the WinRM service does: forget every session and break every connection."""
        await self._service.shells.close()
        await self._break_connections()

    async def close_idle_connections(self) -> None:
        """Close what nobody is using just now, as the HTTP service does with what was unused for two minutes."""
        for transport, connection in list(self._connections.items()):
            if not connection.is_in_use:
                transport.close()
        await asyncio.sleep(0)

    async def _break_connections(self) -> None:
        # TLS says goodbye before it closes a socket, and waits for a client that may be gone.
        for transport in list(self._connections):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        await asyncio.sleep(0)

    async def _break_off(self) -> None:
        # The server's own way is to wait a while for each; one that ends in the instant its wait is over breaks it.
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    # --- one HTTP request

    async def _answer_post(self, http: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is None:
            raise ClientGone
        if http.transport is None:
            raise ClientGone
        connection = self._connections.setdefault(http.transport, AuthenticatedConnection(is_tls=http.secure))
        self._under_way.add(task)
        connection.is_in_use = True
        try:
            return await self._handle(http, connection)
        finally:
            connection.is_in_use = False
            self._under_way.discard(task)

    async def _handle(self, http: web.Request, connection: AuthenticatedConnection) -> web.StreamResponse:
        body = await http.read()
        admission = self._gate.admit(connection, http.headers.get("Authorization"))
        if admission.login is None or not body:
            if (fault := self._trouble.take()) is not None and (spoiled := await self._spoil_early(fault, http)):
                return spoiled
            return self._by_own_clock(_plain(200 if admission.login else 401, admission.headers))
        sealed = is_sealed(http.headers.get("Content-Type", ""))
        try:
            request = wsman.parse_request(open_body(connection, body) if sealed else body)
        except (CannotOpen, wsman.MalformedEnvelope):
            return _plain(400)
        fault = self._trouble.take(request.action.rpartition("/")[2])
        if fault is not None and (spoiled := await self._spoil_early(fault, http)):
            return spoiled
        client = Client(admission.login, http.remote or LOCALHOST, lambda: _is_closed(http))
        if fault is not None and fault.kind is WireFaultKind.FAULT:
            status, envelope = self._refused(request, fault.status)
        else:
            status, envelope = await self._answer(request, client)
        if fault is not None and fault.kind is WireFaultKind.SLOW:
            await asyncio.sleep(fault.delay_s)
        content_type, payload = _spoiled_late(fault, connection, envelope, is_sealed=sealed)
        headers = {"Content-Type": content_type, "Server": "Microsoft-HTTPAPI/2.0"}
        if fault is not None and fault.kind is WireFaultKind.DROP:
            return await _send_half(http, payload, headers)
        response = web.Response(status=status, body=payload, headers=headers)
        response.headers.extend([("WWW-Authenticate", value) for value in admission.headers])
        return response

    def _by_own_clock(self, answer: web.Response) -> web.Response:
        if self._gate.clock_ahead_s:
            answer.headers["Date"] = formatdate(time.time() + self._gate.clock_ahead_s, usegmt=True)
        return answer

    async def _answer(self, request: wsman.Request, client: Client) -> tuple[int, bytes]:
        try:
            return 200, await self._service.answer(request, client)
        except wsman.WSManFault as fault:
            return 500, wsman.fault_reply(fault, request.message_id, self._service.machine)
        except ClientGone:
            return 200, b""

    def _refused(self, request: wsman.Request, code: int) -> tuple[int, bytes]:
        text = f"The WS-Management service cannot process the request. The service failed with the error {code}. "
        return 500, wsman.fault_reply(wsman.WSManFault(code, text), request.message_id, self._service.machine)

    async def _spoil_early(self, fault: WireFault, http: web.Request) -> web.StreamResponse | None:
        """Do what a fault does instead of the work; None when it only spoils the answer."""
        if fault.kind is WireFaultKind.REFUSE:
            _abort(http)
            return web.Response(status=503)
        if fault.kind is WireFaultKind.HANG:
            while not _is_closed(http):  # noqa: ASYNC110  # aiohttp does not tell a handler that its client has left
                await asyncio.sleep(0.05)
            return web.Response(status=503)
        if fault.kind is WireFaultKind.STATUS:
            return _plain(fault.status, CHALLENGES if fault.status == _UNAUTHORIZED else ())
        return None


def _spoiled_late(
    fault: WireFault | None, connection: AuthenticatedConnection, envelope: bytes, *, is_sealed: bool
) -> tuple[str, bytes]:
    """Return the content type and the payload of an answer, wrong as it was ordered."""
    kind = fault.kind if fault is not None else None
    if kind is WireFaultKind.MALFORMED:
        envelope = _WEB_PAGE
    if kind is WireFaultKind.TRUNCATED or (kind is WireFaultKind.CUT_SEAL and not is_sealed):
        envelope = envelope[: len(envelope) // 2]
    if not is_sealed:
        return wsman.CONTENT_TYPE, envelope
    content_type, payload = seal_body(connection, envelope)
    return content_type, payload[: payload.index(_SEALED_PART)] if kind is WireFaultKind.CUT_SEAL else payload


def _plain(status: int, challenges: Iterable[str] = ()) -> web.Response:
    response = web.Response(status=status, headers={"Server": "Microsoft-HTTPAPI/2.0"})
    response.headers.extend([("WWW-Authenticate", value) for value in challenges])
    return response


async def _send_half(http: web.Request, payload: bytes, headers: dict[str, str]) -> web.StreamResponse:
    """Begin the answer and break the connection in its middle."""
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(payload))})
    with contextlib.suppress(ConnectionError):
        await response.prepare(http)
        await response.write(payload[: len(payload) // 2])
    _abort(http)
    return response


def _abort(http: web.Request) -> None:
    if isinstance(http.transport, asyncio.Transport):
        http.transport.abort()


def _is_closed(http: web.Request) -> bool:
    return http.transport is None or http.transport.is_closing()
