"""Holds one WinRM session with one host and runs cmdlet pipelines in it, one at a time, in one thread.

A session that failed in any way is dropped, never used again: encryption and fragments have state on both sides. The
host still counts it among the few it allows us, so a dropped session is deleted as soon as the host can be reached
again, by this process or by the next. Closing, dropping or deleting a session does not end a migration, which runs in
the host's own service.
"""

import contextlib
import logging
import time
import traceback
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from threading import Event
from typing import Any
from xml.etree import ElementTree as ET

import requests
from pypsrp.complex_objects import ObjectMeta, PSInvocationState
from pypsrp.exceptions import WSManFaultError
from pypsrp.negotiate import NoCertificateRetrievedWarning
from pypsrp.powershell import Fragmenter, PowerShell, RunspacePool, RunspacePoolWarning
from pypsrp.serializer import Serializer
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSMan, WSManAction
from urllib3.exceptions import InsecureRequestWarning

from core.domain.model.host_calls import HostWord
from core.errors import ContactLost, HostError, HostUnreachable, LoginRejected
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.decode import read_word
from core.hyperv.error_mapping import CallStage, is_refusal, never_connected, refused, translate
from core.hyperv.kerberos import Tickets
from core.hyperv.kerberos_errors import TicketError, chain
from core.hyperv.lockout_guard import LockoutGuard
from core.hyperv.pipelines import Pipeline, full_name
from core.hyperv.session_record import RemoteSession, SessionRecord
from core.hyperv.ticket_login import TicketLogin

FUNCTIONS_TEXT = resources.files("deploy").joinpath("MigrateBot.psm1").read_text(encoding="utf-8")
"""The one script text that is ever sent: constant, to define our functions where the endpoint has none."""

_IDLE_S = 900
"""After how long the host may remove a reading session whose bot has died. Moves keep the host's own, longer limit."""
_CONNECT_S = 10.0
_GRACE = 1.5
"""How much longer the HTTP request may take than the operation the host was asked to bound."""
_OVER = frozenset({PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED})
_LONGEST = 10
"""How many times its timeout a reply may take that goes on and on."""
_MOST_OBJECTS = 200_000
"""What ten thousand VMs answer to one question fits in many times."""
_PROCESSING = 0
_PERCENT = 100

# Whatever pypsrp has to say is in the exceptions we translate; at DEBUG it would show whole messages.
logging.getLogger("pypsrp").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """What a pipeline emitted, reported and warned of."""

    values: list[Any] = field(default_factory=list)
    words: tuple[HostWord, ...] = ()
    warnings: tuple[str, ...] = ()


class _Wire(WSMan):
    """WSMan whose Receive asks the host to answer within ``hold_s`` and is never repeated inside."""

    hold_s: int | None = None
    before_request: Callable[[], None] | None = None
    """Called before each request but those that carry on a command half sent."""

    @property
    def login(self) -> TicketLogin | None:
        """How the connection is logged on, when it is with tickets and has been."""
        auth = self.transport.session.auth if self.transport.session is not None else None
        return auth if isinstance(auth, TicketLogin) else None

    def log_on_with(self, target: ConnectionSettings, tickets: Tickets) -> None:
        """Log on with tickets, on this connection and on those that replace it."""

        def build(session: requests.Session) -> None:
            session.auth = TicketLogin(target, tickets, wrap_required=self.transport.wrap_required)

        setattr(self.transport, f"_build_auth_{target.auth}", build)

    def begin_anew(self) -> None:
        """Log on anew with the next request; the host's session and what runs in it stay as they are."""
        if self.transport.session is not None:
            self.transport.session.close()
        self.transport.session = self.transport.encryption = None

    def invoke(self, action: str, *arguments: Any, **options: Any) -> ET.Element:
        """Send one request and return its answer."""
        if self.before_request is not None and action != WSManAction.SEND:
            self.before_request()
        answer: ET.Element = super().invoke(action, *arguments, **options)
        return answer

    def receive(
        self,
        resource_uri: str,
        resource: ET.Element,
        option_set: OptionSet | None = None,
        selector_set: SelectorSet | None = None,
        timeout: int | None = None,
    ) -> ET.Element:
        usual = self.operation_timeout
        self.operation_timeout = self.hold_s or usual
        try:
            reply = self.invoke(WSManAction.RECEIVE, resource_uri, resource, option_set, selector_set, timeout)
        finally:
            self.operation_timeout = usual
        body = reply.find("s:Body", namespaces=NAMESPACES)
        if body is None:
            raise ValueError("the reply has no body")
        return body


