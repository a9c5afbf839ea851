"""What stands between a client and the Hyper-V cmdlets of some hosts: other modules, a policy, the wrong PowerShell.

Sources: PowerCLI's Get-VM; PowerShell docs, about_Language_Modes and about_Windows_PowerShell_Compatibility; the errors
of constrained language are those a real PowerShell gave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.remoting.dotnet_values import ErrorDetail, NetObject, NoteObject, Value
from lab.hyperv.remoting.records import Category

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_RUNTIME: Final = "System.Management.Automation.RuntimeException"
_METHOD: Final = ErrorDetail(
    "Cannot invoke method. Method invocation is supported only on core types in this language mode.",
    "MethodInvocationNotSupportedInConstrainedLanguage",
    Category.InvalidOperation,
    exception_type=_RUNTIME,
)
_CONVERSION: Final = ErrorDetail(
    'Cannot convert value to type "System.Management.Automation.LanguagePrimitives+InternalPSCustomObject". Only core '
    "types are supported in this language mode.",
    "ConversionSupportedOnlyToCoreTypes",
    Category.InvalidArgument,
    exception_type=_RUNTIME,
)
_FAILS_WITH: Final = {"Get-FolderItem": (_METHOD,), "Remove-EmptyFolder": (_METHOD, _CONVERSION)}


def of_module(module: str) -> tuple[Cmdlet, ...]:
    """Return the Get-VM and Get-VMHost of somebody else's module, which wants to be connected to a server first."""
    return tuple(_unconnected(module, name) for name in ("Get-VM", "Get-VMHost"))


def _unconnected(module: str, name: str) -> Cmdlet:
    async def say_so(call: CmdletCall) -> AsyncIterator[Value]:
        call.error(
            "You are not currently connected to any servers. Please connect first using a Connect cmdlet.",
            "Core_BaseCmdlet_NotConnectedError",
            Category.ResourceUnavailable,
            exception="VMware.VimAutomation.Sdk.Types.V1.ErrorHandling.VimException.ViServerConnectionException",
        )
        empty: tuple[Value, ...] = ()
        for nothing in empty:
            yield nothing

    parameters = (
        Parameter(name="Name", type=types.STRINGS, position=0, by_value=True),
        Parameter(name="Id", type=types.STRINGS),
    )
    class_name = f"{module}.Commands.{name.replace('-', '')}"
    return Cmdlet(
        syntax=Syntax(command=name, class_name=class_name, parameters=parameters), module=module, process=say_so
    )


def in_constrained_language(functions: Sequence[Cmdlet]) -> tuple[Cmdlet, ...]:
    """Return functions of a script as they are where a policy forbids scripts the methods of .NET."""
    return tuple(
        replace(function, process=_refused) if function.name in _FAILS_WITH else function for function in functions
    )


async def _refused(call: CmdletCall) -> AsyncIterator[Value]:
    for detail in _FAILS_WITH[call.bound.syntax.command]:
        call.streams.error(detail)
    empty: tuple[Value, ...] = ()
    for nothing in empty:
        yield nothing


def stand_ins(cmdlets: Sequence[Cmdlet], module: str) -> tuple[Cmdlet, ...]:
    """Return cmdlets as PowerShell 7 has those of a module that runs in 5.1 only: functions that return dead copies."""
    return tuple(_stand_in(cmdlet) if cmdlet.module == module else cmdlet for cmdlet in cmdlets)


def _stand_in(cmdlet: Cmdlet) -> Cmdlet:
    inner = cmdlet.process

    async def run(call: CmdletCall) -> AsyncIterator[Value]:
        if inner is not None:
            async for item in inner(call):
                yield _dead(item)

    return replace(cmdlet, is_function=True, process=run if inner is not None else None)


def _dead(item: Value) -> Value:
    if not isinstance(item, NetObject):
        return item
    copy = NoteObject({name: item.get(name) for name in item.property_names()})
    copy.type_names = tuple(f"Deserialized.{name}" for name in item.type_names)
    return copy
