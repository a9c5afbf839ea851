"""What a constrained endpoint lets through, script text, and the functions of MigrateBot.psm1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell

from lab.hyperv.powershell.commands import FUNCTIONS_TEXT
from lab.hyperv.world.fleet import Endpoint, File
from tests.lab.hyperv.conftest import WEB01, begin, fleet, host, select

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.lab.hyperv.conftest import Client

REPOSITORY = Path(__file__).parents[3]
PSM1 = (REPOSITORY / "deploy" / "MigrateBot.psm1").read_text("utf-8")
FULL_SELECT = "Microsoft.PowerShell.Utility\\Select-Object"


@pytest.fixture
async def jea(open_lab: Any, connect: Callable[..., Awaitable[Client]]) -> Client:
    """A session on a JEA host, by the name its configuration is registered under."""
    lab = await open_lab(fleet(first=host("HV01", endpoint=Endpoint.JEA)), has_tls=False)
    return await connect(lab)


@pytest.fixture
async def defined(client: Client) -> Client:
    """A full-language session in which the functions are defined."""
    assert (await client.run(script=PSM1)).state == 4
    return client


async def test_windows_own_endpoint_is_not_for_the_bot(connect: Any, open_lab: Any) -> None:
    """A host with the restricted endpoint lets the account use no other one: Access is denied."""
    lab = await open_lab(fleet(first=host("HV01", endpoint=Endpoint.JEA)), has_tls=False)
    with pytest.raises(WSManFaultError) as caught:
        await connect(lab, configuration="Microsoft.PowerShell")
    assert caught.value.code == 5


async def test_script_text_fails_a_constrained_pipeline(jea: Client) -> None:
    """State Failed, ScriptsNotAllowed, ParserError."""
    for script in ("Get-VM", PSM1):
        result = await jea.run(script=script)
        assert (result.state, result.ids, result.errors[0].category) == (5, ["ScriptsNotAllowed"], 17)
        assert "no-language mode" in result.texts[0]


async def test_an_invisible_command_is_not_recognized(jea: Client) -> None:
    """CommandNotFoundException, and the pipeline fails."""
    for name in ("Remove-Item", "Invoke-CimMethod", "Get-Content", "Get-Process"):
        result = await jea.run((name, {}))
        assert (result.state, result.ids, result.errors[0].category) == (5, ["CommandNotFoundException"], 13)
        assert result.texts[0].startswith(f"The term '{name}' is not recognized")


async def test_the_short_select_object_is_restricted(jea: Client) -> None:
    """It takes the properties of command metadata only; the full name is the cmdlet."""
    refused = await jea.run("Get-VM", select("Id", "State"))
    assert (refused.state, refused.ids) == (5, ["ParameterArgumentValidationError,Select-Object"])
    assert (await jea.run("Get-VM", select("Name"))).only == {"Name": "web01"}
    allowed = await jea.run("Get-VM", (FULL_SELECT, {"Property": ["Id"]}))
    assert allowed.only == {"Id": WEB01}


async def test_get_cim_instance_is_narrowed_to_the_roles_classes(jea: Client) -> None:
    """A class outside the role is a validation error, a parameter outside it is unknown."""
    job = {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_MigrationJob"}
    assert (await jea.run(("Get-CimInstance", job))).errors == []
    other = await jea.run(("Get-CimInstance", {**job, "ClassName": "Msvm_ConcreteJob"}))
    assert (other.state, other.ids) == (5, ["ParameterArgumentValidationError,Get-CimInstance"])
    query = await jea.run(("Get-CimInstance", {"Query": "SELECT * FROM Msvm_MigrationJob"}))
    assert query.ids == ["NamedParameterNotFound,Get-CimInstance"]


async def test_get_command_lists_what_is_visible(jea: Client) -> None:
    """The way a client finds out what an endpoint can do."""
    result = await jea.run("Get-Command", select("Name", "CommandType"))
    names = {item.extended_properties["Name"] for item in result.output}
    assert {"Move-VM", "Remove-EmptyFolder", "Stop-VMMigration"} <= names
    assert "Remove-Item" not in names
    missing = await jea.run(("Get-Command", {"Name": "Remove-Item"}))
    assert missing.ids == ["CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand"]


async def test_role_functions_are_there_from_the_start(jea: Client) -> None:
    """No definition is needed on a constrained endpoint."""
    result = await jea.run(("Remove-EmptyFolder", {"Path": "D:\\VMs\\none"}))
    (answer,) = result.output
    assert dict(answer.extended_properties) == {
        "Path": "D:\\VMs\\none",
        "Removed": False,
        "Reason": "NotFound: there is no such folder.",
    }


async def test_the_role_lists_a_folder_without_the_provider(open_lab: Any, connect: Any) -> None:
    """Hidden items too; a file or nothing at all is PathNotFound; Get-ChildItem itself is not there."""
    files = (File(path="D:\\VMs\\full\\note.txt", is_hidden=True), File(path="D:\\VMs\\old", is_folder=True))
    lab = await open_lab(fleet(first=host("HV01", endpoint=Endpoint.JEA, files=files)), has_tls=False)
    client = await connect(lab)
    full = (FULL_SELECT, {"Property": ["FullName"]})
    listed = await client.run(("Get-FolderItem", {"Path": "D:\\VMs\\full"}), full)
    assert listed.only == {"FullName": "D:\\VMs\\full\\note.txt"}
    assert (await client.run(("Get-FolderItem", {"Path": "D:\\VMs\\old"}), full)).output == []
    for path in ("D:\\VMs\\none", "D:\\VMs\\full\\note.txt"):
        missed = await client.run(("Get-FolderItem", {"Path": path}), full)
        assert (missed.ids, missed.output) == (["PathNotFound,Get-FolderItem"], [])
    other = await client.run(("Get-FolderItem", {"Path": "D:\\VMs", "Recurse": None}))
    assert other.ids == ["NamedParameterNotFound,Get-FolderItem"]
    assert (await client.run(("Get-ChildItem", {"LiteralPath": "D:\\VMs"}))).ids == ["CommandNotFoundException"]


async def test_a_command_is_found_by_its_module(client: Client) -> None:
    """By that module only; a module that is not there is said as PowerShell says it; Get-Command tells each once."""
    assert len((await client.run("Hyper-V\\Get-VM")).output) == 1
    assert (await client.run("CimCmdlets\\Get-VM")).ids == ["CommandNotFoundException"]
    assert (await client.run("Nowhere\\Get-VM")).ids == ["CouldNotAutoLoadModule"]
    listed = await client.run(("Get-Command", {"Name": ["Get-VM", "hyper-v\\get-vm"]}), select("Name"))
    assert listed.only == {"Name": "Get-VM"}


async def test_functions_do_not_exist_before_they_are_defined(client: Client) -> None:
    """A full-language session knows them only after the definition, and each session for itself."""
    before = await client.run(("Remove-EmptyFolder", {"Path": "D:\\VMs\\none"}))
    assert before.ids == ["CommandNotFoundException"]
    await client.run(script=PSM1.replace("\n", "\r\n"))
    assert len((await client.run(("Remove-EmptyFolder", {"Path": "D:\\VMs\\none"}))).output) == 1


@pytest.mark.parametrize("script", ["1 + 1", PSM1 + "\nGet-VM", PSM1[:-40], FUNCTIONS_TEXT.upper()])
async def test_no_other_script_text_runs(client: Client, script: str) -> None:
    """The lab says honestly that it runs no scripts, instead of pretending."""
    result = await client.run(script=script)
    assert (result.state, result.ids) == (5, ["LabRunsNoScripts"])


async def test_a_definition_runs_alone(client: Client) -> None:
    """A pipeline of a script and a command is refused, in either order."""
    for is_first in (True, False):
        shell = PowerShell(client.pool)
        if is_first:
            shell.add_script(PSM1).add_cmdlet("Get-VM")
        else:
            shell.add_cmdlet("Get-VM").add_script(PSM1)
        await client.call(shell.invoke)
        assert shell.state == 5


FOLDERS = [
    ("D:\\VMs\\old", True, ""),
    ("D:\\VMs\\old\\", True, ""),
    ("D:\\VMs\\full", False, "NotEmpty"),
    ("D:\\VMs\\full\\note.txt", False, "NotAFolder"),
    ("D:\\VMs\\none", False, "NotFound"),
    ("D:\\VMs", False, "NotAllowed"),
    ("D:\\", False, "NotAllowed"),
    ("D:\\VMs\\..\\VMs\\old", False, "NotAllowed"),
    ("VMs\\old", False, "NotAllowed"),
    ("\\\\server\\share\\VMs\\old", False, "NotAllowed"),
]


@pytest.mark.parametrize(("path", "is_removed", "word"), FOLDERS)
async def test_only_an_empty_folder_deep_enough_is_removed(
    open_lab: Any, connect: Any, path: str, is_removed: bool, word: str
) -> None:
    """One object: path, removed or not, and a reason that begins with one word."""
    files = (
        File(path="D:\\VMs\\old", is_folder=True),
        File(path="D:\\VMs\\full\\note.txt", is_hidden=True),
    )
    lab = await open_lab(fleet(first=host("HV01", files=files)), has_tls=False)
    client = await connect(lab)
    await client.run(script=PSM1)
    (answer,) = (await client.run(("Remove-EmptyFolder", {"Path": path}))).output
    found = answer.extended_properties
    assert (found["Path"], found["Removed"], found["Reason"].partition(":")[0]) == (path, is_removed, word)
    assert (lab.world.entry("HV01", "D:\\VMs\\old") is None) is is_removed


async def test_a_migration_can_be_stopped_by_the_vms_id(defined: Client, lab: Any, connect: Any) -> None:
    """Stop-VMMigration answers with the method's return value; the move ends without success."""
    other = await connect(lab)
    await begin(other, lab)
    (answer,) = (await defined.run(("Stop-VMMigration", {"VMId": WEB01}))).output
    assert answer.extended_properties["VMId"] == WEB01
    assert answer.extended_properties["ReturnValue"] in (0, 4096)
    assert answer.extended_properties["JobState"] == 4
    lab.jump(600)
    assert lab.world.where_is(WEB01) == "HV01"


async def test_stopping_what_does_not_move_is_an_error(defined: Client) -> None:
    """ObjectNotFound, non-terminating."""
    result = await defined.run(("Stop-VMMigration", {"VMId": WEB01}))
    assert (result.state, result.ids, result.errors[0].category) == (4, ["NoMigration,Stop-VMMigration"], 13)
