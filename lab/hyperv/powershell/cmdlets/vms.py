"""Get-VM and the cmdlets that tell about one VM's drives, adapters, checkpoints, security and replication.

Source: Microsoft docs for each cmdlet; parameter sets from the type stubs of HyperVDsc.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.powershell.cmdlets import vm_objects
from lab.hyperv.powershell.cmdlets.hops import hosts_asked
from lab.hyperv.remoting.dotnet_values import NetObject, NetType, Value
from lab.hyperv.remoting.records import Category
from lab.hyperv.world import enums

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from lab.hyperv.world.views import VMView

COMMANDS: Final = f"{vm_objects.NAMESPACE}.Commands"
MODULE: Final = "Hyper-V"
VM: Final = types.object_type(vm_objects.VIRTUAL_MACHINE)
VMS: Final = types.objects_type(vm_objects.VIRTUAL_MACHINE)


def remote_parameters(*sets: str) -> tuple[Parameter, ...]:
    """Return the parameters that send a cmdlet to another host."""
    return (
        Parameter(name="CimSession", type=types.ANYTHING, sets=sets),
        Parameter(name="ComputerName", type=types.STRINGS, sets=sets),
        Parameter(name="Credential", type=types.ANY, sets=sets),
    )


GET_VM: Final = Syntax(
    command="Get-VM",
    class_name=f"{COMMANDS}.GetVM",
    sets=("Name", "Id", "ClusterObject"),
    default_set="Name",
    parameters=(
        Parameter(name="Name", type=types.STRINGS, aliases=("VMName",), sets=("Name",), position=0, by_value=True),
        Parameter(
            name="Id",
            type=types.NULLABLE_GUID,
            sets=("Id",),
            position=0,
            is_mandatory=True,
            by_value=True,
            by_property=True,
        ),
        Parameter(name="ClusterObject", type=types.ANY, sets=("ClusterObject",), is_mandatory=True),
        *remote_parameters("Name", "Id"),
    ),
)


async def get_vm(call: CmdletCall) -> AsyncIterator[Value]:
    """List VMs by name or wildcard, or find one by id: the realized VM before the planned one."""
    for host in hosts_asked(call):
        if call.set_name == "Id":
            view = call.session.world.vm(host, call.get("Id"))
            if view is not None:
                yield vm_objects.virtual_machine(view)
                continue
            wanted = call.get("Id")
            call.error(
                f'Hyper-V was unable to find a virtual machine with id "{wanted}".',
                "ObjectNotFound",
                Category.ObjectNotFound,
            )
        else:
            for view in _by_names(call, host, call.get("Name")):
                yield vm_objects.virtual_machine(view)


def _by_names(call: CmdletCall, host: str, names: list[str] | None) -> Iterable[VMView]:
    views = call.session.world.vms(host)
    if names is None:
        yield from views
        return
    for name in names:
        found = [view for view in views if matches(name, view.name)]
        yield from found
        if not found and not is_wildcard(name):
            call.error(
                f'Hyper-V was unable to find a virtual machine with name "{name}".',
                "InvalidParameter",
                Category.InvalidArgument,
                target=name,
            )


def is_wildcard(pattern: str) -> bool:
    return any(char in pattern for char in "*?[")


def matches(pattern: str, name: str) -> bool:
    """Return whether a name fits a PowerShell wildcard pattern, ignoring case."""
    return fnmatch.fnmatchcase(name.lower(), pattern.lower())


def vms_named(call: CmdletCall) -> Iterable[VMView]:
    """Return the VMs a cmdlet of a VM's parts is asked about: by -VM, by -VMName, or none."""
    if call.has("VM"):
        yield from (item.source for item in call.get("VM"))
        return
    for host in hosts_asked(call):
        yield from _by_names(call, host, call.get("VMName"))


def _part_parameters() -> tuple[Parameter, ...]:
    return (
        Parameter(
            name="VMName",
            type=types.STRINGS,
            sets=("VMName",),
            position=0,
            is_mandatory=True,
            by_value=True,
        ),
        Parameter(name="VM", type=VMS, sets=("VMObject",), position=0, is_mandatory=True, by_value=True),
        *remote_parameters("VMName"),
    )


SNAPSHOTS: Final = types.objects_type(vm_objects.VM_SNAPSHOT)
_OF_SNAPSHOT: Final = (
    Parameter(
        name="VMSnapshot",
        type=SNAPSHOTS,
        aliases=("VMCheckpoint",),
        sets=("VMSnapshot",),
        position=0,
        is_mandatory=True,
        by_value=True,
    ),
)
_BY_ID: Final = (Parameter(name="Id", type=types.GUID, sets=("Id",), position=0, is_mandatory=True),)


