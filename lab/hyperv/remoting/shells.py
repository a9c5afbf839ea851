"""The remote shells of one host: their runspace pools, commands, quotas and idle time-outs; no HTTP.

Sources: MS-WSMV (shell life cycle), MS-PSRP 3.2 (server), Microsoft docs: about_Remote_Disconnected_Sessions, quotas
of WinRM.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from psrpcore import (
    ConnectRunspacePoolEvent,
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    GetAvailableRunspacesEvent,
    InitRunspacePoolEvent,
    PipelineInputEvent,
    PSRPEvent,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import PSListBase, PSPrimitiveDictionary, PSString, PSType, PSVersion

from lab.hyperv.remoting import wsman
from lab.hyperv.remoting.psrp import MessageType, ObjectIds, ReplyQueue, pack_message, split_fragments
from lab.hyperv.remoting.records import PipelineState, stopped_error, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.hyperv.remoting.auth import Login

DEFAULT_IDLE_TIMEOUT_S: Final = 7200.0
MIN_IDLE_TIMEOUT_S: Final = 60.0


@PSType(type_names=["System.Version[]", "System.Array"])
class _Versions(PSListBase):
    """An array of Version."""


_VERSION_TABLE: Final = {
    "WSManStackVersion": PSVersion("3.0"),
    "PSEdition": PSString("Desktop"),
    "PSVersion": PSVersion("5.1.20348.2849"),
    "BuildVersion": PSVersion("10.0.20348.2849"),
    "CLRVersion": PSVersion("4.0.30319.42000"),
    "PSCompatibleVersions": _Versions(map(PSVersion, ("1.0", "2.0", "3.0", "4.0", "5.0", "5.1"))),
}
"""Windows PowerShell 5.1 of a Windows Server 2022."""


def _new_pool() -> ServerRunspacePool:
    return ServerRunspacePool(application_private_data={"PSVersionTable": PSPrimitiveDictionary(_VERSION_TABLE)})


class ShellState(StrEnum):
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """WinRM's and the plugin's limits. Source: Microsoft docs, WinRM quotas; real servers often allow more."""

    shells_per_user: int = 25
    operations_per_user: int = 1500
    idle_timeout_s: float = DEFAULT_IDLE_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPrices:
    """What a session costs a client before its first answer, in lab seconds.

    A new shell logs the user on and starts a host process; the first cmdlet of Hyper-V loads the module ("Preparing
    modules for first use."). Source: Microsoft docs, about_Modules (automatic loading); the lengths are estimates.
    """

    logon_s: float = 2.0
    first_command_s: float = 2.0


NO_PRICES: Final = SessionPrices(logon_s=0.0, first_command_s=0.0)


class Runner(Protocol):
    """Runs a pipeline to its end: output goes to the command; what it raises fails the pipeline."""

    async def __call__(self, shell: Shell, command: Command) -> None: ...


class Command:
    """One pipeline of a shell: what the client asked, what it has not fetched yet, and the task that runs it."""

    def __init__(self, shell: Shell, command_id: uuid.UUID) -> None:
        self.id = command_id
        self.shell = shell
        self.outbox = ReplyQueue(shell.object_ids)
        self.psrp = ServerPipeline(shell.pool, command_id)
        self.event: CreatePipelineEvent | None = None
        self.input: list[object] = []
        self.task: asyncio.Task[None] | None = None
        self.is_ended = False
        self.receives = Receives()

    def send(self, kind: MessageType, xml: str) -> None:
        """Queue a message for the client; nothing follows the end of a pipeline."""
        if not self.is_ended:
            self.outbox.put_message(pack_message(kind, self.shell.pool.runspace_pool_id, self.id, xml))

    def end(self, xml: str) -> None:
        """Queue the final state."""
        self.send(MessageType.PIPELINE_STATE, xml)
        self.is_ended = True
        self.outbox.changed.set()

    def stop(self) -> None:
        """Stop the pipeline; whatever it started on the host goes on."""
        if self.task is not None:
            self.task.cancel()
        if not self.is_ended:
            self.end(write_state(PipelineState.STOPPED, stopped_error()))


@dataclass(slots=True)
class Receives:
    """Which Receive may take from an outbox: the newest; and what the last one took, in case the client asks again."""

    newest: str = ""
    answered: str = ""
    answer: bytes = b""


@dataclass(slots=True, kw_only=True)
class Shell:
    """One session of a user: a runspace pool with its commands, and what was defined in it."""

    id: str
    resource_uri: str
    configuration: str
    login: Login
    client_ip: str
    name: str
    idle_timeout_s: float
    created_at: float
    pool: ServerRunspacePool = field(default_factory=_new_pool)
    state: ShellState = ShellState.CONNECTED
    last_used_at: float = 0.0
    busy_receives: int = 0
    object_ids: ObjectIds = field(default_factory=ObjectIds)
    commands: dict[str, Command] = field(default_factory=dict)
    receives: Receives = field(default_factory=Receives)
    defined_functions: set[str] = field(default_factory=set)
    is_first_command: bool = True
    has_module: bool = False
    """Whether the module of Hyper-V was loaded."""
    outbox: ReplyQueue = field(init=False)
    lost: wsman.WSManFault | None = None
    """Why nothing more comes from this shell."""
    runspaces: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def __post_init__(self) -> None:
        self.outbox = ReplyQueue(self.object_ids)
        self.last_used_at = self.created_at

    def command(self, command_id: str) -> Command:
        """Return a command by its id in any case; raise WSManFault for an unknown one."""
        try:
            return self.commands[command_id.upper()]
        except KeyError:
            raise wsman.invalid_parameter() from None

    def new_command(self, command_id: uuid.UUID) -> Command:
        """Return a pipeline that the client is about to describe."""
        return Command(self, command_id)

    def feed(self, data: bytes, run: Runner, command: Command | None = None) -> None:
        """Take PSRP bytes from the client, for the shell or a command, and act on the messages they complete."""
        del command  # each message says itself whose it is
        self.pool.receive_data(PSRPPayload(data, StreamType.default, None))
        for event in self._events():
            self._handle(event, run)
        self._flush_pool()

    def _events(self) -> Iterator[PSRPEvent[Any, Any]]:
        while (event := self.pool.next_event()) is not None:
            yield event

    def _handle(self, event: PSRPEvent[Any, Any], run: Runner) -> None:
        command = self.commands.get(str(event.pipeline_id).upper())
        if isinstance(event, InitRunspacePoolEvent):
            self.runspaces = asyncio.Semaphore(max(self.pool.max_runspaces, 1))
        elif isinstance(event, CreatePipelineEvent) and command is not None:
            command.event = event
            if event.pipeline.no_input:
                self._start(command, run)
        elif isinstance(event, PipelineInputEvent) and command is not None:
            command.input.append(event.data)
        elif isinstance(event, EndOfPipelineInputEvent) and command is not None:
            self._start(command, run)
        elif isinstance(event, GetAvailableRunspacesEvent):
            free = self.pool.max_runspaces - sum(not command.is_ended for command in self.commands.values())
            self.pool.runspace_availability_response(event.ci, max(free, 0))
        elif isinstance(event, SetMaxRunspacesEvent | SetMinRunspacesEvent | ResetRunspaceStateEvent):
            self.pool.runspace_availability_response(event.ci, response=True)

    def _start(self, command: Command, run: Runner) -> None:
        if command.task is None:
            command.task = asyncio.create_task(self._run(command, run), name=f"pipeline {command.id}")

    async def _run(self, command: Command, run: Runner) -> None:
        # A pool of one runspace runs one pipeline at a time; the others wait their turn.
        async with self.runspaces:
            await run(self, command)

    def _flush_pool(self) -> None:
        while (payload := self.pool.data_to_send()) is not None:
            self.outbox.put_fragments(payload.data)

    def disconnect(self) -> None:
        self.pool.begin_disconnect()
        self.pool.disconnect()
        self.state = ShellState.DISCONNECTED
        for receives in (self.receives, *(command.receives for command in self.commands.values())):
            receives.newest = ""
        self.wake()

    def reconnect(self) -> None:
        """Let the client that disconnected carry on."""
        if self.state is not ShellState.DISCONNECTED:
            raise wsman.wrong_shell_state(self.state)
        self.pool.state = type(self.pool.state).Opened  # psrpcore's reconnect() would tell the client, Windows does not
        self.state = ShellState.CONNECTED

    def connect(self, data: bytes) -> bytes:
        """Let a new client take over a disconnected shell; return the PSRP answer to its connectXml."""
        if self.state is not ShellState.DISCONNECTED:
            raise wsman.wrong_shell_state(self.state)
        self.pool.connect()
        self.pool.prepare_message(self.pool.our_capability)
        self.pool.receive_data(PSRPPayload(data, StreamType.default, None))
        is_answered = any(isinstance(event, ConnectRunspacePoolEvent) for event in list(self._events()))
        self.state = ShellState.CONNECTED if is_answered else self.state
        payload = self.pool.data_to_send()
        fragments = split_fragments(payload.data) if payload else []
        # The capability and the pool's size are the answer itself; the rest is for the first Receive.
        self.outbox.put_fragments(b"".join(fragments[2:]))
        return b"".join(fragments[:2])

    def end(self) -> None:
        """Let go of everything that runs for this shell."""

    def wake(self) -> None:
        """Make every waiting Receive look again."""
        for outbox in (self.outbox, *(command.outbox for command in self.commands.values())):
            outbox.changed.set()

    def forget(self, command: Command) -> None:
        """Remove a command that was terminated; its waiting Receive is aborted."""
        command.stop()
        self.commands.pop(str(command.id).upper(), None)
        self.pool.pipeline_table.pop(command.id, None)
        command.receives.newest = ""
        command.outbox.changed.set()


class Shells:
    """All shells of one host."""

    def __init__(self, quotas: Quotas, now: Callable[[], float], make: Callable[..., Shell] | None = None) -> None:
        self.quotas = quotas
        self.now = now
        self._make = make or Shell
        self._shells: dict[str, Shell] = {}

    def __iter__(self) -> Iterator[Shell]:
        return iter(self._shells.values())

    def __len__(self) -> int:
        return len(self._shells)

    def create(
        self, resource_uri: str, login: Login, client_ip: str, *, name: str, shell_id: str, idle_timeout_s: float | None
    ) -> Shell:
        """Make a shell; raise WSManFault over the user's quota or for an id in use."""
        self.remove_idle()
        used = sum(shell.login.user.lower() == login.user.lower() for shell in self)
        if used >= self.quotas.shells_per_user:
            raise wsman.too_many_shells(self.quotas.shells_per_user)
        key = (shell_id or str(uuid.uuid4())).upper()
        if key in self._shells:
            raise wsman.invalid_parameter()
        shell = self._make(
            id=key,
            resource_uri=resource_uri,
            configuration=resource_uri.rpartition("/")[2],
            login=login,
            client_ip=client_ip,
            name=name,
            idle_timeout_s=max(idle_timeout_s or self.quotas.idle_timeout_s, MIN_IDLE_TIMEOUT_S),
            created_at=self.now(),
        )
        self._shells[key] = shell
        return shell

    def get(self, shell_id: str) -> Shell:
        """Return a shell and count this as use of it; raise WSManFault for an unknown one."""
        self.remove_idle()
        try:
            shell = self._shells[shell_id.upper()]
        except KeyError:
            raise wsman.shell_not_found(shell_id) from None
        shell.last_used_at = self.now()
        return shell

    def remove(self, shell: Shell) -> None:
        """Delete a shell with its commands; migrations they began go on."""
        self._shells.pop(shell.id, None)
        for command in list(shell.commands.values()):
            shell.forget(command)
        shell.end()
        shell.receives.newest = ""
        shell.wake()

    def remove_idle(self) -> None:
        """Delete the shells nobody used for their idle time-out; a waiting Receive is use, a running command is not.

        A shell whose process died goes at once.
        """
        for shell in list(self):
            is_idle = not shell.busy_receives and self.now() - shell.last_used_at >= shell.idle_timeout_s
            if is_idle or shell.lost is not None:
                self.remove(shell)

    async def close(self) -> None:
        """Delete all shells and wait until their pipelines have ended."""
        tasks = [command.task for shell in self for command in shell.commands.values() if command.task]
        for shell in list(self):
            self.remove(shell)
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
