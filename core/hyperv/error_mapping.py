"""Decides which of our errors an exception of pypsrp and its HTTP, TLS and login libraries is.

What matters most is whether the host may have begun the command: ``CallStage`` says how far the call had come. While a
session is being opened nothing can have been done. While the command is on its way it may have been, unless no
connection came about or the host refused it. After that, only looking again can tell.
"""

import logging
import struct
from collections.abc import Iterator
from enum import Enum, auto
from xml.etree.ElementTree import ParseError

import requests
import spnego.exceptions
import urllib3.exceptions
from pypsrp.exceptions import (
    AuthenticationError,
    FragmentError,
    InvalidPSRPOperation,
    SerializationError,
    WinRMError,
    WinRMTransportError,
    WSManFaultError,
)
from requests_credssp.exceptions import (
    AuthenticationException,
    InvalidConfigurationException,
    NTStatusException,
)

from core.domain.model.host_calls import HostWord
from core.errors import ContactLost, EndpointRefused, HostError, HostUnreachable, LoginRejected, MalformedReply
from core.hyperv.connection_settings import ConnectionSettings

log = logging.getLogger(__name__)
_ACCESS_DENIED = 5
_TIMED_OUT = 2150858793
_SHELL_UNKNOWN = 2150858843
_QUOTAS = frozenset({2150859173, 2150859174})
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_SHOWN = 300

REFUSALS = (
    "ScriptsNotAllowed",
    "CommandNotFoundException",
    "ProviderNotFound",
    "NamedParameterNotFound",
    "PositionalParameterNotFound",
    "AmbiguousParameter",
    "MissingMandatoryParameter",
    "MissingArgument",
    "ParameterArgument",
    "ParameterAlreadyBound",
    "CannotConvertArgument",
)
"""How FullyQualifiedErrorIds begin when PowerShell ran no command at all (PowerShell source: ParameterBinder)."""

UNREADABLE = (
    ParseError,
    FragmentError,
    SerializationError,
    struct.error,
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
)
"""What pypsrp lets escape when a reply is not what the protocol says."""

FAILURES = (
    WinRMError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    spnego.exceptions.SpnegoError,
    AuthenticationException,
    InvalidConfigurationException,
    NTStatusException,
    OSError,
    ImportError,
    *UNREADABLE,
)
"""What a call of pypsrp is known to raise. Whatever else it raises is caught too, and logged with its place."""

_LOGIN = (
    AuthenticationError,
    AuthenticationException,
    InvalidConfigurationException,
    NTStatusException,
    spnego.exceptions.SpnegoError,
    ImportError,
)
_UNSUITABLE = ("must be specified", "must be used", "message encryption", "auth protocol")
"""How pypsrp says that the settings do not fit each other, or not what the host offers."""


class CallStage(Enum):
    """How far a call had come when it failed."""

    OPENING = auto()
    SENDING = auto()
    RUNNING = auto()


class SessionGone(HostUnreachable):
    """The host no longer knows the session and refused the command: nothing was done, a new session will do."""


class NotPermitted(LoginRejected):
    """The login was accepted, but the account may not use the endpoint."""


def is_refusal(word: HostWord) -> bool:
    """Whether PowerShell refused to run the command at all: nothing was done."""
    return word.fqid.startswith(REFUSALS)


def refused(target: ConnectionSettings, title: str, word: HostWord) -> EndpointRefused:
    """Return the error for a command the endpoint does not run."""
    return EndpointRefused(
        target.host, target.conceal(f"{target.host} does not run {title} for us: {first_line(word.text)} ({word.fqid})")
    )


def first_line(text: str) -> str:
    """Return the first line of a text, shortened."""
    line = next(iter(text.strip().splitlines()), "").strip()
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def translate(target: ConnectionSettings, error: BaseException, step: CallStage, title: str = "") -> HostError:
    """Return our error for whatever a library raised; an error of ours stays what it is."""
    if isinstance(error, HostError):
        return error
    if not isinstance(error, FAILURES):
        log.error("nobody foresaw this of the libraries that talk to %s", target.host, exc_info=error)
    return _translated(target, error, step, title)


