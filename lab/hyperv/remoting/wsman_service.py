"""Answers WS-Management requests of an authenticated user on one host: shells, commands and the long poll of Receive.

Sources: MS-WSMV 3.1.4 (operations and their replies), MS-PSRP 2.2 over WSMan.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from psrpcore import PSRPCoreError

from lab.hyperv.remoting import wsman
from lab.hyperv.remoting.shells import Command, Runner, Shell, Shells, ShellState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from lab.hyperv.remoting.auth import Login

_CONFIG_NAMES: Final = {"config", "config/service", "config/winrs", "config/client"}
_MAX_ENVELOPE_KB: Final = 500
_MALFORMED: Final = (PSRPCoreError, ValueError, struct.error, ET.ParseError, KeyError, AttributeError)
"""What psrpcore raises for bytes that are no PSRP."""
_RSP: Final = f"{{{wsman.SHELL}}}"
_PWSH: Final = f"{{{wsman.POWERSHELL}}}"


class ClientGone(Exception):
    """The connection of a waiting Receive is closed; nothing was taken for it."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, from where, and whether somebody still listens for the answer."""

    login: Login
    address: str
    is_gone: Callable[[], bool]


class Service:
    """The WinRM service of one host; `admits` says of a session configuration whether this user may use it.

    None means that no configuration of that name is registered. `log_on` takes the time of a new shell's logon.
    """

    def __init__(
        self,
        machine: str,
        shells: Shells,
        run: Runner,
        admits: Callable[[str], bool | None],
        log_on: Callable[[], Awaitable[None]],
    ) -> None:
        self.machine = machine
        self.shells = shells
        self._run = run
        self._admits = admits
        self._log_on = log_on
        self._operations: dict[str, int] = {}
        self._actions = {
            wsman.CREATE: self._create,
            wsman.COMMAND: self._command,
            wsman.SEND: self._send,
            wsman.SIGNAL: self._signal,
            wsman.DELETE: self._delete,
            wsman.GET: self._get,
            wsman.ENUMERATE: self._enumerate,
            wsman.DISCONNECT: self._disconnect,
            wsman.RECONNECT: self._reconnect,
            wsman.CONNECT: self._connect,
        }

    async def answer(self, request: wsman.Request, client: Client) -> bytes:
        """Return the reply envelope; raise WSManFault for a fault, ClientGone when nobody listens any more."""
        with self._counted(client.login.user.lower()):
            if request.action == wsman.RECEIVE:
                body = await self._receive(request, client)
            elif (act := self._actions.get(request.action)) is not None:
                if request.action == wsman.CREATE:
                    await self._log_on()
                try:
                    body = act(request, client)
                except _MALFORMED as error:
                    raise wsman.invalid_parameter() from error
            else:
                raise wsman.unsupported_action(request.action)
        return wsman.reply(f"{request.action}Response", request.message_id, body)

    @contextmanager
    def _counted(self, user: str) -> Iterator[None]:
        running = self._operations.get(user, 0)
        if running >= self.shells.quotas.operations_per_user:
            raise wsman.too_many_operations(self.shells.quotas.operations_per_user)
        self._operations[user] = running + 1
        try:
            yield
        finally:
            self._operations[user] -= 1

    # --- life of a shell

    def _create(self, request: wsman.Request, client: Client) -> str:
        prefix, _, configuration = request.resource_uri.rpartition("/")
        if prefix != wsman.POWERSHELL:
            raise wsman.unknown_resource(request.resource_uri)
        is_admitted = self._admits(configuration)
        if is_admitted is None:
            raise wsman.unknown_configuration(configuration, self.machine)
        if not is_admitted:
            raise wsman.access_denied()
        body = _body(request, f"{_RSP}Shell")
        creation = body.findtext(f"{_PWSH}creationXml")
        if not creation:
            raise wsman.invalid_parameter()
        idle = wsman.text_of(body, wsman.SHELL, "IdleTimeOut")
        shell = self.shells.create(
            request.resource_uri,
            client.login,
            client.address,
            name=body.get("Name", "") or wsman.text_of(body, wsman.SHELL, "Name") or "Session1",
            shell_id=body.get("ShellId", ""),
            idle_timeout_s=wsman.parse_duration(idle) if idle else None,
        )
        try:
            shell.feed(_decode(creation), self._run)
        except _MALFORMED:
            self.shells.remove(shell)
            raise
        return (
            f"<x:ResourceCreated><a:Address>http://{self.machine}/wsman</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{escape(request.resource_uri)}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{shell.id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
            f"</x:ResourceCreated>{self._describe(shell)}"
        )

    def _describe(self, shell: Shell) -> str:
        age, idle = self.shells.now() - shell.created_at, self.shells.now() - shell.last_used_at
        fields = {
            "ShellId": shell.id,
            "Name": shell.name,
            "ResourceUri": shell.resource_uri,
            "Owner": shell.login.user,
            "ClientIP": shell.client_ip,
            "IdleTimeOut": f"PT{shell.idle_timeout_s:.3f}S",
            "InputStreams": "stdin pr",
            "OutputStreams": "stdout",
            "MaxIdleTimeOut": "PT2147483.647S",
            "Locale": "en-US",
            "DataLocale": "en-US",
            "CompressionMode": "NoCompression",
            "ProfileLoaded": "Yes",
            "Encoding": "UTF8",
            "BufferMode": "Block",
            "State": shell.state.value,
            "ShellRunTime": _format_age(age),
            "ShellInactivity": _format_age(idle),
        }
        inner = "".join(f"<rsp:{key}>{escape(value)}</rsp:{key}>" for key, value in fields.items())
        return f"<rsp:Shell>{inner}</rsp:Shell>"

    def _delete(self, request: wsman.Request, client: Client) -> str:
        self.shells.remove(self._owned(request, client))
        return ""

    def _disconnect(self, request: wsman.Request, client: Client) -> str:
        shell = self._owned(request, client)
        if shell.state is not ShellState.CONNECTED:
            raise wsman.wrong_shell_state(shell.state)
        shell.disconnect()
        return "<rsp:DisconnectResponse />"

    def _reconnect(self, request: wsman.Request, client: Client) -> str:
        self._owned(request, client).reconnect()
        return "<rsp:ReconnectResponse />"

    def _connect(self, request: wsman.Request, client: Client) -> str:
        shell = self._owned(request, client)
        body = _body(request, f"{_RSP}Connect")
        if (command_id := body.get("CommandId")) is not None:
            shell.command(command_id)
            return "<rsp:ConnectResponse />"
        answer = shell.connect(_decode(body.findtext(f"{_PWSH}connectXml")))
        encoded = base64.b64encode(answer).decode()
        return (
            f'<rsp:ConnectResponse><pwsh:connectResponseXml xmlns:pwsh="{wsman.POWERSHELL}">{encoded}'
            "</pwsh:connectResponseXml></rsp:ConnectResponse>"
        )

    # --- commands

    def _command(self, request: wsman.Request, client: Client) -> str:
        shell = self._owned(request, client)
        line = _body(request, f"{_RSP}CommandLine")
        command_id = uuid.UUID(line.get("CommandId") or "")
        key = str(command_id).upper()
        if key in shell.commands:
            raise wsman.invalid_parameter()
        # psrpcore wants to know the pipeline before it reads the message that creates it.
        shell.commands[key] = shell.new_command(command_id)
        arguments = "".join((item.text or "") for item in line.findall(f"{_RSP}Arguments"))
        try:
            shell.feed(_decode(arguments), self._run, shell.commands[key])
        except _MALFORMED:
            shell.forget(shell.commands[key])
            raise
        return f"<rsp:CommandResponse><rsp:CommandId>{key}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, request: wsman.Request, client: Client) -> str:
        shell = self._owned(request, client)
        for stream in _body(request, f"{_RSP}Send").findall(f"{_RSP}Stream"):
            command_id = stream.get("CommandId")
            command = shell.command(command_id) if command_id else None
            shell.feed(_decode(stream.text), self._run, command)
        return "<rsp:SendResponse />"

    def _signal(self, request: wsman.Request, client: Client) -> str:
        shell = self._owned(request, client)
        signal = _body(request, f"{_RSP}Signal")
        command = shell.command(signal.get("CommandId", ""))
        code = wsman.text_of(signal, wsman.SHELL, "Code")
        if code.lower() == wsman.SIGNAL_TERMINATE.lower():
            shell.forget(command)
        elif code in wsman.SIGNAL_CTRL_C:
            command.stop()
        else:
            raise wsman.invalid_parameter()
        return "<rsp:SignalResponse />"

    async def _receive(self, request: wsman.Request, client: Client) -> str:
        shell = self._owned(request, client)
        desired = _body(request, f"{_RSP}Receive").find(f"{_RSP}DesiredStream")
        command_id = desired.get("CommandId") if desired is not None else None
        command = shell.command(command_id) if command_id else None
        owner: Command | Shell = command or shell
        shell.busy_receives += 1
        try:
            data = await _take(owner, request, client)
        finally:
            shell.busy_receives -= 1
            shell.last_used_at = self.shells.now()
        attribute = "" if command is None else f" CommandId={quoteattr(command_id or '')}"
        stream = f'<rsp:Stream Name="stdout"{attribute}>{base64.b64encode(data).decode()}</rsp:Stream>' if data else ""
        state = ""
        if command is not None:
            is_done = command.is_ended and command.outbox.is_empty
            state = (
                f'<rsp:CommandState{attribute} State="{wsman.COMMAND_DONE if is_done else wsman.COMMAND_RUNNING}" />'
            )
        return f"<rsp:ReceiveResponse>{stream}{state}</rsp:ReceiveResponse>"

    # --- questions

    def _get(self, request: wsman.Request, client: Client) -> str:
        if request.resource_uri.startswith(wsman.SHELL):
            return self._describe(self._owned(request, client))
        name = request.resource_uri.removeprefix("http://schemas.microsoft.com/wbem/wsman/1/")
        if name not in _CONFIG_NAMES:
            raise wsman.unknown_resource(request.resource_uri)
        quotas = self.shells.quotas
        return (
            f'<cfg:Config xmlns:cfg="{wsman.CONFIG}"><cfg:MaxEnvelopeSizekb>{_MAX_ENVELOPE_KB}</cfg:MaxEnvelopeSizekb>'
            "<cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms><cfg:MaxBatchItems>32000</cfg:MaxBatchItems><cfg:Service>"
            f"<cfg:MaxConcurrentOperationsPerUser>{quotas.operations_per_user}</cfg:MaxConcurrentOperationsPerUser>"
            f"</cfg:Service><cfg:Winrs><cfg:MaxShellsPerUser>{quotas.shells_per_user}</cfg:MaxShellsPerUser></cfg:Winrs>"
            "</cfg:Config>"
        )

    def _enumerate(self, request: wsman.Request, client: Client) -> str:
        if request.resource_uri == f"{wsman.SHELL}/Command":
            body = _body(request, f"{{{wsman.ENUMERATION}}}Enumerate")
            selector = next(iter(body.iter(f"{{{wsman.WSMAN}}}Selector")), None)
            shell = self._owned_by_id((selector.text or "") if selector is not None else "", client)
            items = "".join(
                f"<rsp:Command><rsp:ShellId>{shell.id}</rsp:ShellId><rsp:CommandId>{key}</rsp:CommandId>"
                "<rsp:State>Running</rsp:State></rsp:Command>"
                for key in shell.commands
            )
        elif request.resource_uri == wsman.SHELL:
            self.shells.remove_idle()
            items = "".join(self._describe(shell) for shell in self.shells if _is_owner(shell, client))
        else:
            raise wsman.unknown_resource(request.resource_uri)
        return (
            f"<n:EnumerateResponse><n:EnumerationContext /><w:Items>{items}</w:Items><w:EndOfSequence />"
            "</n:EnumerateResponse>"
        )

    def _owned(self, request: wsman.Request, client: Client) -> Shell:
        return self._owned_by_id(request.shell_id, client)

    def _owned_by_id(self, shell_id: str, client: Client) -> Shell:
        shell = self.shells.get(shell_id)
        if not _is_owner(shell, client):
            raise wsman.access_denied()
        return shell


