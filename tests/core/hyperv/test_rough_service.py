"""Promises of the gateway when a host's services come and go: a gap is no healthy answer."""

from dataclasses import replace

import pytest

from core.domain.attempt.diagnosis import diagnose
from core.domain.attempt.subject import Names
from core.domain.model.move import Fault
from core.errors import CommandFailed, HostUnreachable
from core.hyperv.error_mapping import SessionNotOpened
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import Fleet, Language
from tests.contracts.gateway_arena import FLEET, SOURCE, WEB, granted
from tests.support.wire_harness import on_lab


def speaking(language: Language) -> Fleet:
    return replace(FLEET, hosts=tuple(replace(host, language=language) for host in FLEET.hosts))


@pytest.mark.parametrize("language", Language)
async def test_a_gap_in_a_reading_is_no_healthy_answer(language: Language) -> None:
    """Cases 2 and 3: while the management service is away no VM is gone, and none is without disks."""
    async with on_lab(speaking(language)) as (arena, _):
        arena.world.vmms.restart(SOURCE, 60.0)
        for read in (arena.gateway.observe(SOURCE), arena.gateway.inspect(SOURCE), arena.gateway.find(SOURCE, WEB)):
            with pytest.raises(CommandFailed):
                await read
        await arena.pass_time(61)
        details = (await arena.gateway.inspect(SOURCE, [WEB])).of(WEB)
        assert details is not None
        assert details.disks
        assert await arena.gateway.find(SOURCE, WEB) is not None


@pytest.mark.parametrize("language", Language)
async def test_a_service_that_goes_in_the_middle_of_an_inspection(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 3: it goes after the list of VMs was read; the inspection fails, and no VM is told of without its disks."""
    async with on_lab(speaking(language)) as (arena, lab):
        told, asked = lab.world.vmms.refusal, 0

        def refusal(host: str) -> str:
            nonlocal asked
            asked += 1
            if asked == 3:  # Get-VMHost and Get-VM were answered
                lab.world.vmms.restart(host, 60.0)
            return told(host)

        monkeypatch.setattr(lab.world.vmms, "refusal", refusal)
        with pytest.raises(CommandFailed):
            await arena.gateway.inspect(SOURCE, [WEB])
        assert asked == 3


@pytest.mark.parametrize("language", Language)
async def test_an_address_that_other_hosts_do_not_know_is_the_pairs(language: Language) -> None:
    """Cases 12 and 16: Move-VM to an address that only the bot knows; once, and said as what it is."""
    async with on_lab(speaking(language)) as (arena, _):
        order = replace(arena.order(WEB), address="10.0.0.11")
        report = await arena.gateway.move(SOURCE, order, lambda _percent: None, granted)
        names = Names(vm_id=str(WEB), vm_name="web01", source=SOURCE, destination="HV02", address="10.0.0.11")
        said = diagnose(report.errors, names)
        assert (said.code, said.fault) == ("name-unknown", Fault.PAIR)
        assert "migration_address" in said.hint


@pytest.mark.parametrize("code", [1018, 2, 14, 1455])
async def test_a_session_that_is_not_opened_may_be_opened_next_time(code: int) -> None:
    """Case 6: Create is refused for a moment; that is no refusal for good, and a move that meets it was not begun."""
    async with on_lab() as (arena, _):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.FAULT, status=code, operation="Create", times=1))
        with pytest.raises(SessionNotOpened) as refused:
            await arena.gateway.move(SOURCE, arena.order(WEB), lambda _percent: None, granted)
        assert isinstance(refused.value, HostUnreachable)
        assert refused.value.retry
        assert not arena.world.migrations()
