"""Reads a whole host in one session: snapshots, inspections, one VM, one folder. Runs in a reading thread."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial, reduce
from typing import Any, TypeVar
from uuid import UUID

from core.domain.model.host_calls import HostWord
from core.domain.model.inventory import Inspection, Snapshot, UnreadableVm, Vm, VmId
from core.errors import CommandFailed, EndpointRefused, MalformedReply
from core.hyperv import decode, decode_details, host_networks, pipelines, vm_files, vm_ties
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.decode_details import VmParts
from core.hyperv.error_mapping import first_line, is_refusal, refused
from core.hyperv.pipelines import Pipeline
from core.hyperv.session import PipelineResult, Session

T = TypeVar("T")

_OBJECT_NOT_FOUND = 13
_PERMISSION_DENIED = 18
_MISSES = ("ObjectNotFound,", "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM")
"""How Get-VM says that it has no such VM; the second on older hosts."""
_NO_FOLDER = "PathNotFound,"
_OUTSIDE_ROLE = "ParameterArgumentValidationError,"
"""How a cmdlet that a role limits says that it does not take a value."""


def is_no_migration(word: HostWord) -> bool:
    """Whether Stop-VMMigration itself says that there is nothing to stop; a class that is missing is something else."""
    return word.category == _OBJECT_NOT_FOUND and word.fqid.endswith(",Stop-VMMigration")


def must(target: ConnectionSettings, pipeline: Pipeline, reply: PipelineResult) -> list[Any]:
    """Return what a pipeline emitted; half an answer is none.

    Raises:
        CommandFailed: it reported an error.
        EndpointRefused: the endpoint does not run it.

    """
    if not reply.words:
        return reply.values
    for word in reply.words:
        if is_refusal(word):
            raise refused(target, pipeline.title, word)
    first = reply.words[0]
    raise CommandFailed(
        target.host,
        target.conceal(f"{target.host} reported an error for {pipeline.title}: {first_line(first.text)}"),
        fqid=first.fqid,
        hint="Add the account to Hyper-V Administrators on that host." if _is_denied(first) else None,
    )


def observe(target: ConnectionSettings, timeout_s: float, now: Callable[[], datetime], session: Session) -> Snapshot:
    """Read limits, counters, every realized VM and the migration jobs."""

    def ask(pipeline: Pipeline) -> list[Any]:
        return must(target, pipeline, session.run(pipeline, timeout_s=timeout_s))

    host, asked_at = target.host, now()
    # Counters before VMs: a move that starts in between is shown and not counted, never counted beside what is shown.
    facts = decode.read_facts(host, ask(pipelines.HOST), ask(pipelines.COUNTERS))
    # VMs before jobs: a move that starts in between is seen in the jobs, one that ends stays there for five minutes.
    vms, unreadable = _all_vms(target, timeout_s, session)
    jobs = decode.read_jobs(host, ask(pipelines.JOBS))
    return Snapshot(
        host=host,
        asked_at=asked_at,
        taken_at=now(),
        facts=facts,
        vms=tuple(vm for vm in vms if not vm.is_planned),
        jobs=jobs,
        unreadable=tuple(unreadable),
    )


def _all_vms(target: ConnectionSettings, timeout_s: float, session: Session) -> tuple[list[Vm], list[UnreadableVm]]:
    """Read every VM; one that cannot be read, or that Get-VM reports an error for, costs the others nothing.

    Raises:
        HostError: not one VM could be read.

    """
    reply = session.run(pipelines.VMS, timeout_s=timeout_s)
    if not reply.values or any(map(is_refusal, reply.words)):
        must(target, pipelines.VMS, reply)
    vms, unreadable = decode.read_vms(target.host, reply.values)
    said = (f"{target.host} reported an error for one of its VMs: {first_line(word.text)}" for word in reply.words)
    return vms, [*unreadable, *(UnreadableVm(target.conceal(text)) for text in said)]


def inspect(
    target: ConnectionSettings,
    timeout_s: float,
    now: Callable[[], datetime],
    vm_ids: frozenset[VmId] | None,
    session: Session,
    *,
    neighbours: bool = False,
    known: Snapshot | None = None,
) -> Inspection:
    """Read a snapshot, then what is around its VMs; the number of pipelines does not depend on theirs.

    With ``neighbours`` the disks of all VMs are read, so that what these VMs share with others is known.
    With ``known`` no snapshot is read: this one of a moment ago is taken.
    """
    snapshot = known or observe(target, timeout_s, now, session)
    chosen = tuple(vm for vm in snapshot.vms if vm_ids is None or vm.id in vm_ids)
    host = target.host
    run = partial(session.run, timeout_s=timeout_s)

    def ask(pipeline: Pipeline) -> list[Any]:
        return must(target, pipeline, run(pipeline))

    def parts(pipeline: Callable[[UUID | None], Pipeline], read: Callable[[str, list[Any]], VmParts[T]]) -> VmParts[T]:
        return _parts(target, pipeline, read, run, chosen, known=snapshot.vms)

    def emitted(pipeline: Pipeline) -> tuple[list[Any], bool]:
        try:
            reply = run(pipeline)
        except EndpointRefused as error:
            if not error.fqid.startswith(_OUTSIDE_ROLE):
                raise
            return [], False  # sizes that a role does not let us read, such as those of a share, stay unknown
        return reply.values, all(_is_miss(word, snapshot.vms) for word in reply.words)

    looked_at = None if neighbours or len(chosen) != 1 else chosen[0].id
    disks = _parts(
        target, pipelines.disks, decode_details.read_disks, run, chosen, known=snapshot.vms, everyone=neighbours
    )
    wanted = {vm.id for vm in (snapshot.vms if neighbours else chosen)}
    read = {vm_id: found for vm_id, found in disks.of.items() if vm_id in wanted}
    checkpoints = parts(pipelines.checkpoints, decode_details.read_checkpoints)
    details, unreadable = decode_details.assemble(
        chosen,
        disks=disks,
        files=vm_files.read(host, looked_at, read, emitted) if chosen else vm_files.VmFiles(),
        names={vm.id: vm.name for vm in snapshot.vms} if neighbours else None,
        adapters=parts(pipelines.adapters, decode_details.read_adapters),
        dvd_drives=parts(pipelines.dvd_drives, decode_details.read_dvd_drives),
        checkpoints=checkpoints,
        vtpms=decode_details.read_vtpms(host, _emitted(pipelines.SECURITY, timeout_s, session) if chosen else []),
    )
    switches = ask(pipelines.SWITCHES)
    inspection = Inspection(
        snapshot=snapshot,
        volumes=decode.read_volumes(host, ask(pipelines.VOLUMES)),
        memory_free_bytes=decode.read_free_memory(host, ask(pipelines.MEMORY)),
        switches=decode.read_switches(host, switches),
        switch_kinds=decode.read_switch_kinds(host, switches),
        details=details,
        unreadable=unreadable,
        networks=host_networks.read(target, timeout_s, session),
    )
    return vm_ties.with_ties(target, timeout_s, inspection, session)


def _parts(
    target: ConnectionSettings,
    pipeline: Callable[[UUID | None], Pipeline],
    read: Callable[[str, list[Any]], VmParts[T]],
    run: Callable[[Pipeline], PipelineResult],
    chosen: Sequence[Vm],
    *,
    known: Sequence[Vm],
    everyone: bool = False,
) -> VmParts[T]:
    """Ask about parts of VMs, with ``everyone`` those of all others too; what cannot be read is told of these only.

    Trouble that names no VM is asked about again, VM by VM: it concerns its own alone.

    Raises:
        HostError: the endpoint does not run it, or the account may not ask.

    """
    if not chosen:
        return VmParts()
    only = chosen[0].id if len(chosen) == 1 and not everyone else None
    reply = run(pipeline(only))
    # One of the VMs may have left since the snapshot: that costs the others nothing.
    words = tuple(word for word in reply.words if not _is_miss(word, known))
    if any(is_refusal(word) or _is_denied(word) or word.fqid.startswith(_MISSES) for word in words):
        must(target, pipeline(only), PipelineResult(reply.values, words))
    said = tuple(
        UnreadableVm(target.conceal(f"{target.host} reported an error for {pipeline(only).title}: {text}"))
        for text in (first_line(word.text) for word in words)
    )
    found = read(target.host, reply.values)
    found = VmParts(found.of, (*found.unreadable, *said)).about([vm.id for vm in chosen], only)
    if only is None and found.leaves_open_whose:
        each = (_parts(target, pipeline, read, run, [vm], known=known) for vm in chosen)
        return reduce(VmParts.and_also, each, VmParts(found.of))
    return found


def _emitted(pipeline: Pipeline, timeout_s: float, session: Session) -> list[Any]:
    """Return what a pipeline emitted; its errors only leave gaps that are shown as unknown."""
    return session.run(pipeline, timeout_s=timeout_s).values


def find(target: ConnectionSettings, timeout_s: float, vm_id: UUID, session: Session) -> Vm | None:
    """Read one VM, planned ones included; None when a complete list does not have it either."""
    pipeline = pipelines.vm(vm_id)
    reply = session.run(pipeline, timeout_s=timeout_s)
    misses = [word for word in reply.words if word.fqid.startswith(_MISSES) and str(vm_id) in word.text.casefold()]
    if not misses:
        found = must(target, pipeline, reply)
        if found:
            return decode.read_vm(target.host, found[0])
    elif len(misses) < len(reply.words):
        must(target, pipeline, reply)
    # A miss may also mean that we may not see the VM; only a list that we may read proves absence. A row of it that has
    # no id is some other VM's: a host that could not read this one would have said so, not that it has none of that id.
    vms, unreadable = _all_vms(target, timeout_s, session)
    found_vm = next((vm for vm in vms if vm.id == vm_id), None)
    doubts = {vm_id} if misses else {None, vm_id}
    unknown = next((one.text for one in unreadable if one.id in doubts), "")
    if found_vm is None and unknown:
        raise MalformedReply(target.host, unknown)
    return found_vm


def list_folder(target: ConnectionSettings, timeout_s: float, path: str, session: Session) -> tuple[str, ...] | None:
    """Read the full paths of what is in a folder; None when there is no such folder, or it is a file."""
    pipeline = pipelines.folder(path)
    reply = session.call(pipeline, timeout_s=timeout_s)
    if not reply.values and reply.words and all(word.fqid.startswith(_NO_FOLDER) for word in reply.words):
        return None
    return decode.read_names(target.host, "Get-FolderItem", must(target, pipeline, reply), "FullName")


def notes(target: ConnectionSettings, timeout_s: float, key: str, session: Session) -> dict[VmId, tuple[str, ...]]:
    """Read what stands behind a key in the notes of VMs; a VM that cannot be read costs the others nothing."""
    pipeline = pipelines.notes(key)
    reply = session.call(pipeline, timeout_s=timeout_s)
    values = reply.values or must(target, pipeline, reply)
    if any(map(is_refusal, reply.words)):
        must(target, pipeline, reply)
    return decode.read_notes(target.host, values)


def _is_denied(word: HostWord) -> bool:
    return word.category == _PERMISSION_DENIED or "required permission" in word.text


def _is_miss(word: HostWord, vms: Sequence[Vm]) -> bool:
    """Whether Get-VM says that one of these VMs is not there, by its id or name.

    While the Virtual Machine Management Service is away every cmdlet finds nothing, with the same id, and names the
    host: that is a gap, and must not look like a VM without disks (public reports: LabBuilder#203, minikube#16679).
    """
    text = word.text.casefold()
    return word.fqid.startswith(_MISSES) and any(str(vm.id) in text or f'"{vm.name.casefold()}"' in text for vm in vms)
