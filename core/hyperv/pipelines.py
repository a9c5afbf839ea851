"""Names every cmdlet pipeline the gateway sends: cmdlets, typed parameters, selected properties; never script text.

One rule for all of them: a host is asked in a constant number of pipelines, however many VMs it has. Sources: Microsoft
docs of each cmdlet and class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.domain.model.host_calls import MoveOrder

VIRTUALIZATION = "root/virtualization/v2"
CIMV2 = "root/cimv2"
SELECT = "Microsoft.PowerShell.Utility\\Select-Object"
"""By its full name: in a JEA endpoint the short one is a restricted stand-in (Microsoft docs: JEA)."""
_MODULES = {"Get-CimInstance": "CimCmdlets", "Get-Command": "Microsoft.PowerShell.Core"}
_HYPER_V = "Hyper-V"


def full_name(cmdlet: str) -> str:
    """Return a command's name with its module, which nobody else's module can take; our own functions have none."""
    if "\\" in cmdlet or cmdlet in FUNCTIONS:
        return cmdlet
    return f"{module_of(cmdlet)}\\{cmdlet}"


def module_of(cmdlet: str) -> str:
    """Return the module a cmdlet of ours comes from."""
    return _MODULES.get(cmdlet, _HYPER_V)


@dataclass(frozen=True, slots=True)
class Stage:
    """One cmdlet, by its short name; a parameter without a value is a switch."""

    cmdlet: str
    parameters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Cmdlets whose objects flow from one to the next."""

    stages: tuple[Stage, ...]

    @property
    def title(self) -> str:
        """What errors call it."""
        return " | ".join(stage.cmdlet.rpartition("\\")[2] for stage in self.stages if stage.cmdlet != SELECT)


def _line(*stages: Stage, pick: Sequence[str] = ()) -> Pipeline:
    if pick:
        stages = (*stages, Stage(SELECT, (("Property", list(pick)),)))
    return Pipeline(stages)


VM_PROPERTIES = (
    "Id",
    "Name",
    "State",
    "OperationalStatus",
    "Status",
    "VirtualMachineType",
    "IsClustered",
    "Generation",
    "Version",
    "MemoryAssigned",
    "MemoryStartup",
    "Uptime",
    "Heartbeat",
    "ReplicationMode",
    "ReplicationState",
    "Path",
    "SnapshotFileLocation",
    "SmartPagingFilePath",
)
HOST_PROPERTIES = (
    "MaximumVirtualMachineMigrations",
    "MaximumStorageMigrations",
    "VirtualMachineMigrationEnabled",
    "VirtualMachineMigrationAuthenticationType",
    "VirtualMachinePath",
    "VirtualHardDiskPath",
    "MemoryCapacity",
    "SupportedVmVersions",
    "Name",
    "FullyQualifiedDomainName",
)
JOB_PROPERTIES = (
    "InstanceID",
    "VirtualSystemName",
    "JobType",
    "JobState",
    "PercentComplete",
    "DestinationHost",
    "Cancellable",
    "ErrorCode",
    "ErrorSummaryDescription",
    "ErrorDescription",
    "StartTime",
    "Owner",
)
COUNTER_PROPERTIES = (
    "ActiveVirtualSystemMigrationCount",
    "ActiveStorageMigrationCount",
    "MigrationServiceListenerIPAddressList",
)
DISK_PROPERTIES = (
    "VMId",
    "Path",
    "DiskNumber",
    "ControllerType",
    "ControllerNumber",
    "ControllerLocation",
    "SupportPersistentReservations",
)


def _instances(namespace: str, kind: str, pick: Sequence[str]) -> Pipeline:
    return _line(Stage("Get-CimInstance", (("Namespace", namespace), ("ClassName", kind))), pick=pick)


