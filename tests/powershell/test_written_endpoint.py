"""What `migrate-bot endpoint` writes, on a real PowerShell: the bot works through it, and hostile calls do not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from core.config import Settings
from core.domain.model.host_calls import DiskTarget, MoveOrder
from core.errors import EndpointRefused
from core.hyperv import decode, pipelines
from core.hyperv.endpoint_files import endpoint_texts
from core.hyperv.pipelines import Pipeline, Stage
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import DESTINATION, FLEET, SOURCE, SPARE, TWIN, WEB, granted
from tests.powershell.sessions import Place, place

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = Settings.model_validate(
    {
        "winrm": {"username": "CONTOSO\\svc-migrate", "service_account": "CONTOSO\\migratebot"},
        "hosts": {
            host.name: {"address": FLEET.address_of(host), "allowed_paths": ["D:\\VMs", "D:\\Moved"]}
            for host in FLEET.hosts
        },
    }
)
HV02 = FLEET.address_of(FLEET.hosts[1])
FOREIGN = (("ComputerName", "evil"), ("CimSession", "evil"), ("Credential", "x"))
BAD_FOLDERS = (
    "\\\\evil\\share", "\\\\?\\D:\\VMs", "\\\\evil@443\\DavWWWRoot\\x", "D:\\VMs\\..\\..\\Windows",
    "C:\\Windows\\System32", "D:\\VMsX", "D:\\VMs\\x:stream",
)  # fmt: skip


def _move(*parameters: tuple[str, Any]) -> tuple[Stage, ...]:
    return Stage("Get-VM", (("Id", WEB),)), Stage("Move-VM", parameters)


HOSTILE: dict[str, tuple[Stage, ...]] = {
    **{f"Move-VM -{name}": _move(("DestinationHost", HV02), (name, value)) for name, value in FOREIGN},
    **{
        f"Move-VM to {host}": _move(("DestinationHost", host)) for host in ("evil", "hv01.evil.example.com", "10.0.0.1")
    },
    **{
        f"Move-VM into {path}": _move(("DestinationHost", HV02), ("DestinationStoragePath", path))
        for path in BAD_FOLDERS
    },
    **{
        f"Move-VM -{name}": _move(("DestinationHost", HV02), (name, "\\\\evil\\share"))
        for name in ("VirtualMachinePath", "SnapshotFilePath", "SmartPagingFilePath")
    },
    **{
        f"{cmdlet} -ComputerName": (Stage(cmdlet, (("ComputerName", "evil"),)),)
        for cmdlet in (
            *("Get-VM", "Get-VMHost", "Get-VMHardDiskDrive", "Get-VMNetworkAdapter", "Get-VMDvdDrive"),
            *("Get-VMSnapshot", "Get-VMSwitch", "Get-VHD"),
        )
    },
    **{
        f"Get-VHD of {path}": (Stage("Get-VHD", (("Path", [f"{path}\\x.vhdx"]),)),)
        for path in ("\\\\evil\\share", "\\\\?\\UNC\\evil\\share", "D:\\VMs\\..", "\\\\.\\D:")
    },
    **{f"Get-FolderItem of {path}": (Stage("Get-FolderItem", (("Path", path),)),) for path in BAD_FOLDERS[:5]},
    **{
        f"Remove-EmptyFolder of {path}": (Stage("Remove-EmptyFolder", (("Path", path),)),)
        for path in ("\\\\evil\\share\\a\\b", "D:\\Other\\a\\b", "D:\\VMs\\..\\x\\y")
    },
    "Test-VMMigration to evil": (Stage("Test-VMMigration", (("VMId", WEB), ("DestinationHost", "evil"))),),
    "Get-VMNote of another key": (Stage("Get-VMNote", (("Key", "password"),)),),
    "Stop-VMMigration of all": (Stage("Stop-VMMigration", (("VMId", "*"),)),),
    "Get-CimInstance of a process": (Stage("Get-CimInstance", (("ClassName", "Win32_Process"),)),),
    "Get-CimInstance -ComputerName": (
        Stage("Get-CimInstance", (("ClassName", "Win32_Volume"), ("ComputerName", "evil"))),
    ),
    **{
        name: (Stage(name),)
        for name in (
            *("Get-Process", "Invoke-Expression", "Remove-VM", "Invoke-CimMethod", "Compare-VM", "Get-ChildItem"),
            *("Get-VMSecurity", "Set-VMHost"),
        )
    },
    "Move-VM with a share in -Vhds": _move(
        ("DestinationHost", HV02),
        ("VirtualMachinePath", "D:\\VMs"),
        ("Vhds", [{"SourceFilePath": "D:\\x.vhdx", "DestinationFilePath": "\\\\evil\\share\\x.vhdx"}]),
    ),
}


def _disks(**changes: Any) -> tuple[Stage, ...]:
    plain = {
        "VMId": WEB,
        "DestinationHost": HV02,
        "Path": "D:\\VMs",
        "SourceFilePath": ["D:\\x.vhdx"],
        "DestinationFilePath": ["D:\\VMs\\x.vhdx"],
    }
    return (Stage("Move-VMWithDisks", tuple((plain | changes).items())),)


DISKS: dict[str, tuple[Stage, ...]] = {
    **{f"{host!r}": _disks(DestinationHost=host) for host in ("evil", f"{HV02}\n", f"x.{HV02}", f"{HV02}.evil.com")},
    **{f"into {path}": _disks(Path=path) for path in (*BAD_FOLDERS, "D:\\VMs\n")},
    **{f"a disk to {path}": _disks(DestinationFilePath=[f"{path}\\x.vhdx"]) for path in BAD_FOLDERS},
    "one of two disks to a share": _disks(
        SourceFilePath=["D:\\x.vhdx", "D:\\y.vhdx"],
        DestinationFilePath=["D:\\VMs\\x.vhdx", "\\\\evil\\share\\y.vhdx"],
    ),
    "a disk of a share": _disks(SourceFilePath=["\\\\evil\\share\\x.vhdx"]),
    "more disks than places": _disks(SourceFilePath=["D:\\x.vhdx", "D:\\y.vhdx"]),
    "a table": _disks(DestinationFilePath=[{"SourceFilePath": "D:\\x.vhdx", "DestinationFilePath": "\\\\evil\\x"}]),
    "another computer": _disks(ComputerName="evil"),
}
"""The function that takes the place of -Vhds, which no role can look into."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(powershell: PowerShell) -> AsyncIterator[Place]:
    """Give a session with the endpoint that these settings make."""
    texts = endpoint_texts(SETTINGS)
    module, role = texts["MigrateBot/MigrateBot.psm1"], texts["MigrateBot/RoleCapabilities/MigrateBot.psrc"]
    fleet = replace(FLEET, hosts=tuple(replace(host, module=module) for host in FLEET.hosts))
    async with place(powershell, Endpoint.JEA, fleet, role=role, speed=60) as found:
        yield found


