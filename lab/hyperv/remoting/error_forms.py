"""Writes error records as PowerShell serializes them: the exception with its bases and own properties, the invocation.

Source: what a real PowerShell sent (tests/recordings); what only decorates a trace, line and offset, is left empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.hyperv.remoting.dotnet_values import OBJECT, EnumValue, ErrorDetail, Int64, Thrown, Value, type_name_of

if TYPE_CHECKING:
    from lab.hyperv.remoting.clixml import Writer

SMA: Final = "System.Management.Automation"
_EXCEPTION: Final = "System.Exception"
_SYSTEM: Final = ("System.SystemException",)
_RUNTIME: Final = (f"{SMA}.RuntimeException", *_SYSTEM)
_BINDING: Final = (f"{SMA}.ParameterBindingException", *_RUNTIME)
_METADATA: Final = (f"{SMA}.MetadataException", *_RUNTIME)
_BASES: Final[dict[str, tuple[str, ...]]] = {
    f"{SMA}.ParameterBindingException": _RUNTIME,
    f"{SMA}.ParameterBindingValidationException": _BINDING,
    f"{SMA}.ParameterBindingArgumentTransformationException": _BINDING,
    f"{SMA}.CommandNotFoundException": _RUNTIME,
    f"{SMA}.ParseException": _RUNTIME,
    f"{SMA}.PipelineStoppedException": _RUNTIME,
    f"{SMA}.ValidationMetadataException": _METADATA,
    f"{SMA}.ArgumentTransformationMetadataException": _METADATA,
    f"{SMA}.PSInvalidCastException": ("System.InvalidCastException", *_SYSTEM),
    "System.FormatException": _SYSTEM,
    "Microsoft.PowerShell.Commands.WriteErrorException": _SYSTEM,
}
_RUNTIME_HRESULT: Final = -2146233087
_KEYWORDS: Final = "System.Collections.Generic"
_NET: Final = "mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"
_BOUND: Final = f"{_KEYWORDS}.Dictionary`2[[System.String, {_NET}],[{OBJECT}, {_NET}]]"
_UNBOUND: Final = f"{_KEYWORDS}.List`1[[{OBJECT}, {_NET}]]"
_ITERATIONS: Final = f"System.Collections.ObjectModel.ReadOnlyCollection`1[[System.Int32, {_NET}]]"
_TRACE: Final = f"   at {SMA}.Internal.PipelineProcessor.SynchronousExecuteEnumerate(Object input)"
_LINE_INFO: Final = (("ScriptName", ""), ("Line", ""), ("PositionMessage", ""), ("PSScriptRoot", ""))


def write_exception(writer: Writer, error: ErrorDetail) -> None:
    """Write the Exception of an error record."""
    thrown = error.thrown or Thrown(error.exception_type, error.message, is_traced=False)
    _exception(writer, thrown, "Exception", error.hresult)


def _exception(writer: Writer, thrown: Thrown, name: str, hresult: int) -> None:
    kind = thrown.exception_type
    bases = _BASES.get(kind, ())
    is_runtime = _RUNTIME[0] in bases
    chain = (kind, *bases, _EXCEPTION, OBJECT) if kind != _EXCEPTION else (kind, OBJECT)
    writer.open(chain, name, _prints(thrown))
    writer.raw("<Props>")
    own = [*thrown.own]
    if is_runtime or kind.endswith("PSInvalidCastException"):
        own.append(("ErrorRecord", thrown.message))
    if is_runtime:
        own.append(("WasThrownFromThrowStatement", False))
    for key, value in [("Message", thrown.message), *own]:
        writer.value(value, 0, key)
    writer.open(("System.Collections.ListDictionaryInternal", OBJECT), "Data")
    writer.raw("<DCT />")
    writer.close()
    if thrown.cause is None:
        writer.value(None, 0, "InnerException")
    else:
        _exception(writer, thrown.cause, "InnerException", _RUNTIME_HRESULT)
    for key, value in (
        ("TargetSite", "Void Throw()" if thrown.is_traced else None),
        ("StackTrace", _TRACE if thrown.is_traced else None),
        ("HelpLink", None),
        ("Source", SMA if thrown.is_traced else None),
        ("HResult", _RUNTIME_HRESULT if is_runtime else hresult),
    ):
        writer.value(value, 0, key)
    writer.raw("</Props>")
    writer.close()


def _prints(thrown: Thrown) -> str:
    inner = f"\n ---> {_prints(thrown.cause)}" if thrown.cause else ""
    return f"{thrown.exception_type}: {thrown.message}{inner}"


def write_invocation(writer: Writer, error: ErrorDetail) -> tuple[int, int] | None:
    """Write which command the error is about; return the numbers of its two collections, None when none had begun."""
    command = error.command or error.activity
    if not command:
        writer.value(None, 0, "InvocationInfo")
        return None
    writer.open((f"{SMA}.InvocationInfo", OBJECT), "InvocationInfo", f"{SMA}.InvocationInfo")
    writer.raw("<Props>")
    writer.value(command, 0, "MyCommand")
    bound = writer.open((_BOUND, OBJECT), "BoundParameters")
    writer.raw("<DCT />")
    writer.close()
    unbound = writer.open((_UNBOUND, OBJECT), "UnboundArguments")
    writer.raw("<LST />")
    writer.close()
    # A command that could not be bound was not invoked.
    for key, value in (
        *_place(),
        ("InvocationName", "" if error.thrown and error.thrown.is_traced else command),
        *_standing(),
    ):
        writer.value(value, 0, key)
    for key, value in (("Statement", ""), ("CommandOrigin", "Internal"), ("DisplayScriptPosition", None)):
        writer.value(value, 0, key)
    writer.raw("</Props>")
    writer.close()
    return bound, unbound


def _place() -> tuple[tuple[str, Value], ...]:
    return (("ScriptLineNumber", 0), ("OffsetInLine", 0), ("HistoryId", Int64(1)), *_LINE_INFO, ("PSCommandPath", None))


def _standing() -> tuple[tuple[str, Value], ...]:
    return (("PipelineLength", 0), ("PipelinePosition", 0), ("ExpectingInput", False))


def write_extended(writer: Writer, error: ErrorDetail, collections: tuple[int, int]) -> None:
    """Write once more, flat, what clients that ask for invocations get with an error that ends nothing."""
    command = error.command or error.activity
    bound, unbound = collections
    writer.raw(f'<Ref N="InvocationInfo_BoundParameters" RefId="{bound}" />')
    writer.value(EnumValue(f"{SMA}.CommandOrigin", 1, "Internal"), 1, "InvocationInfo_CommandOrigin")
    for key, value in (*_place(), ("InvocationName", command), *_standing()):
        writer.value(value, 0, f"InvocationInfo_{key}")
    writer.open(("System.Int32[]", "System.Array", OBJECT), "InvocationInfo_PipelineIterationInfo")
    writer.raw("<LST />")
    writer.close()
    writer.raw(f'<Ref N="InvocationInfo_UnboundArguments" RefId="{unbound}" />')
    writer.value(value=False, depth=0, name="SerializeExtent")
    is_function = error.is_in_function and error.activity == "Write-Error"
    kind = (2, "Function") if is_function else (8, "Cmdlet")
    writer.value(EnumValue(f"{SMA}.CommandTypes", *kind), 1, "CommandInfo_CommandType")
    writer.value(f"\n{command} [<CommonParameters>]\n", 0, "CommandInfo_Definition")
    writer.value(command, 0, "CommandInfo_Name")
    # What a role's function wraps is hidden from people.
    seen = (1, "Private") if error.is_in_function and not is_function else (0, "Public")
    writer.value(EnumValue(f"{SMA}.SessionStateEntryVisibility", *seen), 1, "CommandInfo_Visibility")
    writer.open((_ITERATIONS, OBJECT), "PipelineIterationInfo")
    writer.raw("<LST><I32>0</I32><I32>1</I32></LST>")
    writer.close()
    if error.is_in_function:
        writer.value("at <ScriptBlock>, <No file>: line 1", 0, "ErrorDetails_ScriptStackTrace")
    writer.value(None, 0, "PSMessageDetails")


def target_handles(target: Value) -> tuple[str, str]:
    """Return how a category names a target: its text and its type."""
    if target is None:
        return "", ""
    return str(target), type_name_of(target).rpartition(".")[2]
