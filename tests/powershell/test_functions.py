"""The functions of MigrateBot.psm1 in a real PowerShell: bound, refused, and where Linux lets them, carried out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from core.domain.model.host_calls import CompatibilityReply, MoveOrder
from core.domain.model.hyperv_enums import HostJobState
from core.domain.model.inventory import VmId
from core.errors import EndpointRefused
from core.hyperv import decode, pipelines
from core.hyperv.pipelines import Pipeline, Stage
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import DESTINATION, SOURCE, SPARE, WEB, granted
from tests.powershell.sessions import WITHIN_S, Place, place

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NONE = VmId(UUID(int=5))
_NOT_ALLOWED = "NotAllowed: only a local folder two or more levels below its volume is removed."


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[Endpoint.FULL_LANGUAGE, Endpoint.JEA])
async def here(powershell: PowerShell, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Give a session in which they are defined by the bot, and one in which the role shows them."""
    async with place(powershell, request.param, speed=1.0) as found:
        yield found


async def test_every_function_is_there(here: Place) -> None:
    """The role shows them, or the bot has just defined them."""
    await here.call(pipelines.stop_migration(_NONE))
    reply = await here.run(pipelines.commands(pipelines.FUNCTIONS))
    assert sorted(decode.read_names("HV01", "Get-Command", reply.values)) == sorted(pipelines.FUNCTIONS)


async def test_a_folder_is_listed(here: Place, tmp_path: Path) -> None:
    """Files, folders, hidden items; nothing below them; brackets are plain characters."""
    folder = tmp_path / "a [folder]"
    (folder / "below" / "deep").mkdir(parents=True)
    (folder / ".hidden").write_text("x")
    (folder / "disk.vhdx").write_text("x")
    reply = await here.call(pipelines.folder(str(folder)))
    assert reply.words == ()
    found = decode.read_names("HV01", "Get-FolderItem", reply.values, "FullName")
    assert sorted(found) == sorted(str(folder / name) for name in ("below", ".hidden", "disk.vhdx"))


@pytest.mark.parametrize("kind", ["none", "file"])
async def test_what_is_no_folder_is_not_listed(kind: str, here: Place, tmp_path: Path) -> None:
    """No such folder, and a file, are an error of their own, not an empty folder."""
    path = tmp_path / "x"
    if kind == "file":
        path.write_text("x")
    reply = await here.call(pipelines.folder(str(path)))
    assert reply.values == []
    (word,) = reply.words
    assert word.fqid == "PathNotFound,Get-FolderItem"
    assert word.category == 13


@pytest.mark.parametrize(
    "path",
    [
        "D:\\VMs", "D:\\", "D:", "", "\\\\server\\share\\a\\b", "\\\\?\\D:\\VMs\\a", "D:\\VMs\\..\\..\\Windows\\x",
        "D:\\VMs\\a.", "D:\\VMs\\a \\b", "D:\\VMs\\\\a", "D:/VMs/a", "D:\\VMs\\a:stream", "D:\\VMs\\a*",
        "relative\\a\\b",
    ],
)  # fmt: skip
async def test_what_may_not_be_removed_is_not(path: str, here: Place) -> None:
    """Bound, answered and refused. Linux takes no path of Windows for its own, so that here every one is refused."""
    if not path:
        assert await _refused(here, Stage("Remove-EmptyFolder", (("Path", path),))) == (
            "ParameterArgumentValidationErrorEmptyStringNotAllowed,Remove-EmptyFolder"
        )
        return
    reply = await here.call(pipelines.remove_empty_folder(path))
    receipt = decode.read_receipt("HV01", path, reply.values)
    assert receipt.reason == _NOT_ALLOWED


async def test_an_empty_folder_of_this_machine_stays(here: Place, tmp_path: Path) -> None:
    """A path of Linux is none of Windows'."""
    folder = tmp_path / "empty" / "one"
    folder.mkdir(parents=True)
    reply = await here.call(pipelines.remove_empty_folder(str(folder)))
    assert decode.read_receipt("HV01", str(folder), reply.values).reason == _NOT_ALLOWED
    assert folder.is_dir()


