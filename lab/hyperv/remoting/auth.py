"""Decides who is on the other end of a connection: Basic, NTLM/Negotiate and CredSSP; seals and opens message bodies.

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
from spnego.exceptions import SpnegoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHALLENGES: Final = ("Negotiate", 'Basic realm="WSMAN"', "CredSSP")
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
    is_in_use: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to one Authorization header; without a login it is a 401 with these WWW-Authenticate headers."""

    login: Login | None
    headers: tuple[str, ...] = ()


class Authenticator:
    """The authentication of one host's users.

    `credential_file` is where pyspnego's NTLM acceptor looks users up; only the environment can name it.
    """

    def __init__(self, is_login: Callable[[str, str], bool], credential_file: Path, machine: str) -> None:
        self._is_login = is_login
        self._credential_file = credential_file
        self._machine = machine

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
                    protocol = "credssp" if kind == "credssp" else "negotiate"
                    connection.context = spnego.server(hostname=self._machine, service="HTTP", protocol=protocol)
                    connection.scheme, connection.login = kind, None
                out_token = connection.context.step(base64.b64decode(token))
        except (SpnegoError, binascii.Error, struct.error, ValueError):
            connection.context = None
            return Admission(None, CHALLENGES)
        header = f"{scheme} {base64.b64encode(out_token).decode()}" if out_token else scheme
        if not connection.context.complete:
            return Admission(None, (header,))
        user = connection.context.client_principal or ""
        connection.login = Login(user, has_delegated_logon=kind == "credssp")
        return Admission(connection.login, (header,) if out_token else ())


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
