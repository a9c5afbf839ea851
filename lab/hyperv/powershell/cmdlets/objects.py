"""Select-Object and Where-Object in the forms a structured command can express, and Get-Command.

Sources: Microsoft docs for each cmdlet, about_Session_Configurations (JEA's restricted proxies).
"""

from __future__ import annotations

import fnmatch
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall, not_recognized
from lab.hyperv.remoting.dotnet_values import (
    Array,
    EnumValue,
    NetObject,
    NetType,
    NoteObject,
    Thrown,
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
            is_object = isinstance(item, NetObject | NoteObject)
            spelled = next((k for k in item.property_names() if k.lower() == name.lower()), name) if is_object else name
            picked[spelled] = item.get(name) if is_object else None
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
    """List the commands this session can see, each once; of several with one exact name, the one that would run."""
    told: list[Cmdlet] = []
    modules = [str(name).lower() for name in call.get("Module") or []]
    # Functions come before cmdlets, here and wherever a name means both.
    visible = sorted(call.commands(), key=lambda cmdlet: (not cmdlet.is_function, cmdlet.name.lower()))
    for name in map(str, call.get("Name") or ["*"]):
        found = [cmdlet for cmdlet in visible if cmdlet.goes_by(name, fnmatch.fnmatchcase)]
        found = [cmdlet for cmdlet in found if not modules or cmdlet.module.lower() in modules]
        is_exact = not any(char in name for char in "*?[")
        for cmdlet in found[:1] if is_exact else found:
            if cmdlet in told:
                continue
            told.append(cmdlet)
            yield NetObject(_FUNCTION_INFO if cmdlet.is_function else _CMDLET_INFO, cmdlet)
        if is_exact and not found:
            exception = "System.Management.Automation.CommandNotFoundException"
            made = Thrown(exception, not_recognized(name), (("CommandName", name),), is_traced=False)
            category = Category.ObjectNotFound
            call.error(made.message, "CommandNotFoundException", category, exception=exception, target=name, made=made)


async def measure_object(_call: CmdletCall, source: AsyncIterator[Value]) -> AsyncIterator[Value]:
    """Count what comes in."""
    count = 0
    async for _ in source:
        count += 1
    yield NoteObject({"Count": count})


async def say_nothing(_call: CmdletCall) -> AsyncIterator[Value]:
    """Do what only matters where somebody sits in front of the session."""
    empty: tuple[Value, ...] = ()
    for nothing in empty:
        yield nothing


SELECT_OBJECT: Final = Cmdlet(syntax=_SELECT, module=UTILITY, whole=select_object)
WHERE_OBJECT: Final = Cmdlet(syntax=_WHERE, module=CORE, whole=where_object)
GET_COMMAND: Final = Cmdlet(syntax=_GET_COMMAND, module=CORE, process=get_command)
CMDLETS: Final = (SELECT_OBJECT, WHERE_OBJECT, GET_COMMAND)


def _of_session(name: str, *parameters: Parameter, counts: bool = False) -> Cmdlet:
    syntax = Syntax(command=name, class_name=name, parameters=parameters)
    if counts:
        return Cmdlet(syntax=syntax, module="", whole=measure_object, is_function=True)
    return Cmdlet(syntax=syntax, module="", process=say_nothing, is_function=True)


_INPUT: Final = Parameter(name="InputObject", type=types.ANY, by_value=True)
OF_RESTRICTED_SESSION: Final = (
    _of_session("Clear-Host"),
    _of_session("Exit-PSSession"),
    _of_session("Get-FormatData", Parameter(name="TypeName", type=types.STRINGS, position=0)),
    _of_session("Get-Help", Parameter(name="Name", type=types.STRING, position=0)),
    _of_session("Measure-Object", _INPUT, counts=True),
    _of_session("Out-Default", _INPUT),
)
"""What every RestrictedRemoteServer session has besides Get-Command and Select-Object, which are narrowed there."""