async def test_a_migration_that_is_none_cannot_be_stopped(here: Place) -> None:
    """One error, of the category by which the bot knows that nothing ran."""
    reply = await here.call(pipelines.stop_migration(_NONE))
    (word,) = reply.words
    assert reply.values == []
    assert (word.fqid, word.category) == ("NoMigration,Stop-VMMigration", 13)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Stage("Stop-VMMigration", (("VMId", "x"),)), "ParameterArgumentTransformationError,Stop-VMMigration"),
        (Stage("Stop-VMMigration"), "MissingMandatoryParameter,Stop-VMMigration"),
        (Stage("Stop-VMMigration", (("VMId", _NONE), ("All", True))), "NamedParameterNotFound,Stop-VMMigration"),
        (Stage("Remove-EmptyFolder"), "MissingMandatoryParameter,Remove-EmptyFolder"),
        (
            Stage("Remove-EmptyFolder", (("Path", "D:\\a\\b"), ("Recurse", True))),
            "NamedParameterNotFound,Remove-EmptyFolder",
        ),
        (Stage("Get-VMCompatibility", (("VMId", "x"),)), "ParameterArgumentTransformationError,Get-VMCompatibility"),
        (Stage("Test-VMCompatibility"), "MissingMandatoryParameter,Test-VMCompatibility"),
        (
            Stage("Test-VMCompatibility", (("CompatibilityInfo", "text"),)),
            "ParameterArgumentTransformationError,Test-VMCompatibility",
        ),
        (Stage("Test-VMMigration", (("VMId", _NONE),)), "MissingMandatoryParameter,Test-VMMigration"),
        (Stage("Get-VMNote"), "MissingMandatoryParameter,Get-VMNote"),
        (Stage("Get-FolderItem"), "MissingMandatoryParameter,Get-FolderItem"),
        (Stage("Get-FolderItem", (("Path", "D:\\a"), ("Recurse", True))), "NamedParameterNotFound,Get-FolderItem"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_wrong_arguments_are_refused(stage: Stage, expected: str, here: Place) -> None:
    """The binder refuses them: nothing of the function runs."""
    assert await _refused(here, stage) == expected


async def _refused(here: Place, stage: Stage) -> str:
    with pytest.raises(EndpointRefused) as raised:
        await here.call(Pipeline((stage,)))
    return raised.value.message.rpartition("(")[2].rstrip(")")


async def test_notes_are_read_by_their_key_alone(here: Place) -> None:
    """What stands behind the key, in any case, bounded in number and length, and nothing else of the notes."""
    many = "\n".join(f"Owner: U{number}{'x' * 300}" for number in range(6))
    here.lab.world.change_vm(SOURCE, WEB, {"notes": " OWNER : ann@contoso.com \r\npassword: secret\rno owner: U9"})
    here.lab.world.change_vm(SOURCE, SPARE, {"notes": many})
    reply = await here.call(pipelines.notes("owner"))
    assert reply.words == ()
    assert "secret" not in str(reply.values)
    assert decode.read_notes("HV01", reply.values) == {
        WEB: ("ann@contoso.com",),
        SPARE: tuple(f"U{number}{'x' * 300}"[:256] for number in range(4)),
    }


async def test_a_running_move_is_cancelled(here: Place) -> None:
    """Stop-VMMigration finds the job of the VM among all, and the host ends it: the VM stays where it is."""
    address = here.lab.fleet.address_of(here.lab.fleet.hosts[1])
    order = MoveOrder(vm_id=WEB, address=address, path="D:\\Moved")
    moving = asyncio.create_task(here.gateway.move(SOURCE, order, lambda _: None, granted))
    async with asyncio.timeout(WITHIN_S):
        while not any(job.state is HostJobState.RUNNING for job in await here.gateway.jobs(SOURCE, WEB)):
            assert not moving.done()
        reply = await here.gateway.cancel(SOURCE, WEB)
        assert (reply.found, reply.accepted) == (True, True)
        report = await moving
    assert report.errors
    assert here.lab.world.where_is(WEB) == SOURCE
    assert here.lab.world.vm(DESTINATION, WEB) is None


async def test_the_checks_run_where_scripts_may_not_call_methods(powershell: PowerShell) -> None:
    """Application control leaves an ordinary endpoint these functions whole: hosts can be asked there, too."""
    async with place(powershell, Endpoint.CONSTRAINED_LANGUAGE) as here:
        infos = await here.gateway.compatibility_info(SOURCE, [WEB, _NONE, SPARE])
        needs = [info for info in infos if isinstance(info, bytes)]
        assert [isinstance(info, bytes) for info in infos] == [True, False, True]
        fits = CompatibilityReply(is_compatible=True)
        assert await here.gateway.test_compatibility(DESTINATION, needs) == (fits, fits)
        assert await here.gateway.test_migration(SOURCE, WEB, DESTINATION) == CompatibilityReply(is_compatible=True)
