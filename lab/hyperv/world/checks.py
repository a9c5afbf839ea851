"""Decides whether a move may start and whether it survives its setup.

Sources: Microsoft docs, Move-VM and Troubleshoot live migration issues.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.hyperv.world import networks, paths
from lab.hyperv.world.enums import MigrationAuthentication, VMState
from lab.hyperv.world.errors import UnknownHost
from lab.hyperv.world.faults import WireFaultKind
from lab.hyperv.world.fleet import MigrationKind
from lab.hyperv.world.host_messages import SOURCE, status_text
from lab.hyperv.world.migration_steps import SlotLoad
from lab.hyperv.world.vms import MOVABLE, disk_files, landing, system_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.hyperv.world.fleet import VM, Delegation, Physics
    from lab.hyperv.world.moves import MoveRequest
    from lab.hyperv.world.state import HostState, State
    from lab.hyperv.world.vms import Machine

_MAX_PATH = 260
"""With the end of the text. Source: Microsoft docs, Naming Files, Paths, and Namespaces."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The name of a cause in `host_messages.CAUSES` with what its text needs; `side` overrides the end it blames."""

    cause: str
    details: dict[str, object] = field(default_factory=dict)
    side: str | None = None


def refusal(state: State, request: MoveRequest, machine: Machine | None) -> Failure | None:
    """Return why the cmdlet refuses before there is a job, or None."""
    if state.timeline.time_s < state.host(request.source).service_back_s:
        return Failure("service-away")
    if machine is None:
        return Failure("vm-gone")
    if request.kind is not MigrationKind.STORAGE:
        if request.destination not in state.hosts:
            return Failure("name-unknown")
        if request.source == request.destination:
            return Failure("same-host")
        failure = _refused_between(state, request, machine)
        if failure is not None:
            return failure
    return _busy(state.host(request.source), machine)


def _refused_between(state: State, request: MoveRequest, machine: Machine) -> Failure | None:
    source, destination = state.host(request.source), state.host(request.destination)
    if machine.spec.is_clustered and request.kind is MigrationKind.LIVE_AND_STORAGE:
        return Failure("clustered")
    if not source.spec.migration_enabled:
        return Failure("migration-disabled", side=SOURCE)
    spec = machine.spec
    uses_device = spec.has_passed_device or spec.has_gpu_partition or spec.has_fibre_channel
    if uses_device and spec.state is not VMState.Off:
        return Failure("device")
    unreachable = {WireFaultKind.REFUSE, WireFaultKind.HANG}
    if any(fault.kind in unreachable for fault in state.trouble.for_host(destination.name).faults):
        return Failure("hop-a-unreachable")
    if not _may_reach(state, request):
        return Failure("hop-a-denied")
    if not destination.spec.migration_enabled:
        return Failure("migration-disabled", side="destination")
    if not networks.listeners(destination):
        return Failure("no-listener", side="destination")
    return None


def no_logon(state: State, source: str, address: str) -> str | None:
    """Return why a session on one host cannot open another one at this address, or None."""
    try:
        other = state.short_name(address)
    except UnknownHost:
        return "hop-a-unreachable"
    unreachable = {WireFaultKind.REFUSE, WireFaultKind.HANG}
    if any(fault.kind in unreachable for fault in state.trouble.for_host(other).faults):
        return "hop-a-unreachable"
    ends = (source.lower(), other.lower())
    pairs = (pair for pair in state.fleet.delegation if not pair.winrm)
    return "hop-a-denied" if any((p.source.lower(), p.destination.lower()) == ends for p in pairs) else None


def _may_reach(state: State, request: MoveRequest) -> bool:
    """Return whether the cmdlet's own WinRM session to the destination succeeds (hop a)."""
    source = state.host(request.source)
    pair = _delegation(state, request)
    if pair is not None and not pair.winrm:
        return False
    has_network_identity = source.spec.endpoint.is_restricted
    return request.has_delegated_logon or has_network_identity or not source.quirks.hop_a_needs_delegated_logon


def _delegation(state: State, request: MoveRequest) -> Delegation | None:
    ends = (request.source.lower(), request.destination.lower())
    return next(
        (pair for pair in state.fleet.delegation if (pair.source.lower(), pair.destination.lower()) == ends), None
    )


def _busy(source: HostState, machine: Machine) -> Failure | None:
    if machine.spec.state not in MOVABLE:
        return Failure("wrong-state")
    blocking = (
        machine.migration is not None
        or (machine.backup is not None and source.quirks.backup_blocks_move)
        or (machine.merge is not None and source.quirks.merge_blocks_move)
        or machine.forced_status is not None
    )
    if not blocking:
        return None
    status = machine.operational_status(float("inf"), delay_s=0.0, phases_visible=False, planned_status=False)
    return Failure("busy", {"operation": status_text(status[-1], source.spec.language)})


