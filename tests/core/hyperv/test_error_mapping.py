"""Which of our errors an exception of the libraries is."""

import socket
from dataclasses import replace

import pytest
import requests
import spnego.exceptions
import urllib3.exceptions
from pypsrp.exceptions import (
    AuthenticationError,
    InvalidPSRPOperation,
    SerializationError,
    WinRMTransportError,
    WSManFaultError,
)
from requests_credssp.exceptions import AuthenticationException, NTStatusException

from core.config import Settings
from core.domain.model.host_calls import HostWord
from core.domain.model.inventory import HostName
from core.errors import (
    CannotLogOn,
    ContactLost,
    EndpointRefused,
    HostError,
    HostUnreachable,
    LoginRejected,
    MalformedReply,
)
from core.hyperv.connection_settings import targets_of
from core.hyperv.error_mapping import (
    FAILURES,
    CallStage,
    NoSuchName,
    NotPermitted,
    NotTrusted,
    NoWinRM,
    SessionGone,
    SessionNotOpened,
    SessionsUsedUp,
    is_refusal,
    refused,
    translate,
)
from core.hyperv.kerberos_errors import TicketError

TARGET = targets_of(
    Settings.model_validate(
        {"winrm": {"username": "svc"}, "winrm_password": "hunter2", "hosts": {"HV01": {"address": "hv01"}}}
    )
)[HostName("HV01")]
POOL = urllib3.HTTPConnectionPool("hv01")


def refused_connection() -> requests.ConnectionError:
    error = urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPConnection("hv01"), "refused")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(POOL, "/", error))


def reset_connection() -> requests.ConnectionError:
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104, "reset")))


def fault(code: int, reason: str = "no") -> WSManFaultError:
    return WSManFaultError(code, "hv01", reason, None, None, None)


