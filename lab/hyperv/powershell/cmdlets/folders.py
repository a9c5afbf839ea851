"""Get-ChildItem, Test-Path and Remove-Item on the file system of a simulated host.

Sources: Microsoft docs for each cmdlet; texts and error ids from PowerShell's FileSystemProviderStrings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.powershell.cmdlets.vms import is_wildcard, matches
from lab.hyperv.remoting.dotnet_values import Int64, NetObject, NetType, Value
from lab.hyperv.remoting.records import Category
from lab.hyperv.world import errors, paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.hyperv.world.views import FolderEntry

MODULE: Final = "Microsoft.PowerShell.Management"
_COMMANDS: Final = "Microsoft.PowerShell.Commands"
_NOT_FOUND: Final = "System.Management.Automation.ItemNotFoundException"
_DENIED: Final = "System.UnauthorizedAccessException"
_PROMPT: Final = "System.Management.Automation.Host.HostException"


def _extension(path: str) -> str:
    name = paths.name(path)
    return name[name.rfind(".") :] if "." in name else ""


def _attributes(entry: FolderEntry) -> str:
    names = [*(["Hidden"] if entry.is_hidden else []), "Directory" if entry.is_folder else "Archive"]
    return ", ".join(names)


_SHARED: Final[dict[str, Callable[[FolderEntry], Value]]] = {
    "Name": lambda entry: paths.name(entry.path),
    "FullName": lambda entry: entry.path,
    "Extension": lambda entry: _extension(entry.path),
    "Exists": lambda _: True,
    "Attributes": _attributes,
}
_FOLDER_TYPE: Final = NetType(
    ("System.IO.DirectoryInfo", "System.IO.FileSystemInfo", "System.MarshalByRefObject"),
    {**_SHARED, "Parent": lambda entry: paths.parent(entry.path)},
    to_string=lambda entry: str(entry.path),
)
_FILE_TYPE: Final = NetType(
    ("System.IO.FileInfo", "System.IO.FileSystemInfo", "System.MarshalByRefObject"),
    {
        **_SHARED,
        "Length": lambda entry: Int64(entry.size_bytes),
        "DirectoryName": lambda entry: paths.parent(entry.path),
    },
    to_string=lambda entry: str(entry.path),
)


def _syntax(command: str, class_name: str, *extra: Parameter) -> Syntax:
    return Syntax(
        command=command,
        class_name=f"{_COMMANDS}.{class_name}",
        sets=("Items", "LiteralItems"),
        default_set="Items",
        parameters=(
            Parameter(name="Path", type=types.STRINGS, sets=("Items",), position=0, is_mandatory=True, by_value=True),
            Parameter(
                name="LiteralPath",
                type=types.STRINGS,
                aliases=("PSPath",),
                sets=("LiteralItems",),
                is_mandatory=True,
                by_property=True,
            ),
            Parameter(name="Force", type=types.SWITCH),
            *extra,
        ),
    )


_LIST: Final = _syntax(
    "Get-ChildItem",
    "GetChildItemCommand",
    Parameter(name="Filter", type=types.STRING, position=1),
    Parameter(name="Directory", type=types.SWITCH, aliases=("ad",)),
    Parameter(name="File", type=types.SWITCH, aliases=("af",)),
    Parameter(name="Name", type=types.SWITCH),
)


async def get_child_item(call: CmdletCall) -> AsyncIterator[Value]:
    """List what a folder holds; an empty one gives nothing, a missing one an error."""
    for path in _asked(call):
        try:
            entry = call.session.world.entry(call.session.host, path)
            if entry is not None and not entry.is_folder:
                found: tuple[FolderEntry, ...] = (entry,)
            else:
                found = call.session.world.list_folder(call.session.host, path, include_hidden=bool(call.get("Force")))
        except errors.FolderError as error:
            _write(call, path, error)
            continue
        for item in found:
            if _is_wanted(call, item):
                yield paths.name(item.path) if call.get("Name") else item_of(item)


def _is_wanted(call: CmdletCall, item: FolderEntry) -> bool:
    if (call.get("Directory") and not item.is_folder) or (call.get("File") and item.is_folder):
        return False
    return not call.has("Filter") or matches(call.get("Filter"), paths.name(item.path))


def item_of(entry: FolderEntry) -> NetObject:
    return NetObject(_FOLDER_TYPE if entry.is_folder else _FILE_TYPE, entry)


def _asked(call: CmdletCall) -> list[str]:
    asked: list[str] = call.get("LiteralPath") or call.get("Path") or []
    if not call.has("LiteralPath") and any(is_wildcard(path) for path in asked):
        text = "The lab expands no wildcards in paths: use -LiteralPath."
        call.error(text, "NotSupported", Category.NotImplemented, exception="System.NotSupportedException")
        return []
    return asked


def _write(call: CmdletCall, path: str, error: errors.FolderError) -> None:
    if error.hresult == errors.ACCESS_DENIED:
        message = f"Access to the path '{path}' is denied."
        call.error(message, "DirUnauthorizedAccessError", Category.PermissionDenied, exception=_DENIED, target=path)
        return
    message = f"Cannot find path '{path}' because it does not exist."
    call.error(message, "PathNotFound", Category.ObjectNotFound, exception=_NOT_FOUND, target=path)


_TEST: Final = _syntax("Test-Path", "TestPathCommand", Parameter(name="PathType", type=types.STRING, aliases=("Type",)))


async def test_path(call: CmdletCall) -> AsyncIterator[Value]:
    """Tell whether a file or folder is there; -PathType Container or Leaf asks which."""
    kind = str(call.get("PathType", "Any")).lower()
    for path in _asked(call):
        try:
            entry = call.session.world.entry(call.session.host, path)
        except errors.FolderError:
            entry = None
        yield entry is not None and (kind not in {"container", "leaf"} or entry.is_folder is (kind == "container"))


_REMOVE: Final = _syntax(
    "Remove-Item",
    "RemoveItemCommand",
    Parameter(name="Recurse", type=types.SWITCH),
    Parameter(name="WhatIf", type=types.SWITCH, aliases=("wi",)),
    Parameter(name="Confirm", type=types.SWITCH, aliases=("cf",)),
)


_UNANSWERED: Final = (
    "A command that prompts the user failed because the host program or the command type does not support user "
    "interaction. The host was attempting to request confirmation with the following message: The item at {path} "
    "has children and the Recurse parameter was not specified. If you continue, all children will be removed with "
    "the item. Are you sure you want to continue?"
)


async def remove_item(call: CmdletCall) -> AsyncIterator[Value]:
    """Remove a folder; one with children and without -Recurse makes PowerShell ask, and nobody is there to answer."""
    world, host = call.session.world, call.session.host
    for path in _asked(call):
        try:
            children = world.list_folder(host, path)
            if children and not call.get("Recurse"):
                message = _UNANSWERED.format(path=path)
                call.error(
                    message, "HostFunctionNotImplemented", Category.NotImplemented, exception=_PROMPT, target=path
                )
            elif not call.get("WhatIf"):
                world.delete_tree(host, path, call.session.login.user)
        except errors.FolderError as error:
            _write(call, path, error)
    empty: tuple[Value, ...] = ()
    for nothing in empty:
        yield nothing


CMDLETS: Final = (
    Cmdlet(syntax=_LIST, module=MODULE, process=get_child_item),
    Cmdlet(syntax=_TEST, module=MODULE, process=test_path),
    Cmdlet(syntax=_REMOVE, module=MODULE, process=remove_item),
)
