"""The CIM classes a simulated host answers for: which exist, their instances and the exact type of every property.

Sources: Microsoft docs: Msvm_MigrationJob, Msvm_VirtualSystemMigrationService, Msvm_SecuritySettingData,
Msvm_StorageAllocationSettingData, Msvm_SerialPortSettingData, Msvm_VirtualSystemMigrationNetworkSettingData,
Win32_NetworkAdapterConfiguration, Win32_OperatingSystem, Win32_Volume, Win32_LogicalDisk.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.remoting.dotnet_values import Array, Byte, NetObject, NetType, UInt16, UInt32, UInt64, Value
from lab.hyperv.world.enums import JobState

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

    from lab.hyperv.world.views import HostView, JobView, VMView, VolumeView
    from lab.hyperv.world.world import World

CIM_INSTANCE: Final = "Microsoft.Management.Infrastructure.CimInstance"
VIRTUALIZATION: Final = "root/virtualization/v2"
CIMV2: Final = "root/cimv2"
MIGRATION_JOB: Final = "Msvm_MigrationJob"
MIGRATION_SERVICE: Final = "Msvm_VirtualSystemMigrationService"
COMPUTER_SYSTEM: Final = "Msvm_ComputerSystem"
_SECURITY_ID: Final = "4764334D-E001-4176-82EE-5594EC9B530E"
_KEPT_AFTER_END: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CimClass:
    """A class of one namespace: what reads its instances, and how each property of one is read."""

    namespace: str
    name: str
    _: KW_ONLY
    parents: tuple[str, ...]
    instances: Callable[[World, str], list[Any]]
    properties: dict[str, Callable[[Any], Value]]
    title: Callable[[Any], str]

    def net_type(self) -> NetType:
        chain = (self.name, *self.parents)
        names = tuple(f"{CIM_INSTANCE}#{self.namespace}/{name}" for name in chain)
        bare = tuple(f"{CIM_INSTANCE}#{name}" for name in chain)
        shown = {**self.properties, "PSComputerName": lambda item: item.host}
        return NetType((*names, *bare, CIM_INSTANCE), shown, to_string=lambda item: self.title(item.value))


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance and the host it was read from."""

    host: str
    cim_class: CimClass
    value: Any


def _fixed(value: Value) -> Callable[[Any], Value]:
    return lambda _: value


def _on_value(read: Callable[[Any], Value]) -> Callable[[Instance], Value]:
    return lambda instance: read(instance.value)


def _job_status(job: JobView) -> str:
    if job.state is JobState.Completed:
        return "Job completed successfully"
    if job.state in (JobState.Exception, JobState.Terminated, JobState.Killed):
        return "Job failed" if job.error_code else "Job terminated"
    return "Job is running"


_UNUSED_OF_A_JOB: Final = (
    "RecoveryAction LocalOrUtcTime CommunicationStatus DetailedStatus OperatingStatus PrimaryStatus RunMonth RunDay "
    "RunDayOfWeek Notify OtherRecoveryAction Status Priority JobRunTimes InstallDate ScheduledStartTime UntilTime "
    "RunStartInterval NewResourceSettingData DeleteOnCompletion"
)
_JOB: Final[dict[str, Callable[[JobView], Value]]] = {
    "Caption": lambda job: job.name,
    "Description": lambda job: job.name,
    "ElementName": lambda job: job.name,
    "InstanceID": lambda job: job.instance_id,
    "HealthState": lambda job: UInt16(25 if job.error_code else 5),
    "OperationalStatus": _fixed(Array("System.UInt16[]", [UInt16(2)])),
    "StatusDescriptions": lambda job: Array("System.String[]", [_job_status(job)]),
    "Name": lambda job: job.name,
    "ElapsedTime": lambda job: timedelta(seconds=job.elapsed_s),
    "ErrorCode": lambda job: UInt16(job.error_code),
    "ErrorDescription": lambda job: job.error_description,
    "ErrorSummaryDescription": lambda job: job.error_summary,
    "JobStatus": _job_status,
    "Owner": lambda job: job.owner,
    "PercentComplete": lambda job: UInt16(job.percent),
    "StartTime": lambda job: job.started_at,
    "TimeSubmitted": lambda job: job.started_at,
    "JobState": lambda job: UInt16(job.state),
    "TimeBeforeRemoval": _fixed(_KEPT_AFTER_END),
    "TimeOfLastStateChange": lambda job: job.changed_at,
    "Cancellable": lambda job: job.is_cancellable,
    "DestinationHost": lambda job: job.destination_host,
    "JobType": lambda job: UInt16(job.job_type),
    "MigrationType": lambda job: UInt16(job.migration_type),
    "NewSystemSettingData": lambda job: job.destination_path,
    "VirtualSystemName": lambda job: job.virtual_system_name,
    **{name: _fixed(None) for name in _UNUSED_OF_A_JOB.split()},
}

