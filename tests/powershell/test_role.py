"""What the shipped role keeps from a session, asked of a real PowerShell; and what `check` says of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pypsrp.powershell import PowerShell as Pipe

from core.hyperv.pipelines import CIMV2, Stage
from lab.hyperv.powershell.commands import shipped_role
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import DESTINATION, SOURCE, WEB
from tests.powershell.sessions import Place, place

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _class(name: str, namespace: str = CIMV2) -> Stage:
    return Stage("Get-CimInstance", (("Namespace", namespace), ("ClassName", name)))


REFUSED: dict[str, tuple[tuple[Stage, ...], str]] = {
    "class": ((_class("Win32_Process"),), "ParameterArgumentValidationError,Get-CimInstance"),
    "namespace": ((_class("Win32_Volume", "root/default"),), "ParameterArgumentValidationError,Get-CimInstance"),
    "query": (
        (Stage("Get-CimInstance", (("Query", "select * from Win32_Volume"),)),),
        "NamedParameterNotFound,Get-CimInstance",
    ),
    "other computer": (
        (Stage("Get-CimInstance", (("ClassName", "Win32_Volume"), ("ComputerName", "HV02"))),),
        "NamedParameterNotFound,Get-CimInstance",
    ),
    "cmdlet behind the restricted one": (
        (Stage("CimCmdlets\\Get-CimInstance", (("ClassName", "Win32_Volume"),)),),
        "CommandNotFoundException",
    ),
    **{
        f"{name} of another computer": ((Stage(name, (("ComputerName", "HV02"),)),), f"NamedParameterNotFound,{name}")
        for name in ("Get-VM", "Get-VMSwitch", "Get-VHD", "Move-VM", "Get-VMSnapshot", "Get-VMHardDiskDrive")
    },
    **{
        f"{name} as somebody else": ((Stage(name, (("Credential", "x"),)),), f"NamedParameterNotFound,{name}")
        for name in ("Get-VM", "Get-VMHost", "Move-VM", "Get-VMNetworkAdapter", "Get-VMDvdDrive")
    },
    **{
        f"move to {path!r}": (
            (Stage("Get-VM", (("Id", WEB),)), Stage("Move-VM", (("DestinationHost", "HV02"), (parameter, path)))),
            "ParameterArgumentValidationError,Move-VM",
        )
        for parameter, path in (
            ("DestinationStoragePath", "\\\\evil\\share"),
            ("DestinationStoragePath", "D:\\VMs\\..\\x"),
            ("DestinationStoragePath", "\\\\?\\D:\\VMs"),
            ("DestinationStoragePath", "D:\\VMs\\x:stream"),
            ("DestinationStoragePath", "D:\\VMs\n"),
        )
    },
    **{
        f"move with {name}": (
            (Stage("Get-VM", (("Id", WEB),)), Stage("Move-VM", (("DestinationHost", "HV02"), (name, value)))),
            "NamedParameterNotFound,Move-VM",
        )
        for name, value in (
            *((name, "D:\\VMs") for name in ("VirtualMachinePath", "SnapshotFilePath", "SmartPagingFilePath")),
            ("Vhds", [{"SourceFilePath": "D:\\x.vhdx", "DestinationFilePath": "\\\\evil\\share\\x.vhdx"}]),
        )
    },
    "disk of a share": (
        (Stage("Get-VHD", (("Path", ["D:\\VMs\\x.vhdx", "\\\\evil\\share\\x.vhdx"]),)),),
        "ParameterArgumentValidationError,Get-VHD",
    ),
    "method": ((Stage("Invoke-CimMethod", (("MethodName", "RequestStateChange"),)),), "CommandNotFoundException"),
    "Get-Process": ((Stage("Get-Process"),), "CommandNotFoundException"),
    "Remove-VM": ((Stage("Remove-VM", (("Name", "web01"),)),), "CommandNotFoundException"),
    "Remove-Item": ((Stage("Remove-Item", (("LiteralPath", "D:\\VMs"),)),), "CommandNotFoundException"),
    "Invoke-Expression": ((Stage("Invoke-Expression", (("Command", "1"),)),), "CommandNotFoundException"),
    "Select-Object by its short name": (
        (Stage("Get-VM"), Stage("Select-Object", (("Property", ["Id"]),))),
        "ParameterArgumentValidationError,Select-Object",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(powershell: PowerShell) -> AsyncIterator[Place]:
    """Give a session that the shipped role restricts."""
    async with place(powershell, Endpoint.JEA) as found:
        yield found


@pytest.mark.parametrize("name", REFUSED)
async def test_the_role_refuses(name: str, here: Place) -> None:
    """Whatever the bot has no use for is refused before anything runs."""
    stages, expected = REFUSED[name]
    assert await here.refusal(*stages) == expected


@pytest.mark.parametrize("script", ["1+1", "Get-VM", "$x", "Get-VM | Select-Object Name; Remove-Item D:\\x"])
async def test_no_script_runs(script: str, here: Place) -> None:
    """A session without a language takes no text, not even of one allowed command."""
    pipe = Pipe(here.session._opened())
    pipe.add_script(script)

    def run() -> None:
        pipe.begin_invoke()
        pipe.end_invoke()

    await asyncio.to_thread(run)
    assert pipe.output == []
    assert [error.fq_error for error in pipe.streams.error] == ["ScriptsNotAllowed"]


@pytest.mark.parametrize("endpoint", [Endpoint.FULL_LANGUAGE, Endpoint.JEA])
async def test_check_is_content(endpoint: Endpoint, powershell: PowerShell) -> None:
    """`migrate-bot check` finds an endpoint of the shipped role, and an ordinary one, in order."""
    async with place(powershell, endpoint) as there:
        lines = await there.gateway.check(SOURCE, [DESTINATION])
    troubles = [line.subject for line in lines if not line.ok]
    assert troubles == ["HV01: login", "HV01: migration authentication"]  # no TLS and no CredSSP in this test
    assert "HV01: commands" in {line.subject for line in lines}


async def test_check_finds_the_role_that_makes_no_usable_endpoint(powershell: PowerShell) -> None:
    """Named with its module, the restricted cmdlet is a function of just that long name."""
    shipped = shipped_role()
    broken = shipped.replace("= 'Get-CimInstance'", "= 'CimCmdlets\\Get-CimInstance'")
    assert broken != shipped
    async with place(powershell, Endpoint.JEA, role=broken) as there:
        lines = await there.gateway.check(SOURCE, [])
    (commands,) = [line for line in lines if line.subject == "HV01: commands"]
    assert not commands.ok
    assert "Get-CimInstance" in commands.text
