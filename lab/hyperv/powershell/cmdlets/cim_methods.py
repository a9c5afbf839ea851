"""What the methods of CIM classes do that a simulated host has: which exist, what they take and what they return.

Sources: Microsoft docs: Msvm_MigrationJob.RequestStateChange; Msvm_VirtualSystemMigrationService; PowerShell source,
CimCmdlets: an argument of a reference type is the instance itself, never a [ref], where the class declares the method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from lab.hyperv.powershell.cmdlets.cim_class import VIRTUALIZATION
from lab.hyperv.powershell.cmdlets.cim_classes import (
    COMPUTER_SYSTEM,
    MIGRATION_JOB,
    MIGRATION_SERVICE,
    find_class,
    instances,
)
from lab.hyperv.remoting.dotnet_values import Array, CimReference, NoteObject, UInt32, Value
from lab.hyperv.world.moves import MoveRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.hyperv.powershell.cmdlet import CmdletCall
    from lab.hyperv.powershell.cmdlets.cim_classes import Instance
    from lab.hyperv.remoting.dotnet_values import NetObject


class TypeMismatch(Exception):
    """An argument has another type than the method declares."""


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One call of a method: on which instance, with which arguments (by name in lower case)."""

    call: CmdletCall
    instance: Instance
    item: NetObject
    arguments: Mapping[str, Value]

    def number(self, name: str) -> int:
        value = self.arguments.get(name.lower())
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeMismatch(name)
        return int(value)

    def text(self, name: str) -> str:
        value = self.arguments.get(name.lower())
        if not isinstance(value, str):
            raise TypeMismatch(name)
        return value

    def octets(self, name: str) -> bytes:
        value = self.arguments.get(name.lower())
        if isinstance(value, bytes):
            return value
        try:
            return bytes(value if isinstance(value, list) else [None])  # type: ignore[list-item]
        except (TypeError, ValueError):
            raise TypeMismatch(name) from None

    def vm(self, name: str) -> UUID:
        value = self.arguments.get(name.lower())
        if not isinstance(value, CimReference) or value.cim_class.lower() != COMPUTER_SYSTEM.lower():
            raise TypeMismatch(name)
        return UUID(value.key)


def _request_state_change(made: MethodCall) -> dict[str, Any]:
    world = made.call.session.world
    wanted = made.number("RequestedState")
    return {"ReturnValue": UInt32(world.request_state_change(made.instance.host, made.item.get("InstanceID"), wanted))}


def _get_compatibility_info(made: MethodCall) -> dict[str, Any]:
    code, info = made.call.session.world.compatibility.describe(made.instance.host, made.vm("ComputerSystem"))
    return {"ReturnValue": UInt32(code), "CompatibilityInfo": info or None}


def _check_compatibility_info(made: MethodCall) -> dict[str, Any]:
    world = made.call.session.world
    code, reasons = world.compatibility.judge(made.instance.host, made.octets("CompatibilityInfo"))
    return {"ReturnValue": UInt32(code), "Reasons": Array("System.String[]", reasons)}


def _check_is_migratable(made: MethodCall) -> dict[str, Any]:
    session, host = made.call.session, made.instance.host
    request = MoveRequest(
        vm_id=made.vm("ComputerSystem"),
        source=host,
        destination=made.text("DestinationHost"),
        owner=session.login.user,
        has_delegated_logon=session.login.has_delegated_logon,
    )
    code, key = session.world.compatibility.begin_check(request, made.text("MigrationSettingData"))
    return {"ReturnValue": UInt32(code), "Job": _job(made, key) if key else None}


def _job(made: MethodCall, key: str) -> Value:
    kind = find_class(VIRTUALIZATION, MIGRATION_JOB)
    if kind is None:
        return None
    found = instances(made.call.session.world, made.instance.host, kind)
    return next((item for item in found if item.get("InstanceID") == key), None)


_METHODS: Final = {
    (MIGRATION_JOB, "requeststatechange"): _request_state_change,
    (MIGRATION_SERVICE, "getsystemcompatibilityinfo"): _get_compatibility_info,
    (MIGRATION_SERVICE, "checksystemcompatibilityinfo"): _check_compatibility_info,
    (MIGRATION_SERVICE, "checkvirtualsystemismigratable"): _check_is_migratable,
}


def find_method(cim_class: str, name: str) -> Callable[[MethodCall], dict[str, Any]] | None:
    """Return what a method of a class does; None when the class has none of that name."""
    return _METHODS.get((cim_class, name.lower()))


def result(answer: dict[str, Any]) -> NoteObject:
    """Return what Invoke-CimMethod puts out."""
    return NoteObject({**answer, "PSComputerName": None})
