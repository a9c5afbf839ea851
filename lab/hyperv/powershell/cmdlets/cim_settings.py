"""The CIM classes of what is set for VMs, and of the networks of a host.

Sources: Microsoft docs: Msvm_SecuritySettingData, Msvm_StorageAllocationSettingData, Msvm_SerialPortSettingData,
Msvm_VirtualSystemMigrationNetworkSettingData, Win32_NetworkAdapterConfiguration; the list of classes of devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell.cmdlets.cim_class import CIMV2, VIRTUALIZATION, CimClass, fixed
from lab.hyperv.remoting.dotnet_values import Array, Byte, UInt16, UInt32, Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

    from lab.hyperv.world.views import VMView
    from lab.hyperv.world.world import World

_SECURITY_ID: Final = "4764334D-E001-4176-82EE-5594EC9B530E"


# Unconfirmed: what stands behind the VM's id in InstanceID.
_SECURITY: Final[dict[str, Callable[[VMView], Value]]] = {
    "ElementName": fixed("Security Settings"),
    "InstanceID": lambda vm: f"Microsoft:{str(vm.id).upper()}\\{_SECURITY_ID}",
    "TpmEnabled": lambda vm: vm.has_vtpm,
    "KsdEnabled": fixed(value=False),
    "ShieldingRequested": fixed(value=False),
    "DataProtectionRequested": fixed(value=False),
    "EncryptStateAndVmMigrationTraffic": lambda vm: vm.has_vtpm,
    "VirtualizationBasedSecurityOptOut": fixed(value=False),
    "BindToHostTpm": fixed(value=False),
}


def _setting(part: str) -> Callable[[VMView | None], str]:
    """Return the InstanceID of a setting: of a VM, or of the definition that every host has."""
    return lambda vm: f"Microsoft:{str(vm.id).upper() if vm else 'Definition'}\\{part}"


_PORT_ID: Final = "8E3A359F-559A-4B6A-98A9-1690A6100ED7\\0"
_DEVICE: Final[dict[str, Callable[[VMView | None], Value]]] = {"InstanceID": _setting(_PORT_ID)}
_PROCESSOR: Final[dict[str, Callable[[VMView | None], Value]]] = {
    "InstanceID": _setting("b637f346-6a0e-4dec-af52-bd70cb80a21d\\0"),
    "ExposeVirtualizationExtensions": lambda vm: vm is not None and vm.exposes_virtualization,
    "LimitProcessorFeatures": fixed(value=False),
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
    "ResourceType": fixed(UInt16(31)),
    "ResourceSubType": lambda one: f"Microsoft:Hyper-V:{one.kind}",
    "HostResource": lambda one: Array("System.String[]", one.places) if one.places else None,
}
_COM_PORT: Final[dict[str, Callable[[_Attached], Value]]] = {
    "InstanceID": lambda one: _setting(f"8E3A359F-559A-4B6A-98A9-1690A6100ED7\\{one.number}")(one.vm),
    "ResourceSubType": lambda one: f"Microsoft:Hyper-V:{one.kind}",
    "Connection": lambda one: Array("System.String[]", one.places) if one.places else None,
    "DebuggerMode": fixed(value=False),
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
    "Metric": fixed(UInt32(0)),
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


SETTINGS: Final = (
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
)
NETWORKS: Final = (
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
)
