"""What ``migrate-bot check`` says of Kerberos: which service, realm and ticket, how long and how far it reaches."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.check import table
from core.domain.model.inventory import HostName
from tests.kerberos.realms import ALIAS, PASSWORD, SVC, World, kerberos, near


async def said_of(world: World, winrm: dict[str, Any], password: str = "", **sections: Any) -> str:
    async with near(world, "HV01", winrm=winrm, password=password, **sections) as here:
        return table(await here.gateway.check(HostName("HV01"), []))


async def test_the_ticket_is_told(world: World) -> None:
    """The service with its realm, the account, the keytab, the time that is left, and that it may be delegated."""
    keytab = world.keytab("svc-migrate")
    told = await said_of(world, kerberos(keytab_file=str(keytab)))
    assert (
        f"✓ HV01: Kerberos                  host/hv01.contoso.com@CONTOSO.COM as {SVC} with the keytab {keytab}; "
        in told
    )
    assert re.search(r"lasts (10 h|9 h 59 min).*, until 20\d\d-\d\d-\d\d \d\d:\d\d UTC; may be delegated", told)


async def test_a_ticket_that_cannot_be_passed_on_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A cache made without -f: the line says which cache, and what to do."""
    cache = tmp_path / "cache"
    world.realms.kinit(SVC, PASSWORD, cache, ["-F"])
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache}")
    told = await said_of(world, kerberos(""))
    assert re.search(rf"✗ HV01: Kerberos .* with the cache FILE:{cache}; .*may not be delegated  → .*kinit -f", told)


async def test_what_was_asked_for_is_told_when_nothing_came_of_it(world: World) -> None:
    """Beside the refusal stands which service was asked for, as whom and with what."""
    told = await said_of(world, kerberos(), PASSWORD, hosts={"HV01": {"address": ALIAS}})
    assert "✗ HV01: login" in told
    assert f"✗ HV01: Kerberos  asks for host/{ALIAS} as {SVC} with the password" in told


async def test_ntlm_in_place_of_kerberos_is_told(world: World) -> None:
    """Negotiate that fell back to NTLM says why."""
    hosts = {"HV01": {"address": "127.0.0.1"}}
    told = await said_of(world, kerberos(r"CONTOSO\svc-migrate", auth="negotiate"), PASSWORD, hosts=hosts)
    assert "✗ HV01: Kerberos                  not used, NTLM instead: 127.0.0.1 is an address" in told
