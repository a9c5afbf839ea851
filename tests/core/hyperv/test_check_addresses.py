"""Promises of core.hyperv.checks: addresses at which hosts do not get together are found before anything moves."""

from dataclasses import replace

from core.domain.model.inventory import CheckLine
from tests.contracts.gateway_arena import DESTINATION, FLEET, SOURCE
from tests.support.wire_harness import on_lab

_SOURCE, _DESTINATION = FLEET.hosts
WITH_ALIAS = replace(FLEET, hosts=(_SOURCE, replace(_DESTINATION, aliases=("files.contoso.com",))))


async def bad(address: str) -> list[CheckLine]:
    async with on_lab(WITH_ALIAS, reached_by={DESTINATION: address}) as (arena, _):
        lines = await arena.gateway.check(SOURCE, [DESTINATION])
    return [line for line in lines if not line.ok and line.subject.startswith("HV01 to HV02")]


async def test_the_name_of_the_machine_itself_is_in_order() -> None:
    """Nothing is said of an address that is the machine's own name."""
    assert await bad("hv02.contoso.com") == []


async def test_a_name_that_the_machine_does_not_know() -> None:
    """An alias works for WinRM; the services' logon goes by the machine's own name."""
    (line,) = await bad("files.contoso.com")
    assert line.subject == "HV01 to HV02: address"
    assert line.text.startswith("HV02 is reached as files.contoso.com and calls itself hv02.contoso.com")
    assert "hosts.HV02.migration_address" in line.hint


async def test_an_address_in_numbers() -> None:
    """Field case 16: the bot's own way to a host is no way for another host."""
    (line,) = await bad("10.0.0.11")
    assert line.subject == "HV01 to HV02: WinRM"
    assert line.hint == (
        "10.0.0.11 is no name, and hosts log on to each other by name: set hosts.HV02.migration_address."
    )
