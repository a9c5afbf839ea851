"""Decides which of our errors an exception of pypsrp and its HTTP, TLS and login libraries is.

What matters most is whether the host may have begun the command: ``CallStage`` says how far the call had come. While a
session is being opened nothing can have been done. While the command is on its way it may have been, unless no
connection came about or the host refused it. After that, only looking again can tell.
"""

import logging
import socket
import struct
from enum import Enum, auto
from xml.etree.ElementTree import ParseError

import requests
import spnego.exceptions
import urllib3.exceptions
from pypsrp.exceptions import (
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
from core.errors import (
    CannotLogOn,
    ContactLost,
    EndpointRefused,
    HostError,
    HostUnreachable,
    LoginRejected,
    MalformedReply,
    Owner,
    Standing,
)
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.kerberos import KERBEROS_FAILURES
from core.hyperv.kerberos_errors import TicketError, chain
from core.hyperv.login_errors import (
    SEAL,
    UNSUITABLE_HINT,
    is_login,
    is_unsuitable,
    ticket_trouble,
    why_not_judged,
)

log = logging.getLogger(__name__)
_ACCESS_DENIED = 5
_TIMED_OUT = 2150858793
_SHELL_UNKNOWN = 2150858843
_QUOTAS = frozenset({2150859173, 2150859174, 2150859175, 2150859176, 2150859179, *range(2150859236, 2150859242)})
_REFUSES_FOR_GOOD = frozenset(
    {2150858752, 2150858754, 2150858811, 2150858849, 2150859180, 2150859229, 2150859232, 2150859235}
)
"""WSMan faults of an endpoint that is not there, or lets nobody in: RESOURCE_NOT_FOUND, INVALID_URI,
INVALID_RESOURCE_URI, INVALID_TARGET_RESOURCEURI, REMOTESHELLS_NOT_ALLOWED, SERVICE_REMOTE_ACCESS_DISABLED,
INVALID_XML_RUNAS_DISABLED, REMOTE_CONNECTION_NOT_ALLOWED. Source: wsmerror.h. Any other fault of Create did nothing and
may pass: public reports name 1018, 2, 14 and 1455."""
_NOT_FOUND = 404
_BAD_REQUEST = 400
_OWN_CERTIFICATE = "Could not find the TLS"
"""How requests says that a client certificate or its key is not there."""
_LAST_CREDSSP_STEP = "after step Credential exchange"
_SHOWN = 300

REFUSALS = (
    "ScriptsNotAllowed",
    "CommandNotFoundException",
    "CouldNotAutoLoadModule",
    "ProviderNotFound",
    "NamedParameterNotFound",
    "PositionalParameterNotFound",
    "AmbiguousParameter",
    "MissingMandatoryParameter",
    "MissingArgument",
    "ParameterArgument",
    "ParameterAlreadyBound",
    "CannotConvertArgument",
    "InputObjectNotBound",
    "MethodInvocationNotSupportedInConstrainedLanguage",
)
"""How FullyQualifiedErrorIds begin when PowerShell ran no command at all (PowerShell source: ParameterBinder), or
nothing of our function that changes anything."""

_CONSTRAINED = "MethodInvocationNotSupportedInConstrainedLanguage"
_DEAD_OBJECTS = "InputObjectNotBound"
STAND_INS_HINT = (
    'Set configuration = "Microsoft.PowerShell": the Hyper-V module of this host runs in Windows PowerShell 5.1 only.'
)

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
    TicketError,
    *KERBEROS_FAILURES,
    HostError,
    *UNREADABLE,
)
"""What a call of pypsrp is known to raise. Whatever else it raises is caught too, and logged with its place."""


class CallStage(Enum):
    """How far a call had come when it failed."""

    OPENING = auto()
    SENDING = auto()
    RUNNING = auto()


class SessionGone(HostUnreachable):
    """The host no longer knows the session and refused the command: nothing was done, a new session will do."""


class NotPermitted(LoginRejected):
    """The login was accepted, but the account may not use the endpoint."""

    standing = Standing.FORBIDS_ENDPOINT


class SessionsUsedUp(HostUnreachable):
    """The host allows the account no further session now."""

    standing = Standing.SESSIONS_USED_UP


class SessionNotOpened(HostUnreachable):
    """The host did not open a session this time, for a reason that may pass: nothing was done, nothing is charged."""

    standing = Standing.NO_SESSION
    hint = "The bot tries again by itself. If it stays so: restart the WinRM service of the host."


