"""Who gets in, and what travels sealed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from requests_credssp.exceptions import NTStatusException

from lab.hyperv.remoting import wsman
from lab.hyperv.remoting.auth import AuthenticatedConnection, CannotOpen, Login, open_body, write_credential_file
from lab.hyperv.remoting.wsman_service import Client as Caller
from lab.hyperv.remoting.wsman_service import Service
from tests.lab.hyperv.conftest import fleet, host, select

if TYPE_CHECKING:
    from lab.hyperv.remoting.shells import Command, Shell

SEALED = [
    ("ntlm", "application/HTTP-SPNEGO-session-encrypted"),
    ("negotiate", "application/HTTP-SPNEGO-session-encrypted"),
    ("credssp", "application/HTTP-CredSSP-session-encrypted"),
]


@pytest.mark.parametrize(("auth", "protocol"), SEALED, ids=[auth for auth, _ in SEALED])
async def test_messages_are_sealed_without_tls(lab: Any, connect: Any, auth: str, protocol: str) -> None:
    """Over plain HTTP, NTLM and CredSSP encrypt every message, in both directions."""
    client = await connect(lab, auth=auth, encryption="always")
    assert (await client.run("Get-VM", select("Name"))).only == {"Name": "web01"}
    encryption = client.connection.transport.encryption
    assert encryption.protocol == protocol
    opened: list[bytes] = []
    unwrap = encryption.unwrap_message

    def open_and_count(*sealed: Any) -> bytes:
        opened.append(unwrap(*sealed))
        return opened[-1]

    encryption.unwrap_message = open_and_count
    await client.run("Get-VMHost")
    assert len(opened) >= 2


@pytest.mark.parametrize("auth", ["basic", "ntlm", "credssp"])
async def test_tls_with_the_labs_own_authority(open_lab: Any, connect: Any, auth: str) -> None:
    """HTTPS with certificate validation against the throw-away CA."""
    lab = await open_lab()
    port = lab.access("HV01").https_port
    client = await connect(
        lab, port=port, ssl=True, auth=auth, encryption="auto", cert_validation=str(lab.ca_file), is_open=True
    )
    assert (await client.run("Get-VM", select("Name"))).only == {"Name": "web01"}


async def test_an_unknown_authority_is_no_certificate(open_lab: Any, connect: Any) -> None:
    """A client that validates against the world's authorities refuses the lab."""
    lab = await open_lab()
    client = await connect(lab, port=lab.access("HV01").https_port, ssl=True, encryption="auto", is_open=False)
    with pytest.raises(requests.exceptions.SSLError):
        await client.call(client.pool.open)


@pytest.mark.parametrize("auth", ["basic", "ntlm", "credssp"])
async def test_a_wrong_password_is_refused(lab: Any, connect: Any, auth: str) -> None:
    """401; inside CredSSP the status SEC_E_LOGON_DENIED."""
    encryption = "never" if auth == "basic" else "auto"
    client = await connect(lab, auth=auth, encryption=encryption, password="wrong", is_open=False)
    with pytest.raises((AuthenticationError, NTStatusException), match=r"Failed to authenticate|0x8009030c"):
        await client.call(client.pool.open)
    assert len(lab.shells("HV01")) == 0


async def test_nobody_is_let_in_without_a_name(lab: Any) -> None:
    """The challenge offers Negotiate, Basic and CredSSP."""
    access = lab.access("HV01")

    def ask() -> requests.Response:
        return requests.post(f"http://127.0.0.1:{access.http_port}/wsman", data=b"", timeout=10)

    answer = await asyncio.to_thread(ask)
    assert answer.status_code == 401
    for scheme in ("Negotiate", "Basic", "CredSSP"):
        assert scheme in answer.headers["WWW-Authenticate"]


async def test_users_do_not_see_each_others_shells(client: Any, lab: Any) -> None:
    """A shell belongs to who made it: another user is denied, and lists nothing."""
    (shell,) = lab.shells("HV01")
    assert shell.login.user == "CONTOSO\\svc-migrate"

    async def run(shell: Shell, command: Command) -> None:
        """Run nothing: no command is sent."""

    async def log_on() -> None:
        """Take no time: no shell is made."""

    service = Service("HV01", lab.shells("HV01"), run, lambda _name: None, log_on)
    other = Caller(Login("CONTOSO\\mallory", has_delegated_logon=True), "127.0.0.1", lambda: False)
    enumeration = wsman.Request(action=wsman.ENUMERATE, resource_uri=wsman.SHELL, message_id="uuid:1")
    assert b"ShellId" not in await service.answer(enumeration, other)
    delete = replace(enumeration, action=wsman.DELETE, selectors={"ShellId": shell.id})
    with pytest.raises(wsman.WSManFault, match="Access is denied"):
        await service.answer(delete, other)


def test_a_sealed_body_needs_the_context_of_its_connection() -> None:
    """A body sealed for another connection cannot be opened."""
    with pytest.raises(CannotOpen):
        open_body(AuthenticatedConnection(), b"--Encrypted Boundary\r\n")


def test_the_credential_file_allows_no_colon(tmp_path: Any) -> None:
    """pyspnego's file format separates with colons."""
    with pytest.raises(ValueError, match="':'"):
        write_credential_file(tmp_path / "file", "user", "a:b")


async def test_only_credssp_and_basic_can_go_on(lab: Any, connect: Any) -> None:
    """A logon by NTLM holds nothing that could be shown to a second host."""
    assert fleet().hosts[0].quirks.hop_a_needs_delegated_logon
    for auth, expected in (("ntlm", False), ("credssp", True)):
        await connect(lab, auth=auth, encryption="auto")
        newest = list(lab.shells("HV01"))[-1]
        assert newest.login.has_delegated_logon is expected


async def test_an_idle_connection_is_closed_and_its_login_with_it(open_lab: Any, connect: Any) -> None:
    """What was sealed for the old one cannot be opened on a new one: HTTP status 400; the session is still there."""
    lab = await open_lab(fleet(), has_tls=False)
    client = await connect(lab, auth="ntlm", encryption="always")
    await lab.close_idle_connections("HV01")
    with pytest.raises(WinRMTransportError) as caught:
        await client.run("Get-VM")
    assert caught.value.code == 400
    assert len(lab.shells("HV01")) == 1


async def test_a_host_closes_what_nobody_uses(open_lab: Any) -> None:
    """After `idle_connection_s`, two minutes unless described otherwise."""
    lab = await open_lab(fleet(first=host("HV01", idle_connection_s=0.05)), has_tls=False)
    assert lab.fleet.hosts[1].idle_connection_s == 120
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.access("HV01").http_port)
    writer.write(b"POST /wsman HTTP/1.1\r\nHost: HV01\r\nContent-Length: 0\r\n\r\n")
    async with asyncio.timeout(60):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 401")
    writer.close()
