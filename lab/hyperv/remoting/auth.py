"""Decides who is on the other end of a connection: Basic, Kerberos, NTLM, CredSSP; seals and opens message bodies.

Sources: MS-WSMV 2.2.9.1 (encrypted message types), pyspnego's acceptor.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

try:
    import gssapi
except (ImportError, OSError):  # an extra; without it, and without a keytab, the hosts know no Kerberos
    gssapi = None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHALLENGES: Final = ("Negotiate", "Kerberos", 'Basic realm="WSMAN"', "CredSSP")
_SEALED_PROTOCOLS: Final = {
    "negotiate": "application/HTTP-SPNEGO-session-encrypted",
    "ntlm": "application/HTTP-SPNEGO-session-encrypted",
    "kerberos": "application/HTTP-Kerberos-session-encrypted",
    "credssp": "application/HTTP-CredSSP-session-encrypted",
}
_BOUNDARY: Final = b"--Encrypted Boundary"
_OCTETS: Final = b"\tContent-Type: application/octet-stream\r\n"
_PARTS = re.compile(rb"--\s*Encrypted Boundary(?:--)?\r\n")
_LENGTH = re.compile(rb"Length=(\d+)")
_CREDSSP_CHUNK_BYTES: Final = 16384
_MOST_SKEW_S: Final = 300.0


class CannotOpen(Exception):
    """An encrypted body does not belong to this connection's security context."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who is logged on, and whether the session holds credentials it may use on a second host."""

    user: str
    has_delegated_logon: bool


@dataclass(slots=True)
class AuthenticatedConnection:
    """What is known about one TCP connection: an authentication under way, or done."""

    context: spnego.ContextProxy | None = None
    scheme: str = ""
    login: Login | None = None
    is_tls: bool = False
    kerberos: spnego.ContextProxy | None = None
    """The part of the context that looks at tickets."""
    is_in_use: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to one Authorization header; without a login it is a 401 with these WWW-Authenticate headers."""

    login: Login | None
    headers: tuple[str, ...] = ()


class Authenticator:
    """The authentication of one host's users.

    `credential_file` is where pyspnego's NTLM acceptor looks users up; only the environment can name it. With a
    `keytab` the host also takes Kerberos; `certificate_hash` is what a client must bind to that comes over TLS.
    """

    def __init__(
        self,
        is_login: Callable[[str, str], bool],
        credential_file: Path,
        machine: str,
        *,
        keytab: Path | None = None,
        certificate_hash: bytes = b"",
    ) -> None:
        self._is_login = is_login
        self._credential_file = credential_file
        self._machine = machine
        self.keytab = keytab
        self.certificate_hash = certificate_hash
        self.says_why = True
        """Whether a ticket that is not taken is answered with Kerberos' own error; hosts do both."""
        self.clock_ahead_s = 0.0
        """How far the host's clock is from everybody's; past five minutes it takes no ticket."""

    def admit(self, connection: AuthenticatedConnection, authorization: str | None) -> Admission:
        """Check a request's Authorization header against what its connection already proved."""
        scheme, _, token = (authorization or "").partition(" ")
        if not authorization:
            return Admission(connection.login, () if connection.login else CHALLENGES)
        if scheme.lower() == "basic":
            return self._admit_basic(token)
        if scheme.lower() in _SEALED_PROTOCOLS:
            return self._admit_token(connection, scheme, token)
        return Admission(None, CHALLENGES)

    def _admit_basic(self, token: str) -> Admission:
        try:
            user, _, password = base64.b64decode(token).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Admission(None, CHALLENGES)
        if self._is_login(user, password):
            return Admission(Login(user, has_delegated_logon=True))
        return Admission(None, CHALLENGES)

    def _admit_token(self, connection: AuthenticatedConnection, scheme: str, token: str) -> Admission:
        kind = scheme.lower()
        try:
            with _credentials_from(self._credential_file):
                if connection.context is None or connection.login is not None or connection.scheme != kind:
                    connection.context = self._acceptor(kind, connection)
                    connection.scheme, connection.login = kind, None
                    if connection.kerberos is not None and abs(self.clock_ahead_s) > _MOST_SKEW_S:
                        return Admission(None, CHALLENGES)
                out_token = connection.context.step(base64.b64decode(token))
        except (SpnegoError, binascii.Error, struct.error, ValueError, AttributeError):
            # python-gssapi keeps a failure that has an answer for the client, and pyspnego trips over its half context.
            failed = getattr(connection.kerberos, "_context", None)
            why = getattr(getattr(failed, "_last_err", None), "token", None)
            connection.context = connection.kerberos = None
            if why and self.says_why:
                return Admission(None, (f"{scheme} {base64.b64encode(why).decode()}",))
            return Admission(None, CHALLENGES)
        header = f"{scheme} {base64.b64encode(out_token).decode()}" if out_token else scheme
        if not connection.context.complete:
            return Admission(None, (header,))
        user = connection.context.client_principal or ""
        is_delegated = kind == "credssp" or bool(connection.context.context_attr & spnego.ContextReq.delegate)
        connection.login = Login(user, has_delegated_logon=is_delegated)
        return Admission(connection.login, (header,) if out_token else ())

    def _acceptor(self, kind: str, connection: AuthenticatedConnection) -> spnego.ContextProxy:
        if kind == "credssp" or self.keytab is None:
            protocol = "credssp" if kind == "credssp" else "negotiate"
            return spnego.server(hostname=self._machine, service="HTTP", protocol=protocol)
        # Windows looks at the binding of a client that sends one, and takes a client that sends none.
        bindings = None
        if connection.is_tls:
            bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + self.certificate_hash)
        keys = gssapi.raw.acquire_cred_from({b"keytab": str(self.keytab).encode()}, usage="accept").creds
        connection.kerberos = kerberos = spnego.server(
            protocol="kerberos", channel_bindings=bindings, _gssapi_credential=gssapi.Credentials(base=keys)
        )
        ntlm = spnego.server(hostname=self._machine, service="HTTP", protocol="ntlm", channel_bindings=bindings)
        for context in (kerberos, ntlm):
            context._is_wrapped = True  # noqa: SLF001  # as pyspnego does itself, but with this host's keys
        mechanisms = {spnego._context.GSSMech.kerberos: kerberos, spnego._context.GSSMech.ntlm: ntlm}  # noqa: SLF001
        return spnego.server(
            hostname=self._machine, service="HTTP", protocol="negotiate", _negotiate_contexts=mechanisms
        )