def _translated(target: ConnectionSettings, error: BaseException, step: CallStage, title: str) -> HostError:
    host, said = target.host, target.conceal(_saying(error))
    if isinstance(error, WSManFaultError):
        fault = _fault(target, error, step)
        if fault is not None:
            return fault
    if step is CallStage.RUNNING:
        return ContactLost(host, f"Lost contact with {host} while it ran {title}: {said}")
    if _is_login(error):
        return LoginRejected(host, f"{host} rejects the login of {target.username or 'the bot'}: {said}")
    if isinstance(error, WinRMTransportError) and error.code == _NOT_FOUND:
        return EndpointRefused(host, f"There is no WinRM service at {target.address}:{target.port}: {said}")
    tls = _tls_trouble(error)
    if tls:
        return HostUnreachable(
            host, f"{host} has a certificate the bot does not trust: {target.conceal(tls)}", hint=_tls_hint(tls)
        )
    if step is CallStage.SENDING and not never_connected(error):
        return ContactLost(host, f"Lost contact with {host} while sending {title}: {said}")
    if isinstance(error, InvalidPSRPOperation):
        return EndpointRefused(host, f"{host} could not start the endpoint {target.configuration}: {said}")
    if isinstance(error, UNREADABLE) and not isinstance(error, OSError):
        return MalformedReply(host, f"{host} answered something that is not WinRM: {said}")
    return HostUnreachable(host, f"{host} ({target.address}:{target.port}) does not answer: {said}")


def _fault(target: ConnectionSettings, error: WSManFaultError, step: CallStage) -> HostError | None:
    host, said = target.host, target.conceal(first_line(str(error.reason or error.provider_fault or "")))
    if step is CallStage.RUNNING:
        return None
    if error.code == _SHELL_UNKNOWN:
        return SessionGone(host, f"{host} has closed our session: {said}")
    if error.code in _QUOTAS:
        return HostUnreachable(
            host,
            f"{host} allows no further session: {said}",
            hint="Close other sessions of this account, or raise MaxShellsPerUser on the host.",
        )
    if step is CallStage.SENDING:
        return None
    if error.code == _ACCESS_DENIED:
        return NotPermitted(
            host,
            f"{host} lets {target.username or 'the bot'} log on but not use {target.configuration}: {said}",
            hint="Add the account to Remote Management Users, or to the endpoint's permission.",
        )
    if error.code == _TIMED_OUT:
        return HostUnreachable(host, f"{host} takes too long to open a session: {said}")
    return EndpointRefused(host, f"{host} does not open {target.configuration}: {said or f'fault {error.code}'}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk from an exception to what lies behind it: causes, and those wrapped as arguments or reasons."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        found = todo.pop(0)
        if not isinstance(found, BaseException) or any(found is known for known in seen):
            continue
        seen.append(found)
        yield found
        todo += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]


def _is_login(error: BaseException) -> bool:
    if isinstance(error, WinRMTransportError):
        return bool(error.code == _UNAUTHORIZED)
    if isinstance(error, ValueError) and any(words in str(error) for words in _UNSUITABLE):
        return True
    return isinstance(error, _LOGIN)


def never_connected(error: BaseException) -> bool:
    """Whether no connection came about, so that the host cannot have seen the request."""
    if _is_login(error):
        return True
    kinds = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, requests.ConnectTimeout)
    return any(isinstance(found, kinds) for found in _chain(error))


def _tls_trouble(error: BaseException) -> str:
    for found in _chain(error):
        if isinstance(found, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            return _saying(found)
        if isinstance(found, OSError) and "CA certificate" in str(found):
            return _saying(found)
    return ""


def _tls_hint(trouble: str) -> str:
    """Say what to do about a certificate, from OpenSSL's own words."""
    if "has expired" in trouble or "not yet valid" in trouble:
        return "Renew the certificate of the host's WinRM listener, or correct a clock."
    if "is not valid for" in trouble or "mismatch" in trouble or "doesn't match" in trouble:
        return "Name the host in its address as its certificate does."
    return "Set ca_file in [winrm]."


def _saying(error: BaseException) -> str:
    """Say what happened in one line: the innermost reason, which is what people know."""
    if isinstance(error, WSManFaultError):
        return first_line(str(error.reason or f"WS-Management fault {error.code}"))
    if isinstance(error, WinRMTransportError):
        return f"HTTP status {error.code}."
    if isinstance(error, requests.ReadTimeout):
        return "no answer in time."
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time."
    for found in _chain(error):
        if isinstance(found, OSError) and found.strerror:
            return f"{found.strerror}."
    try:
        return first_line(str(error)) or type(error).__name__
    except TypeError:  # pypsrp's own texts may fail on a state it does not know
        return type(error).__name__