async def _is_refused(here: Place, stages: tuple[Stage, ...]) -> bool:
    """Whether PowerShell, or the function itself, ran nothing of it."""
    try:
        reply = await here.run(Pipeline(stages))
    except EndpointRefused:
        return True
    if reply.words:
        return all(word.fqid.startswith("NotAllowed,") for word in reply.words)
    rows = [value.extended_properties for value in reply.values]
    return bool(rows) and all(str(row.get("Reason", "")).startswith("NotAllowed:") for row in rows)


async def test_all_of_fifty_hostile_calls_are_refused(here: Place) -> None:
    """By the role, or by the functions themselves."""
    taken = {name for name, stages in HOSTILE.items() if not await _is_refused(here, stages)}
    assert taken == set()
    assert len(HOSTILE) == 50


async def test_no_disk_goes_where_the_settings_let_nothing_go(here: Place) -> None:
    """Hosts, folders, places of disks and where they are read: nothing is moved, not even what stands beside it."""
    taken = {name for name, stages in DISKS.items() if not await _is_refused(here, stages)}
    assert taken == set()
    assert here.lab.world.migrations() == ()


async def test_the_folders_of_the_settings_are_listed_and_removed(here: Place) -> None:
    """A function of Linux finds no such folder; that it looked is what counts."""
    reply = await here.call(pipelines.folder("D:\\VMs\\web01"))
    assert [word.fqid for word in reply.words] == ["PathNotFound,Get-FolderItem"]
    reply = await here.call(pipelines.remove_empty_folder("D:\\VMs\\a\\b"))
    assert "none of the folders" not in decode.read_receipt("HV01", "D:\\VMs\\a\\b", reply.values).reason


async def test_a_vm_is_moved_through_it(here: Place) -> None:
    """Disks and checkpoints are read, the way to the other host is tried, and the VM goes where it may."""
    assert len((await here.gateway.inspect(SOURCE)).details) == 4
    assert (await here.run(pipelines.peer(HV02))).words == ()
    reply = await here.call(pipelines.test_migration(WEB, HV02, 30))
    assert reply.words == ()
    report = await here.gateway.move(SOURCE, MoveOrder(WEB, HV02, "D:\\Moved\\web01"), lambda _: None, granted)
    assert report.errors == ()
    assert here.lab.world.where_is(WEB) == DESTINATION


async def test_a_vm_is_moved_with_a_place_for_each_disk(here: Place) -> None:
    """The function hands Move-VM the tables; its progress and its end come through."""
    vm = next(vm for vm in FLEET.vms if vm.id == SPARE)
    disks = tuple(DiskTarget(disk.path, f"D:\\Moved\\disks\\{disk.path.rpartition(chr(92))[2]}") for disk in vm.disks)
    seen: list[int] = []
    report = await here.gateway.move(SOURCE, MoveOrder(SPARE, HV02, "D:\\Moved", disks), seen.append, granted)
    assert report.errors == ()
    assert here.lab.world.where_is(SPARE) == DESTINATION
    details = (await here.gateway.inspect(DESTINATION, [SPARE])).details[0]
    assert {disk.path for disk in details.disks} == {disk.destination for disk in disks}
    assert seen


async def test_what_move_vm_says_in_the_function_is_reported_as_its_own(here: Place) -> None:
    """A disk whose name would change is refused by Move-VM itself: id and words are those of the cmdlet."""
    disk = next(vm for vm in FLEET.vms if vm.id == TWIN).disks[0]
    order = MoveOrder(TWIN, HV02, "D:\\Moved", (DiskTarget(disk.path, "D:\\Moved\\other.vhdx"),))
    report = await here.gateway.move(SOURCE, order, lambda _: None, granted)
    (word,) = report.errors
    assert word.fqid == "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.MoveVM"
    assert here.lab.world.where_is(TWIN) == SOURCE
