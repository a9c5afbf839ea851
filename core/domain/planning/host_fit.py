"""Decides which hosts a VM can go to at all: the rules of preflight for one host, and for one VM on one host."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.domain.model import windows_paths
from core.domain.model.hyperv_enums import Operation
from core.domain.model.inventory import HostFacts, HostName, Inspection, Vm, VmDetails
from core.domain.model.plan import FindingCode
from core.domain.planning.ties import held_by_devices
from core.domain.scheduling.readiness import Never, Wait, readiness

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot go somewhere: a blocker's code, its whole sentence, and a few words behind a host's name."""

    code: FindingCode
    text: str
    short: str = ""


def host_blockers(host: HostName, facts: HostFacts) -> Iterator[Refusal]:
    """Say why a host takes part in no move."""
    if not facts.is_migration_enabled:
        yield Refusal(
            FindingCode.MIGRATION_OFF, f"Live migration is switched off on {host}.", "live migration is switched off"
        )
    for limit, kind in ((facts.live_limit, "live"), (facts.storage_limit, "storage")):
        if limit < 1:
            yield Refusal(
                FindingCode.LIMIT_ZERO, f"{host} allows no {kind} migrations (limit 0).", f"allows no {kind} migrations"
            )


def no_listener(host: HostName, facts: HostFacts) -> Iterator[Refusal]:
    """Say why a host takes no VM from others: Move-VM refuses one that listens on no address."""
    if facts.listeners == () and facts.is_migration_enabled:
        text = f"{host} listens on no address for migrations: allow one of its networks with Add-VMMigrationNetwork."
        yield Refusal(FindingCode.NO_LISTENER, text, "listens on no address for migrations")


def vm_blockers(details: VmDetails) -> Iterator[Refusal]:
    """Say why a VM can go nowhere, whatever the host."""
    vm, name = details.vm, details.vm.name
    match readiness(vm):
        case Never(text, hint):
            code = FindingCode.CLUSTERED if vm.is_clustered else FindingCode.REPLICA
            yield Refusal(code, f"{name} {text}. {hint}")
        case Wait(_, text) if is_critical(vm):
            yield Refusal(FindingCode.CRITICAL, f"{name} {text}; bring its disks back first.")
    yield from (Refusal(code, text) for code, text in held_by_devices(details))
    if any(disk.is_pass_through for disk in details.disks):
        text = f"{name} has a pass-through disk, which cannot be copied."
        yield Refusal(FindingCode.PASS_THROUGH_DISK, text)
    if any(disk.is_shared for disk in details.disks):
        text = f"{name} has a shared disk, which cannot be moved this way."
        yield Refusal(FindingCode.SHARED_DISK, text)
    for shared in details.linked:
        # Parents go with the VM and do not stay on the source (Microsoft docs: Move-VM, -RetainVhdCopiesOnSource).
        text = (
            f"{name} shares {windows_paths.name(shared.path)} with {_some(shared.others)} (linked clones): a move takes"
            " the file along, and they would lose it. Merge it into a disk of its own first, with Convert-VHD."
        )
        yield Refusal(FindingCode.LINKED_CLONE, text)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def is_critical(vm: Vm) -> bool:
    """Whether a VM has lost its storage."""
    return vm.state.is_critical or Operation.CRITICAL_IO_ERROR in vm.status


def fit_blockers(details: VmDetails, destination: Inspection) -> Iterator[Refusal]:
    """Say why this VM cannot go to this host, room aside: rooms are shared, and so are counted over all."""
    name, host, version = details.vm.name, destination.host, details.vm.version
    there = destination.snapshot.vm(details.vm.id)
    if there is not None:
        if there.is_replica:
            text = f"{host} has the replica of {name}: fail over to it, or end the replication."
            yield Refusal(FindingCode.REPLICA, text, "has its replica")
        else:
            text = f"{name} exists on {host} already (same id); look at both before moving."
            yield Refusal(FindingCode.ON_DESTINATION, text, "has a VM of the same id")
    missing = ", ".join(missing_switches(details, destination.switches))
    if missing:
        text = f"{host} has no virtual switch {missing}; {_adapters(details, destination.switches)}."
        yield Refusal(FindingCode.NO_SWITCH, text, f"has no virtual switch {missing}")
    for path in details.images:
        if destination.attachments.get(windows_paths.key(path)) is False:
            text = f"{host} has no {path}, which {name} has mounted: eject it, or copy it there."
            yield Refusal(FindingCode.NO_ATTACHMENT, text, f"has no {windows_paths.name(path)}")
    versions = destination.snapshot.facts.supported_versions
    if versions and version not in versions:
        text = f"{host} does not support configuration version {version} of {name}."
        yield Refusal(FindingCode.OLD_DESTINATION, text, f"does not support configuration version {version}")


def _adapters(details: VmDetails, switches: Iterable[str]) -> str:
    """Say which adapters of a VM use the switches that are not among these."""
    missing = missing_switches(details, switches)
    names = [f"'{one.name}'" for one in details.adapters if one.switch.casefold() in map(str.casefold, missing)]
    adapters = f"the adapter {names[0]}" if len(names) == 1 else f"the adapters {_some(names)}"
    them = "it" if len(missing) == 1 else "them"
    return f"{adapters} of {details.vm.name} {'uses' if len(names) == 1 else 'use'} {them}"


def fit_key(details: VmDetails) -> Hashable:
    """Return all of a VM that ``fit_blockers`` looks at, its id aside: VMs alike in it fare alike on any host."""
    return frozenset(adapter.switch for adapter in details.adapters), details.images, details.vm.version


def missing_switches(details: VmDetails, switches: Iterable[str]) -> tuple[str, ...]:
    """Return which of a VM's virtual switches are not among these."""
    known = {switch.casefold() for switch in switches}
    return tuple(sorted({a.switch for a in details.adapters if a.switch and a.switch.casefold() not in known}))
