"""Tells what a login library's exception says: the settings do not fit, nobody judged the secret, or it was rejected.

Only a few numbers say that the secret was looked at. Every other known number means that nobody could judge it: that is
no rejection, locks no account, and is tried again. A number that nobody knows counts as one: no account may get locked.
"""

import spnego.exceptions
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from requests_credssp.exceptions import (
    AuthenticationException,
    InvalidConfigurationException,
    NTStatusException,
)

from core.domain.attempt.windows_numbers import canonical, numbers_in, spelled, table
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.kerberos import KERBEROS_FAILURES
from core.hyperv.kerberos_errors import TicketError, chain, explain

_UNAUTHORIZED = 401
_JUDGED = frozenset({"logon-denied", "logon-right", "access-denied"})
"""Rules of numbers that say that the account or its secret was looked at."""
_INVALID_TOKEN = canonical(0x80090308)
"""SEC_E_INVALID_TOKEN: also how a rejected logon comes back. Source: MS-ERREF; pyspnego, InvalidTokenError."""

_LOGIN = (
    AuthenticationError,
    AuthenticationException,
    InvalidConfigurationException,
    NTStatusException,
    spnego.exceptions.SpnegoError,
)
SEAL = (
    spnego.exceptions.BadMICError,
    spnego.exceptions.ContextExpiredError,
    spnego.exceptions.NoContextError,
    spnego.exceptions.OperationNotAvailableError,
    spnego.exceptions.UnsupportedQop,
)
"""How pyspnego says that a message cannot be sealed or opened: the login is over, and the host may have got it."""
_UNSUITABLE = (
    "must be specified",
    "must be used",
    "message encryption",
    "auth protocol",
    "did not response with one of the following authentication methods",
)
"""How pypsrp says that the settings do not fit each other, or not what the host offers."""
UNSUITABLE_HINT = "Check auth and tls in [winrm], and winrm get winrm/config/service/auth on the host."


def why_not_judged(error: BaseException) -> str:
    """Say why nobody judged the secret; empty when somebody did, or when that cannot be told."""
    for found in chain(error):
        if isinstance(found, spnego.exceptions.NoCredentialError):
            return "there are no credentials to show"
        numbers = numbers_in(str(found))
        if isinstance(found, NTStatusException) and isinstance(found.status, int):
            numbers = (canonical(found.status), *numbers)
        known = [table()[number] for number in numbers if number in table()]
        if any(number == _INVALID_TOKEN for number in numbers) or any(one.rule in _JUDGED for one in known):
            return ""
        if known:
            return f"{known[0].name} ({spelled(known[0].number)})"
    return ""


def ticket_trouble(target: ConnectionSettings, error: BaseException) -> TicketError | None:
    """Return what Kerberos says, if it is Kerberos that says something; the KDC's verdicts are TicketErrors already."""
    for found in chain(error):
        if isinstance(found, TicketError):
            return found
    is_kerberos = isinstance(error, KERBEROS_FAILURES) if KERBEROS_FAILURES else False
    if is_kerberos or (target.auth == "kerberos" and isinstance(error, spnego.exceptions.SpnegoError)):
        told = explain(error, user=target.username, realm="", spn=f"host/{target.kerberos_name or target.address}")
        told.judges_secret = False
        return told
    return None


def is_unsuitable(error: BaseException) -> bool:
    """Whether the settings do not fit each other, or not what the host offers: no secret was judged."""
    if isinstance(error, ImportError | InvalidConfigurationException):
        return True
    said = str(error) if isinstance(error, ValueError | AuthenticationError) else ""
    return any(words in said for words in _UNSUITABLE)


def is_login(error: BaseException) -> bool:
    if isinstance(error, WinRMTransportError):
        return bool(error.code == _UNAUTHORIZED)
    return isinstance(error, _LOGIN) and not isinstance(error, SEAL)
