"""Holds the Kerberos tickets of one account: gets them by password, by keytab or from somebody's cache, in time.

Every login of the account uses one ticket-granting ticket in a cache in memory, so that a KDC is asked once and not per
session, and somebody else's cache is read and never written. The only file that calls MIT's Kerberos library.
"""

import contextlib
import logging
import os
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from core.hyperv import kerberos_errors
from core.hyperv.kerberos_errors import TicketError, explain

try:
    import krb5
    from gssapi.raw import GSSError

    KERBEROS_FAILURES: tuple[type[Exception], ...] = (krb5.Krb5Error, GSSError)
    """What the Kerberos libraries raise of their own; none without them."""
    missing = ""
    """Why the Kerberos libraries cannot be used; empty when they can."""
except (ImportError, OSError) as _error:
    KERBEROS_FAILURES = ()
    missing = str(_error)

log = logging.getLogger(__name__)

_EARLY_S = 300.0
"""A ticket is renewed so long before its end, or when half of its life is left, whichever is later."""
_EARLY_PART = 1 / 2
_PAUSE_S = 10.0
"""How often a KDC that does not answer is asked for a new ticket while the old one still lasts."""
_SECOND_S = 1.0
_SKEW_SHOWN_S = 30.0


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Ticket:
    """One ticket-granting ticket, alone in a cache of its own in memory; service tickets join it there."""

    cache: str
    user: str
    realm: str
    source: str
    """Where it comes from, in words."""
    begins_at: float
    ends_at: float
    """Seconds since 1970."""
    is_forwardable: bool
    skew_s: float = 0.0
    """How far the KDC's clock was ahead of ours when it was issued; not known of a copied one."""


@dataclass(frozen=True, slots=True)
class ServiceTicket:
    """What a host was shown."""

    service: str
    ends_at: float


def early_s(begins_at: float, ends_at: float) -> float:
    """Return how long before its end a ticket is renewed."""
    return min(_EARLY_S, (ends_at - begins_at) * _EARLY_PART)