@pytest.mark.parametrize(
    ("error", "opening", "sending"),
    [
        (refused_connection(), HostUnreachable, HostUnreachable),
        (requests.ConnectTimeout(), HostUnreachable, HostUnreachable),
        (socket.gaierror(-2, "Name or service not known"), NoSuchName, ContactLost),
        (reset_connection(), HostUnreachable, ContactLost),
        (requests.ReadTimeout(), HostUnreachable, ContactLost),
        (requests.exceptions.SSLError("certificate verify failed"), NotTrusted, NotTrusted),
        (AuthenticationError("Failed to authenticate"), LoginRejected, LoginRejected),
        (AuthenticationException("no token"), LoginRejected, LoginRejected),
        (spnego.exceptions.NoCredentialError(context_msg="no ticket"), CannotLogOn, CannotLogOn),
        (NTStatusException(0xC0000192), CannotLogOn, CannotLogOn),
        (NTStatusException(0xC000005E), CannotLogOn, CannotLogOn),
        (NTStatusException(0xC0000133), CannotLogOn, CannotLogOn),
        (NTStatusException(0x80090311), CannotLogOn, CannotLogOn),
        (NTStatusException(0xC000006D), LoginRejected, LoginRejected),
        (NTStatusException(0xC0000234), LoginRejected, LoginRejected),
        (NTStatusException(0x80090308), LoginRejected, LoginRejected),
        (NTStatusException(0xC0FFEE00), LoginRejected, LoginRejected),
        (ValueError("For credssp auth, the password must be specified"), CannotLogOn, CannotLogOn),
        (ImportError("no gssapi"), CannotLogOn, CannotLogOn),
        (
            AuthenticationError("The server did not response with one of the following authentication methods x"),
            CannotLogOn,
            CannotLogOn,
        ),
        (TicketError("no KDC"), CannotLogOn, CannotLogOn),
        (TicketError("wrong password", judges_secret=True), LoginRejected, LoginRejected),
        (spnego.exceptions.BadMICError(), MalformedReply, ContactLost),
        (spnego.exceptions.ContextExpiredError(), MalformedReply, ContactLost),
        (fault(5), NotPermitted, ContactLost),
        (fault(2150858843), SessionGone, SessionGone),
        (fault(2150859173), SessionsUsedUp, SessionsUsedUp),
        (fault(2150859174), SessionsUsedUp, SessionsUsedUp),
        (fault(2150858793), HostUnreachable, ContactLost),
        (fault(2150858752), EndpointRefused, ContactLost),
        (fault(1018), SessionNotOpened, ContactLost),
        (fault(2), SessionNotOpened, ContactLost),
        (fault(14), SessionNotOpened, ContactLost),
        (fault(1455), SessionNotOpened, ContactLost),
        (fault(995), SessionNotOpened, ContactLost),
        (WinRMTransportError("http", 404, ""), EndpointRefused, EndpointRefused),
        (WinRMTransportError("http", 503, ""), NoWinRM, ContactLost),
        (WinRMTransportError("http", 400, ""), NoWinRM, SessionGone),
        (AuthenticationException("no token after step Credential exchange"), LoginRejected, SessionGone),
        (InvalidPSRPOperation("broken"), SessionNotOpened, ContactLost),
        (SerializationError("odd"), MalformedReply, ContactLost),
        (KeyError("odd"), MalformedReply, ContactLost),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_how_far_the_call_had_come_decides(
    error: Exception, opening: type[HostError], sending: type[HostError]
) -> None:
    """Before the command nothing was done; once it runs, whatever happens is lost contact."""
    assert isinstance(error, FAILURES)
    assert type(translate(TARGET, error, CallStage.OPENING)) is opening
    assert type(translate(TARGET, error, CallStage.SENDING, "Move-VM")) is sending
    running = translate(TARGET, error, CallStage.RUNNING, "Move-VM")
    assert type(running) is ContactLost
    assert running.host == "HV01"


@pytest.mark.parametrize(
    "error",
    [spnego.exceptions.ContextExpiredError(), spnego.exceptions.BadMICError(), spnego.exceptions.InvalidTokenError()],
)
def test_a_command_whose_answer_cannot_be_opened_may_have_been_begun(error: Exception) -> None:
    """A message that cannot be sealed or opened, say because a ticket ended: the host may have got it."""
    target = replace(TARGET, auth="kerberos")
    assert type(translate(target, error, CallStage.OPENING)) is CannotLogOn
    assert type(translate(target, error, CallStage.SENDING, "Move-VM")) is ContactLost


@pytest.mark.parametrize(
    ("error", "standing"),
    [
        (TicketError("no KDC"), "cannot be logged on to"),
        (ValueError("For credssp auth, the password must be specified"), "cannot be logged on to"),
        (TicketError("wrong password", judges_secret=True), "rejects the bot's login"),
    ],
)
def test_a_host_nobody_can_log_on_to_is_not_called_silent(error: Exception, standing: str) -> None:
    """Only a host that is away "does not answer"."""
    assert translate(TARGET, error, CallStage.OPENING).standing == standing


@pytest.mark.parametrize("step", list(CallStage))
def test_no_text_holds_the_password(step: CallStage) -> None:
    """Whatever a library says, the password does not get through."""
    for error in (AuthenticationError("hunter2"), requests.ConnectionError("x hunter2"), fault(7, "hunter2")):
        assert "hunter2" not in translate(TARGET, error, step, "Get-VM").sentence()
    assert "hunter2" not in refused(TARGET, "Get-VM", HostWord("hunter2", "ScriptsNotAllowed")).sentence()


@pytest.mark.parametrize(
    ("fqid", "is_one"),
    [
        ("CommandNotFoundException", True),
        ("ScriptsNotAllowed", True),
        ("ProviderNotFound,Microsoft.PowerShell.Commands.GetItemCommand", True),
        ("NamedParameterNotFound,Microsoft.HyperV.PowerShell.Commands.MoveVM", True),
        ("ParameterArgumentValidationError,Move-VM", True),
        ("OperationFailed,Microsoft.HyperV.PowerShell.Commands.MoveVM", False),
        ("InvalidParameter,Microsoft.HyperV.PowerShell.Commands.MoveVM", False),
        ("", False),
    ],
)
def test_tells_a_refusal_from_a_failure(fqid: str, is_one: bool) -> None:
    """A command that PowerShell did not run is told from one that ran and failed."""
    assert is_refusal(HostWord("text", fqid)) is is_one


def test_says_what_people_know() -> None:
    """The innermost reason is said, not the layers around it."""
    text = translate(TARGET, refused_connection(), CallStage.OPENING).message
    assert text == "HV01 (hv01:5986) does not answer: Connection refused."


def unknown_name() -> requests.ConnectionError:
    error = socket.gaierror(-2, "Name or service not known")
    unresolved = urllib3.exceptions.NameResolutionError("hv01", urllib3.connection.HTTPConnection("hv01"), error)
    return requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(urllib3.HTTPConnectionPool("hv01"), "/", unresolved)
    )


@pytest.mark.parametrize(
    ("error", "said", "standing"),
    [
        (WinRMTransportError("http", 503, ""), "answers, but not as WinRM does: HTTP status 503.", "HTTP error"),
        (unknown_name(), "Nobody knows the address hv01 of HV01", "known to nobody"),
        (
            OSError("Could not find the TLS certificate file, invalid path: x.pem"),
            "cannot read its own certificate",
            "cannot be asked without the bot's own certificate",
        ),
        (refused_connection(), "does not answer: Connection refused", "does not answer"),
        (requests.ReadTimeout(), "does not answer: no answer in time", "does not answer"),
    ],
)
def test_only_silence_is_called_silence(error: Exception, said: str, standing: str) -> None:
    """An HTTP error, an unknown name and a file of our own that is missing are not a host that does not answer."""
    found = translate(TARGET, error, CallStage.OPENING)
    assert said in found.message
    assert standing in found.standing
    assert ("does not answer" in found.message) is (standing == "does not answer")