_SERVICE: Final[dict[str, Callable[[tuple[World, str]], Value]]] = {
    "ElementName": _fixed("Hyper-V Virtual System Migration Service"),
    "Name": _fixed("vmms"),
    "SystemName": lambda pair: pair[1],
    "CreationClassName": _fixed("Msvm_VirtualSystemMigrationService"),
    "ActiveVirtualSystemMigrationCount": lambda pair: UInt32(pair[0].counters(pair[1]).live),
    "ActiveStorageMigrationCount": lambda pair: UInt32(pair[0].counters(pair[1]).storage),
    "MigrationServiceListenerIPAddressList": lambda pair: Array(
        "System.String[]", pair[0].host(pair[1]).listener_addresses
    ),
    "Started": _fixed(value=True),
}

_SETTINGS: Final[dict[str, Callable[[HostView], Value]]] = {
    "ElementName": _fixed("Hyper-V Virtual System Migration Service Settings"),
    "InstanceID": _fixed("Microsoft:Msvm_VirtualSystemMigrationServiceSettingData"),
    "EnableVirtualSystemMigration": lambda host: host.migration_enabled,
    "MaximumActiveVirtualSystemMigration": lambda host: UInt32(host.live_limit),
    "MaximumActiveStorageMigration": lambda host: UInt32(host.storage_limit),
    "AuthenticationType": lambda host: UInt32(host.authentication),
    "EnableCompression": lambda host: host.performance == 1,
    "EnableSmbTransport": lambda host: host.performance == 2,  # noqa: PLR2004  # SMB of MigrationPerformance
}


@dataclass(frozen=True, slots=True)
class _System:
    name: str
    total_bytes: int
    free_bytes: int


_OPERATING_SYSTEM: Final[dict[str, Callable[[_System], Value]]] = {
    "Caption": _fixed("Microsoft Windows Server 2022 Datacenter"),
    "CSName": lambda system: system.name,
    "Version": _fixed("10.0.20348"),
    "BuildNumber": _fixed("20348"),
    "FreePhysicalMemory": lambda system: UInt64(system.free_bytes >> 10),
    "TotalVisibleMemorySize": lambda system: UInt64(system.total_bytes >> 10),
    "FreeVirtualMemory": lambda system: UInt64(system.free_bytes >> 10),
    "TotalVirtualMemorySize": lambda system: UInt64(system.total_bytes >> 10),
    "OSLanguage": _fixed(UInt32(1033)),
}


def _letter(volume: VolumeView) -> str | None:
    return volume.root[:2] if volume.root[1:2] == ":" else None


_FIXED_DRIVE: Final = UInt32(3)
_VOLUME: Final[dict[str, Callable[[VolumeView], Value]]] = {
    "Name": lambda volume: volume.root,
    "Caption": lambda volume: volume.root,
    "DriveLetter": _letter,
    "Label": _fixed(""),
    "Capacity": lambda volume: UInt64(volume.size_bytes),
    "FreeSpace": lambda volume: UInt64(volume.free_bytes),
    "DriveType": _fixed(_FIXED_DRIVE),
    "FileSystem": _fixed("NTFS"),
    "BlockSize": _fixed(UInt64(4096)),
}
_LOGICAL_DISK: Final[dict[str, Callable[[VolumeView], Value]]] = {
    "DeviceID": _letter,
    "Name": _letter,
    "Caption": _letter,
    "VolumeName": _fixed(""),
    "Size": lambda volume: UInt64(volume.size_bytes),
    "FreeSpace": lambda volume: UInt64(volume.free_bytes),
    "DriveType": _fixed(_FIXED_DRIVE),
    "FileSystem": _fixed("NTFS"),
}


