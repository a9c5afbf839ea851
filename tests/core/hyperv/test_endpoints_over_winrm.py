"""What the endpoints of a host let the bot do, and what `check` says of them."""

import asyncio
from dataclasses import replace

import pytest

from core.domain.model.host_calls import DiskTarget, FolderFate
from core.domain.model.inventory import CheckLine, Tie
from core.errors import EndpointRefused, LoginRejected
from lab.hyperv.powershell.commands import shipped_role
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import DESTINATION, FLEET, SOURCE, WEB, Arena, granted
from tests.support.wire_harness import EMPTY, changed, on_lab


async def test_a_restricted_endpoint_is_enough() -> None:
    """In the JEA endpoint of deploy/ the gateway observes, inspects, lists, moves, cancels and cleans up."""
    async with on_lab(changed(endpoint=Endpoint.JEA), configuration="MigrateBot") as (arena, _):
        assert len((await arena.gateway.inspect(SOURCE)).details) == 4
        assert await arena.gateway.find(SOURCE, WEB) is not None
        assert await arena.gateway.list_folder(SOURCE, EMPTY) == ()
        assert (await arena.gateway.remove_empty_folder(SOURCE, EMPTY)).fate is FolderFate.REMOVED
        assert await arena.gateway.list_folder(SOURCE, EMPTY) is None
        (commands,) = [line for line in await arena.gateway.check(SOURCE, []) if line.subject.endswith(": commands")]
        assert commands.ok, commands
        move = await arena.start()
        await arena.pass_time(5)
        assert (await arena.gateway.cancel(SOURCE, WEB)).accepted
        await arena.play_out()
        await move


async def test_a_role_without_our_functions_is_refused() -> None:
    """A role that lacks a function of ours is EndpointRefused, not silence, and nothing was removed."""
    async with on_lab(changed(endpoint=Endpoint.JEA_WITHOUT_FOLDERS)) as (arena, _):
        with pytest.raises(EndpointRefused, match="Remove-EmptyFolder"):
            await arena.gateway.remove_empty_folder(SOURCE, EMPTY)
        assert arena.world.entry(SOURCE, EMPTY) is not None


async def test_the_ordinary_endpoint_of_a_restricted_host_is_refused() -> None:
    """There the account may log on, but not use the endpoint that comes with Windows; nothing is called silent."""
    async with on_lab(changed(endpoint=Endpoint.JEA), configuration="Microsoft.PowerShell") as (arena, _):
        with pytest.raises(LoginRejected, match="log on but not use"):
            await arena.gateway.observe(SOURCE)


async def line_of(arena: Arena, subject: str) -> CheckLine:
    """Return one line of check."""
    (line,) = [line for line in await arena.gateway.check(SOURCE, []) if line.subject == f"{SOURCE}: {subject}"]
    return line


async def test_a_way_past_the_restricted_endpoint_is_found() -> None:
    """An account in a host's groups gets into the endpoint of Windows too, where the role limits nothing."""
    async with on_lab(changed(endpoint=Endpoint.JEA)) as (arena, lab):
        line = await line_of(arena, "other endpoints")
        assert line.ok, line
        assert line.text == "Microsoft.PowerShell and PowerShell.7 refuse the account"
        assert {shell.configuration for shell in lab.shells(SOURCE)} <= {"MigrateBot"}
    async with on_lab(changed(endpoint=Endpoint.JEA, stock_endpoint_is_open=True)) as (arena, lab):
        line = await line_of(arena, "other endpoints")
        assert not line.ok
        assert "let it in too" in line.text
        assert "out of the groups of HV01" in line.hint
        assert {shell.configuration for shell in lab.shells(SOURCE)} <= {"MigrateBot"}
        assert (await line_of(arena, "commands")).ok


async def test_what_came_with_windows_has_no_other_way() -> None:
    """Where the settings name the ordinary endpoint itself, nothing is said of others."""
    async with on_lab() as (arena, _):
        assert not [line for line in await arena.gateway.check(SOURCE, []) if "other endpoints" in line.subject]


