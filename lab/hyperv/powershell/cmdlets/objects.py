"""Select-Object and Where-Object in the forms a structured command can express, and Get-Command.

Sources: Microsoft docs for each cmdlet, about_Session_Configurations (JEA's restricted proxies).
"""

from __future__ import annotations

import fnmatch
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Bound, Parameter, Syntax, outside_set
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall, not_recognized
from lab.hyperv.remoting.dotnet_values import (
    Array,
    EnumValue,
    ErrorDetail,
    NetObject,
    NetType,
    NoteObject,
    Value,
    type_name_of,
)
from lab.hyperv.remoting.records import Category

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

UTILITY: Final = "Microsoft.PowerShell.Utility"
CORE: Final = "Microsoft.PowerShell.Core"
_SELECT_CLASS: Final = "Microsoft.PowerShell.Commands.SelectObjectCommand"

_SELECT_PARAMETERS: Final = (
    Parameter(name="InputObject", type=types.ANY, by_value=True),
    Parameter(name="Property", type=types.ANYTHING, position=0),
    Parameter(name="ExpandProperty", type=types.STRING),
    Parameter(name="ExcludeProperty", type=types.STRINGS),
    Parameter(name="First", type=types.INTEGER),
    Parameter(name="Last", type=types.INTEGER),
    Parameter(name="Skip", type=types.INTEGER),
)
_SELECT: Final = Syntax(command="Select-Object", class_name=_SELECT_CLASS, parameters=_SELECT_PARAMETERS)


async def select_object(call: CmdletCall, source: AsyncIterator[Value]) -> AsyncIterator[Value]:
    """Pick properties; one that an object lacks becomes null."""
    first, skip = call.get("First"), call.get("Skip") or 0
    names = [str(name) for name in call.get("Property") or []]
    expanded = call.get("ExpandProperty")
    seen = 0
    if first == 0:
        return
    async with aclosing(_cut_last(call, source)) as items:
        async for item in items:
            seen += 1
            if seen <= skip:
                continue
            if expanded is not None:
                for value in _expand(call, item, expanded):
                    yield value
            else:
                yield _select(item, names) if names else item
            if first is not None and seen - skip >= first:
                return


async def _cut_last(call: CmdletCall, source: AsyncIterator[Value]) -> AsyncGenerator[Value, None]:
    if not call.has("Last"):
        async for item in source:
            yield item
        return
    items = [item async for item in source]
    for item in items[-call.get("Last") :]:
        yield item


def _select(item: Value, names: list[str]) -> NoteObject:
    picked: dict[str, Value] = {}
    for name in names:
        if "*" in name and isinstance(item, NetObject | NoteObject):
            known = [k for k in item.property_names() if fnmatch.fnmatchcase(k.lower(), name.lower())]
            picked.update({k: item.get(k) for k in known})
        else:
            picked[name] = item.get(name) if isinstance(item, NetObject | NoteObject) else None
    return NoteObject(picked, type_name_of(item))


def _expand(call: CmdletCall, item: Value, name: str) -> list[Value]:
    if not isinstance(item, NetObject | NoteObject) or not item.has(name):
        call.error(
            f'Property "{name}" cannot be found.',
            "ExpandPropertyNotFound",
            Category.InvalidArgument,
            exception="System.Management.Automation.PSArgumentException",
            target=item,
        )
        return []
    value = item.get(name)
    if isinstance(value, Array):
        return list(value.items)
    return list(value) if isinstance(value, list | tuple) else [value]


JEA_SELECT_PROPERTIES: Final = (
    "ModuleName",
    "Namespace",
    "OutputType",
    "Count",
    "HelpUri",
    "Name",
    "CommandType",
    "ResolvedCommandName",
    "DefaultParameterSet",
    "CmdletBinding",
    "Parameters",
)
"""What -Property of the Select-Object of a RestrictedRemoteServer session takes."""


def _only_metadata(bound: Bound) -> None:
    for name in bound.get("Property") or []:
        if str(name).lower() not in {known.lower() for known in JEA_SELECT_PROPERTIES}:
            raise outside_set(bound.syntax, "Property", str(name), JEA_SELECT_PROPERTIES)


_JEA_SELECT: Final = Syntax(
    command="Select-Object",
    class_name="Select-Object",
    parameters=(Parameter(name="Property", type=types.ANYTHING, position=0), _SELECT_PARAMETERS[0]),
)

_WHERE: Final = Syntax(
    command="Where-Object",
    class_name="Microsoft.PowerShell.Commands.WhereObjectCommand",
    parameters=(
        Parameter(name="InputObject", type=types.ANY, by_value=True),
        Parameter(name="Property", type=types.STRING, position=0, is_mandatory=True),
        Parameter(name="Value", type=types.ANY, position=1),
        Parameter(name="EQ", type=types.SWITCH, aliases=("IEQ",)),
        Parameter(name="NE", type=types.SWITCH, aliases=("INE",)),
        Parameter(name="Like", type=types.SWITCH, aliases=("ILike",)),
    ),
)