@contextmanager
def _credentials_from(file: Path) -> Iterator[None]:
    before = os.environ.get("NTLM_USER_FILE")
    os.environ["NTLM_USER_FILE"] = str(file)
    try:
        yield
    finally:
        if before is None:
            del os.environ["NTLM_USER_FILE"]
        else:
            os.environ["NTLM_USER_FILE"] = before


def write_credential_file(file: Path, user: str, password: str) -> None:
    """Write a user's entry for the NTLM acceptor, with and without the domain; the file format knows no `:`."""
    if ":" in user + password:
        raise ValueError("the NTLM credential file format allows no ':' in a user or password of the lab")
    domain, _, name = user.rpartition("\\")
    domains = {domain, ""}
    file.write_text("".join(f"{item}:{name}:{password}\n" for item in sorted(domains, reverse=True)), encoding="utf-8")
    file.chmod(0o600)


def is_sealed(content_type: str) -> bool:
    return content_type.startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))


def open_body(connection: AuthenticatedConnection, body: bytes) -> bytes:
    """Return the plain text of a multipart/encrypted body; raise CannotOpen when it is not for this connection."""
    if connection.context is None or connection.login is None:
        raise CannotOpen("no security context on this connection")
    parts = [part for part in _PARTS.split(body) if part]
    if not parts or len(parts) % 2:
        raise CannotOpen("not in pairs of a header and a payload")
    plain = b""
    for header, payload in zip(parts[::2], parts[1::2], strict=True):
        length, sealed = _LENGTH.search(header), payload.removeprefix(_OCTETS)
        if length is None or len(sealed) < struct.calcsize("<i"):
            raise CannotOpen("no length")
        (signature_length,) = struct.unpack_from("<i", sealed)
        data = sealed[4:]
        try:
            opened = connection.context.unwrap_winrm(data[:signature_length], data[signature_length:])
        except SpnegoError as error:
            raise CannotOpen(str(error)) from error
        if len(opened) != int(length[1]):
            raise CannotOpen("the length does not match")
        plain += opened
    return plain


def seal_body(connection: AuthenticatedConnection, body: bytes) -> tuple[str, bytes]:
    """Return the content type and the encrypted form of a reply; replies must leave in the order they are sealed."""
    if connection.context is None:
        raise CannotOpen("no security context on this connection")
    protocol = _SEALED_PROTOCOLS[connection.scheme]
    kind = "multipart/encrypted"
    chunks = [body]
    if connection.scheme == "credssp" and len(body) > _CREDSSP_CHUNK_BYTES:
        kind = "multipart/x-multi-encrypted"
        chunks = [body[at : at + _CREDSSP_CHUNK_BYTES] for at in range(0, len(body), _CREDSSP_CHUNK_BYTES)]
    sealed = b"".join(_seal_chunk(connection.context, protocol, chunk) for chunk in chunks) + _BOUNDARY + b"--\r\n"
    return f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"', sealed


def _seal_chunk(context: spnego.ContextProxy, protocol: str, chunk: bytes) -> bytes:
    header, data, padding = context.wrap_winrm(chunk)
    length = len(chunk) + padding
    return b"\r\n".join(
        [
            _BOUNDARY,
            f"\tContent-Type: {protocol}".encode(),
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}".encode(),
            _BOUNDARY,
            _OCTETS + struct.pack("<i", len(header)) + header + data,
        ]
    )