async def test_another_modules_get_vm_is_passed_by() -> None:
    """PowerCLI's Get-VM comes first on the host: everything works, and check says whose command answers."""
    async with on_lab(changed(other_module="VMware.VimAutomation.Core")) as (arena, _):
        assert len((await arena.gateway.inspect(SOURCE)).details) == 4
        line = await line_of(arena, "commands")
        assert line.ok, line
        assert "Get-VM of VMware.VimAutomation.Core" in line.text
        move = await arena.start()
        await arena.play_out()
        assert (await move) is not None


async def test_behind_a_role_only_its_names_are_called() -> None:
    """A role of somebody's own that limits Get-VM has no Hyper-V\\Get-VM: the short name is the only one."""
    role = shipped_role().replace("'Hyper-V\\Get-VM'", "@{ Name = 'Get-VM'; Parameters = @{ Name = 'Id' } }")
    assert "Name = 'Get-VM'" in role
    async with on_lab(changed(endpoint=Endpoint.JEA, role=role)) as (arena, _):
        assert len((await arena.gateway.inspect(SOURCE)).details) == 4
        assert await arena.gateway.find(SOURCE, WEB) is not None
        assert (await line_of(arena, "commands")).ok


async def test_check_finds_what_a_role_lacks() -> None:
    """With the table that names a cmdlet by its module, as the first shipped role did: Get-CimInstance is missing."""
    role = shipped_role().replace("'Get-CimInstance'", "'CimCmdlets\\Get-CimInstance'")
    async with on_lab(changed(endpoint=Endpoint.JEA, role=role)) as (arena, _):
        line = await line_of(arena, "commands")
        assert not line.ok
        assert "lacks Get-CimInstance" in line.text
        assert "README" in line.hint
        with pytest.raises(EndpointRefused, match="Get-CimInstance"):
            await arena.gateway.observe(SOURCE)


async def test_an_older_role_does_not_tell_what_ties_vms_and_costs_nothing_else() -> None:
    """The classes are not in it: the inspection is whole, and says of each VM that this is not known, and why."""
    role = shipped_role().replace("'Msvm_GpuPartitionSettingData'", "")
    async with on_lab(changed(endpoint=Endpoint.JEA, role=role)) as (arena, _):
        arena.world.change_vm(SOURCE, WEB, {"has_passed_device": True})
        web = (await arena.gateway.inspect(SOURCE)).of(WEB)
        assert web is not None
        assert web.ties == {Tie.PASSED_DEVICE}
        assert "Get-CimInstance" in web.ties_unread
        assert web.disks


async def test_an_older_windows_has_none_of_these_devices() -> None:
    """A class that is not there means that there is no such device: known, and none."""
    async with on_lab(changed(missing_classes=("Msvm_GpuPartitionSettingData",))) as (arena, _):
        web = (await arena.gateway.inspect(SOURCE)).of(WEB)
        assert web is not None
        assert (web.ties, web.ties_unread) == (frozenset(), "")


async def test_a_class_that_every_host_has_in_some_form_is_not_taken_for_none() -> None:
    """Before Windows Server 2016 COM ports are of another class: that there is none of theirs is not known."""
    async with on_lab(changed(missing_classes=("Msvm_SerialPortSettingData",))) as (arena, _):
        arena.world.change_vm(SOURCE, WEB, {"floppy_path": "D:\\a.vfd"})
        web = (await arena.gateway.inspect(SOURCE)).of(WEB)
        assert web is not None
        assert (web.images, web.pipes) == (("D:\\a.vfd",), ())
        assert "Invalid class" in web.ties_unread