def connection(state: State, request: MoveRequest) -> Failure | None:
    """Return why the Hyper-V services cannot connect (hop b), or None."""
    source = state.host(request.source)
    if not networks.reaches(source, state.host(request.destination)):
        return Failure("timeout")
    if source.spec.authentication is MigrationAuthentication.Kerberos:
        pair = _delegation(state, request)
        return Failure("no-credentials") if pair is not None and not pair.migration else None
    if not request.has_delegated_logon and source.quirks.hop_b_credssp_needs_delegated_logon:
        return Failure("no-credentials")
    return None


def setup_failures(state: State, request: MoveRequest, machine: Machine, landed: VM) -> Iterator[Failure]:
    """Yield every reason why the destination cannot take the VM."""
    destination = state.host(request.destination)
    if request.kind is not MigrationKind.STORAGE:
        yield from compatibility(state.host(request.source), destination, machine)
    yield from _storage(destination, request, machine, landed)


def compatibility(source: HostState, destination: HostState, machine: Machine) -> Iterator[Failure]:
    """Yield what of the VM itself, its disks aside, does not fit the destination."""
    vm, spec = machine.spec, destination.spec
    existing = destination.vms.get(vm.id)
    if existing is not None:
        yield Failure("file-exists", {"path": existing.spec.path})
    for adapter in vm.adapters:
        if adapter.switch is not None and adapter.switch not in spec.switches:
            yield Failure("switch-missing", {"switch": adapter.switch})
    if vm.version not in spec.supported_versions:
        yield Failure("version", {"version": vm.version})
    is_other_family = spec.processor_family != source.spec.processor_family
    if vm.state is not VMState.Off and not vm.is_processor_compatible and is_other_family:
        yield Failure("cpu")
    if vm.has_vtpm and not {vm.host.lower(), "*"} & {owner.lower() for owner in spec.vtpm_owners}:
        yield Failure("vtpm")
    yield from (Failure("iso", {"path": path}) for path in _not_to_be_opened(vm, destination))
    if machine.reserved_memory_bytes > destination.free_memory_bytes():
        yield Failure("no-memory")


def _not_to_be_opened(vm: VM, destination: HostState) -> Iterator[str]:
    """Yield what is in the drives of a VM and not at the same place there."""
    yield from (image for image in (vm.iso_path, vm.floppy_path) if image and destination.files.entry(image) is None)
    if vm.captured_dvd_drive and destination.quirks.captured_dvd_blocks_move:
        yield vm.captured_dvd_drive


def _storage(destination: HostState, request: MoveRequest, machine: Machine, landed: VM) -> Iterator[Failure]:
    for disk in machine.spec.disks:
        if disk.disk_number is not None:
            yield Failure("pass-through", {"number": disk.disk_number})
        elif disk.is_shared:
            yield Failure("shared-disk", {"path": disk.path})
    files = destination.files
    if request.kind is MigrationKind.LIVE:
        for disk in landed.disks:
            if disk.has_file and not paths.is_unc(disk.path) and files.entry(disk.path) is None:
                yield Failure("no-path", {"path": disk.path})
        return
    yield from _room(destination, machine, landed)


def _room(destination: HostState, machine: Machine, landed: VM) -> Iterator[Failure]:
    files = destination.files
    needed: dict[str, int] = {}
    seen: set[str] = set()
    for path, size_bytes in new_files(machine.spec, landed):
        if not files.has_volume(path):
            yield Failure("no-path", {"path": path})
            continue
        if len(path) >= _MAX_PATH:
            yield Failure("path-too-long", {"path": path})
        if files.entry(path) is not None or paths.key(path) in seen:
            yield Failure("file-exists", {"path": path})
        seen.add(paths.key(path))
        root = paths.key(paths.root(path))
        needed[root] = needed.get(root, 0) + size_bytes
    for root, size_bytes in needed.items():
        if size_bytes > files.free_bytes(root):
            yield Failure("disk-full", {"path": landed.path})


def new_files(vm: VM, landed: VM) -> Iterator[tuple[str, int]]:
    """Yield the files a move makes, with sizes; a storage migration leaves alone what it does not move."""
    same_host = vm.host == landed.host
    old = {paths.key(file.path) for file in (*disk_files(vm), *system_files(vm))}
    for file in (*system_files(landed), *(then for _, then in landing(vm, landed))):
        if not (same_host and paths.key(file.path) in old):
            yield file.path, file.size_bytes


def load(kind: MigrationKind, machine: Machine, landed: VM, physics: Physics) -> SlotLoad:
    """Return what a move has to send: files that are new, memory or saved state, and what is written meanwhile."""
    is_up = machine.reserved_memory_bytes > 0
    disk_bytes = 0.0 if kind is MigrationKind.LIVE else float(sum(size for _, size in new_files(machine.spec, landed)))
    memory_bytes = 0.0 if kind is MigrationKind.STORAGE else float(machine.moving_memory_bytes)
    return SlotLoad(
        disk_bytes=disk_bytes,
        mirror_bytes=disk_bytes * physics.mirror_share if is_up else 0.0,
        memory_bytes=memory_bytes * (physics.memory_passes if is_up else 1.0),
    )
