"""Finds what stands in the way of a plan, before anybody is asked to approve it, and again before each start."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from core.domain.model import windows_paths
from core.domain.model.hyperv_enums import ReplicationMode, VmState
from core.domain.model.inventory import HostName, Inspection, Snapshot, SwitchKind, Vm, VmDetails, VmId
from core.domain.model.move import Move
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity
from core.domain.model.units import size
from core.domain.planning.host_fit import fit_blockers, host_blockers, is_critical, no_listener, vm_blockers
from core.domain.planning.networks import network_findings
from core.domain.planning.room import (
    SPARE_DISK_BYTES,
    SPARE_MEMORY_BYTES,
    disk_targets,
    file_targets,
    is_live,
    too_long,
    volume_needs,
)
from core.domain.planning.short_names import file_findings
from core.domain.planning.ties import tie_warnings
from core.domain.scheduling.readiness import Wait, readiness

_LOSES = {
    SwitchKind.EXTERNAL: "be on the network of that host",
    SwitchKind.INTERNAL: "reach that host alone, and no network",
    SwitchKind.PRIVATE: "reach no network, only VMs of that host",
}
Inspections = Mapping[HostName, Inspection]
Taken = Mapping[tuple[HostName, str], frozenset[str]]
"""Files already in a destination folder, by host and folder key: keys of their paths."""


def preflight(
    moves: Sequence[PlannedMove], inspections: Inspections, taken: Taken, last: Collection[VmId] = ()
) -> tuple[Finding, ...]:
    """Find everything that would make these moves fail or surprise somebody, worst first.

    ``last``: VMs for which there is no room, or that do not move by this plan: they take none from the others.
    """
    findings = [*_hosts(moves, inspections)]
    for move in moves:
        source, destination = inspections.get(move.source), inspections.get(move.destination)
        details = source.of(move.vm_id) if source else None
        if details is None or destination is None:
            findings.append(_blocker(FindingCode.HOST_SILENT, f"{move.vm_name} could not be looked at.", move))
            continue
        findings += _vm(move, details, destination)
        findings += [_blocker(one.code, one.text, move) for one in fit_blockers(details, destination)]
    # A VM that cannot move anyway takes no room from the others: it is counted after them.
    blockers = [finding for finding in findings if finding.severity is Severity.BLOCKER]
    blocked, hosts = {finding.vm_id for finding in blockers} | {*last}, {finding.host for finding in blockers}
    queue = sorted(moves, key=lambda move: move.vm_id in blocked or move.source in hosts or move.destination in hosts)
    findings += [*_space(queue, inspections), *_memory(queue, inspections), *_files(queue, inspections, taken)]
    findings += _other_networks(moves, inspections)
    findings += _unread_ties(moves, inspections)
    findings += network_findings(moves, inspections)
    findings += _long_paths(moves, inspections)
    findings += file_findings(moves, inspections, taken)
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def copies(chosen: Sequence[tuple[HostName, Vm]], sources: Sequence[Snapshot]) -> tuple[Finding, ...]:
    """Find the VMs of which another source host has a copy of the same id: a replica stays, two VMs are for a human."""
    found = []
    for home, vm in chosen:
        others = [(seen.host, one) for seen in sources if seen.host != home and (one := seen.vm(vm.id))]
        for host, other in others:
            if other.is_replica:
                text = f"{vm.name} on {host} is a replica of the one on {home}; it stays where it is."
                severity, code = Severity.NOTE, FindingCode.REPLICA
            else:
                text = f"{vm.name} is on {home} and on {host} at once (same id); look at both before moving."
                severity, code = Severity.BLOCKER, FindingCode.TWICE
            found.append(Finding(severity=severity, code=code, text=text, vm_id=vm.id))
    return tuple(found)


def planned_again(move: Move, details: VmDetails) -> PlannedMove:
    """Return a queued move as a plan would have it now, from how its VM looks now."""
    return PlannedMove(
        vm_id=move.vm_id,
        vm_name=move.vm_name,
        source=move.source,
        destination=move.destination,
        path=move.path,
        disks=move.disks,
        disk_bytes=details.disk_bytes,
        memory_bytes=details.vm.memory_assigned_bytes,
        is_live=is_live(details.vm),
    )


def unseen_folders(hosts: Mapping[HostName, str]) -> tuple[Finding, ...]:
    """Say of destinations whose endpoint shows no folders what was not checked there, and what the host said."""
    return tuple(
        Finding(
            severity=Severity.NOTE,
            code=FindingCode.FOLDERS_UNSEEN,
            text=f"{host} does not show me its folders: "
            f"I did not check whether files of the same names lie there already. {said}",
            host=host,
        )
        for host, said in sorted(hosts.items())
    )


def unreadable_vms(sources: Iterable[Snapshot]) -> tuple[Finding, ...]:
    """Say of source hosts which VMs could not be read: whoever asked for all of them should know."""
    return tuple(
        Finding(
            severity=Severity.WARNING,
            code=FindingCode.UNREADABLE,
            text=f"A VM of {snapshot.host} is not in this plan, because it could not be read: {one.text}",
            host=snapshot.host,
        )
        for snapshot in sources
        for one in snapshot.unreadable
    )


def undescribed_vms(sources: Iterable[Inspection]) -> tuple[Finding, ...]:
    """Say which VMs that were asked for are not in the plan, because a part of them could not be read."""
    return tuple(
        Finding(
            severity=Severity.WARNING,
            code=FindingCode.UNREADABLE,
            text=f"{vm.name} is not in this plan, because not all of it could be read: {one.text}",
            vm_id=vm.id,
            host=inspection.host,
        )
        for inspection in sources
        for one in inspection.unreadable
        if one.id is not None and (vm := inspection.snapshot.vm(one.id)) is not None
    )


def _blocker(code: FindingCode, text: str, move: PlannedMove) -> Finding:
    return Finding(severity=Severity.BLOCKER, code=code, text=text, vm_id=move.vm_id)


def _warning(code: FindingCode, text: str, move: PlannedMove) -> Finding:
    return Finding(severity=Severity.WARNING, code=code, text=text, vm_id=move.vm_id)


def _checkpoints(count: int) -> str:
    return "1 checkpoint; it moves" if count == 1 else f"{count} checkpoints; they move"


def _note(code: FindingCode, text: str, move: PlannedMove) -> Finding:
    return Finding(severity=Severity.NOTE, code=code, text=text, vm_id=move.vm_id)


def _hosts(moves: Sequence[PlannedMove], inspections: Inspections) -> Iterable[Finding]:
    hosts = dict.fromkeys(host for move in moves for host in (move.source, move.destination))
    destinations = {move.destination for move in moves}
    for host in hosts:
        if host in inspections:
            facts = inspections[host].snapshot.facts
            for one in (*host_blockers(host, facts), *(no_listener(host, facts) if host in destinations else ())):
                yield Finding(severity=Severity.BLOCKER, code=one.code, text=one.text, host=host)
    for source, destination in dict.fromkeys((move.source, move.destination) for move in moves):
        if source in inspections and destination in inspections:
            here, there = (
                inspections[source].snapshot.facts.migration_auth,
                inspections[destination].snapshot.facts.migration_auth,
            )
            if here is not there:
                text = f"{source} migrates with {here.name.title()}, {destination} with {there.name.title()}."
                yield Finding(severity=Severity.WARNING, code=FindingCode.AUTH_DIFFERS, text=text)


def _vm(move: PlannedMove, details: VmDetails, destination: Inspection) -> Iterable[Finding]:
    vm, name = details.vm, move.vm_name
    yield from (_blocker(one.code, one.text, move) for one in vm_blockers(details))
    state = readiness(vm)
    if isinstance(state, Wait) and not is_critical(vm):
        yield _note(FindingCode.BUSY, f"{name} {state.text}; the move will wait for it.", move)
    yield from _parts(move, details, destination)
    if vm.replication_mode is ReplicationMode.PRIMARY:
        text = f"{name} is replicated; check its replication after the move."
        yield _warning(FindingCode.REPLICATED, text, move)
    if vm.state in {VmState.SAVED, VmState.FAST_SAVED}:
        text = f"{name} is in saved state; it resumes only on a host with the same processors."
        yield _warning(FindingCode.SAVED_STATE, text, move)


def _parts(move: PlannedMove, details: VmDetails, destination: Inspection) -> Iterable[Finding]:
    name = move.vm_name
    if details.unknown_sizes:
        text = (
            f"{name}: the size of {', '.join(details.unknown_sizes)} is unknown;"
            " space, time and speed are reckoned without it."
        )
        yield _warning(FindingCode.SIZE_UNKNOWN, text, move)
    for image in details.images:
        if windows_paths.key(image) not in destination.attachments:
            text = f"{name} has {image} mounted; eject it if the move fails."
            yield _warning(FindingCode.ISO_MOUNTED, text, move)
    if details.has_vtpm:
        yield _warning(
            FindingCode.VTPM, f"{name} has a virtual TPM; the destination needs its key protector certificates.", move
        )
    yield from (_warning(code, text, move) for code, text in tie_warnings(details))
    if others := details.checkpoints - details.backup_checkpoints:
        yield _note(FindingCode.CHECKPOINTS, f"{name} has {_checkpoints(others)} too.", move)


def _other_networks(moves: Sequence[PlannedMove], inspections: Inspections) -> Iterable[Finding]:
    """Find the VMs whose virtual switch connects to something else at the destination, though it bears the name.

    A move looks for the name alone and goes through (Microsoft docs: New-VMSwitch, Compare-VM): the VM arrives without
    the network it had. Of a switch whose kind one of the hosts does not tell nothing is said.
    """
    for move in moves:
        source, destination = inspections.get(move.source), inspections.get(move.destination)
        details = source.of(move.vm_id) if source else None
        if source is None or destination is None or details is None:
            continue
        for name in {adapter.switch.casefold(): adapter.switch for adapter in details.adapters[::-1]}.values():
            here, there = (one.switch_kinds.get(name.casefold()) for one in (source, destination))
            if here is not None and there is not None and here is not there:
                text = (
                    f"The virtual switch {name} is {here} on {move.source} and {there} on {move.destination}:"
                    f" {move.vm_name} would {_LOSES[there]}. Connect it to another switch, or make {name} {here} there."
                )
                yield _warning(FindingCode.OTHER_NETWORK, text, move)


def _unread_ties(moves: Sequence[PlannedMove], inspections: Inspections) -> Iterable[Finding]:
    """Say of source hosts that they do not tell what ties their VMs to them: none of it was looked for."""
    for host in dict.fromkeys(move.source for move in moves):
        details = inspections[host].details if host in inspections else ()
        if why := next((row.ties_unread for row in details if row.ties_unread), ""):
            text = (
                f"{host} does not tell all that ties VMs to it, such as GPUs and floppies: that was not checked. {why}"
            )
            yield Finding(severity=Severity.NOTE, code=FindingCode.TIES_UNREAD, text=text, host=host)


def _space(moves: Sequence[PlannedMove], inspections: Inspections) -> Iterable[Finding]:
    """Sum what each destination volume must take; name the VMs that no longer fit, in the plan's order."""
    promised: Counter[tuple[HostName, str]] = Counter()
    for move in moves:
        inspection, source = inspections.get(move.destination), inspections.get(move.source)
        details = source.of(move.vm_id) if source else None
        if inspection is None or details is None:
            continue
        volumes = {volume.root: volume for volume in inspection.volumes}
        needed, elsewhere = volume_needs(file_targets(move.path, move.disks, details), tuple(volumes))
        for path in elsewhere:
            if windows_paths.is_on_share(path):
                yield _warning(FindingCode.SPACE_UNKNOWN, f"Free space on {path} is unknown: it is a share.", move)
            else:
                yield _blocker(FindingCode.NO_DRIVE, f"{move.destination} has no volume for {path}.", move)
        full = [
            r for r in needed if promised[move.destination, r] + needed[r] + SPARE_DISK_BYTES > volumes[r].free_bytes
        ]
        for root in full:
            total = promised[move.destination, root] + needed[root]
            free = volumes[root].free_bytes
            # Of terabytes both may read alike: then how much it lacks is what people want to know.
            lack = f": {size(total + SPARE_DISK_BYTES - free)} too little" if size(total) == size(free) else ""
            text = (
                f"{root} of {move.destination} has {size(free)} free; {move.vm_name} and those"
                f" before it need {size(total)}, and {size(SPARE_DISK_BYTES)} to spare{lack}."
            )
            yield _blocker(FindingCode.NO_SPACE, text, move)
        if not full:
            promised.update({(move.destination, root): length for root, length in needed.items()})


