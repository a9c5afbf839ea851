"""Reads what ties VMs to their host, and which of their checkpoints backups made.

Source: Microsoft docs: Msvm_PciExpressSettingData, Msvm_GpuPartitionSettingData, Msvm_SyntheticFcPortSettingData,
Msvm_ProcessorSettingData (ExposeVirtualizationExtensions); their InstanceID begins with ``Microsoft:<VM>``.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from core.domain.model.inventory import Inspection, Tie
from core.errors import EndpointRefused
from core.hyperv import pipelines
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.enum_names import SNAPSHOT_TYPES
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
_RECOVERY = 1


def with_ties(target: ConnectionSettings, timeout_s: float, inspection: Inspection, session: Session) -> Inspection:
    """Return an inspection with what ties its VMs to their host, and why that is not known where it is not."""
    if not inspection.details:
        return inspection
    found: defaultdict[UUID, set[Tie]] = defaultdict(set)
    unread = ""
    for tie, pipeline in _CLASSES.items():
        values, why = _read(target, timeout_s, pipeline, session)
        unread = unread or why
        for owner in _owners(target.host, tie, pipeline, values):
            found[owner].add(tie)
    details = (replace(row, ties=frozenset(found[row.vm.id]), ties_unread=unread) for row in inspection.details)
    return replace(inspection, details=tuple(details))


def with_backups(inspection: Inspection, backups: Mapping[UUID, int]) -> Inspection:
    """Return an inspection that says how many checkpoints of each VM backups made."""
    details = (replace(row, backup_checkpoints=backups.get(row.vm.id, 0)) for row in inspection.details)
    return replace(inspection, details=tuple(details))


def count_of_backups(host: str, values: list[Any]) -> Counter[UUID]:
    """Count by VM the checkpoints, of Get-VMSnapshot, that backups made."""
    rows = [PsRow(host, "Get-VMSnapshot", value) for value in values]
    kinds = ((row.guid("VMId"), row.member("SnapshotType", SNAPSHOT_TYPES, unknown=0, default=0)) for row in rows)
    return Counter(owner for owner, kind in kinds if kind == _RECOVERY)


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
