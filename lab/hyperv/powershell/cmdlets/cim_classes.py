"""The CIM classes a simulated host answers for: which exist, their instances and the exact type of every property.

Sources: Microsoft docs: Msvm_MigrationJob, Msvm_VirtualSystemMigrationService, Win32_OperatingSystem, Win32_Volume,
Win32_LogicalDisk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell.cmdlets.cim_class import CIMV2, VIRTUALIZATION, CimClass, fixed
from lab.hyperv.powershell.cmdlets.cim_settings import NETWORKS, SETTINGS
from lab.hyperv.remoting.dotnet_values import Array, NetObject, NetType, UInt16, UInt32, UInt64, Value
from lab.hyperv.world.enums import JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.views import HostView, JobView, VolumeView
    from lab.hyperv.world.world import World

MIGRATION_JOB: Final = "Msvm_MigrationJob"
MIGRATION_SERVICE: Final = "Msvm_VirtualSystemMigrationService"
COMPUTER_SYSTEM: Final = "Msvm_ComputerSystem"
_KEPT_AFTER_END: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance and the host it was read from."""

    host: str
    cim_class: CimClass
    value: Any


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
    "OperationalStatus": fixed(Array("System.UInt16[]", [UInt16(2)])),
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
    "TimeBeforeRemoval": fixed(_KEPT_AFTER_END),
    "TimeOfLastStateChange": lambda job: job.changed_at,
    "Cancellable": lambda job: job.is_cancellable,
    "DestinationHost": lambda job: job.destination_host,
    "JobType": lambda job: UInt16(job.job_type),
    "MigrationType": lambda job: UInt16(job.migration_type),
    "NewSystemSettingData": lambda job: job.destination_path,
    "VirtualSystemName": lambda job: job.virtual_system_name,
    **{name: fixed(None) for name in _UNUSED_OF_A_JOB.split()},
}

_SERVICE: Final[dict[str, Callable[[tuple[World, str]], Value]]] = {
    "ElementName": fixed("Hyper-V Virtual System Migration Service"),
    "Name": fixed("vmms"),
    "SystemName": lambda pair: pair[1],
    "CreationClassName": fixed("Msvm_VirtualSystemMigrationService"),
    "ActiveVirtualSystemMigrationCount": lambda pair: UInt32(pair[0].counters(pair[1]).live),
    "ActiveStorageMigrationCount": lambda pair: UInt32(pair[0].counters(pair[1]).storage),
    "MigrationServiceListenerIPAddressList": lambda pair: Array(
        "System.String[]", pair[0].host(pair[1]).listener_addresses
    ),
    "Started": fixed(value=True),
}

_SETTINGS: Final[dict[str, Callable[[HostView], Value]]] = {
    "ElementName": fixed("Hyper-V Virtual System Migration Service Settings"),
    "InstanceID": fixed("Microsoft:Msvm_VirtualSystemMigrationServiceSettingData"),
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
    "Caption": fixed("Microsoft Windows Server 2022 Datacenter"),
    "CSName": lambda system: system.name,
    "Version": fixed("10.0.20348"),
    "BuildNumber": fixed("20348"),
    "FreePhysicalMemory": lambda system: UInt64(system.free_bytes >> 10),
    "TotalVisibleMemorySize": lambda system: UInt64(system.total_bytes >> 10),
    "FreeVirtualMemory": lambda system: UInt64(system.free_bytes >> 10),
    "TotalVirtualMemorySize": lambda system: UInt64(system.total_bytes >> 10),
    "OSLanguage": fixed(UInt32(1033)),
}


def _letter(volume: VolumeView) -> str | None:
    return volume.root[:2] if volume.root[1:2] == ":" else None


_FIXED_DRIVE: Final = UInt32(3)
_VOLUME: Final[dict[str, Callable[[VolumeView], Value]]] = {
    "Name": lambda volume: volume.root,
    "Caption": lambda volume: volume.root,
    "DriveLetter": _letter,
    "Label": fixed(""),
    "Capacity": lambda volume: UInt64(volume.size_bytes),
    "FreeSpace": lambda volume: UInt64(volume.free_bytes),
    "DriveType": fixed(_FIXED_DRIVE),
    "FileSystem": fixed("NTFS"),
    "BlockSize": fixed(UInt64(4096)),
}
_LOGICAL_DISK: Final[dict[str, Callable[[VolumeView], Value]]] = {
    "DeviceID": _letter,
    "Name": _letter,
    "Caption": _letter,
    "VolumeName": fixed(""),
    "Size": lambda volume: UInt64(volume.size_bytes),
    "FreeSpace": lambda volume: UInt64(volume.free_bytes),
    "DriveType": fixed(_FIXED_DRIVE),
    "FileSystem": fixed("NTFS"),
}


_COMPUTER_SYSTEM: Final[dict[str, Callable[[tuple[str, str]], Value]]] = {
    "Name": lambda system: system[0],
    "ElementName": lambda system: system[1],
    "Caption": lambda system: "Hosting Computer System" if system[0] == system[1] else "Virtual Machine",
    "CreationClassName": fixed(COMPUTER_SYSTEM),
}


def _systems(world: World, host: str) -> list[tuple[str, str]]:
    """Return the host itself and its realized VMs: the Name of a VM is its id."""
    return [(host, host), *((str(vm.id).upper(), vm.name) for vm in world.vms(host) if not vm.is_planned)]


def _local_volumes(world: World, host: str) -> list[VolumeView]:
    # A share is a volume of another computer.
    return [volume for volume in world.volumes(host) if _letter(volume)]


def _system(world: World, host: str) -> list[_System]:
    return [_System(host, world.host(host).memory_capacity_bytes, world.free_memory_bytes(host))]


def _no_instances(_world: World, _host: str) -> list[Any]:
    return []


CLASSES: Final = (
    *SETTINGS,
    *NETWORKS,
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