# Unconfirmed: what stands behind the VM's id in InstanceID.
_SECURITY: Final[dict[str, Callable[[VMView], Value]]] = {
    "ElementName": _fixed("Security Settings"),
    "InstanceID": lambda vm: f"Microsoft:{str(vm.id).upper()}\\{_SECURITY_ID}",
    "TpmEnabled": lambda vm: vm.has_vtpm,
    "KsdEnabled": _fixed(value=False),
    "ShieldingRequested": _fixed(value=False),
    "DataProtectionRequested": _fixed(value=False),
    "EncryptStateAndVmMigrationTraffic": lambda vm: vm.has_vtpm,
    "VirtualizationBasedSecurityOptOut": _fixed(value=False),
    "BindToHostTpm": _fixed(value=False),
}


_COMPUTER_SYSTEM: Final[dict[str, Callable[[tuple[str, str]], Value]]] = {
    "Name": lambda system: system[0],
    "ElementName": lambda system: system[1],
    "Caption": lambda system: "Hosting Computer System" if system[0] == system[1] else "Virtual Machine",
    "CreationClassName": _fixed(COMPUTER_SYSTEM),
}


def _systems(world: World, host: str) -> list[tuple[str, str]]:
    """Return the host itself and its realized VMs: the Name of a VM is its id."""
    return [(host, host), *((str(vm.id).upper(), vm.name) for vm in world.vms(host) if not vm.is_planned)]


def _setting(part: str) -> Callable[[VMView | None], str]:
    """Return the InstanceID of a setting: of a VM, or of the definition that every host has."""
    return lambda vm: f"Microsoft:{str(vm.id).upper() if vm else 'Definition'}\\{part}"


_PORT_ID: Final = "8E3A359F-559A-4B6A-98A9-1690A6100ED7\\0"
_DEVICE: Final[dict[str, Callable[[VMView | None], Value]]] = {"InstanceID": _setting(_PORT_ID)}
_PROCESSOR: Final[dict[str, Callable[[VMView | None], Value]]] = {
    "InstanceID": _setting("b637f346-6a0e-4dec-af52-bd70cb80a21d\\0"),
    "ExposeVirtualizationExtensions": lambda vm: vm is not None and vm.exposes_virtualization,
    "LimitProcessorFeatures": _fixed(value=False),
}


@dataclass(frozen=True, slots=True)
class _Attached:
    """A resource of a VM, or of the definition that every host has: its kind, and what it is connected to."""

    vm: VMView | None
    kind: str
    places: tuple[str, ...] = ()
    number: int = 0


def _images(world: World, host: str) -> list[_Attached]:
    """Return every file attached to a VM, by the kind of drive it is in."""
    found = [_Attached(None, "Virtual Hard Disk")]
    for vm in world.vms(host):
        files = [("Virtual Hard Disk", disk.path) for disk in vm.disks if disk.has_file]
        files += [("Virtual CD/DVD Disk", vm.iso_path)] if vm.iso_path else []
        files += [("Virtual Floppy Disk", vm.floppy_path)] if vm.floppy_path else []
        found += [_Attached(vm, kind, (path,), number) for number, (kind, path) in enumerate(files)]
    return found


def _com_ports(world: World, host: str) -> list[_Attached]:
    """Return both ports of each VM; one that is connected to nothing has an empty connection."""
    pipes = [(vm, (vm.com_pipe or "", "")) for vm in world.vms(host)]
    ports = [_Attached(vm, "Serial Port", (pipe,), number) for vm, both in pipes for number, pipe in enumerate(both)]
    return [_Attached(None, "Serial Port"), *ports]


_IMAGE: Final[dict[str, Callable[[_Attached], Value]]] = {
    "InstanceID": lambda one: _setting(f"83F8638B-8DCA-4152-9EDA-2CA8B33039B4\\0\\{one.number}\\L")(one.vm),
    "ResourceType": _fixed(UInt16(31)),
    "ResourceSubType": lambda one: f"Microsoft:Hyper-V:{one.kind}",
    "HostResource": lambda one: Array("System.String[]", one.places) if one.places else None,
}
_COM_PORT: Final[dict[str, Callable[[_Attached], Value]]] = {
    "InstanceID": lambda one: _setting(f"8E3A359F-559A-4B6A-98A9-1690A6100ED7\\{one.number}")(one.vm),
    "ResourceSubType": lambda one: f"Microsoft:Hyper-V:{one.kind}",
    "Connection": lambda one: Array("System.String[]", one.places) if one.places else None,
    "DebuggerMode": _fixed(value=False),
}


