"""Reads what ties VMs to their host.

Source: Microsoft docs: Msvm_PciExpressSettingData, Msvm_GpuPartitionSettingData, Msvm_SyntheticFcPortSettingData,
Msvm_ProcessorSettingData (ExposeVirtualizationExtensions), Msvm_StorageAllocationSettingData (ResourceSubType and
HostResource of a floppy's image), Msvm_SerialPortSettingData (Connection: the pipe; Windows Server 2016 and later);
their InstanceID begins with ``Microsoft:<VM>``, or with the id of a checkpoint.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from core.domain.model.inventory import Inspection, Tie
from core.errors import EndpointRefused, MalformedReply
from core.hyperv import pipelines
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.error_mapping import first_line
from core.hyperv.pipelines import Pipeline
from core.hyperv.ps_values import PsRow
from core.hyperv.session import Session

T = TypeVar("T")

_CLASSES = {
    Tie.PASSED_DEVICE: pipelines.PASSED_DEVICES,
    Tie.GPU_PARTITION: pipelines.GPU_PARTITIONS,
    Tie.FIBRE_CHANNEL: pipelines.FIBRE_CHANNEL,
    Tie.NESTED: pipelines.PROCESSORS,
}
_FLOPPY = "Microsoft:Hyper-V:Virtual Floppy Disk"
"""The ResourceSubType of a floppy's image: no name, and so in no language (Microsoft docs: the class)."""
_NO_CLASS = "HRESULT 0x80041010"
"""An older host has no such class, and so no such device (Microsoft docs: WBEM_E_INVALID_CLASS)."""


def with_ties(target: ConnectionSettings, timeout_s: float, inspection: Inspection, session: Session) -> Inspection:
    """Return an inspection with what ties its VMs to their host, and why that is not known where it is not."""
    if not inspection.details:
        return inspection
    unread = list[str]()

    def read(pipeline: Pipeline, of: Callable[[PsRow], Sequence[T]], *, is_in_all: bool = False) -> dict[UUID, list[T]]:
        values, why = _read(target, timeout_s, pipeline, session, is_in_all=is_in_all)
        found = defaultdict[UUID, list[T]](list)
        try:
            for owner, row in _owned(target.host, pipeline, values):
                found[owner] += of(row)
        except MalformedReply as error:
            why = why or error.message
        unread.extend(filter(None, [why]))
        return found

    ties = defaultdict[UUID, set[Tie]](set)
    for tie, pipeline in _CLASSES.items():
        for owner, has in read(pipeline, _nesting if tie is Tie.NESTED else _is_there).items():
            ties[owner] |= {tie} if any(has) else set()
    floppies = read(pipelines.DRIVE_IMAGES, _floppies, is_in_all=True)
    pipes = read(pipelines.COM_PORTS, lambda row: row.texts("Connection"), is_in_all=True)
    details = (
        replace(
            row,
            ties=row.ties | ties[row.vm.id],
            floppy_paths=tuple(floppies.get(row.vm.id, ())),
            pipes=tuple(pipes.get(row.vm.id, ())),
            ties_unread=next(iter(unread), ""),
        )
        for row in inspection.details
    )
    return replace(inspection, details=tuple(details))


def _read(
    target: ConnectionSettings, timeout_s: float, pipeline: Pipeline, session: Session, *, is_in_all: bool
) -> tuple[list[Any], str]:
    """Return the instances of a class, and why there are none where that is no answer.

    ``is_in_all``: VMs of every Windows have such a thing, so that a class that is missing tells nothing.
    """
    try:
        reply = session.run(pipeline, timeout_s=timeout_s)
    except EndpointRefused as error:
        return [], error.message
    words = [word for word in reply.words if is_in_all or not word.fqid.startswith(_NO_CLASS)]
    return reply.values, target.conceal(first_line(words[0].text)) if words else ""


def _is_there(_row: PsRow) -> list[bool]:
    return [True]


def _nesting(row: PsRow) -> list[bool]:
    return [row.flag("ExposeVirtualizationExtensions", default=False)]


def _floppies(row: PsRow) -> tuple[str, ...]:
    return row.texts("HostResource") if row.text("ResourceSubType") == _FLOPPY else ()


def _owned(host: str, pipeline: Pipeline, values: list[Any]) -> Iterator[tuple[UUID, PsRow]]:
    """Yield each row with the VM, or the checkpoint, it is of."""
    for value in values:
        row = PsRow(host, pipeline.title, value)
        try:
            owner = UUID(row.text("InstanceID").partition(":")[2].partition("\\")[0])
        except ValueError:
            continue  # of a definition, not of a VM
        yield owner, row