async def _take(owner: Command | Shell, request: wsman.Request, client: Client) -> bytes:
    """Wait until there is something to say, for no longer than OperationTimeout.

    A client that lost an answer asks again with the same message, and gets the same answer.
    """
    outbox, receives = owner.outbox, owner.receives
    shell = owner.shell if isinstance(owner, Command) else owner
    if receives.answered == request.message_id:
        return receives.answer
    receives.newest = request.message_id
    outbox.changed.set()  # an older Receive that still waits looks up and sees that it was replaced
    deadline = asyncio.get_running_loop().time() + request.operation_timeout_s
    while True:
        outbox.changed.clear()
        if client.is_gone():
            raise ClientGone
        if shell.lost is not None:
            raise shell.lost
        if receives.newest != request.message_id:
            raise wsman.aborted()
        if not outbox.is_empty or (isinstance(owner, Command) and owner.is_ended):
            receives.answered, receives.answer = request.message_id, outbox.take(request.payload_limit_bytes)
            return receives.answer
        try:
            async with asyncio.timeout_at(deadline):
                await outbox.changed.wait()
        except TimeoutError:
            raise wsman.timed_out() from None


def _decode(text: str | None) -> bytes:
    data = base64.b64decode("".join((text or "").split()), validate=True)
    if not data:
        raise wsman.invalid_parameter()
    return data


def _body(request: wsman.Request, tag: str) -> Any:
    if request.body is None or request.body.tag != tag:
        raise wsman.invalid_parameter()
    return request.body


def _is_owner(shell: Shell, client: Client) -> bool:
    return shell.login.user.lower() == client.login.user.lower()


def _format_age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"P{days}DT{hours}H{minutes}M{rest}S"