def _parts(has: Callable[[VMView], bool]) -> Callable[[World, str], list[Any]]:
    return lambda world, host: [None, *(vm for vm in world.vms(host) if has(vm))]


def _settings_class(
    name: str, properties: dict[str, Callable[[VMView | None], Value]], has: Callable[[VMView], bool]
) -> CimClass:
    return CimClass(
        VIRTUALIZATION,
        name,
        parents=("CIM_ResourceAllocationSettingData", "CIM_SettingData"),
        instances=_parts(has),
        properties=properties,
        title=lambda _: name,
    )


_NETWORK: Final[dict[str, Callable[[IPv4Network | IPv6Network], Value]]] = {
    "SubnetNumber": lambda network: str(network.network_address),
    "PrefixLength": lambda network: Byte(network.prefixlen),
    "Metric": _fixed(UInt32(0)),
    "Tags": lambda network: Array(
        "System.String[]",
        ["Microsoft:UserManaged" if network.prefixlen else "Microsoft:UserManagedAllNetworks"],
    ),
}


def _mask(address: IPv4Interface | IPv6Interface) -> str:
    """Return what IPSubnet holds: a mask for version 4, the length of the prefix for version 6."""
    return str(address.netmask) if address.version == _VERSION_4 else str(address.network.prefixlen)


_VERSION_4: Final = 4
_ADAPTER: Final[dict[str, Callable[[tuple[IPv4Interface | IPv6Interface, ...]], Value]]] = {
    "IPEnabled": bool,
    "IPAddress": lambda own: Array("System.String[]", [str(one.ip) for one in own]) if own else None,
    "IPSubnet": lambda own: Array("System.String[]", [_mask(one) for one in own]) if own else None,
}


def _adapters(world: World, host: str) -> list[tuple[IPv4Interface | IPv6Interface, ...]]:
    """Return the adapters of a host, one for each address, and one that has none: WMI lists those too."""
    return [(), *((ip_interface(one),) for one in world.host(host).addresses)]


def _local_volumes(world: World, host: str) -> list[VolumeView]:
    # A share is a volume of another computer.
    return [volume for volume in world.volumes(host) if _letter(volume)]


def _system(world: World, host: str) -> list[_System]:
    return [_System(host, world.host(host).memory_capacity_bytes, world.free_memory_bytes(host))]


def _no_instances(_world: World, _host: str) -> list[Any]:
    return []


