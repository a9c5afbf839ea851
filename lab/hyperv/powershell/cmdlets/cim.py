"""Get-CimInstance and Invoke-CimMethod on the classes a simulated host has; of WQL, equalities joined by AND.

Sources: Microsoft docs: Get-CimInstance, Invoke-CimMethod, Msvm_MigrationJob.RequestStateChange, WQL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.powershell.cmdlets.cim_class import CIM_INSTANCE, CIMV2, CimClass
from lab.hyperv.powershell.cmdlets.cim_classes import (
    Instance,
    find_class,
    has_namespace,
    instances,
)
from lab.hyperv.powershell.cmdlets.cim_methods import MethodCall, TypeMismatch, find_method, result
from lab.hyperv.powershell.cmdlets.hops import hosts_asked
from lab.hyperv.remoting.records import Category

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.hyperv.remoting.dotnet_values import NetObject, Value

_MODULE: Final = "CimCmdlets"
_CIM_EXCEPTION: Final = "Microsoft.Management.Infrastructure.CimException"
_COMMANDS: Final = "Microsoft.Management.Infrastructure.CimCmdlets"
_CONDITION = re.compile(
    r"""^\s*(\w+)\s*(=|<>|!=)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\d+)|(TRUE|FALSE))\s*$""", re.IGNORECASE
)
_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
_INSTANCE: Final = types.object_type(CIM_INSTANCE)

_GET_SYNTAX: Final = Syntax(
    command="Get-CimInstance",
    class_name=f"{_COMMANDS}.GetCimInstanceCommand",
    sets=("ClassNameComputerSet", "QueryComputerSet", "CimInstanceComputerSet"),
    default_set="ClassNameComputerSet",
    parameters=(
        Parameter(
            name="ClassName",
            type=types.STRING,
            sets=("ClassNameComputerSet",),
            position=0,
            is_mandatory=True,
            by_property=True,
        ),
        Parameter(name="Filter", type=types.STRING, sets=("ClassNameComputerSet",), by_property=True),
        Parameter(name="Property", type=types.STRINGS, aliases=("SelectProperties",), sets=("ClassNameComputerSet",)),
        Parameter(name="KeyOnly", type=types.SWITCH, sets=("ClassNameComputerSet",)),
        Parameter(name="Query", type=types.STRING, sets=("QueryComputerSet",), is_mandatory=True),
        Parameter(name="QueryDialect", type=types.STRING, sets=("QueryComputerSet", "ClassNameComputerSet")),
        Parameter(
            name="InputObject",
            type=_INSTANCE,
            aliases=("CimInstance",),
            sets=("CimInstanceComputerSet",),
            position=0,
            is_mandatory=True,
            by_value=True,
        ),
        Parameter(name="Namespace", type=types.STRING, by_property=True),
        Parameter(name="ComputerName", type=types.STRINGS, aliases=("CN", "ServerName")),
        Parameter(name="OperationTimeoutSec", type=types.INTEGER, aliases=("OT",)),
        Parameter(name="ResourceUri", type=types.ANY),
        Parameter(name="Shallow", type=types.SWITCH),
    ),
)


async def get_cim_instance(call: CmdletCall) -> AsyncIterator[Value]:
    """List the instances of a class, filtered, or read one again."""
    world = call.session.world
    if call.set_name == "CimInstanceComputerSet":
        old: Instance = call.get("InputObject").source
        for item in instances(world, old.host, old.cim_class):
            if item.get("InstanceID") == call.get("InputObject").get("InstanceID"):
                yield item
        return
    if call.set_name == "QueryComputerSet":
        match = re.match(r"(?is)^\s*SELECT\s+\*\s+FROM\s+(\w+)(?:\s+WHERE\s+(.*))?$", call.get("Query"))
        class_name, text = (match[1], match[2]) if match else ("", None)
    else:
        class_name, text = call.get("ClassName"), call.get("Filter")
    namespace = call.get("Namespace") or CIMV2
    found = _class_of(call, namespace, class_name)
    keeps = _parse_filter(text) if text else _everything
    if namespace != CIMV2 and world.vmms.is_away(call.session.host):
        call.error("Provider load failure ", "HRESULT 0x80041013", Category.NotSpecified, exception=_CIM_EXCEPTION)
    elif found is None:
        _refuse_class(call, namespace)
    elif keeps is None:
        call.error("Invalid query ", "HRESULT 0x80041017", Category.InvalidArgument, exception=_CIM_EXCEPTION)
    else:
        for item in (item for host in hosts_asked(call) for item in instances(world, host, found)):
            if keeps(item):
                yield item


def _class_of(call: CmdletCall, namespace: str, name: str) -> CimClass | None:
    found = find_class(namespace, name)
    return None if found is not None and found.name in call.session.described.missing_classes else found


def _refuse_class(call: CmdletCall, namespace: str) -> None:
    text, code = ("Invalid class ", "0x80041010") if has_namespace(namespace) else ("Invalid namespace ", "0x8004100e")
    call.error(text, f"HRESULT {code}", Category.MetadataError, exception=_CIM_EXCEPTION)


def _everything(_item: NetObject) -> bool:
    return True


def _parse_filter(text: str) -> Callable[[NetObject], bool] | None:
    """Return the test a WQL condition means, or None when it is none the lab reads."""
    conditions: list[tuple[str, bool, str]] = []
    for part in _AND.split(text):
        match = _CONDITION.match(part)
        if match is None:
            return None
        value = next(group for group in match.groups()[2:] if group is not None)
        conditions.append((match[1], match[2] == "=", re.sub(r"\\(.)", r"\1", value)))
    return lambda item: all((_text(item, name) == value.lower()) is equal for name, equal, value in conditions)


def _text(item: NetObject, name: str) -> str:
    return str(item.get(name)).lower()


_INVOKE_SYNTAX: Final = Syntax(
    command="Invoke-CimMethod",
    class_name=f"{_COMMANDS}.InvokeCimMethodCommand",
    sets=("CimInstanceComputerSet", "ClassNameComputerSet", "QueryComputerSet"),
    default_set="ClassNameComputerSet",
    parameters=(
        Parameter(
            name="InputObject",
            type=_INSTANCE,
            aliases=("CimInstance",),
            sets=("CimInstanceComputerSet",),
            position=0,
            is_mandatory=True,
            by_value=True,
        ),
        Parameter(
            name="ClassName",
            type=types.STRING,
            aliases=("Class",),
            sets=("ClassNameComputerSet",),
            position=0,
            is_mandatory=True,
        ),
        Parameter(name="Query", type=types.STRING, sets=("QueryComputerSet",), is_mandatory=True),
        Parameter(name="MethodName", type=types.STRING, aliases=("Name",), position=1, is_mandatory=True),
        Parameter(name="Arguments", type=types.DICTIONARY, position=2),
        Parameter(name="Namespace", type=types.STRING),
        Parameter(name="ComputerName", type=types.STRINGS, aliases=("CN", "ServerName")),
        Parameter(name="OperationTimeoutSec", type=types.INTEGER, aliases=("OT",)),
        Parameter(name="WhatIf", type=types.SWITCH, aliases=("wi",)),
        Parameter(name="Confirm", type=types.SWITCH, aliases=("cf",)),
    ),
)


async def invoke_cim_method(call: CmdletCall) -> AsyncIterator[Value]:
    """Call a method of an instance, if it is one of those the lab has."""
    if call.set_name != "CimInstanceComputerSet":
        text = "The lab calls methods of instances only: pipe one from Get-CimInstance."
        call.error(text, "NotSupported", Category.NotImplemented, exception=_CIM_EXCEPTION)
        return
    item: NetObject = call.get("InputObject")
    instance: Instance = item.source
    method = find_method(instance.cim_class.name, call.get("MethodName"))
    if method is None:
        call.error("Invalid method ", "HRESULT 0x8004102e", Category.InvalidArgument, exception=_CIM_EXCEPTION)
        return
    if call.get("WhatIf"):
        return
    arguments = {str(key).lower(): value for key, value in (call.get("Arguments") or {}).items()}
    call.session.world.advance()
    try:
        yield result(method(MethodCall(call, instance, item, arguments)))
    except TypeMismatch as mismatch:
        text = f'Type mismatch for parameter "{mismatch}"'
        call.error(text, "HRESULT 0x80041005", Category.InvalidType, exception=_CIM_EXCEPTION)


CMDLETS: Final = (
    Cmdlet(syntax=_GET_SYNTAX, module=_MODULE, process=get_cim_instance),
    Cmdlet(syntax=_INVOKE_SYNTAX, module=_MODULE, process=invoke_cim_method),
)