class NoSuchName(HostUnreachable):
    """Nobody knows the host's address."""

    standing = Standing.NO_SUCH_NAME
    hint = "Check the host's address in the settings, and the name service of the bot's machine."


class NoWinRM(HostUnreachable):
    """Something answers at the host's port, with an HTTP error."""

    standing = Standing.HTTP_ERROR
    hint = "Look at the WinRM service of the host, and at what stands between it and the bot."


class NoCertificate(HostUnreachable):
    """The bot's own client certificate, or its key, is not there: nobody was asked."""

    owner = Owner.OPERATOR
    standing = Standing.NO_OWN_CERTIFICATE
    hint = "Check certificate_file and certificate_key_file in [winrm]."


class NotTrusted(HostUnreachable):
    """The host shows a certificate that the bot does not trust."""

    standing = Standing.NOT_TRUSTED


def is_refusal(word: HostWord) -> bool:
    """Whether PowerShell refused to run the command at all: nothing was done."""
    return word.fqid.startswith(REFUSALS)


def refused(target: ConnectionSettings, title: str, word: HostWord) -> EndpointRefused:
    """Return the error for a command the endpoint does not run."""
    host, hint = target.host, STAND_INS_HINT if word.fqid.startswith(_DEAD_OBJECTS) else None
    if word.fqid.startswith(_CONSTRAINED):
        return EndpointRefused(
            host,
            f"A policy of {host} (constrained language) does not let {title} run.",
            fqid=word.fqid,
            hint="Use the restricted endpoint of deploy/ there: application control can trust its module.",
        )
    text = f"{host} does not run {title} for us: {first_line(word.text)} ({word.fqid})"
    return EndpointRefused(host, target.conceal(text), fqid=word.fqid, hint=hint)


def first_line(text: str) -> str:
    """Return the first line of a text, shortened."""
    line = next(iter(text.strip().splitlines()), "").strip()
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def translate(target: ConnectionSettings, error: BaseException, step: CallStage, title: str = "") -> HostError:
    """Return our error for whatever a library raised; one of ours stays what it is, unless a command was running."""
    if isinstance(error, ContactLost) or (isinstance(error, HostError) and step is not CallStage.RUNNING):
        return error
    if not isinstance(error, FAILURES):
        log.error("nobody foresaw this of the libraries that talk to %s", target.host, exc_info=error)
    return _translated(target, error, step, title)


def _translated(target: ConnectionSettings, error: BaseException, step: CallStage, title: str) -> HostError:
    said = target.conceal(_saying(error))
    known = _fault(target, error, step) or _in_session(target, error, step, title)
    if known is not None:
        return known
    return _login_trouble(target, error, step, title, said) or _transport_trouble(target, error, step, title, said)


def _login_trouble(
    target: ConnectionSettings, error: BaseException, step: CallStage, title: str, said: str
) -> HostError | None:
    """Return what stood in the way of a login; only a judged secret is a rejected one."""
    host, ticket = target.host, ticket_trouble(target, error)
    if ticket is not None:
        if step is CallStage.SENDING and not isinstance(error, TicketError):
            if _has_no_connection(error):
                return None
            # A login is a TicketError; this is a message sealed or opened: the host may have got it.
            return ContactLost(host, f"Lost contact with {host} while sending {title}: {said}")
        text, hint = target.conceal(ticket.text), ticket.hint or None
        if ticket.judges_secret:
            return LoginRejected(host, f"The domain rejects the login for {host}: {text}.", hint=hint)
        return CannotLogOn(host, f"Cannot log on to {host}: {text}.", hint=hint)
    if is_unsuitable(error):
        return CannotLogOn(host, f"Cannot log on to {host} with {target.auth}: {said}", hint=UNSUITABLE_HINT)
    if is_login(error) and (unjudged := why_not_judged(error)):
        who = target.username or "the bot"
        return CannotLogOn(host, f"Nobody could judge the login of {who} to {host} just now: {unjudged}.")
    if is_login(error):
        return LoginRejected(host, f"{host} rejects the login of {target.username or 'the bot'}: {said}")
    return None


