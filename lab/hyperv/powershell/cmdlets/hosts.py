"""Get-VMHost, Get-VMSwitch and Get-VHD: what a host tells about itself.

Sources: Microsoft docs for each cmdlet; property types from the type stubs of HyperVDsc. The numbers of Get-VHD's enums
and which id a switch has are unconfirmed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.powershell.cmdlets.hops import hosts_asked
from lab.hyperv.powershell.cmdlets.vm_objects import NAMESPACE, VIRTUALIZATION_OBJECT, enum_value
from lab.hyperv.powershell.cmdlets.vms import COMMANDS, MODULE, is_wildcard, matches
from lab.hyperv.remoting.dotnet_values import Array, EnumValue, Int64, NetObject, NetType, UInt32, UInt64, Value
from lab.hyperv.remoting.records import Category
from lab.hyperv.world import enums, paths
from lab.hyperv.world.networks import ANY
from lab.hyperv.world.vms import parents_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.hyperv.world.fleet import Disk
    from lab.hyperv.world.views import HostView

_HOST_PROPERTIES: Final[dict[str, Callable[[HostView], Value]]] = {
    "LogicalProcessorCount": lambda host: host.logical_processor_count,
    "ResourceMeteringSaveInterval": lambda _: timedelta(hours=1),
    "FullyQualifiedDomainName": lambda host: host.domain,
    "MemoryCapacity": lambda host: Int64(host.memory_capacity_bytes),
    "Name": lambda host: host.name,
    "MacAddressMaximum": lambda _: "00155D0A64FF",
    "MacAddressMinimum": lambda _: "00155D0A6400",
    "MaximumStorageMigrations": lambda host: UInt32(host.storage_limit),
    "MaximumVirtualMachineMigrations": lambda host: UInt32(host.live_limit),
    "UseAnyNetworkForMigration": lambda host: set(ANY) <= {*host.migration_networks},
    "VirtualMachineMigrationAuthenticationType": lambda host: enum_value(
        "MigrationAuthenticationType", enums.MigrationAuthentication, host.authentication
    ),
    "VirtualMachineMigrationEnabled": lambda host: host.migration_enabled,
    "VirtualMachineMigrationPerformanceOption": lambda host: enum_value(
        "VMMigrationPerformance", enums.MigrationPerformance, host.performance
    ),
    "VirtualHardDiskPath": lambda host: host.default_disk_path,
    "VirtualMachinePath": lambda host: host.default_vm_path,
    "NumaSpanningEnabled": lambda _: True,
    "IovSupport": lambda _: False,
    "EnableEnhancedSessionMode": lambda _: True,
    "SupportedVmVersions": lambda host: Array("System.String[]", host.supported_versions),
    "CimSession": lambda host: f"CimSession: {host.name}",
    "ComputerName": lambda host: host.name,
    "IsDeleted": lambda _: False,
}
_HOST_TYPE: Final = NetType(
    (f"{NAMESPACE}.VMHost", VIRTUALIZATION_OBJECT),
    _HOST_PROPERTIES,
    to_string=lambda host: f"VMHost (Name = '{host.name}')",
)
_HOST_SYNTAX: Final = Syntax(
    command="Get-VMHost",
    class_name=f"{COMMANDS}.GetVMHost",
    sets=("ComputerName", "CimSession"),
    default_set="ComputerName",
    parameters=(
        Parameter(name="ComputerName", type=types.STRINGS, sets=("ComputerName",), position=0, by_value=True),
        Parameter(name="Credential", type=types.ANY, sets=("ComputerName",)),
        Parameter(name="CimSession", type=types.ANYTHING, sets=("CimSession",), is_mandatory=True),
    ),
)


async def get_vm_host(call: CmdletCall) -> AsyncIterator[Value]:
    """Tell about this host, or about another one over the second hop."""
    for host in hosts_asked(call):
        yield NetObject(_HOST_TYPE, call.session.world.host(host))


@dataclass(frozen=True, slots=True)
class _Switch:
    host: str
    name: str
    kind: enums.SwitchKind

    @property
    def id(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.host}/{self.name}")


_SWITCH_TYPE: Final = NetType(
    (f"{NAMESPACE}.VMSwitch", VIRTUALIZATION_OBJECT),
    {
        "Name": lambda switch: switch.name,
        "Id": lambda switch: switch.id,
        "Notes": lambda _: "",
        "SwitchType": lambda switch: enum_value("VMSwitchType", enums.SwitchKind, switch.kind),
        "AllowManagementOS": lambda _: True,
        "ComputerName": lambda switch: switch.host,
        "IsDeleted": lambda _: False,
    },
    to_string=lambda switch: str(switch.name),
)
_SWITCH_SYNTAX: Final = Syntax(
    command="Get-VMSwitch",
    class_name=f"{COMMANDS}.GetVMSwitch",
    sets=("Name", "Id"),
    default_set="Name",
    parameters=(
        Parameter(name="Name", type=types.STRING, aliases=("SwitchName",), sets=("Name",), position=0, by_value=True),
        Parameter(name="Id", type=types.GUID, aliases=("SwitchId",), sets=("Id",), is_mandatory=True),
        Parameter(name="SwitchType", type=types.ANYTHING),
        Parameter(name="CimSession", type=types.ANYTHING),
        Parameter(name="ComputerName", type=types.STRINGS),
        Parameter(name="Credential", type=types.ANY),
    ),
)


async def get_vm_switch(call: CmdletCall) -> AsyncIterator[Value]:
    """List the virtual switches, sorted by name."""
    wanted, wanted_id = call.get("Name"), call.get("Id")
    for host in hosts_asked(call):
        view = call.session.world.host(host)
        names = sorted(view.switches, key=str.lower)
        switches = [_Switch(host, name, view.switch_kind(name)) for name in names]
        found = [s for s in switches if wanted is None or matches(wanted, s.name)]
        found = [s for s in found if wanted_id is None or s.id == wanted_id]
        for switch in found:
            yield NetObject(_SWITCH_TYPE, switch)
        if not found and wanted is not None and not is_wildcard(wanted):
            message = f'Hyper-V was unable to find a virtual switch with name "{wanted}".'
            call.error(message, "InvalidParameter", Category.InvalidArgument, target=wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _VirtualDisk:
    host: str
    path: str
    file_bytes: int
    number: int | None
    is_attached: bool
    parent: str = ""


def _format(disk: _VirtualDisk) -> EnumValue:
    number, name = {".vhd": (2, "VHD"), ".vhds": (4, "VHDSet")}.get(_extension(disk), (3, "VHDX"))
    return EnumValue("Microsoft.Vhd.PowerShell.VhdFormat", number, name)


def _extension(disk: _VirtualDisk) -> str:
    dot = disk.path.rfind(".")
    return disk.path[dot:].lower() if dot >= 0 else ""


def _kind(disk: _VirtualDisk) -> EnumValue:
    number, name = (4, "Differencing") if disk.parent else (3, "Dynamic")
    return EnumValue("Microsoft.Vhd.PowerShell.VhdType", number, name)


_DISK_TYPE: Final = NetType(
    ("Microsoft.Vhd.PowerShell.VirtualHardDisk", VIRTUALIZATION_OBJECT),
    {
        "ComputerName": lambda disk: disk.host,
        "Path": lambda disk: disk.path,
        "VhdFormat": _format,
        "VhdType": _kind,
        "FileSize": lambda disk: UInt64(disk.file_bytes),
        "Size": lambda disk: UInt64(disk.file_bytes),
        "MinimumSize": lambda disk: UInt64(disk.file_bytes),
        "LogicalSectorSize": lambda _: UInt32(512),
        "PhysicalSectorSize": lambda _: UInt32(4096),
        "BlockSize": lambda _: UInt32(33554432),
        "ParentPath": lambda disk: disk.parent,
        "DiskIdentifier": lambda disk: str(uuid.uuid5(uuid.NAMESPACE_URL, disk.path)).upper(),
        "FragmentationPercentage": lambda _: UInt32(0),
        "Alignment": lambda _: 1,
        "Attached": lambda disk: disk.is_attached,
        "DiskNumber": lambda disk: disk.number,
        "IsDeleted": lambda _: False,
        "Number": lambda disk: disk.number,
    },
    to_string=lambda disk: str(disk.path),
)
_DISK_SYNTAX: Final = Syntax(
    command="Get-VHD",
    class_name="Microsoft.Vhd.PowerShell.Cmdlets.GetVHD",
    sets=("ByPath", "ByVMId", "ByDiskNumber"),
    default_set="ByPath",
    parameters=(
        Parameter(
            name="Path",
            type=types.STRINGS,
            aliases=("FullName",),
            sets=("ByPath",),
            position=0,
            is_mandatory=True,
            by_value=True,
            by_property=True,
        ),
        Parameter(
            name="VMId",
            type=types.GUID,
            aliases=("Id",),
            sets=("ByVMId",),
            position=0,
            is_mandatory=True,
            by_property=True,
        ),
        Parameter(name="DiskNumber", type=types.INTEGER, sets=("ByDiskNumber",), is_mandatory=True),
        Parameter(name="CimSession", type=types.ANYTHING),
        Parameter(name="ComputerName", type=types.STRINGS),
        Parameter(name="Credential", type=types.ANY),
    ),
)


async def get_vhd(call: CmdletCall) -> AsyncIterator[Value]:
    """Tell about virtual disk files by path or by the VM that uses them."""
    world = call.session.world
    for host in hosts_asked(call):
        if call.set_name == "ByVMId":
            view = world.vm(host, call.get("VMId"))
            if view is None:
                message = f'Hyper-V was unable to find a virtual machine with id "{call.get("VMId")}".'
                call.error(message, "ObjectNotFound", Category.ObjectNotFound, target=call.get("VMId"))
                continue
            asked = [disk.path for disk in view.disks if disk.has_file]
        else:
            asked = call.get("Path", [])
        attached = {paths.key(disk.path): disk for view in world.vms(host) for disk in view.disks if disk.has_file}
        parents = {key: parent for view in world.vms(host) for key, parent in parents_of(view).items()}
        for path in asked:
            if (item := _disk_at(call, host, path, attached, parents)) is not None:
                yield item


def _disk_at(call: CmdletCall, host: str, path: str, attached: dict[str, Disk], parents: dict[str, str]) -> Any:
    entry = call.session.world.entry(host, path)
    used = attached.get(paths.key(path))
    if used is not None and used.is_unreadable:
        message = (
            f"Failed to open attachment '{path}'. Error: 'The process cannot access the file because it is being used"
            " by another process.' (0x80070020)."
        )
        call.error(message, "ObjectInUse", Category.ResourceBusy, target=path)
        return None
    if (entry is None or entry.is_folder) and used is None:
        message = (
            f"Getting the mounted storage instance for the path '{path}' failed.\n"
            "The operation cannot be performed while the object is in its current state."
            if entry
            else f'Hyper-V was unable to find "{path}". The system cannot find the file specified. (0x80070002)'
        )
        call.error(message, "ObjectNotFound", Category.ObjectNotFound, target=path)
        return None
    size = used.size_bytes if used is not None else entry.size_bytes if entry is not None else 0
    return NetObject(
        _DISK_TYPE,
        _VirtualDisk(
            host=host,
            path=path,
            file_bytes=size,
            number=None,
            is_attached=used is not None,
            parent=parents.get(paths.key(path), ""),
        ),
    )


CMDLETS: Final = (
    Cmdlet(syntax=_HOST_SYNTAX, module=MODULE, process=get_vm_host),
    Cmdlet(syntax=_SWITCH_SYNTAX, module=MODULE, process=get_vm_switch),
    Cmdlet(syntax=_DISK_SYNTAX, module=MODULE, process=get_vhd),
)
