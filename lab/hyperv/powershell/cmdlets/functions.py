"""The functions of MigrateBot.psm1, which hosts have as JEA role functions or as a definition in the session.

What they do follows the text of MigrateBot.psm1 line by line; that text is what real hosts run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Bound, Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.powershell.cmdlets import moves, vms
from lab.hyperv.powershell.cmdlets.folders import item_of
from lab.hyperv.remoting.dotnet_values import Array, NoteObject, UInt16, UInt32, Value
from lab.hyperv.remoting.records import Category
from lab.hyperv.world import errors
from lab.hyperv.world.compatibility import MIGRATION_SETTINGS
from lab.hyperv.world.enums import JobState
from lab.hyperv.world.moves import MoveRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.hyperv.world.views import FolderEntry

    _Process = Callable[[CmdletCall], AsyncIterator[Value]]

_MODULE: Final = "MigrateBot"
_TERMINATE: Final = 4
_REMOVABLE = re.compile(r'^[A-Za-z]:(\\[^\\/:*?"<>|]+){2,}$')
_ON_A_DRIVE = re.compile(r'^[A-Za-z]:(\\(?![^\\]*[. ](\\|$))[^\\/:*?"<>|\x00-\x1f]+)+\\?(?!\n)$')
_PLAIN_HOST = re.compile(r"^[A-Za-z0-9.:_-]+(?!\n)$")
_IS_RUNNING: Final = range(JobState.New, JobState.ShuttingDown + 1)
_WAIT_S: Final = 30
_WORDS: Final = {
    errors.PATH_NOT_FOUND: "NotFound",
    errors.ACCESS_DENIED: "AccessDenied",
    errors.DIRECTORY_NOT_EMPTY: "NotEmpty",
}

_WRITE_ERROR: Final = "Microsoft.PowerShell.Commands.WriteErrorException"

_LIST: Final = Syntax(
    command="Get-FolderItem",
    class_name="Get-FolderItem",
    parameters=(Parameter(name="Path", type=types.STRING, position=0, is_mandatory=True),),
)


async def get_folder_item(call: CmdletCall) -> AsyncIterator[Value]:
    """List one folder, hidden items too, and nothing that is no folder."""
    path: str = call.get("Path")
    found: tuple[FolderEntry, ...] = ()
    try:
        found = call.session.world.list_folder(call.session.host, path)
    except errors.FolderError as error:
        id_, category = "PathNotFound", Category.ObjectNotFound
        if error.hresult == errors.ACCESS_DENIED:
            id_, category = "DirUnauthorizedAccessError", Category.PermissionDenied
        call.error(error.text, id_, category, exception=_WRITE_ERROR, target=path)
    for item in found:
        yield item_of(item)


_REMOVE: Final = Syntax(
    command="Remove-EmptyFolder",
    class_name="Remove-EmptyFolder",
    parameters=(Parameter(name="Path", type=types.STRING, position=0, is_mandatory=True),),
)


async def remove_empty_folder(call: CmdletCall) -> AsyncIterator[Value]:
    """Remove one empty folder, or say why not."""
    path: str = call.get("Path")
    reason = _remove(call, path)
    yield NoteObject({"Path": path, "Removed": not reason, "Reason": reason})


def _remove(call: CmdletCall, path: str) -> str:
    world, host = call.session.world, call.session.host
    full = path.rstrip("\\")
    parts = full.split("\\")[1:]
    # .NET would read `..`, a trailing dot or blank, or doubled backslashes as another path.
    if not _REMOVABLE.match(full) or any(part != part.rstrip(". ") for part in parts):
        return "NotAllowed: only a local folder two or more levels below its volume is removed."
    try:
        entry = world.entry(host, full)
        if entry is None:
            return "NotFound: there is no such folder."
        if not entry.is_folder:
            return "NotAFolder: it is a file."
        world.delete_folder(host, full, call.session.login.user)
    except errors.FolderError as error:
        return f"{_WORDS.get(error.hresult, 'Failed')}: {error.text}"
    return ""


_MOVE: Final = Syntax(
    command="Move-VMWithDisks",
    class_name="Move-VMWithDisks",
    parameters=(
        Parameter(name="VMId", type=types.GUID, position=0, is_mandatory=True),
        Parameter(name="DestinationHost", type=types.STRING, position=1, is_mandatory=True),
        Parameter(name="Path", type=types.STRING, position=2, is_mandatory=True),
        Parameter(name="SourceFilePath", type=types.STRINGS, position=3, is_mandatory=True),
        Parameter(name="DestinationFilePath", type=types.STRINGS, position=4, is_mandatory=True),
    ),
)


def _moving_to(folders: re.Pattern[str] | None, hosts: re.Pattern[str] | None) -> _Process:
    to, near = folders or _ON_A_DRIVE, hosts or _PLAIN_HOST

    async def process(call: CmdletCall) -> AsyncIterator[Value]:
        sources, targets = call.get("SourceFilePath"), call.get("DestinationFilePath")
        refused = [name for name in [call.get("DestinationHost")] if near.search(name) is None]
        refused += [path for path in [call.get("Path"), *targets] if to.search(path) is None]
        refused += [path for path in sources if _ON_A_DRIVE.search(path) is None and to.search(path) is None]
        if refused:
            text = f"{refused[0]} is none of the hosts and folders of this endpoint."
            call.error(text, "NotAllowed", Category.PermissionDenied, exception=_WRITE_ERROR, target=refused[0])
            return
        if len(sources) != len(targets):
            text, vm_id = "Each disk needs a place to go to.", call.get("VMId")
            call.error(text, "NotAllowed", Category.InvalidArgument, exception=_WRITE_ERROR, target=vm_id)
            return
        find = replace(call, bound=Bound(vms.GET_VM, {"Id": call.get("VMId")}, sets=("Id",)))
        async for vm in vms.get_vm(find):
            where = dict.fromkeys(("VirtualMachinePath", "SnapshotFilePath", "SmartPagingFilePath"), call.get("Path"))
            pairs = zip(sources, targets, strict=True)
            disks = [{"SourceFilePath": source, "DestinationFilePath": target} for source, target in pairs]
            values = {"VM": vm, "DestinationHost": call.get("DestinationHost"), **where, "Vhds": disks}
            bound = Bound(moves.MOVE_VM, values, sets=("VMMultipleDestinations",))
            async for item in moves.move_vm(replace(call, bound=bound)):
                yield item

    return process


_STOP: Final = Syntax(
    command="Stop-VMMigration",
    class_name="Stop-VMMigration",
    parameters=(Parameter(name="VMId", type=types.GUID, position=0, is_mandatory=True),),
)


async def stop_vm_migration(call: CmdletCall) -> AsyncIterator[Value]:
    """Ask for the end of the running migration of a VM."""
    world, host = call.session.world, call.session.host
    wanted = call.get("VMId")
    for job in world.jobs(host):
        if job.state in _IS_RUNNING and job.virtual_system_name.strip("{}").lower() == str(wanted):
            code = world.request_state_change(host, job.instance_id, _TERMINATE)
            yield NoteObject({"VMId": wanted, "ReturnValue": UInt32(code), "JobState": UInt16(job.state)})
            return
    call.error(
        f"No running migration of the virtual machine {wanted} was found.",
        "NoMigration",
        Category.ObjectNotFound,
        exception=_WRITE_ERROR,
        target=wanted,
    )


_COMPATIBILITY: Final = Syntax(
    command="Get-VMCompatibility",
    class_name="Get-VMCompatibility",
    parameters=(Parameter(name="VMId", type=types.GUIDS, position=0, is_mandatory=True),),
)


async def get_vm_compatibility(call: CmdletCall) -> AsyncIterator[Value]:
    """Describe what VMs need of a host."""
    session = call.session
    for vm_id in call.get("VMId"):
        await session.pace.sleep(session.world.compatibility.takes_s(session.host))
        answer: dict[str, Value] = {"VMId": vm_id, "ReturnValue": None, "CompatibilityInfo": None, "Problem": ""}
        vm = session.world.vm(session.host, vm_id)
        if vm is not None and not vm.is_planned:
            code, info = session.world.compatibility.describe(session.host, vm_id)
            answer |= {"ReturnValue": UInt32(code), "CompatibilityInfo": info or None}
        else:
            answer["Problem"] = f"There is no virtual machine {vm_id}."
        yield NoteObject(answer)


_FITS: Final = Syntax(
    command="Test-VMCompatibility",
    class_name="Test-VMCompatibility",
    parameters=(Parameter(name="CompatibilityInfo", type=types.BYTE_LISTS, position=0, is_mandatory=True),),
)


async def test_vm_compatibility(call: CmdletCall) -> AsyncIterator[Value]:
    """Say whether VMs that another host described could run here."""
    session = call.session
    session.world.advance()
    for index, info in enumerate(call.get("CompatibilityInfo")):
        await session.pace.sleep(session.world.compatibility.takes_s(session.host))
        code, reasons = session.world.compatibility.judge(session.host, info)
        said = Array("System.String[]", reasons)
        yield NoteObject({"Index": index, "ReturnValue": UInt32(code), "Reasons": said, "Problem": ""})


_MIGRATABLE: Final = Syntax(
    command="Test-VMMigration",
    class_name="Test-VMMigration",
    parameters=(
        Parameter(name="VMId", type=types.GUID, position=0, is_mandatory=True),
        Parameter(name="DestinationHost", type=types.STRING, position=1, is_mandatory=True),
        Parameter(name="WaitSeconds", type=types.INTEGER, position=2),
    ),
)


async def test_vm_migration(call: CmdletCall) -> AsyncIterator[Value]:
    """Let the host find out whether it could migrate a VM, and wait for what it finds."""
    session, wanted = call.session, call.get("VMId")
    if not any(vm.id == wanted for vm in session.world.vms(session.host)):
        text = f"There is no virtual machine {wanted}."
        call.error(text, "NoVM", Category.ObjectNotFound, exception=_WRITE_ERROR, target=wanted)
        return
    request = MoveRequest(
        vm_id=wanted,
        source=session.host,
        destination=call.get("DestinationHost"),
        owner=session.login.user,
        has_delegated_logon=session.login.has_delegated_logon,
    )
    code, key = session.world.compatibility.begin_check(request, MIGRATION_SETTINGS)
    state, reasons = 0, list[str]()
    for _ in range(1 + call.get("WaitSeconds", _WAIT_S) if key else 0):
        job = next(job for job in session.world.jobs(session.host) if job.instance_id == key)
        state, reasons = job.state, [job.error_summary or "", job.error_description or ""]
        if state not in _IS_RUNNING:
            break
        await session.pace.sleep(1.0)
    yield NoteObject(
        {
            "VMId": wanted,
            "ReturnValue": UInt32(code),
            "JobState": UInt16(state),
            "Reasons": Array("System.String[]", reasons),
        }
    )


_NOTE: Final = Syntax(
    command="Get-VMNote",
    class_name="Get-VMNote",
    parameters=(Parameter(name="Key", type=types.STRING, position=0, is_mandatory=True),),
)
_LINE_ENDS: Final = re.compile("\r\n|\n|\r")
_NOTES_OF_A_VM: Final = 4
_NOTE_LENGTH: Final = 256


async def get_vm_note(call: CmdletCall) -> AsyncIterator[Value]:
    """Tell what stands behind a key in the notes of VMs."""
    wanted: str = call.get("Key")
    find = replace(call, bound=Bound(vms.GET_VM, {}, sets=("Name",)))
    async for vm in vms.get_vm(find):
        for value in behind(wanted, vm.source.notes):
            yield NoteObject({"VMId": vm.source.id, "Value": value})


def behind(wanted: str, notes: str) -> tuple[str, ...]:
    """Return what stands behind a key in the notes of one VM."""
    parts = [line.partition(":") for line in _LINE_ENDS.split(notes)]
    found = [value for key, colon, value in parts if colon and key and key.strip().lower() == wanted.lower()]
    return tuple(value.strip()[:_NOTE_LENGTH] for value in found[:_NOTES_OF_A_VM])


OF_FOLDERS: Final = frozenset({"Get-FolderItem", "Remove-EmptyFolder"})
CMDLETS: Final = (
    Cmdlet(syntax=_LIST, module=_MODULE, process=get_folder_item, is_function=True),
    Cmdlet(syntax=_REMOVE, module=_MODULE, process=remove_empty_folder, is_function=True),
    Cmdlet(syntax=_MOVE, module=_MODULE, process=_moving_to(None, None), is_function=True),
    Cmdlet(syntax=_STOP, module=_MODULE, process=stop_vm_migration, is_function=True),
    Cmdlet(syntax=_COMPATIBILITY, module=_MODULE, process=get_vm_compatibility, is_function=True),
    Cmdlet(syntax=_FITS, module=_MODULE, process=test_vm_compatibility, is_function=True),
    Cmdlet(syntax=_MIGRATABLE, module=_MODULE, process=test_vm_migration, is_function=True),
    Cmdlet(syntax=_NOTE, module=_MODULE, process=get_vm_note, is_function=True),
)


def of_module(text: str) -> tuple[Cmdlet, ...]:
    """Return the functions with the limits that the text of a module sets; without a text as they are shipped."""
    folders, hosts = _limit(text, "MigrateBotFolders"), _limit(text, "MigrateBotHosts")
    limits = {
        "Get-FolderItem": ("Path", folders),
        "Test-VMMigration": ("DestinationHost", hosts),
        "Get-VMNote": ("Key", _limit(text, "MigrateBotKeys")),
    }

    def limited(cmdlet: Cmdlet) -> Cmdlet:
        if cmdlet.name == "Remove-EmptyFolder" and folders is not None:
            return replace(cmdlet, process=_removing_in(folders))
        if cmdlet.name == "Move-VMWithDisks":
            return replace(cmdlet, process=_moving_to(folders, hosts))
        parameter, pattern = limits.get(cmdlet.name, ("", None))
        if pattern is None or cmdlet.process is None:
            return cmdlet
        return replace(cmdlet, process=_taking(parameter, pattern, cmdlet.process))

    return tuple(limited(cmdlet) for cmdlet in CMDLETS)


def _limit(text: str, name: str) -> re.Pattern[str] | None:
    found = re.search(rf"(?m)^\$script:{name} = '(.+)'$", text)
    return re.compile(found[1].replace("''", "'"), re.IGNORECASE) if found else None


def _taking(parameter: str, pattern: re.Pattern[str], inner: _Process) -> _Process:
    what = {"Path": "folders", "DestinationHost": "hosts", "Key": "keys"}[parameter]

    async def process(call: CmdletCall) -> AsyncIterator[Value]:
        value: str = call.get(parameter)
        if pattern.search(value) is None:
            text = f"{value} is none of the {what} of this endpoint."
            call.error(text, "NotAllowed", Category.PermissionDenied, exception=_WRITE_ERROR, target=value)
            return
        async for item in inner(call):
            yield item

    return process


def _removing_in(folders: re.Pattern[str]) -> _Process:
    async def process(call: CmdletCall) -> AsyncIterator[Value]:
        path: str = call.get("Path")
        if _REMOVABLE.match(path.rstrip("\\")) and folders.search(path.rstrip("\\")) is None:
            reason = "NotAllowed: it is in none of the folders of this endpoint."
            yield NoteObject({"Path": path, "Removed": False, "Reason": reason})
            return
        async for item in remove_empty_folder(call):
            yield item

    return process