HOST = _line(Stage("Get-VMHost"), pick=HOST_PROPERTIES)
VMS = _line(Stage("Get-VM"), pick=VM_PROPERTIES)
JOBS = _instances(VIRTUALIZATION, "Msvm_MigrationJob", JOB_PROPERTIES)
COUNTERS = _instances(VIRTUALIZATION, "Msvm_VirtualSystemMigrationService", COUNTER_PROPERTIES)
SWITCHES = _line(Stage("Get-VMSwitch"), pick=("Name", "SwitchType"))
VOLUMES = _instances(CIMV2, "Win32_Volume", ("Name", "DriveType", "Capacity", "FreeSpace"))
SECURITY = _instances(VIRTUALIZATION, "Msvm_SecuritySettingData", ("InstanceID", "TpmEnabled"))
"""Get-VMSecurity would not say which VM each of its objects is about."""
PASSED_DEVICES = _instances(VIRTUALIZATION, "Msvm_PciExpressSettingData", ("InstanceID",))
GPU_PARTITIONS = _instances(VIRTUALIZATION, "Msvm_GpuPartitionSettingData", ("InstanceID",))
FIBRE_CHANNEL = _instances(VIRTUALIZATION, "Msvm_SyntheticFcPortSettingData", ("InstanceID",))
PROCESSORS = _instances(VIRTUALIZATION, "Msvm_ProcessorSettingData", ("InstanceID", "ExposeVirtualizationExtensions"))
DRIVE_IMAGES = _instances(
    VIRTUALIZATION, "Msvm_StorageAllocationSettingData", ("InstanceID", "ResourceSubType", "HostResource")
)
COM_PORTS = _instances(VIRTUALIZATION, "Msvm_SerialPortSettingData", ("InstanceID", "Connection"))
NETWORKS = _instances(VIRTUALIZATION, "Msvm_VirtualSystemMigrationNetworkSettingData", ("SubnetNumber", "PrefixLength"))
ADDRESSES = _instances(CIMV2, "Win32_NetworkAdapterConfiguration", ("IPAddress", "IPSubnet"))
MEMORY = _instances(CIMV2, "Win32_OperatingSystem", ("FreePhysicalMemory",))


def vm(vm_id: UUID) -> Pipeline:
    """Read one VM, planned ones included."""
    return _line(_which(vm_id), pick=VM_PROPERTIES)


def _which(vm_id: UUID | None) -> Stage:
    return Stage("Get-VM", (("Id", vm_id),) if vm_id else ())


def disks(vm_id: UUID | None = None) -> Pipeline:
    """Read the virtual disks of one VM, or of all."""
    return _line(_which(vm_id), Stage("Get-VMHardDiskDrive"), pick=DISK_PROPERTIES)


def adapters(vm_id: UUID | None = None) -> Pipeline:
    """Read the network adapters of one VM, or of all."""
    return _line(_which(vm_id), Stage("Get-VMNetworkAdapter"), pick=("VMId", "Name", "SwitchName"))


def dvd_drives(vm_id: UUID | None = None) -> Pipeline:
    """Read the DVD drives of one VM, or of all."""
    return _line(_which(vm_id), Stage("Get-VMDvdDrive"), pick=("VMId", "Path", "DvdMediaType"))


def checkpoint_disks(vm_id: UUID | None = None) -> Pipeline:
    """Read the virtual disks of the checkpoints of one VM, or of all."""
    return _line(_which(vm_id), Stage("Get-VMSnapshot"), Stage("Get-VMHardDiskDrive"), pick=("VMId", "Path"))


def system_files(vm_id: UUID | None = None) -> Pipeline:
    """Read how large the files besides disks are, of one VM or of all; asked for itself, as it costs a call per VM."""
    return _line(_which(vm_id), pick=("Id", "SizeOfSystemFiles", "SmartPagingFileInUse"))


def checkpoint_files(vm_id: UUID | None = None) -> Pipeline:
    """Read how large the files besides disks are that checkpoints of one VM, or of all, keep."""
    return _line(_which(vm_id), Stage("Get-VMSnapshot"), pick=("VMId", "SizeOfSystemFiles"))


def checkpoints(vm_id: UUID | None = None) -> Pipeline:
    """Read the checkpoints of one VM, or of all."""
    return _line(_which(vm_id), Stage("Get-VMSnapshot"), pick=("VMId", "Id", "SnapshotType"))


def disk_files(paths: Sequence[str]) -> Pipeline:
    """Read sizes and parents of disk files. Each bad path is an error of its own and costs the others nothing."""
    return _line(Stage("Get-VHD", (("Path", list(paths)),)), pick=("Path", "FileSize", "ParentPath"))


