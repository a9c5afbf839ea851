"""How the gateway logs on, and what it says when it cannot."""

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from core.config import Settings
from core.domain.model.host_calls import FolderFate, MoveOrder
from core.errors import CannotLogOn, HostUnreachable, LoginRejected, SettingsError
from core.hyperv import PypsrpGateway, session_threads
from lab.hyperv.server import HyperVLab
from tests.contracts.gateway_arena import FLEET, SOURCE, WEB, granted
from tests.support.wire_harness import on_lab, settings_for

EMPTY = "D:\\VMs\\empty[1]"


@pytest.mark.parametrize(
    ("auth", "tls"),
    [("credssp", False), ("ntlm", True), ("ntlm", False), ("negotiate", False), ("basic", True), ("basic", False)],
)
async def test_logs_on(auth: str, tls: bool) -> None:
    """Every way to log on that the lab offers works, encrypted by TLS or by itself."""
    async with on_lab(auth=auth, tls=tls) as (arena, _):
        assert len((await arena.gateway.observe(SOURCE)).vms) == 4


@pytest.mark.parametrize("auth", ["credssp", "ntlm", "basic"])
async def test_a_wrong_password_is_rejected_and_never_shown(auth: str) -> None:
    """A rejected login names the account, never the password."""
    async with on_lab(password="hunter2-secret", auth=auth) as (arena, _):
        with pytest.raises(LoginRejected) as caught:
            await arena.gateway.observe(SOURCE)
    assert "svc-migrate" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_rejected_login_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """requests-credssp gives up with an unread answer in its hands; its connection is closed all the same."""
    closed: list[int] = []
    close = requests.Response.close

    def noted(self: requests.Response) -> None:
        closed.append(self.status_code)
        close(self)

    monkeypatch.setattr(requests.Response, "close", noted)
    async with on_lab(password="hunter2-secret") as (arena, _):
        with pytest.raises(LoginRejected):
            await arena.gateway.observe(SOURCE)
    assert set(closed) == {401}


async def test_a_missing_password_is_a_login_problem() -> None:
    """Settings without a password lead to the settings, not to the network."""
    async with HyperVLab(FLEET) as lab:
        real = PypsrpGateway(settings_for(lab).model_copy(update={"winrm_password": Settings().winrm_password}))
        with pytest.raises(CannotLogOn, match="must be specified"):
            await real.observe(SOURCE)
        await real.close()


async def test_an_unknown_certificate_is_not_trusted() -> None:
    """A certificate nobody vouches for ends the call with a hint at ca_file; switched off, it does not."""
    async with on_lab(ca_file=None) as (arena, _):
        with pytest.raises(HostUnreachable, match="certificate") as caught:
            await arena.gateway.observe(SOURCE)
    assert "ca_file" in caught.value.hint
    async with on_lab(ca_file=None, verify=False) as (arena, _):
        assert (await arena.gateway.observe(SOURCE)).vms


async def test_a_ca_file_that_is_not_there_is_named() -> None:
    """A mistyped ca_file is told from a host that is down."""
    async with on_lab(ca_file="/nowhere/ca.pem") as (arena, _):
        with pytest.raises(HostUnreachable, match=re.escape("nowhere/ca.pem")):
            await arena.gateway.observe(SOURCE)


async def test_a_closed_port_is_unreachable(unused_tcp_port_factory: Any) -> None:
    """Nobody listening is HostUnreachable for a move as well: nothing was started."""
    given = {
        "winrm": {"auth": "ntlm", "username": "u", "operation_timeout": 2},
        "winrm_password": "p",
        "hosts": {"HV01": {"address": "127.0.0.1", "port": unused_tcp_port_factory()}},
    }
    real = PypsrpGateway(Settings.model_validate(given))
    with pytest.raises(HostUnreachable, match="refused"):
        await real.move(SOURCE, MoveOrder(WEB, "HV02", "D:\\VMs"), lambda _percent: None, granted)
    with pytest.raises(HostUnreachable, match="refused"):
        await real.find(SOURCE, WEB)
    await real.close()


def test_a_password_file_that_cannot_be_read_is_a_setting(tmp_path: Path) -> None:
    """A host's password file is read at the start, where people look."""
    given = {"hosts": {"HV01": {"address": "hv01", "password_file": tmp_path / "none"}}}
    with pytest.raises(SettingsError, match=re.escape("HV01.password_file")):
        PypsrpGateway(Settings.model_validate(given))


@pytest.mark.parametrize(
    ("auth", "tls"),
    [("credssp", True), ("credssp", False), ("ntlm", True), ("ntlm", False), ("negotiate", False), ("basic", False)],
)
async def test_every_call_works_at_the_first_try_after_any_idle_time(auth: str, tls: bool) -> None:
    """The host closed the idle connection, and its encryption went with it: a cancel and a removal are not lost."""
    async with on_lab(auth=auth, tls=tls, sessions=1) as (arena, lab):
        move = await arena.start() if auth == "credssp" else None
        await arena.gateway.observe(SOURCE)
        await arena.pass_time(5)
        await lab.close_idle_connections(SOURCE)
        reply = await arena.gateway.cancel(SOURCE, WEB)
        assert reply.found is (move is not None)
        await lab.close_idle_connections(SOURCE)
        assert (await arena.gateway.remove_empty_folder(SOURCE, EMPTY)).fate is FolderFate.REMOVED
        if move is not None:
            await arena.play_out()
            await move
        assert sum(shell.idle_timeout_s == 900 for shell in lab.shells(SOURCE)) == 1  # those of moves have two hours


def test_an_idle_session_ends_before_its_connection_does() -> None:
    """A host closes what is unused for two minutes; then nobody could say goodbye to it any more."""
    assert session_threads._KEEP_WARM_S < 120