async def where_object(call: CmdletCall, source: AsyncIterator[Value]) -> AsyncIterator[Value]:
    """Keep the objects whose property compares so to the value; with neither, those whose property is true."""
    name, wanted = call.get("Property"), call.get("Value")
    async for item in source:
        value = item.get(name) if isinstance(item, NetObject | NoteObject) else None
        if _holds(call, value, wanted):
            yield item


def _holds(call: CmdletCall, value: Value, wanted: Value) -> bool:
    if call.get("Like"):
        return fnmatch.fnmatchcase(str(value).lower(), str(wanted).lower())
    if call.get("NE"):
        return not _is_equal(value, wanted)
    if call.get("EQ") or call.has("Value"):
        return _is_equal(value, wanted)
    return bool(value)


def _is_equal(value: Value, wanted: Value) -> bool:
    """Compare as `-eq` does: the right side becomes the type of the left one."""
    if value is None or wanted is None:
        return value is wanted
    if isinstance(value, EnumValue):
        return wanted == value.number if isinstance(wanted, int) else str(wanted).lower() == value.name.lower()
    if isinstance(value, bool) or isinstance(wanted, bool):
        return bool(value) == bool(wanted)
    return str(value).lower() == str(wanted).lower()


def _command_kind(cmdlet: Cmdlet) -> EnumValue:
    number, name = (2, "Function") if cmdlet.is_function else (8, "Cmdlet")
    return EnumValue("System.Management.Automation.CommandTypes", number, name)


_COMMAND_PROPERTIES: Final[dict[str, Any]] = {
    "Name": lambda cmdlet: cmdlet.name,
    "CommandType": _command_kind,
    "ModuleName": lambda cmdlet: cmdlet.module,
    "Source": lambda cmdlet: cmdlet.module,
    "Version": lambda _: None,
}
_CMDLET_INFO: Final = NetType(
    ("System.Management.Automation.CmdletInfo", "System.Management.Automation.CommandInfo"),
    _COMMAND_PROPERTIES,
    to_string=lambda cmdlet: str(cmdlet.name),
)
_FUNCTION_INFO: Final = NetType(
    ("System.Management.Automation.FunctionInfo", "System.Management.Automation.CommandInfo"),
    _COMMAND_PROPERTIES,
    to_string=lambda cmdlet: str(cmdlet.name),
)


_GET_COMMAND: Final = Syntax(
    command="Get-Command",
    class_name="Microsoft.PowerShell.Commands.GetCommandCommand",
    parameters=(
        Parameter(name="Name", type=types.STRINGS, position=0, by_value=True, by_property=True),
        Parameter(name="Module", type=types.STRINGS, aliases=("PSSnapin",)),
        Parameter(name="CommandType", type=types.ANYTHING, aliases=("Type",)),
        Parameter(name="ListImported", type=types.SWITCH),
        Parameter(name="All", type=types.SWITCH),
    ),
)


async def get_command(call: CmdletCall) -> AsyncIterator[Value]:
    """List the commands this session can see."""
    names = call.get("Name") or ["*"]
    modules = [str(name).lower() for name in call.get("Module") or []]
    visible = sorted(call.commands(), key=lambda cmdlet: cmdlet.name.lower())
    for name in names:
        bare = str(name).rpartition("\\")[2]
        found = [c for c in visible if fnmatch.fnmatchcase(c.name.lower(), bare.lower())]
        found = [c for c in found if not modules or c.module.lower() in modules]
        for cmdlet in found:
            yield NetObject(_FUNCTION_INFO if cmdlet.is_function else _CMDLET_INFO, cmdlet)
        if not found and not any(char in bare for char in "*?["):
            message = not_recognized(str(name))
            fqid = f"CommandNotFoundException,{_GET_COMMAND.class_name}"
            exception = "System.Management.Automation.CommandNotFoundException"
            call.streams.error(ErrorDetail(message, fqid, Category.ObjectNotFound, exception, name, "Get-Command"))


SELECT_OBJECT: Final = Cmdlet(syntax=_SELECT, module=UTILITY, whole=select_object)
JEA_SELECT_OBJECT: Final = Cmdlet(
    syntax=_JEA_SELECT, module="", whole=select_object, validate=_only_metadata, is_function=True
)
WHERE_OBJECT: Final = Cmdlet(syntax=_WHERE, module=CORE, whole=where_object)
GET_COMMAND: Final = Cmdlet(syntax=_GET_COMMAND, module=CORE, process=get_command)
CMDLETS: Final = (SELECT_OBJECT, WHERE_OBJECT, GET_COMMAND)
