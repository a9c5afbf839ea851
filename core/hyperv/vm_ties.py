"""Reads what ties VMs to their host.

Source: Microsoft docs: Msvm_PciExpressSettingData, Msvm_GpuPartitionSettingData, Msvm_SyntheticFcPortSettingData,
Msvm_ProcessorSettingData (ExposeVirtualizationExtensions); their InstanceID begins with ``Microsoft:<VM>``.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any
from uuid import UUID

from core.domain.model.inventory import Inspection, Tie
from core.errors import EndpointRefused, MalformedReply
from core.hyperv import pipelines
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.error_mapping import first_line
from core.hyperv.pipelines import Pipeline
from core.hyperv.ps_values import PsRow
from core.hyperv.session import Session

_CLASSES = {
    Tie.PASSED_DEVICE: pipelines.PASSED_DEVICES,
    Tie.GPU_PARTITION: pipelines.GPU_PARTITIONS,
    Tie.FIBRE_CHANNEL: pipelines.FIBRE_CHANNEL,
    Tie.NESTED: pipelines.PROCESSORS,
}
_NO_CLASS = "HRESULT 0x80041010"
"""An older host has no such class, and so no such device (Microsoft docs: WBEM_E_INVALID_CLASS)."""


def with_ties(target: ConnectionSettings, timeout_s: float, inspection: Inspection, session: Session) -> Inspection:
    """Return an inspection with what ties its VMs to their host, and why that is not known where it is not."""
    if not inspection.details:
        return inspection
    found: defaultdict[UUID, set[Tie]] = defaultdict(set)
    unread = ""
    for tie, pipeline in _CLASSES.items():
        values, why = _read(target, timeout_s, pipeline, session)
        unread = unread or why
        try:
            for owner in _owners(target.host, tie, pipeline, values):
                found[owner].add(tie)
        except MalformedReply as error:
            unread = unread or error.message
    details = (replace(row, ties=frozenset(found[row.vm.id]), ties_unread=unread) for row in inspection.details)
    return replace(inspection, details=tuple(details))


def _read(target: ConnectionSettings, timeout_s: float, pipeline: Pipeline, session: Session) -> tuple[list[Any], str]:
    """Return the instances of a class, and why there are none where that is no answer."""
    try:
        reply = session.run(pipeline, timeout_s=timeout_s)
    except EndpointRefused as error:
        return [], error.message
    words = [word for word in reply.words if not word.fqid.startswith(_NO_CLASS)]
    return reply.values, target.conceal(first_line(words[0].text)) if words else ""


def _owners(host: str, tie: Tie, pipeline: Pipeline, values: list[Any]) -> set[UUID]:
    owners = set[UUID]()
    for value in values:
        row = PsRow(host, pipeline.title, value)
        if tie is Tie.NESTED and not row.flag("ExposeVirtualizationExtensions", default=False):
            continue
        try:
            owners.add(UUID(row.text("InstanceID").partition(":")[2].partition("\\")[0]))
        except ValueError:
            continue  # of a definition, not of a VM
    return owners