async def test_an_older_role_does_not_tell_networks_and_costs_nothing_else() -> None:
    """What is missing is unknown, with its reason; the rest is there."""
    role = shipped_role().replace("'Win32_NetworkAdapterConfiguration'", "")
    async with on_lab(changed(endpoint=Endpoint.JEA, role=role)) as (arena, _):
        seen = await arena.gateway.inspect(SOURCE)
        assert seen.networks.own is None
        assert seen.networks.for_migration == ("0.0.0.0/0", "::/0")
        assert "Get-CimInstance" in seen.networks.unread
        assert seen.details


async def test_a_policy_is_a_policy_and_no_silence() -> None:
    """Application control constrains the ordinary endpoint: moves work and can be stopped, our .NET calls do not."""
    async with on_lab(changed(endpoint=Endpoint.CONSTRAINED_LANGUAGE)) as (arena, _):
        line = await line_of(arena, "functions")
        assert not line.ok
        assert "constrained language" in line.text
        assert "deploy/" in line.hint
        for ask in (arena.gateway.remove_empty_folder, arena.gateway.list_folder):
            with pytest.raises(EndpointRefused, match="policy") as caught:
                await ask(SOURCE, EMPTY)
            assert not caught.value.retry
        assert arena.world.entry(SOURCE, EMPTY) is not None
        move = await arena.start()
        await arena.pass_time(5)
        assert (await arena.gateway.cancel(SOURCE, WEB)).accepted
        await arena.play_out()
        await move


async def test_the_endpoint_of_powershell_7_is_told() -> None:
    """There the cmdlets are stand-ins with dead objects: check refuses, with the hint."""
    async with on_lab(configuration="PowerShell.7") as (arena, _):
        line = await line_of(arena, "commands")
        assert not line.ok
        assert "stand-ins" in line.text
        assert "Microsoft.PowerShell" in line.hint


async def test_an_endpoint_that_does_not_exist_is_refused() -> None:
    """A mistyped configuration is EndpointRefused, and nothing was done."""
    async with on_lab(configuration="Migratebto") as (arena, _):
        with pytest.raises(EndpointRefused, match="Migratebto"):
            await arena.gateway.observe(SOURCE)


@pytest.mark.parametrize("endpoint", [Endpoint.FULL_LANGUAGE, Endpoint.JEA])
async def test_disks_can_go_to_folders_of_their_own(endpoint: Endpoint) -> None:
    """A move with a place for each disk puts each disk there, also where a function of the role has to do it."""
    async with on_lab(changed(endpoint=endpoint)) as (arena, _):
        targets = tuple(
            DiskTarget(disk.path, f"D:\\Disks{n}\\{disk.path.rpartition(chr(92))[2]}")
            for n, disk in enumerate(next(vm for vm in FLEET.vms if vm.id == WEB).disks)
        )
        order = replace(arena.order(), disks=targets)
        move = asyncio.create_task(arena.gateway.move(SOURCE, order, lambda _percent: None, granted))
        await arena.until(lambda: bool(arena.world.migrations()))
        await arena.play_out()
        assert (await move).errors == ()
        details = (await arena.gateway.inspect(DESTINATION, [WEB])).details[0]
        assert {disk.path for disk in details.disks} == {target.destination for target in targets}
        assert details.vm.config_path == "D:\\Moved"


@pytest.mark.parametrize("place", ["\\\\evil\\share", "\\\\?\\D:\\VMs", "D:\\VMs\\..\\x", "D:\\VMs\\x:stream"])
async def test_no_disk_goes_where_the_role_lets_nothing_go(place: str) -> None:
    """Whoever has the bot's password sends no disk to a share: the function says so, and nothing starts."""
    async with on_lab(changed(endpoint=Endpoint.JEA)) as (arena, _):
        disk = next(vm for vm in FLEET.vms if vm.id == WEB).disks[0]
        target = DiskTarget(disk.path, f"{place}\\{disk.path.rpartition(chr(92))[2]}")
        order = replace(arena.order(), disks=(target,))
        report = await arena.gateway.move(SOURCE, order, lambda _percent: None, granted)
        assert [word.fqid for word in report.errors] == ["NotAllowed,Move-VMWithDisks"]
        assert arena.world.migrations() == ()