class _QuickSerializer(Serializer):
    """Reads plain values at once; pypsrp writes each of them back to text first, in case it cannot read it."""

    def deserialize(self, element: ET.Element | str, metadata: ObjectMeta | None = None, clear: bool = True) -> Any:  # noqa: FBT001, FBT002 (pypsrp's signature)
        if not clear and metadata is None and isinstance(element, ET.Element):
            if element.tag in {"S", "ToString"}:
                return self._deserialize_string(element.text)
            read = _PLAIN.get(element.tag)
            if read is not None:
                return read(element.text)
        return super().deserialize(element, metadata, clear)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "Nil": lambda _: None,
    "B": lambda text: text.lower() == "true",
    "G": uuid.UUID,
    **dict.fromkeys(("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"), int),
    **dict.fromkeys(("DT", "TS", "Version"), lambda text: text),
}
"""How pypsrp reads these elements too."""


class _Pool(RunspacePool):
    """A runspace pool that reads large lists in half the time."""

    def __init__(self, connection: WSMan, **options: Any) -> None:
        super().__init__(connection, **options)
        self._serializer = _QuickSerializer()
        self._fragmenter = Fragmenter(connection.max_payload_size, self._serializer)


class Session:
    """One warm session. Not thread-safe: it belongs to the thread that opened it."""

    def __init__(
        self,
        target: ConnectionSettings,
        *,
        account: LockoutGuard | None = None,
        tickets: Tickets | None = None,
        record: SessionRecord | None = None,
        hold_s: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._account = account or LockoutGuard()
        self._tickets = tickets or Tickets(target.username, target.password.get_secret_value(), target.keytab)
        self._record = record or SessionRecord()
        self._hold_s = hold_s
        self._clock = clock
        self._wire: _Wire | None = None
        self._pool: RunspacePool | None = None
        self._shell_id = ""
        self._has_functions = False

    @property
    def is_open(self) -> bool:
        """Whether it can run a pipeline."""
        return self._pool is not None

    def open(self) -> None:
        """Log on. Raises HostError; nothing was done then."""
        with self._account.login(self._target.host):
            self._log_on()

    def _log_on(self) -> None:
        _hush()
        target = self._target
        try:
            self._wire = _Wire(target.address, **_options(target))
            if target.uses_tickets:
                self._wire.log_on_with(target, self._tickets)
            self._pool = _Pool(
                self._wire,
                configuration_name=target.configuration,
                idle_timeout=None if self._hold_s else _IDLE_S,
            )
            if target.auth == "credssp" and target.tls:
                # The last step of a CredSSP login takes any fault for a rejected login: log on before there can be one.
                self._wire.transport.send(b"")
            self._delete_left_open(self._wire)
            self._shell_id = self._pool.id
            self._record.opening(RemoteSession(target.host, self._pool.shell.resource_uri, self._shell_id))
            self._pool.open()
        except Exception as error:
            _close_responses(error)
            if never_connected(error):
                self._record.gone(self._shell_id)
            self.drop()
            raise translate(target, error, CallStage.OPENING) from error
        self._wire.hold_s = self._hold_s
        self._wire.before_request = self._keep_logged_on

    @property
    def login(self) -> TicketLogin | None:
        """The Kerberos login behind the session; None when it is another kind."""
        return self._wire.login if self._wire is not None else None

    def _keep_logged_on(self) -> None:
        """Log on anew before the ticket ends, in the middle of whatever runs.

        Raises:
            HostError: it has ended, and there is no new one.

        """
        login = self.login
        if self._wire is None or login is None or login.due_at is None or time.time() < login.due_at:
            return
        host = self._target.host
        try:
            with self._account.login(host):
                try:
                    fresh = self._tickets.current(login.ticket, login.ends_at)
                except TicketError as error:
                    raise translate(self._target, error, CallStage.OPENING) from error
        except HostError:
            if time.time() < login.ends_at:
                return
            raise
        if fresh is not login.ticket:
            self._wire.begin_anew()

    def run(
        self,
        pipeline: Pipeline,
        *,
        timeout_s: float | None = None,
        on_progress: Callable[[int], None] | None = None,
        abandoned: Event | None = None,
        last_check: Callable[[], None] | None = None,
    ) -> PipelineResult:
        """Run a pipeline to its end; errors its cmdlets reported are in the reply.

        ``last_check`` is called directly before it is sent; what it raises comes out, and nothing is sent.

        Raises:
            EndpointRefused: PowerShell ran nothing of it.
            HostUnreachable: the host never got it.
            ContactLost: it may have been begun; or it said nothing for ``timeout_s``, or ``abandoned`` was set.

        """
        shell = PowerShell(self._opened())
        for stage in pipeline.stages:
            # Another module's Get-VM may come first (PowerCLI, VMM); behind a role, only the role's own names count.
            shell.add_cmdlet(full_name(stage.cmdlet) if self._target.is_full_language else stage.cmdlet)
            for name, value in stage.parameters:
                shell.add_parameter(name, value)
        if last_check is not None:
            last_check()
        return self._invoke(shell, pipeline.title, timeout_s, on_progress, abandoned)

    def call(self, pipeline: Pipeline, *, timeout_s: float | None = None) -> PipelineResult:
        """Run one of our own functions, which a full-language endpoint is taught first. Raises as ``run``."""
        if self._target.is_full_language and not self._has_functions:
            shell = PowerShell(self._opened())
            shell.add_script(FUNCTIONS_TEXT)
            self._invoke(shell, "the definition of its functions", timeout_s, None, None)
            self._has_functions = True
        return self.run(pipeline, timeout_s=timeout_s)

    def close(self) -> None:
        """Say goodbye to the host, so that it frees the session now."""
        if self._pool is not None:
            with contextlib.suppress(Exception):  # a host that does not listen hears of it at the next login
                self._pool.close()
                self._record.gone(self._shell_id)
        self.drop()

    def drop(self) -> None:
        """Let go of the connection without a word: the host goes on with whatever it does."""
        self._record.abandon(self._shell_id)
        wire, self._wire, self._pool, self._has_functions = self._wire, None, None, False
        if wire is not None:
            with contextlib.suppress(Exception):
                wire.close()

    def _delete_left_open(self, wire: "_Wire") -> None:
        with self._record.left_on(self._target.host) as left:
            for session in left:
                which = SelectorSet()
                which.add_option("ShellId", session.shell_id)
                with contextlib.suppress(WSManFaultError):  # it is gone already, or not ours
                    wire.delete(session.resource_uri, selector_set=which)
                self._record.gone(session.shell_id)

    def _opened(self) -> RunspacePool:
        if self._pool is None:
            raise HostUnreachable(self._target.host, f"There is no open session with {self._target.host}.")
        return self._pool

    def _invoke(
        self,
        shell: PowerShell,
        title: str,
        timeout_s: float | None,
        on_progress: Callable[[int], None] | None,
        abandoned: Event | None,
    ) -> PipelineResult:
        _hush()
        step, has_ended, known = CallStage.SENDING, False, 0
        ends_at = None if timeout_s is None else self._clock() + timeout_s
        last_at = None if timeout_s is None else self._clock() + timeout_s * _LONGEST
        try:
            shell.begin_invoke()
            step = CallStage.RUNNING
            while shell.state == PSInvocationState.RUNNING:
                self._may_go_on(title, ends_at, abandoned)
                shell.poll_invoke()
                if ends_at is not None and timeout_s is not None and len(shell.output) > known:
                    known, ends_at = len(shell.output), self._clock() + timeout_s  # a long list is no silence
                self._may_be_so_long(shell, title, last_at)
                _tell(shell, on_progress)
            has_ended = True
            return self._reply(shell, title)
        except HostError:
            raise
        except Exception as error:
            has_ended = False
            _close_responses(error)
            translated = translate(self._target, error, step, title)
            if isinstance(translated, LoginRejected) and translated is not error:
                self._account.rejected(self._target.host, translated.message)
            raise translated from error
        finally:
            if not has_ended:
                self.drop()

    def _may_go_on(self, title: str, ends_at: float | None, abandoned: Event | None) -> None:
        host = self._target.host
        if abandoned is not None and abandoned.is_set():
            raise ContactLost(host, f"Left {host} alone while it ran {title}.")
        if ends_at is not None and self._clock() >= ends_at:
            raise ContactLost(host, f"{host} said nothing more to {title} in time.")

    def _may_be_so_long(self, shell: PowerShell, title: str, last_at: float | None) -> None:
        """Leave a reply that has no end: it would keep the thread and fill the memory."""
        host, streams = self._target.host, shell.streams
        if len(shell.output) + len(streams.error) + len(streams.warning) > _MOST_OBJECTS:
            raise ContactLost(host, f"{host} answered {title} with more than {_MOST_OBJECTS} objects.")
        if last_at is not None and self._clock() >= last_at:
            raise ContactLost(host, f"{host} did not come to the end of {title}.")

    def _reply(self, shell: PowerShell, title: str) -> PipelineResult:
        words = [read_word(record) for record in shell.streams.error]
        if shell.state not in _OVER:
            self.drop()
            raise ContactLost(self._target.host, f"{self._target.host} let go of {title} before it ended.")
        try:
            shell.close()
        except Exception:  # noqa: BLE001  # whatever it is
            self.drop()  # we have the answer, but this session has had its day
        if shell.state != PSInvocationState.COMPLETED:
            fatal = next((word for word in reversed(words) if is_refusal(word)), None)
            if fatal is not None:
                raise refused(self._target, title, fatal)
            if not words:
                words.append(HostWord(f"The pipeline {title} failed without saying why."))
        return PipelineResult(
            list(shell.output), tuple(words), tuple(str(warning) for warning in shell.streams.warning)
        )


def _tell(shell: PowerShell, on_progress: Callable[[int], None] | None) -> None:
    records = list(shell.streams.progress)
    shell.streams.progress.clear()  # an hour of them would only fill memory
    if on_progress is None:
        return
    for record in records:
        percent, kind = record.percent_complete, record.progress_type
        # The record that closes an activity, and "Preparing modules for first use.", are no progress of a move.
        is_under_way = getattr(kind, "value", kind) == _PROCESSING
        if is_under_way and isinstance(percent, int) and 0 <= percent <= _PERCENT:
            on_progress(percent)


def _options(target: ConnectionSettings) -> dict[str, Any]:
    operation_s = max(1, round(target.operation_timeout_s))
    read_s = operation_s * _GRACE
    options: dict[str, Any] = {
        "port": target.port,
        "username": target.username or None,
        "password": target.password.get_secret_value() or None,
        "ssl": target.tls,
        "auth": target.auth,
        "cert_validation": target.verify,
        "operation_timeout": operation_s,
        "connection_timeout": min(_CONNECT_S, read_s),
        "read_timeout": read_s,
        "reconnection_retries": 0,
        "no_proxy": True,
    }
    if target.auth in {"kerberos", "negotiate"}:
        options["negotiate_delegate"] = True
    if target.auth == "credssp":
        # Left to itself it asks a KDC first, where there is one: a wrong password would count twice.
        options["credssp_auth_mechanism"] = "ntlm"
    if target.auth == "certificate":
        options |= {"certificate_pem": target.certificate, "certificate_key_pem": target.certificate_key}
    if not target.tls and target.auth == "basic":
        options["encryption"] = "never"  # basic cannot encrypt; the operator chose it
    return options


def _close_responses(error: BaseException) -> None:
    """Close the connection a failed login leaves open: requests-credssp keeps it where only the traceback leads."""
    for found in chain(error):
        for frame, _ in traceback.walk_tb(found.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(value, requests.Response):
                    value.close()


def _hush() -> None:
    """Keep pypsrp's warnings from people: what matters in them comes back as an error."""
    for category in (InsecureRequestWarning, NoCertificateRetrievedWarning, RunspacePoolWarning):
        warnings.filterwarnings("ignore", category=category)
