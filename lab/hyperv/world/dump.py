"""Dumps the world as plain data: a host as Get-VMHost would show it, and everything at once for the control API."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lab.hyperv.world import networks
from lab.hyperv.world.slots import SlotKind, used
from lab.hyperv.world.views import HostView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.hyperv.world.migrations import Migration
    from lab.hyperv.world.state import HostState, State
    from lab.hyperv.world.vms import Machine


def host_view(host: HostState, domain: str) -> HostView:
    """Return the frozen picture of a host."""
    spec = host.spec
    return HostView(
        name=spec.name,
        fqdn=host.address,
        domain=domain,
        logical_processor_count=spec.processors,
        memory_capacity_bytes=spec.memory_bytes,
        default_vm_path=spec.default_vm_path,
        default_disk_path=f"{spec.default_vm_path}\\Virtual Hard Disks",
        live_limit=spec.live_limit,
        storage_limit=spec.storage_limit,
        migration_enabled=spec.migration_enabled,
        authentication=spec.authentication,
        performance=spec.performance,
        supported_versions=spec.supported_versions,
        switches=spec.switches,
        internal_switches=spec.internal_switches,
        private_switches=spec.private_switches,
        endpoint=spec.endpoint,
        language=spec.language,
        addresses=tuple(map(str, networks.interfaces(host))),
        migration_networks=tuple(map(str, networks.migration_networks(host))),
        listener_addresses=networks.listeners(host),
    )


def as_data(state: State, migrations: Iterable[Migration]) -> dict[str, Any]:
    """Return the whole world for JSON."""
    time_s = state.timeline.time_s
    return {
        "time_s": time_s,
        "hosts": [host_data(host) for host in state.hosts.values()],
        "vms": [
            machine_data(machine, time_s)
            for host in state.hosts.values()
            for machine in (*host.vms.values(), *host.planned.values())
        ],
        "folders": {
            host.name: [entry.path for entry in host.files.everything() if entry.is_folder]
            for host in state.hosts.values()
        },
        "migrations": [migration.as_data(time_s) for migration in migrations],
        "trouble": [plain(asdict(fault)) for fault in state.trouble.faults],
        "ledger": state.ledger.as_data(),
    }


def host_data(host: HostState) -> dict[str, Any]:
    """Return one host for JSON, without its password."""
    spec = {key: value for key, value in asdict(host.spec).items() if key not in ("password", "files", "volumes")}
    return {
        **plain(spec),
        "address": host.address,
        "free_memory_bytes": host.free_memory_bytes(),
        "volumes": [asdict(volume) for volume in host.files.volumes()],
        "live_used": used(host, SlotKind.LIVE),
        "storage_used": used(host, SlotKind.STORAGE),
    }


def machine_data(machine: Machine, time_s: float) -> dict[str, Any]:
    """Return one VM on one host for JSON."""
    status = machine.operational_status(time_s, delay_s=0.0, phases_visible=True, planned_status=True)
    return {
        **plain(asdict(machine.spec)),
        "host": machine.host,
        "is_planned": machine.is_planned,
        "is_moving": machine.migration is not None,
        "is_in_backup": machine.backup is not None,
        "is_merging": machine.merge is not None,
        "operational_status": [int(number) for number in status],
    }


def plain(value: Any) -> Any:
    """Return a value with enums by name and ids as text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value if isinstance(value, str) else value.name.rstrip("_")
    return str(value) if isinstance(value, UUID) else value