class Tickets:
    """The tickets of one account. Used from every thread that logs on with it."""

    def __init__(
        self, username: str, password: str, keytab: Path | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._username = username
        self._password = password if username else ""
        self._keytab = keytab
        self._clock = clock
        self._lock = Lock()
        self._ticket: Ticket | None = None
        self._next_at = 0.0
        self._failure: TicketError | None = None
        self._failed_at = 0.0

    def current(self, worn: Ticket | None = None, until: float = 0.0) -> Ticket:
        """Return a ticket that lasts for a while; a new one when that one is ``worn`` and ends at ``until``.

        While the one it has still lasts, a KDC that does not answer changes nothing.

        Raises:
            TicketError: there is none, or the KDC rejects the secret.

        """
        held, now = self._ticket, self._clock()
        if held is None or held.ends_at <= now:
            with self._lock:
                return self._obtained(now)
        is_worn = held is worn or self._is_due(held, now)
        if not is_worn or now < self._next_at or not self._lock.acquire(blocking=False):
            return held  # if somebody else is asking already, the old one still does
        try:
            return self._replaced(held, until or held.ends_at)
        finally:
            self._lock.release()

    @property
    def source(self) -> str:
        """Where tickets come from, in words."""
        return self._source()

    def _is_due(self, ticket: Ticket, now: float) -> bool:
        return now >= ticket.ends_at - early_s(ticket.begins_at, ticket.ends_at)

    def _obtained(self, waiting_since: float) -> Ticket:
        """Get a ticket; whoever waited for somebody else's answer has that answer."""
        if self._ticket is not None and self._ticket.ends_at > self._clock():
            return self._ticket
        if self._failure is not None and self._failed_at > waiting_since:
            raise self._failure
        try:
            self._ticket = self._get()
        except TicketError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        return self._ticket

    def _replaced(self, held: Ticket, until: float) -> Ticket:
        """Get a ticket that lasts longer, or keep the one that still does."""
        self._next_at = self._clock() + min(_PAUSE_S, early_s(held.begins_at, held.ends_at) / 4)
        try:
            fresh = self._get()
        except TicketError as error:
            if error.judges_secret:
                raise
            log.warning("no new ticket for %s yet: %s", held.user, error.text)
            return held
        if fresh.ends_at <= until + _SECOND_S:
            return held  # its owner has not renewed it yet
        self._ticket = fresh
        return fresh

    def _get(self) -> Ticket:
        if missing:
            raise TicketError(
                f"the bot is installed without Kerberos ({missing})",
                "Install migrate-bot[kerberos]; see docs/guide/hosts-setup.md.",
            )
        context = krb5.init_context()
        user, source = self._username, self._source()
        realm = ""
        try:
            realm = _realm(context, user)
            user = principal_name(user, realm)
            ticket = self._ask(context, user, source)
        except KERBEROS_FAILURES as error:
            told = skew("the domain", krb5.timeofday(context) - time.time())
            raise explain(error, user=user, realm=realm, source=source, skew=told) from error
        if ticket.ends_at <= self._clock():
            meaning = kerberos_errors.MEANINGS[kerberos_errors.TKT_EXPIRED]
            raise TicketError(
                meaning.text.format(user=ticket.user, source=source), meaning.hint, code=kerberos_errors.TKT_EXPIRED
            )
        return ticket

    def _source(self) -> str:
        keytab = self._keytab_name()
        if keytab:
            return f"the keytab {keytab}"
        if self._password:
            return "the password"
        return f"the cache {os.environ.get('KRB5CCNAME', '')}".strip() or "the default cache"

    def _keytab_name(self) -> str:
        if self._keytab is not None:
            return str(self._keytab)
        return "" if self._username else os.environ.get("KRB5_CLIENT_KTNAME", "")

    def _ask(self, context: Any, user: str, source: str) -> Ticket:
        keytab = self._keytab_name()
        if not self._password and not keytab:
            return _copied(context, user, source)
        if keytab:
            table = krb5.kt_resolve(context, keytab.encode())
            principal = _owner(context, table, user, source)
            got = krb5.get_init_creds_keytab(context, principal, _options(context), keytab=table)
        else:
            principal = krb5.parse_name_flags(context, user.encode())
            got = krb5.get_init_creds_password(context, principal, _options(context), password=self._password.encode())
        return _stored(context, [got], got, source, skew_s=got.times.authtime - time.time())


def _owner(context: Any, table: Any, user: str, source: str) -> Any:
    """Return whose keytab it is; the library would ask the KDC first, and then say that pre-authentication failed."""
    owners = [krb5.copy_principal(context, entry.principal) for entry in table]
    wanted = krb5.parse_name_flags(context, user.encode()) if user else None
    for owner in owners:
        if wanted is None or owner.name == wanted.name:
            return owner
    meaning = kerberos_errors.MEANINGS[kerberos_errors.KT_NOTFOUND]
    raise TicketError(
        meaning.text.format(user=user or "anybody", source=source), meaning.hint, code=kerberos_errors.KT_NOTFOUND
    )


def skew(who: str, apart_s: float) -> str:
    """Say how far a clock is ahead of ours or behind; nothing when it hardly is."""
    if abs(apart_s) < _SKEW_SHOWN_S:
        return ""
    return f"{who} is {abs(apart_s) / 60:.0f} min {'ahead' if apart_s > 0 else 'behind'}"


def _options(context: Any) -> Any:
    options = krb5.get_init_creds_opt_alloc(context)
    krb5.get_init_creds_opt_set_canonicalize(options, True)
    krb5.get_init_creds_opt_set_forwardable(options, True)
    return options


def _realm(context: Any, username: str) -> str:
    """Return the realm a user name names, or the default one; empty when there is none."""
    if "@" in username:
        return username.rpartition("@")[2].upper()
    with contextlib.suppress(*KERBEROS_FAILURES):
        return str(krb5.get_default_realm(context).decode())
    return ""


def principal_name(username: str, realm: str) -> str:
    r"""Return a user name as Kerberos writes it: realms are in capitals, and ``DOMAIN\name`` is Windows' own way.

    Raises:
        TicketError: the realm cannot be told from the short name of a domain.

    """
    domain, backslash, name = username.rpartition("\\")
    if not backslash:
        name, at, _ = username.rpartition("@")
        return f"{name}@{realm}" if at else username
    if "." in domain:
        return f"{name}@{domain.upper()}"
    if domain.casefold() != realm.partition(".")[0].casefold():
        raise TicketError(
            f"Kerberos cannot tell the realm of {username}", "Write username as name@REALM, such as svc@CONTOSO.COM."
        )
    return f"{name}@{realm}"


def _copied(context: Any, user: str, source: str) -> Ticket:
    """Copy the ticket-granting ticket of somebody's cache, so that service tickets are asked for anew."""
    if user:
        found = krb5.cc_cache_match(context, krb5.parse_name_flags(context, user.encode()))
    else:
        found = krb5.cc_default(context)
    owner = krb5.cc_get_principal(context, found)
    own = f"krbtgt/{owner.realm.decode()}@{owner.realm.decode()}"
    everything = [entry for entry in found if not entry.server.name.startswith(b"krb5_ccache_conf_data/")]
    granting = [entry for entry in everything if entry.server.name.decode() == own]
    newest = max(granting or everything, key=lambda entry: entry.times.endtime, default=None)
    if newest is None:
        raise TicketError(f"{source} is empty", kerberos_errors.MEANINGS[kerberos_errors.FCC_NOFILE].hint)
    name = f"the cache {(found.cache_type or b'').decode()}:{(found.name or b'').decode()}"
    return _stored(context, [newest] if granting else everything, newest, name)


def _stored(context: Any, entries: list[Any], granting: Any, source: str, *, skew_s: float = 0.0) -> Ticket:
    cache = krb5.cc_new_unique(context, b"MEMORY")
    krb5.cc_initialize(context, cache, granting.client)
    for entry in entries:
        krb5.cc_store_cred(context, cache, entry)
    times = granting.times
    ticket = Ticket(
        cache=f"MEMORY:{cache.name.decode()}",
        user=granting.client.name.decode(),
        realm=granting.client.realm.decode(),
        source=source,
        begins_at=float(times.starttime or times.authtime),
        ends_at=float(times.endtime),
        is_forwardable=bool(granting.ticket_flags & krb5.TicketFlags.forwardable),
        skew_s=skew_s,
    )
    weakref.finalize(ticket, _forget, ticket.cache)
    return ticket


def _forget(cache: str) -> None:
    with contextlib.suppress(*KERBEROS_FAILURES):
        context = krb5.init_context()
        krb5.cc_destroy(context, krb5.cc_resolve(context, cache.encode()))


def service_ticket(ticket: Ticket, name: str) -> ServiceTicket | None:
    """Return the ticket for a host that was got with this one, the one that lasts longest."""
    found: list[ServiceTicket] = []
    with contextlib.suppress(*KERBEROS_FAILURES):
        context = krb5.init_context()
        for entry in krb5.cc_resolve(context, ticket.cache.encode()):
            parts = [part.decode() for part in entry.server.components]
            if parts[-1].casefold() == name.casefold() and len(parts) > 1:
                found.append(ServiceTicket(entry.server.name.decode(), float(entry.times.endtime)))
    return max(found, key=lambda one: one.ends_at, default=None)