def _items(call: CmdletCall, read: Callable[[VMView], list[NetObject]]) -> Iterable[NetObject]:
    """Return the parts asked for: of VMs, of checkpoints, or the one checkpoint of an id."""
    if call.has("VMSnapshot"):
        for one in call.get("VMSnapshot"):
            yield from vm_objects.drives_of_checkpoint(one.source)
        return
    views = call.session.world.vms(call.session.host) if call.has("Id") else vms_named(call)
    for item in (item for view in views for item in read(view)):
        if not call.has("Id") or item.get("Id") == call.get("Id"):
            yield item


def _of_parts(
    command: str,
    class_name: str,
    read: Callable[[VMView], list[NetObject]],
    *,
    filters: tuple[Parameter, ...] = (),
    more: tuple[Parameter, ...] = (),
) -> Cmdlet:
    async def process(call: CmdletCall) -> AsyncIterator[Value]:
        for item in _items(call, read):
            if all(_fits(item, name, call.get(name)) for name in (f.name for f in filters) if call.has(name)):
                yield item

    syntax = Syntax(
        command=command,
        class_name=f"{COMMANDS}.{class_name}",
        sets=("VMName", "VMObject", *dict.fromkeys(name for one in more for name in one.sets)),
        default_set="VMName",
        parameters=(*_part_parameters(), *filters, *more),
    )
    return Cmdlet(syntax=syntax, module=MODULE, process=process)


def _fits(item: NetObject, name: str, wanted: Any) -> bool:
    return matches(str(wanted), str(item.get(name)))


def _single(type_name: str, properties: dict[str, Callable[[VMView], Value]]) -> Callable[[VMView], list[NetObject]]:
    shared: dict[str, Callable[[VMView], Value]] = {"VMName": lambda vm: vm.name, "VMId": lambda vm: vm.id}
    kind = NetType((f"{vm_objects.NAMESPACE}.{type_name}", vm_objects.VIRTUALIZATION_OBJECT), {**properties, **shared})
    return lambda view: [NetObject(kind, view)]


# Unconfirmed: which of its properties Get-VMSecurity shows on each Windows version.
_security = _single(
    "VMSecurity",
    {
        "TpmEnabled": lambda vm: vm.has_vtpm,
        "KsdEnabled": lambda _: False,
        "Shielded": lambda _: False,
        "EncryptStateAndVmMigrationTraffic": lambda vm: vm.has_vtpm,
        "VirtualizationBasedSecurityOptOut": lambda _: False,
        "BindToHostTpm": lambda _: False,
    },
)
_replication = _single(
    "VMReplication",
    {
        "Mode": lambda vm: vm_objects.enum_value("VMReplicationMode", enums.ReplicationMode, vm.replication_mode),
        "State": lambda vm: vm_objects.enum_value("VMReplicationState", enums.ReplicationState, vm.replication_state),
        "Health": lambda vm: vm_objects.enum_value(
            "VMReplicationHealthState", enums.ReplicationHealth, vm.replication_health
        ),
    },
)


def _replicated(view: VMView) -> list[NetObject]:
    return _replication(view) if view.replication_mode is not enums.ReplicationMode.None_ else []


def _text(name: str) -> Parameter:
    return Parameter(name=name, type=types.STRING)


CMDLETS: Final = (
    Cmdlet(syntax=GET_VM, module=MODULE, process=get_vm),
    _of_parts(
        "Get-VMHardDiskDrive",
        "GetVMHardDiskDrive",
        vm_objects.hard_drives,
        filters=(_text("ControllerType"), _text("ControllerNumber"), _text("ControllerLocation")),
        more=_OF_SNAPSHOT,
    ),
    _of_parts(
        "Get-VMSnapshot",
        "GetVMSnapshot",
        vm_objects.snapshots,
        filters=(_text("Name"), _text("SnapshotType")),
        more=_BY_ID,
    ),
    _of_parts("Get-VMNetworkAdapter", "GetVMNetworkAdapter", vm_objects.network_adapters, filters=(_text("Name"),)),
    _of_parts("Get-VMDvdDrive", "GetVMDvdDrive", vm_objects.dvd_drives),
    _of_parts("Get-VMSecurity", "GetVMSecurity", _security),
    _of_parts("Get-VMReplication", "GetVMReplication", _replicated),
)
