"""What `migrate-bot endpoint` writes, on a real PowerShell: the bot works through it, and hostile calls do not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from core.config import Settings
from core.domain.model.host_calls import MoveOrder
from core.errors import EndpointRefused
from core.hyperv import decode, pipelines
from core.hyperv.endpoint_files import endpoint_texts
from core.hyperv.pipelines import Pipeline, Stage
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import DESTINATION, FLEET, SOURCE, WEB, granted
from tests.powershell.sessions import Place, place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("powershell")]

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
TAKEN = {"Move-VM with a share in -Vhds"}
"""What no role can look into; the documents say so."""


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


async def test_forty_eight_of_forty_nine_hostile_calls_are_refused(here: Place) -> None:
    """All but the one that no role can look into."""
    taken = {name for name, stages in HOSTILE.items() if name not in TAKEN and not await _is_refused(here, stages)}
    assert taken == set()
    assert len(HOSTILE) == 49


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
