"""The .NET objects that tell about a VM: VirtualMachine, its drives, adapters and checkpoints.

Source: type stubs generated from the Hyper-V module 2.0.0.0 (HyperVDsc). Base classes and ToString are unconfirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from lab.hyperv.remoting.dotnet_values import Array, EnumValue, Int64, NetObject, NetType, UInt64, Value
from lab.hyperv.world import enums, paths
from lab.hyperv.world.vms import CONFIGURATION_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import IntEnum

    from lab.hyperv.world.fleet import Adapter, Checkpoint, Disk
    from lab.hyperv.world.views import VMView

NAMESPACE: Final = "Microsoft.HyperV.PowerShell"
VIRTUAL_MACHINE: Final = f"{NAMESPACE}.VirtualMachine"
VM_SNAPSHOT: Final = f"{NAMESPACE}.VMSnapshot"
VIRTUALIZATION_OBJECT: Final = f"{NAMESPACE}.VirtualizationObject"
_EMPTY_ID: Final = UUID(int=0)
_DEFAULT_MEMORY_MINIMUM: Final = 512 << 20
_DEFAULT_MEMORY_MAXIMUM: Final = 1 << 40


@lru_cache(maxsize=1024)
def enum_value(type_name: str, kind: type[IntEnum], number: int) -> EnumValue:
    """Return an enum of the Hyper-V namespace; a number without a member is named by itself."""
    try:
        name = enums.wire_name(kind(number))
    except ValueError:
        name = str(number)
    return EnumValue(f"{NAMESPACE}.{type_name}", int(number), name)


def strings(items: tuple[str, ...]) -> Array:
    return Array("System.String[]", items)


@dataclass(frozen=True, slots=True)
class Part:
    """A disk, adapter, drive or checkpoint together with its VM."""

    vm: VMView
    item: Any


def virtual_machine(view: VMView) -> NetObject:
    return NetObject(VM_TYPE, view)


def drives_of_checkpoint(part: Part) -> list[NetObject]:
    return [NetObject(HARD_DRIVE_TYPE, Part(part.vm, disk)) for disk in part.item.disks]


def hard_drives(view: VMView) -> list[NetObject]:
    return [NetObject(HARD_DRIVE_TYPE, Part(view, disk)) for disk in view.disks]


def network_adapters(view: VMView) -> list[NetObject]:
    return [NetObject(ADAPTER_TYPE, Part(view, adapter)) for adapter in view.adapters]


def dvd_drives(view: VMView) -> list[NetObject]:
    return [NetObject(DVD_TYPE, Part(view, view.captured_dvd_drive or view.iso_path))]


def snapshots(view: VMView) -> list[NetObject]:
    return [NetObject(SNAPSHOT_TYPE, Part(view, checkpoint)) for checkpoint in view.checkpoints]


def _op(number: int) -> EnumValue:
    return enum_value("VMOperationalStatus", enums.OperationalStatus, number)


def _second(items: tuple[Any, ...]) -> Any:
    return items[1] if len(items) > 1 else None


def _second_op(view: VMView) -> EnumValue | None:
    number = _second(view.operational_status)
    return None if number is None else _op(number)


def _heartbeat(view: VMView) -> EnumValue | None:
    return None if view.heartbeat is None else enum_value("VMHeartbeatStatus", enums.Heartbeat, view.heartbeat)


def _fixed(value: Value) -> Callable[[Any], Value]:
    return lambda _: value


def _fixed_enum(type_name: str, member: IntEnum) -> Callable[[Any], Value]:
    return _fixed(enum_value(type_name, type(member), member))


_VM_PROPERTIES: Final[dict[str, Callable[[VMView], Value]]] = {
    "ConfigurationLocation": lambda vm: vm.path,
    "SmartPagingFileInUse": lambda vm: vm.is_paging,
    "SmartPagingFilePath": lambda vm: vm.smart_paging_file_path,
    "SnapshotFileLocation": lambda vm: vm.snapshot_file_location,
    "AutomaticStartAction": _fixed_enum("StartAction", enums.StartAction.StartIfRunning),
    "AutomaticStartDelay": _fixed(0),
    "AutomaticStopAction": _fixed_enum("StopAction", enums.StopAction.Save),
    "CPUUsage": lambda vm: vm.cpu_usage_percent,
    "MemoryAssigned": lambda vm: Int64(vm.memory_assigned_bytes),
    "MemoryDemand": lambda vm: Int64(vm.memory_assigned_bytes),
    "MemoryStatus": _fixed(""),
    "NumaAligned": _fixed(None),
    "NumaNodesCount": _fixed(1),
    "NumaSocketCount": _fixed(1),
    "Heartbeat": _heartbeat,
    "IntegrationServicesState": _fixed(None),
    "IntegrationServicesVersion": _fixed(None),
    "Uptime": lambda vm: timedelta(seconds=vm.uptime_s),
    "OperationalStatus": lambda vm: Array(
        f"{NAMESPACE}.VMOperationalStatus[]", [_op(number) for number in vm.operational_status]
    ),
    "PrimaryOperationalStatus": lambda vm: _op(vm.operational_status[0]),
    "SecondaryOperationalStatus": _second_op,
    "StatusDescriptions": lambda vm: strings(vm.status_descriptions),
    "PrimaryStatusDescription": lambda vm: vm.status_descriptions[0],
    "SecondaryStatusDescription": lambda vm: _second(vm.status_descriptions),
    "Status": lambda vm: vm.status,
    "ReplicationHealth": lambda vm: enum_value(
        "VMReplicationHealthState", enums.ReplicationHealth, vm.replication_health
    ),
    "ReplicationMode": lambda vm: enum_value("VMReplicationMode", enums.ReplicationMode, vm.replication_mode),
    "ReplicationState": lambda vm: enum_value("VMReplicationState", enums.ReplicationState, vm.replication_state),
    "ResourceMeteringEnabled": _fixed(value=False),
    "CheckpointType": _fixed_enum("CheckpointType", enums.CheckpointType.Production),
    "AutomaticCheckpointsEnabled": _fixed(value=False),
    "Groups": lambda _: [],
    "Version": lambda vm: vm.version,
    "VirtualMachineType": lambda vm: enum_value(
        "VirtualMachineType",
        enums.VMType,
        enums.VMType.PlannedVirtualMachine if vm.is_planned else enums.VMType.RealizedVirtualMachine,
    ),
    "VirtualMachineSubType": lambda vm: EnumValue(
        f"{NAMESPACE}.VirtualMachineSubType", vm.generation, f"Generation{vm.generation}"
    ),
    "Notes": lambda vm: vm.notes,
    "State": lambda vm: enum_value("VMState", enums.VMState, vm.state),
    "ComPort1": _fixed(None),
    "ComPort2": _fixed(None),
    "DVDDrives": lambda vm: Array(f"{NAMESPACE}.DvdDrive[]", dvd_drives(vm)),
    "FibreChannelHostBusAdapters": lambda _: [],
    "FloppyDrive": _fixed(None),
    "HardDrives": lambda vm: Array(f"{NAMESPACE}.HardDiskDrive[]", hard_drives(vm)),
    "RemoteFxAdapter": _fixed(None),
    "VMIntegrationService": lambda _: [],
    "DynamicMemoryEnabled": _fixed(value=False),
    "MemoryMaximum": _fixed(Int64(_DEFAULT_MEMORY_MAXIMUM)),
    "MemoryMinimum": _fixed(Int64(_DEFAULT_MEMORY_MINIMUM)),
    "MemoryStartup": lambda vm: Int64(vm.memory_startup_bytes),
    "ProcessorCount": lambda vm: Int64(vm.processor_count),
    "BatteryPassthroughEnabled": _fixed(value=False),
    "Generation": lambda vm: vm.generation,
    "IsClustered": lambda vm: vm.is_clustered,
    "ParentSnapshotId": lambda vm: vm.checkpoints[-1].id if vm.checkpoints else None,
    "ParentSnapshotName": lambda vm: vm.checkpoints[-1].name if vm.checkpoints else "",
    "Path": lambda vm: vm.path,
    "SizeOfSystemFiles": lambda vm: Int64(vm.system_bytes),
    "GuestControlledCacheTypes": _fixed(value=False),
    "LowMemoryMappedIoSpace": _fixed(Int64(128 << 20)),
    "LockOnDisconnect": _fixed(EnumValue(f"{NAMESPACE}.OnOffState", 1, "Off")),
    "CreationTime": lambda vm: vm.created_at,
    "Id": lambda vm: vm.id,
    "Name": lambda vm: vm.name,
    "NetworkAdapters": lambda vm: Array(f"{NAMESPACE}.VMNetworkAdapter[]", network_adapters(vm)),
    "CimSession": lambda vm: f"CimSession: {vm.host}",
    "ComputerName": lambda vm: vm.host,
    "IsDeleted": _fixed(value=False),
}

VM_TYPE: Final = NetType(
    (VIRTUAL_MACHINE, f"{NAMESPACE}.VirtualMachineBase", VIRTUALIZATION_OBJECT),
    _VM_PROPERTIES,
    aliases={
        "VMId": "Id",
        "VMName": "Name",
        "CheckpointFileLocation": "SnapshotFileLocation",
        "ParentCheckpointId": "ParentSnapshotId",
        "ParentCheckpointName": "ParentSnapshotName",
    },
    to_string=lambda vm: f"VirtualMachine (Name = '{vm.name}') [Id = '{vm.id}']",
)


def _part(names: tuple[str, ...], own: dict[str, Callable[[Part], Value]], title: Callable[[Part], str]) -> NetType:
    """Return the type of something that belongs to a VM: its own properties and those all of them share."""
    shared: dict[str, Callable[[Part], Value]] = {
        "Name": title,
        "VMId": lambda part: part.vm.id,
        "VMName": lambda part: part.vm.name,
        "VMSnapshotId": _fixed(_EMPTY_ID),
        "VMSnapshotName": _fixed(""),
        "CimSession": lambda part: f"CimSession: {part.vm.host}",
        "ComputerName": lambda part: part.vm.host,
        "IsDeleted": _fixed(value=False),
    }
    aliases = {"VMCheckpointId": "VMSnapshotId", "VMCheckpointName": "VMSnapshotName"}
    chain = (*(f"{NAMESPACE}.{name}" for name in names), VIRTUALIZATION_OBJECT)
    return NetType(chain, {**own, **shared}, aliases=aliases, to_string=title)


def _drive_title(part: Part) -> str:
    disk: Disk = part.item
    return (
        f"Hard Drive on {disk.controller.name} controller number {disk.controller_number} at location "
        f"{disk.controller_location}"
    )


def _drive_id(part: Part, number: int, location: int) -> str:
    return f"Microsoft:{str(part.vm.id).upper()}\\83F8638B-8DCA-4152-9EDA-2CA8B33039B4\\{number}\\{location}\\D"


HARD_DRIVE_TYPE: Final = _part(
    ("HardDiskDrive", "Drive", "VMDevice", "VMComponentObject"),
    {
        "Path": lambda part: (
            part.item.path if part.item.has_file else f"Disk {part.item.disk_number} {part.item.size_bytes >> 30}.00 GB"
        ),
        "DiskNumber": lambda part: part.item.disk_number,
        "MaximumIOPS": _fixed(UInt64(0)),
        "MinimumIOPS": _fixed(UInt64(0)),
        "QoSPolicyID": _fixed(_EMPTY_ID),
        "SupportPersistentReservations": lambda part: part.item.is_shared,
        "ControllerLocation": lambda part: part.item.controller_location,
        "ControllerNumber": lambda part: part.item.controller_number,
        "ControllerType": lambda part: enum_value("ControllerType", enums.ControllerType, part.item.controller),
        "PoolName": _fixed("Primordial"),
        "Id": lambda part: _drive_id(part, part.item.controller_number, part.item.controller_location),
    },
    _drive_title,
)


def _dvd_title(part: Part) -> str:
    kind = "SCSI" if part.vm.generation > 1 else "IDE"
    return f"DVD Drive on {kind} controller number 0 at location {len(part.vm.disks)}"


def _media(part: Part) -> EnumValue:
    kind = enums.DvdMediaType.None_
    if part.item:
        kind = enums.DvdMediaType.PassThrough if part.vm.captured_dvd_drive else enums.DvdMediaType.ISO
    return enum_value("DvdMediaType", enums.DvdMediaType, kind)


DVD_TYPE: Final = _part(
    ("DvdDrive", "Drive", "VMDevice", "VMComponentObject"),
    {
        "DvdMediaType": _media,
        "Path": lambda part: part.item,
        "ControllerLocation": lambda part: len(part.vm.disks),
        "ControllerNumber": _fixed(0),
        "ControllerType": lambda part: enum_value("ControllerType", enums.ControllerType, int(part.vm.generation > 1)),
        "PoolName": _fixed("Primordial"),
        "Id": lambda part: _drive_id(part, 0, len(part.vm.disks)),
    },
    _dvd_title,
)


def _adapter_name(part: Part) -> str:
    adapter: Adapter = part.item
    return adapter.name


ADAPTER_TYPE: Final = _part(
    ("VMNetworkAdapter", "VMNetworkAdapterBase", "VMDevice", "VMComponentObject"),
    {
        "SwitchName": lambda part: part.item.switch,
        "Connected": lambda part: part.item.switch is not None,
        "IsManagementOs": _fixed(value=False),
        "IsLegacy": _fixed(value=False),
        "IsSynthetic": _fixed(value=True),
        "DynamicMacAddressEnabled": _fixed(value=True),
        "Id": lambda part: f"Microsoft:{str(part.vm.id).upper()}\\{part.vm.adapters.index(part.item)}",
    },
    _adapter_name,
)


def _checkpoint_name(part: Part) -> str:
    checkpoint: Checkpoint = part.item
    return checkpoint.name


SNAPSHOT_TYPE: Final = _part(
    ("VMSnapshot", "VirtualMachineBase"),
    {
        "SnapshotType": lambda part: enum_value("SnapshotType", enums.SnapshotType, part.item.type),
        "IsAutomaticCheckpoint": _fixed(value=False),
        "SizeOfSystemFiles": lambda part: Int64(CONFIGURATION_FILE_BYTES + part.item.state_bytes),
        "State": _fixed_enum("VMState", enums.VMState.Off),
        "Path": lambda part: paths.join(part.vm.snapshot_file_location, "Snapshots"),
        "CreationTime": lambda part: part.vm.created_at,
        "ParentSnapshotId": _fixed(None),
        "ParentSnapshotName": _fixed(None),
        "Id": lambda part: part.item.id,
    },
    _checkpoint_name,
)