def _transport_trouble(
    target: ConnectionSettings, error: BaseException, step: CallStage, title: str, said: str
) -> HostError:
    host = target.host
    if isinstance(error, WinRMTransportError) and error.code == _NOT_FOUND:
        return EndpointRefused(host, f"There is no WinRM service at {target.address}:{target.port}: {said}")
    tls = _tls_trouble(error)
    if tls:
        return NotTrusted(
            host, f"{host} has a certificate the bot does not trust: {target.conceal(tls)}", hint=_tls_hint(tls)
        )
    if step is CallStage.SENDING and not never_connected(error):
        return ContactLost(host, f"Lost contact with {host} while sending {title}: {said}")
    if isinstance(error, InvalidPSRPOperation):
        return SessionNotOpened(host, f"{host} could not start the endpoint {target.configuration}: {said}")
    if isinstance(error, (*UNREADABLE, *SEAL)) and not isinstance(error, OSError):
        return MalformedReply(host, f"{host} answered something that is not WinRM: {said}")
    return _unreachable(target, error, said)


def _unreachable(target: ConnectionSettings, error: BaseException, said: str) -> HostError:
    host, place = target.host, f"{target.host} ({target.address}:{target.port})"
    if isinstance(error, WinRMTransportError):
        return NoWinRM(host, f"{place} answers, but not as WinRM does: {said}")
    behind = list(chain(error))
    if any(isinstance(found, socket.gaierror | urllib3.exceptions.NameResolutionError) for found in behind):
        return NoSuchName(host, f"Nobody knows the address {target.address} of {host}: {said}")
    if any(isinstance(found, OSError) and _OWN_CERTIFICATE in str(found) for found in behind):
        return NoCertificate(host, f"The bot cannot read its own certificate for {host}: {said}")
    return HostUnreachable(host, f"{place} does not answer: {said}")


def _in_session(target: ConnectionSettings, error: BaseException, step: CallStage, title: str) -> HostError | None:
    host, said = target.host, target.conceal(_saying(error))
    if step is CallStage.RUNNING:
        return ContactLost(host, f"Lost contact with {host} while it ran {title}: {said}")
    if step is CallStage.SENDING and _is_closed_connection(error):
        return SessionGone(host, f"{host} has closed the connection of our session: {said}")
    return None


def _fault(target: ConnectionSettings, error: BaseException, step: CallStage) -> HostError | None:
    if step is CallStage.RUNNING or not isinstance(error, WSManFaultError):
        return None
    host, said = target.host, target.conceal(first_line(str(error.reason or error.provider_fault or "")))
    if error.code == _SHELL_UNKNOWN:
        return SessionGone(host, f"{host} has closed our session: {said}")
    if error.code in _QUOTAS:
        return SessionsUsedUp(
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
    why = said or f"fault {error.code}"
    if error.code in _REFUSES_FOR_GOOD:
        return EndpointRefused(host, f"{host} does not open {target.configuration}: {why}")
    return SessionNotOpened(host, f"{host} does not open {target.configuration} just now: {why}")


def _is_closed_connection(error: BaseException) -> bool:
    """Whether the host could not decrypt what we sent, having closed an idle connection: it never read the command.

    With CredSSP the library then logs on again with the old message, and takes the missing token of the last step, in
    which the password has long been accepted, for a rejection.
    """
    if isinstance(error, WinRMTransportError):
        return bool(error.code == _BAD_REQUEST)
    return isinstance(error, AuthenticationException) and _LAST_CREDSSP_STEP in str(error)


def never_connected(error: BaseException) -> bool:
    """Whether no connection came about, so that the host cannot have seen the request."""
    return is_login(error) or is_unsuitable(error) or isinstance(error, TicketError) or _has_no_connection(error)


def _has_no_connection(error: BaseException) -> bool:
    kinds = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, requests.ConnectTimeout)
    return any(isinstance(found, kinds) for found in chain(error))


def _tls_trouble(error: BaseException) -> str:
    for found in chain(error):
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
    if isinstance(error, HostError):
        return error.message
    if isinstance(error, WinRMTransportError):
        return f"HTTP status {error.code}."
    if isinstance(error, requests.ReadTimeout):
        return "no answer in time."
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time."
    for found in chain(error):
        if isinstance(found, OSError) and found.strerror:
            return f"{found.strerror}."
    try:
        return first_line(str(error)) or type(error).__name__
    except TypeError:  # pypsrp's own texts may fail on a state it does not know
        return type(error).__name__
