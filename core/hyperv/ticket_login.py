"""Logs on to one host by Kerberos, or Negotiate, with the account's ticket, and remembers what came of it."""

import email.utils
import time
from datetime import UTC
from ipaddress import ip_address
from typing import Any

import requests
from pypsrp.negotiate import HTTPNegotiateAuth
from spnego import KerberosCCache, Password
from spnego.exceptions import SpnegoError

from core.hyperv import kerberos
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.kerberos import ServiceTicket, Ticket, Tickets, skew
from core.hyperv.kerberos_errors import TicketError, explain

_UNAUTHORIZED = 401
_FAILURES: tuple[type[Exception], ...] = (SpnegoError, *kerberos.KERBEROS_FAILURES)
_SERVICE = "host"


class TicketLogin(HTTPNegotiateAuth):
    """The login of one HTTP session. Each connection logs on with the ticket that is current then."""

    def __init__(self, target: ConnectionSettings, tickets: Tickets, *, wrap_required: bool) -> None:
        super().__init__(
            auth_provider=target.auth,
            service=_SERVICE,
            delegate=True,
            hostname_override=target.kerberos_name or None,
            wrap_required=wrap_required,
        )
        self._target = target
        self._tickets = tickets
        self._name = service_name(target)
        self.ticket: Ticket | None = None
        """What the last login was made with; None before the first, and when it was NTLM."""
        self.shown: ServiceTicket | None = None
        self.why_not = ""
        """Why the login was made with NTLM instead."""

    def handle_401(self, response: requests.Response, **options: Any) -> requests.Response:
        """Log on. Raises TicketError when Kerberos stands in the way."""
        ticket = self._choose()
        if ticket is None:
            return self._answer(response, options)
        try:
            answer = self._answer(response, options)
        except _FAILURES as error:
            raise self._explained(error, ticket, response) from error
        if self._is_kerberos():
            if answer.status_code == _UNAUTHORIZED:
                raise self._refused(ticket, answer)
            self.ticket, self.shown = ticket, kerberos.service_ticket(ticket, self._name)
        return answer

    def _answer(self, response: requests.Response, options: dict[str, Any]) -> requests.Response:
        answer: requests.Response = super().handle_401(response, **options)  # type: ignore[no-untyped-call]
        return answer

    @property
    def due_at(self) -> float | None:
        """When the login must be made anew; None when it does not end."""
        if self.ticket is None:
            return None
        ends_at = self.ends_at
        return ends_at - kerberos.early_s(self.ticket.begins_at, ends_at)

    @property
    def ends_at(self) -> float:
        """When the host stops taking what we send, and we what it sends."""
        ticket_ends_at = self.ticket.ends_at if self.ticket else 0.0
        return min(ticket_ends_at, self.shown.ends_at) if self.shown else ticket_ends_at

    def _choose(self) -> Ticket | None:
        """Set the credential for the next login. Returns the ticket in it; None for NTLM."""
        target = self._target
        secret = target.password.get_secret_value()
        fallback = [Password(target.username, secret)] if target.auth == "negotiate" and secret else []
        try:
            ticket = self._ticket_for_name()
        except TicketError as error:
            if not fallback or error.judges_secret:
                raise
            self.auth_provider, self.username, self.password = "ntlm", target.username, secret
            self.why_not = error.text
            return None
        self.auth_provider, self.password = target.auth, None
        credentials: Any = [KerberosCCache(ticket.cache), *fallback]
        self.username = credentials
        return ticket

    def _ticket_for_name(self) -> Ticket:
        if self._name:
            return self._tickets.current()
        raise TicketError(
            f"{self._target.address} is an address, and Kerberos knows hosts by name",
            "Write the host's own name as its address, or set kerberos_name.",
        )

    def _is_kerberos(self) -> bool:
        context = next(iter(self.contexts.values()), None)
        return context is not None and context.negotiated_protocol == "kerberos"

    def _explained(self, error: Exception, ticket: Ticket, response: requests.Response) -> TicketError:
        told = explain(
            error,
            user=ticket.user,
            realm=ticket.realm,
            spn=f"{_SERVICE}/{self._name}",
            source=ticket.source,
            skew=_skew(ticket, response),
        )
        told.judges_secret = False  # the KDC took the secret; this is about the host
        return told

    def _refused(self, ticket: Ticket, answer: requests.Response) -> TicketError:
        apart = _skew(ticket, answer)
        clocks = f"; the clocks are apart: {apart}" if apart else ""
        return TicketError(
            f"the host does not take the ticket of {ticket.user} for {_SERVICE}/{self._name}{clocks}",
            "Check the host's clock, setspn -Q for its name, and that its WinRM allows Kerberos.",
        )


def service_name(target: ConnectionSettings) -> str:
    """Return the name a host has in its service principal; empty when the settings only have an address."""
    if target.kerberos_name:
        return target.kerberos_name
    try:
        ip_address(target.address)
    except ValueError:
        return target.address
    return ""


def service_principal(target: ConnectionSettings) -> str:
    """Return the SPN the bot asks for, without its realm."""
    return f"{_SERVICE}/{service_name(target) or target.address}"


def _skew(ticket: Ticket, response: requests.Response) -> str:
    """Say how far the clock of the host, as its answer tells it, or of the domain is from ours; often nothing."""
    try:
        told = email.utils.parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        host = ""
    else:
        host = skew("the host", told.replace(tzinfo=told.tzinfo or UTC).timestamp() - time.time())
    return host or skew("the domain", ticket.skew_s)