def folder(path: str) -> Pipeline:
    """Call the role function of that name: what is in a folder, hidden items too."""
    return _line(Stage("Get-FolderItem", (("Path", path),)), pick=("FullName",))


def move(order: MoveOrder) -> Pipeline:
    """Move one VM with its storage: everything below one folder, or each disk to its own (Microsoft docs: Move-VM)."""
    if order.disks:
        disks = [{"SourceFilePath": disk.source, "DestinationFilePath": disk.destination} for disk in order.disks]
        where: tuple[tuple[str, Any], ...] = (
            ("VirtualMachinePath", order.path),
            ("SnapshotFilePath", order.path),
            ("SmartPagingFilePath", order.path),
            ("Vhds", disks),
        )
    else:
        where = (("IncludeStorage", None), ("DestinationStoragePath", order.path))
    return _line(_which(order.vm_id), Stage("Move-VM", (("DestinationHost", order.address), *where)))


def move_with_disks(order: MoveOrder) -> Pipeline:
    """Call the role function of that name: the same for a role, whose patterns look into no tables."""
    places = (
        ("VMId", order.vm_id),
        ("DestinationHost", order.address),
        ("Path", order.path),
        ("SourceFilePath", [disk.source for disk in order.disks]),
        ("DestinationFilePath", [disk.destination for disk in order.disks]),
    )
    return _line(Stage("Move-VMWithDisks", places))


def commands(names: Sequence[str]) -> Pipeline:
    """Ask which of these commands the endpoint has, and whose they are."""
    return _line(Stage("Get-Command", (("Name", list(names)),)), pick=("Name", "CommandType", "ModuleName"))


def peer(address: str) -> Pipeline:
    """Let the host log on to another host over WinRM, as Move-VM does, and read its name and migration settings."""
    picked = (
        "VirtualMachineMigrationEnabled",
        "VirtualMachineMigrationAuthenticationType",
        "Name",
        "FullyQualifiedDomainName",
    )
    return _line(Stage("Get-VMHost", (("ComputerName", address),)), pick=picked)


def remove_empty_folder(path: str) -> Pipeline:
    """Call the role function of that name."""
    return _line(Stage("Remove-EmptyFolder", (("Path", path),)))


def stop_migration(vm_id: UUID) -> Pipeline:
    """Call the role function of that name."""
    return _line(Stage("Stop-VMMigration", (("VMId", vm_id),)))


def compatibility_info(vm_ids: Sequence[UUID]) -> Pipeline:
    """Call the role function that describes what VMs need of a host: an object for each."""
    return _line(Stage("Get-VMCompatibility", (("VMId", list(vm_ids)),)))


def test_compatibility(infos: Sequence[bytes]) -> Pipeline:
    """Call the role function that says whether VMs so described could run on this host: an object for each."""
    return _line(Stage("Test-VMCompatibility", (("CompatibilityInfo", list(infos)),)))


def test_migration(vm_id: UUID, address: str, wait_s: int) -> Pipeline:
    """Call the role function that lets a host find out whether it could migrate a VM to another one."""
    parameters = (("VMId", vm_id), ("DestinationHost", address), ("WaitSeconds", wait_s))
    return _line(Stage("Test-VMMigration", parameters))


def notes(key: str) -> Pipeline:
    """Call the role function that reads what stands behind this key in the notes of VMs, and nothing else."""
    return _line(Stage(NOTES, (("Key", key),)))


NOTES = "Get-VMNote"
"""An endpoint of an earlier version does not have it."""
FUNCTIONS = (
    "Get-FolderItem",
    "Remove-EmptyFolder",
    "Move-VMWithDisks",
    "Stop-VMMigration",
    "Get-VMCompatibility",
    "Test-VMCompatibility",
    "Test-VMMigration",
    NOTES,
)
"""What deploy/MigrateBot.psm1 defines."""
CMDLETS = (
    "Get-VMHost",
    "Get-VM",
    "Get-VMHardDiskDrive",
    "Get-VMNetworkAdapter",
    "Get-VMDvdDrive",
    "Get-VMSnapshot",
    "Get-VMSwitch",
    "Get-VHD",
    "Get-CimInstance",
    "Move-VM",
)
"""What the endpoint must offer besides."""
