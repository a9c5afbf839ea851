"""What a restricted session shows for a role file; every rule was seen on a real PowerShell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.hyperv.powershell.cmdlets import functions
from lab.hyperv.powershell.commands import ALL, shipped_role
from lab.hyperv.powershell.restricted_session import RoleError, restricted
from lab.hyperv.world.fleet import Endpoint
from tests.lab.hyperv.conftest import WEB01, fleet, host

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.lab.hyperv.conftest import Client

OF_SESSION = {
    "Clear-Host",
    "Exit-PSSession",
    "Get-Command",
    "Get-FormatData",
    "Get-Help",
    "Measure-Object",
    "Out-Default",
    "Select-Object",
}
CIM_PARAMETERS = "Parameters = @{ Name = 'Namespace' }, @{ Name = 'ClassName'; ValidateSet = 'Win32_Volume', 'A' }"
CIM = "@{ Name = 'Get-CimInstance'; " + CIM_PARAMETERS + " }"
CIM_BY_ITS_MODULE = "@{ Name = 'CimCmdlets\\Get-CimInstance'; " + CIM_PARAMETERS + " }"


def shown(role: str) -> set[str]:
    """Return what the role adds to every restricted session: functions by name, cmdlets with their module."""
    table = restricted("@{ " + role + " }", ALL, functions.CMDLETS)
    everything = {item.name if item.is_function else f"{item.module}\\{item.name}" for item in table.commands}
    assert everything >= OF_SESSION
    return everything - OF_SESSION


SHOWN = [
    ("", set()),
    ("VisibleCmdlets = 'Hyper-V\\Get-VM', 'get-vmhost'", {"Hyper-V\\Get-VM", "Hyper-V\\Get-VMHost"}),
    ("visiblecmdlets = 'hyper-v\\get-vmh*'", {"Hyper-V\\Get-VMHost", "Hyper-V\\Get-VMHardDiskDrive"}),
    ("VisibleCmdlets = 'CimCmdlets\\*'", {"CimCmdlets\\Get-CimInstance", "CimCmdlets\\Invoke-CimMethod"}),
    ("VisibleCmdlets = 'CimCmdlets\\Get-VM', 'Get-Nothing'", set()),
    (f"VisibleCmdlets = {CIM}", {"Get-CimInstance"}),
    (f"VisibleCmdlets = {CIM}, 'Get-CimInstance'", {"Get-CimInstance", "CimCmdlets\\Get-CimInstance"}),
    (f"VisibleCmdlets = {CIM_BY_ITS_MODULE}", {"CimCmdlets\\Get-CimInstance"}),
    ("VisibleCmdlets = @{ Name = 'Get-Nope'; Parameters = @{ Name = 'A' } }", set()),
    ("VisibleFunctions = 'MigrateBot\\Get-FolderItem', 'Stop-VMMigration'", {"Get-FolderItem", "Stop-VMMigration"}),
    ("VisibleFunctions = 'MigrateBot\\*Folder'", {"Remove-EmptyFolder"}),
    ("VisibleFunctions = 'Hyper-V\\Stop-VMMigration'", set()),
    ("VisibleFunctions = 'A-B'; FunctionDefinitions = @{ Name = 'A-B'; ScriptBlock = { 1 } }", {"A-B"}),
    (
        "VisibleFunctions = 'Get-ChildItem'; FunctionDefinitions = @{ Name = 'Get-ChildItem'; ScriptBlock = { 1 } }",
        {"Get-ChildItem", "Microsoft.PowerShell.Management\\Get-ChildItem"},
    ),
]


@pytest.mark.parametrize(("role", "names"), SHOWN)
def test_a_role_shows_what_it_names(role: str, names: set[str]) -> None:
    """Names, modules and wildcards in any case; a table makes a function of its literal name; the rest is left out."""
    assert shown(role) == names


REFUSED = [
    ("VisibleCommandlets = 'Get-VM'", "VisibleCommandlets is no key"),
    ("VisibleCmdlets = @{ Name = 'Get-VM' }", "needs Name and Parameters"),
    ("VisibleCmdlets = @{ Nam = 'Get-VM'; Parameters = @{ Name = 'Id' } }", "needs Name and Parameters"),
    ("VisibleCmdlets = 5", "neither the name"),
    (
        "VisibleCmdlets = @{ Name = 'Get-VM'; Parameters = @{ Name = 'Id'; ValidatePattern = '(' } }",
        "pattern of Get-VM",
    ),
    ("VisibleCmdlets = @{ Name = 'Get-VM'; Parameters = 'Id' }", "each parameter of Get-VM"),
    ("FunctionDefinitions = @{ Name = 'A-B' }", "needs a Name and a ScriptBlock"),
    ("VisibleCmdlets = 'a' 'b'", "a new line or a ;"),
]


@pytest.mark.parametrize(("role", "said"), REFUSED)
def test_a_role_that_makes_no_session_is_refused(role: str, said: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(RoleError, match=said):
        shown(role)


def test_the_shipped_role_shows_exactly_this() -> None:
    """What the bot calls, by the names it calls it; nothing that writes but Move-VM and the functions."""
    table = restricted(shipped_role(), ALL, functions.CMDLETS)
    own = {item.name for item in table.commands} - OF_SESSION
    assert own == {
        "Get-VM",
        "Get-VMHost",
        "Get-VMHardDiskDrive",
        "Get-VMSnapshot",
        "Get-VMNetworkAdapter",
        "Get-VMDvdDrive",
        "Get-VMSwitch",
        "Get-VHD",
        "Move-VM",
        "Get-CimInstance",
        "Get-FolderItem",
        "Remove-EmptyFolder",
        "Move-VMWithDisks",
        "Stop-VMMigration",
        "Get-VMCompatibility",
        "Test-VMCompatibility",
        "Test-VMMigration",
        "Get-VMNote",
    }


@pytest.fixture
async def session(open_lab: Any, connect: Any) -> Callable[[str], Awaitable[Client]]:
    """Open a session on a host whose role somebody wrote himself."""

    async def start(role: str) -> Client:
        described = fleet(first=host("HV01", endpoint=Endpoint.JEA, role="@{ " + role + " }"))
        client: Client = await connect(await open_lab(described, has_tls=False))
        return client

    return start


async def test_a_limited_cmdlet_takes_what_is_listed(session: Callable[[str], Awaitable[Client]]) -> None:
    """A set ignores case, a pattern is anchored and ignores case, each element of a list is checked."""
    client = await session(
        "VisibleCmdlets = "
        "@{ Name = 'Get-VM'; Parameters = @{ Name = 'Name'; ValidateSet = 'WEB01', 'db' }, @{ Name = 'Id' } },"
        "@{ Name = 'Get-VHD'; Parameters = @{ Name = 'Path'; ValidateSet = 'x'; ValidatePattern = 'D:\\\\VMs' } },"
        "@{ Name = 'Get-VMHardDiskDrive'; Parameters = @{ Name = 'VM' } }"
    )
    assert len((await client.run(("Get-VM", {"Name": "web01"}))).output) == 1
    assert len((await client.run(("Get-VM", {"Id": WEB01}), "Get-VMHardDiskDrive")).output) == 1
    for name, parameters in (
        ("Get-VM", {"Name": ["web01", "other"]}),
        ("Get-VHD", {"Path": ["D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx"]}),
    ):
        refused = await client.run((name, parameters))
        assert (refused.state, refused.ids) == (5, [f"ParameterArgumentValidationError,{name}"])
        assert refused.errors[0].category == 6
    other = await client.run(("Get-VM", {"ComputerName": "HV02"}))
    assert other.ids == ["NamedParameterNotFound,Get-VM"]
    unknown = await client.run(("Get-VHD", {"Path": "D:\\vms"}))
    assert all(error.endswith("Microsoft.Vhd.PowerShell.Cmdlets.GetVHD") for error in unknown.ids)


async def test_a_long_name_in_a_table_is_a_function_of_that_name(session: Callable[[str], Awaitable[Client]]) -> None:
    """CimCmdlets\\Get-CimInstance can be called so and only so: what the first shipped role did."""
    client = await session(f"VisibleCmdlets = {CIM_BY_ITS_MODULE}")
    asked = {"Namespace": "root/cimv2", "ClassName": "Win32_Volume"}
    assert (await client.run(("CimCmdlets\\Get-CimInstance", asked))).output
    assert (await client.run(("Get-CimInstance", asked))).ids == ["CommandNotFoundException"]


async def test_the_session_has_its_own_commands(session: Callable[[str], Awaitable[Client]]) -> None:
    """The eight of every restricted session are functions; Measure-Object counts, the rest says nothing."""
    client = await session("VisibleCmdlets = 'Hyper-V\\Get-VM', 'Microsoft.PowerShell.Utility\\Select-Object'")
    listed = await client.run(
        "Get-Command", ("Microsoft.PowerShell.Utility\\Select-Object", {"Property": ["Name", "CommandType"]})
    )
    kinds = [(item.extended_properties["Name"], str(item.extended_properties["CommandType"])) for item in listed.output]
    assert kinds == [
        *((name, "Function") for name in sorted(OF_SESSION)),
        ("Get-VM", "Cmdlet"),
        ("Select-Object", "Cmdlet"),
    ]
    (counted,) = (await client.run("Get-VM", "Measure-Object")).output
    assert counted.extended_properties["Count"] == 1
    assert (await client.run("Get-VM", "Out-Default")).output == []
    assert (await client.run(("Get-FormatData", {"TypeName": "x"}))).output == []


LIMITS = "$script:MigrateBotFolders = '^(D:\\\\VMs(\\\\[^\\\\]+)*)$'\n$script:MigrateBotHosts = '^(HV02)$'\n"


MOVE: dict[str, Any] = {
    "VMId": WEB01,
    "DestinationHost": "HV02",
    "Path": "D:\\VMs",
    "SourceFilePath": ["C:\\x.vhdx"],
    "DestinationFilePath": ["D:\\VMs\\x.vhdx"],
}


async def test_functions_take_what_the_constants_of_their_module_let_by(open_lab: Any, connect: Any) -> None:
    """Other folders and hosts are refused by the functions, as their text says, and nothing is looked at."""
    described = fleet(first=host("HV01", endpoint=Endpoint.JEA, module=LIMITS))
    client = await connect(await open_lab(described, has_tls=False))
    assert (await client.run(("Get-FolderItem", {"Path": "D:\\VMs"}))).ids == []
    for name, parameters in (
        ("Get-FolderItem", {"Path": "C:\\Windows"}),
        ("Test-VMMigration", {"VMId": WEB01, "DestinationHost": "evil"}),
        ("Move-VMWithDisks", MOVE | {"DestinationHost": "evil"}),
        ("Move-VMWithDisks", MOVE | {"Path": "D:\\Other"}),
        ("Move-VMWithDisks", MOVE | {"DestinationFilePath": ["\\\\evil\\share\\x.vhdx"]}),
        ("Move-VMWithDisks", MOVE | {"SourceFilePath": ["\\\\evil\\share\\x.vhdx"]}),
        ("Move-VMWithDisks", MOVE | {"SourceFilePath": ["D:\\x.vhdx", "D:\\y.vhdx"]}),
    ):
        refused = await client.run((name, parameters))
        assert (refused.output, refused.ids) == ([], [f"NotAllowed,{name}"])
    (kept,) = (await client.run(("Remove-EmptyFolder", {"Path": "D:\\Other\\a"}))).output
    assert kept.extended_properties["Reason"] == "NotAllowed: it is in none of the folders of this endpoint."