CLASSES: Final = (
    CimClass(
        VIRTUALIZATION,
        MIGRATION_JOB,
        parents=("CIM_ConcreteJob", "CIM_Job", "CIM_LogicalElement", "CIM_ManagedSystemElement", "CIM_ManagedElement"),
        instances=lambda world, host: list(world.jobs(host)),
        properties=_JOB,
        title=lambda job: f'Msvm_MigrationJob: {job.name} (InstanceID = "{job.instance_id}")',
    ),
    # Its sibling, not its parent: a list of these never shows a migration.
    CimClass(
        VIRTUALIZATION,
        "Msvm_ConcreteJob",
        parents=("CIM_ConcreteJob", "CIM_Job"),
        instances=_no_instances,
        properties=_JOB,
        title=lambda _: "Msvm_ConcreteJob",
    ),
    CimClass(
        VIRTUALIZATION,
        MIGRATION_SERVICE,
        parents=("CIM_VirtualSystemMigrationService", "CIM_Service"),
        instances=lambda world, host: [(world, host)],
        properties=_SERVICE,
        title=lambda _: "Msvm_VirtualSystemMigrationService: Hyper-V Virtual System Migration Service",
    ),
    CimClass(
        VIRTUALIZATION,
        COMPUTER_SYSTEM,
        parents=("CIM_ComputerSystem", "CIM_System"),
        instances=_systems,
        properties=_COMPUTER_SYSTEM,
        title=lambda system: f'Msvm_ComputerSystem: {system[1]} (Name = "{system[0]}")',
    ),
    CimClass(
        VIRTUALIZATION,
        "Msvm_VirtualSystemMigrationServiceSettingData",
        parents=("CIM_SettingData",),
        instances=lambda world, host: [world.host(host)],
        properties=_SETTINGS,
        title=lambda _: "Msvm_VirtualSystemMigrationServiceSettingData",
    ),
    CimClass(
        VIRTUALIZATION,
        "Msvm_SecuritySettingData",
        parents=("CIM_SettingData",),
        instances=lambda world, host: list(world.vms(host)),
        properties=_SECURITY,
        title=lambda vm: f'Msvm_SecuritySettingData: Security Settings (InstanceID = "Microsoft:{vm.id}")',
    ),
    _settings_class("Msvm_PciExpressSettingData", _DEVICE, lambda vm: vm.has_passed_device),
    _settings_class("Msvm_GpuPartitionSettingData", _DEVICE, lambda vm: vm.has_gpu_partition),
    _settings_class("Msvm_SyntheticFcPortSettingData", _DEVICE, lambda vm: vm.has_fibre_channel),
    _settings_class("Msvm_ProcessorSettingData", _PROCESSOR, lambda _: True),
    CimClass(
        VIRTUALIZATION,
        "Msvm_StorageAllocationSettingData",
        parents=("CIM_StorageAllocationSettingData", "CIM_ResourceAllocationSettingData", "CIM_SettingData"),
        instances=_images,
        properties=_IMAGE,
        title=lambda _: "Msvm_StorageAllocationSettingData",
    ),
    CimClass(
        VIRTUALIZATION,
        "Msvm_SerialPortSettingData",
        parents=("CIM_ResourceAllocationSettingData", "CIM_SettingData"),
        instances=_com_ports,
        properties=_COM_PORT,
        title=lambda _: "Msvm_SerialPortSettingData",
    ),
    CimClass(
        VIRTUALIZATION,
        "Msvm_VirtualSystemMigrationNetworkSettingData",
        parents=("CIM_SettingData",),
        instances=lambda world, host: [ip_network(one) for one in world.host(host).migration_networks],
        properties=_NETWORK,
        title=lambda _: "Msvm_VirtualSystemMigrationNetworkSettingData",
    ),
    CimClass(
        CIMV2,
        "Win32_NetworkAdapterConfiguration",
        parents=("CIM_Setting",),
        instances=_adapters,
        properties=_ADAPTER,
        title=lambda _: "Win32_NetworkAdapterConfiguration",
    ),
    CimClass(
        CIMV2,
        "Win32_OperatingSystem",
        parents=("CIM_OperatingSystem", "CIM_LogicalElement", "CIM_ManagedSystemElement"),
        instances=_system,
        properties=_OPERATING_SYSTEM,
        title=lambda _: "Win32_OperatingSystem: Microsoft Windows Server 2022 Datacenter",
    ),
    CimClass(
        CIMV2,
        "Win32_Volume",
        parents=("CIM_StorageVolume", "CIM_LogicalDevice"),
        instances=_local_volumes,
        properties=_VOLUME,
        title=lambda volume: f"Win32_Volume: {volume.root}",
    ),
    CimClass(
        CIMV2,
        "Win32_LogicalDisk",
        parents=("CIM_LogicalDisk", "CIM_StorageExtent", "CIM_LogicalDevice"),
        instances=_local_volumes,
        properties=_LOGICAL_DISK,
        title=lambda volume: f'Win32_LogicalDisk: {_letter(volume)} (DeviceID = "{_letter(volume)}")',
    ),
)


def _wrapped(cim_class: CimClass) -> NetType:
    read = {name: _on_value(reader) for name, reader in cim_class.properties.items()}
    adapted = CimClass(
        cim_class.namespace,
        cim_class.name,
        parents=cim_class.parents,
        instances=cim_class.instances,
        properties=read,
        title=cim_class.title,
    )
    return adapted.net_type()


_TYPES: Final = {cim_class.name: _wrapped(cim_class) for cim_class in CLASSES}


def find_class(namespace: str, name: str) -> CimClass | None:
    """Return a class by namespace and name in any case; a namespace may be written with backslashes."""
    wanted = namespace.replace("\\", "/").strip("/").lower()
    for cim_class in CLASSES:
        if cim_class.namespace == wanted and cim_class.name.lower() == name.lower():
            return cim_class
    return None


def has_namespace(namespace: str) -> bool:
    return namespace.replace("\\", "/").strip("/").lower() in {VIRTUALIZATION, CIMV2}


def instances(world: World, host: str, cim_class: CimClass) -> list[NetObject]:
    """Return all instances of a class on a host."""
    kind = _TYPES[cim_class.name]
    return [NetObject(kind, Instance(host, cim_class, value)) for value in cim_class.instances(world, host)]
