"""Every way to log on with Kerberos, against a real KDC and hosts that check tickets with their own keys."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName, VmId
from core.domain.model.move import MoveState
from core.errors import CannotLogOn
from tests.kerberos.realms import (
    ALIAS,
    CONTOSO,
    FABRIKAM,
    PASSWORD,
    SVC,
    World,
    addresses,
    fleet_of,
    kerberos,
    near,
    tokens_seen,
)
from tests.support.engine_harness import vm_id
from tests.support.fault_harness import ground, vm


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_password_logs_on(world: World, auth: str, tls: bool) -> None:
    """With message encryption over HTTP, and over TLS bound to the host's certificate."""
    async with near(world, "HV01", tls=tls, winrm=kerberos(auth=auth)) as here:
        assert await here.look("HV01") == 0
        assert {shell.login.user for shell in here.lab.shells("HV01")} == {SVC}


async def test_a_keytab_logs_on_without_a_password(world: World) -> None:
    """The keytab of the service account is enough."""
    winrm = kerberos(keytab_file=str(world.keytab("svc-migrate")))
    async with near(world, "HV01", password="", winrm=winrm) as here:
        assert await here.look("HV01") == 0


async def test_somebody_elses_cache_logs_on(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No user name and no password: whoever ran kinit outside lends the ticket, and the cache is not written."""
    cache = tmp_path / "cache"
    world.realms.kinit(SVC, PASSWORD, cache)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache}")
    before = cache.read_bytes()
    async with near(world, "HV01", password="", winrm=kerberos("")) as here:
        assert await here.look("HV01") == 0
        assert {shell.login.user for shell in here.lab.shells("HV01")} == {SVC}
    assert cache.read_bytes() == before


async def test_a_client_keytab_of_the_environment_logs_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """KRB5_CLIENT_KTNAME is MIT's own way to say so; then not even a user name is needed."""
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{world.keytab('svc-migrate')}")
    async with near(world, "HV01", password="", winrm=kerberos("")) as here:
        assert await here.look("HV01") == 0


@pytest.mark.parametrize("username", ["CONTOSO\\svc-migrate", "svc-migrate@contoso.com", "contoso.com\\svc-migrate"])
async def test_a_name_may_be_written_as_windows_writes_it(world: World, username: str) -> None:
    """The short domain name, where it is the default realm's; any case; the full one."""
    async with near(world, "HV01", winrm=kerberos(username)) as here:
        assert await here.look("HV01") == 0


async def test_an_alias_needs_the_name_of_the_service(world: World) -> None:
    """A name without an SPN is refused in words, and kerberos_name puts it right."""
    hosts = {"HV01": {"address": ALIAS}}
    async with near(world, "HV01", hosts=hosts) as here:
        with pytest.raises(CannotLogOn, match=f"CONTOSO.COM knows no service host/{ALIAS}") as caught:
            await here.look("HV01")
        assert "kerberos_name" in caught.value.hint
    hosts["HV01"]["kerberos_name"] = "hv01.contoso.com"
    async with near(world, "HV01", hosts=hosts) as here:
        assert await here.look("HV01") == 0


async def test_an_address_is_refused_before_anything_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kerberos knows hosts by name; with an IP address no token leaves the bot, and no KDC is asked."""
    tokens = tokens_seen(monkeypatch)
    log = world.folder / "kdc.log"
    before = log.read_text()
    hosts = {"HV01": {"address": "127.0.0.1"}}
    async with near(world, "HV01", hosts=hosts) as here:
        with pytest.raises(CannotLogOn, match=r"127\.0\.0\.1 is an address, and Kerberos knows hosts by name"):
            await here.look("HV01")
    assert not any(tokens)
    assert log.read_text() == before
    async with near(world, "HV01", hosts=hosts, winrm=kerberos("CONTOSO\\svc-migrate", auth="negotiate")) as here:
        assert await here.look("HV01") == 0  # Negotiate takes NTLM then, as Windows does


async def test_two_accounts_for_two_domains(world: World) -> None:
    """Each domain's hosts with an account of their own; and one account for both, over the trust."""
    names = ("HV01", "FB01")
    hosts = addresses(*names)
    hosts["FB01"]["username"] = f"svc-migrate@{FABRIKAM}"
    async with near(world, *names, hosts=hosts) as here:
        for name, user in (("HV01", SVC), ("FB01", f"svc-migrate@{FABRIKAM}")):
            await here.look(name)
            assert {shell.login.user for shell in here.lab.shells(name)} == {user}
    async with near(world, *names) as here:
        for name in names:
            await here.look(name)
            assert {shell.login.user for shell in here.lab.shells(name)} == {SVC}


async def test_one_ticket_serves_every_session(world: World) -> None:
    """Six hosts asked at once cost the KDC one login, not one for each session."""
    names = [f"HV{n:02d}" for n in range(1, 7)]
    log = world.folder / "kdc.log"
    before = log.read_text().count("AS_REQ")
    async with near(world, *names) as here:
        await asyncio.gather(*(here.look(name) for name in names for _ in range(2)))
    asked = log.read_text().count("AS_REQ") - before
    assert (
        asked <= 4
    )  # with and without pre-authentication, each logged once when it came and once when it was answered


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
@pytest.mark.parametrize("tls", [False, True])
async def test_every_call_works_at_the_first_try_after_any_idle_time(world: World, auth: str, tls: bool) -> None:
    """The host closed the idle connection, and its encryption went with it: the ticket is shown anew."""
    async with near(world, "HV01", tls=tls, winrm=kerberos(auth=auth, sessions=1)) as here:
        await here.look("HV01")
        for _ in range(2):
            await here.lab.close_idle_connections("HV01")
            reply = await here.gateway.cancel(HostName("HV01"), VmId(vm_id(1)))
            assert not reply.found
        assert len(here.lab.shells("HV01")) == 1
        assert {shell.login.user for shell in here.lab.shells("HV01")} == {SVC}


async def test_what_a_move_takes_to_the_second_host(world: World, tmp_path: Path) -> None:
    """A forwardable ticket goes along to the second hop; without one Move-VM is refused. The lab's log shows both."""
    described = fleet_of("HV01", "HV02", vms=[vm(1, "web01", gb=1), vm(2, "web02", gb=1)])
    more: dict[str, Any] = {"keytabs": world.keytabs, "hosts": addresses("HV01", "HV02")}
    async with ground(tmp_path, described, winrm=kerberos(), **more) as here:
        moves = await here.over(await here.go("web01"))
        assert moves["web01"].state is MoveState.DONE
        assert [start.has_delegated_logon for start in here.lab.world.ledger.starts] == [True]
    world.realms.administer(f"modprinc -allow_forwardable {SVC}", CONTOSO)
    try:
        (tmp_path / "second").mkdir()
        async with ground(tmp_path / "second", described, winrm=kerberos(), **more) as here:
            moves = await here.over(await here.go("web02"))
            assert moves["web02"].state is MoveState.UNMIGRATABLE
            tried = {(start.has_delegated_logon, start.refused_for) for start in here.lab.world.ledger.starts}
            assert tried == {(False, "hop-a-denied")}
    finally:
        world.realms.administer(f"modprinc +allow_forwardable {SVC}", CONTOSO)