def _memory(moves: Sequence[PlannedMove], inspections: Inspections) -> Iterable[Finding]:
    needed: defaultdict[HostName, int] = defaultdict(int)
    for move in moves:
        inspection = inspections.get(move.destination)
        if inspection is None or not move.is_live:
            continue
        needed[move.destination] += move.memory_bytes
        if needed[move.destination] + SPARE_MEMORY_BYTES > inspection.memory_free_bytes:
            text = (
                f"{move.destination} has {size(inspection.memory_free_bytes)} of memory free; "
                f"{move.vm_name} and those before it need {size(needed[move.destination])}."
            )
            needed[move.destination] -= move.memory_bytes
            yield _blocker(FindingCode.NO_MEMORY, text, move)


def _files(moves: Sequence[PlannedMove], inspections: Inspections, taken: Taken) -> Iterable[Finding]:
    """Two disks of one file name collide in ``Virtual Hard Disks``; so do files that lie there already."""
    claimed: dict[tuple[HostName, str], str] = {}
    for move in moves:
        source = inspections.get(move.source)
        details = source.of(move.vm_id) if source else None
        for path, _ in disk_targets(move.path, move.disks, details) if details else ():
            target = windows_paths.key(path)
            place = (move.destination, target)
            file = windows_paths.name(path)
            if place in claimed:
                whose = "another of its disks" if claimed[place] == move.vm_name else f"a disk of {claimed[place]}"
                text = f"The disk {file} of {move.vm_name} would land on {whose}; use a subfolder per VM."
                yield _blocker(FindingCode.DISK_NAMES_COLLIDE, text, move)
            elif target in taken.get((move.destination, windows_paths.key(windows_paths.parent(target))), frozenset()):
                text = (
                    f"A file {file} is in the destination folder of {move.vm_name} already."
                    " It may be another VM's disk: use another folder."
                )
                yield _blocker(FindingCode.FILE_EXISTS, text, move)
            else:
                claimed[place] = move.vm_name


def _long_paths(moves: Sequence[PlannedMove], inspections: Inspections) -> Iterable[Finding]:
    """Find files whose path would be longer than Windows opens: of each VM the longest."""
    for move in moves:
        source = inspections.get(move.source)
        details = source.of(move.vm_id) if source else None
        if details is None:
            continue
        if how := too_long(move.path, move.disks, details):
            text = (
                f"{move.vm_name} would have a path of {how} on {move.destination}; Windows opens"
                f" {windows_paths.LONGEST_PATH}, and {windows_paths.LONGEST_NAME} in a name. Use a shorter folder."
            )
            yield _blocker(FindingCode.PATH_TOO_LONG, text, move)
