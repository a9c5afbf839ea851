"""Turns what a host's cmdlets emit into our types; a reply that does not fit is a MalformedReply, never a guess.

Identity, state, limits and sizes must be there. What only decorates a card may be missing.
"""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.domain.model.host_calls import CancelReply, FolderFate, FolderReceipt, HostWord
from core.domain.model.hyperv_enums import HostJobState, MigrationAuth, Operation, ReplicationMode, VmState
from core.domain.model.inventory import HostFacts, HostJob, SwitchKind, UnreadableVm, Vm, VmId, Volume
from core.errors import MalformedReply
from core.hyperv import enum_names
from core.hyperv.ps_values import PsRow, number_in

log = logging.getLogger(__name__)

_PLANNED = 4
_PERCENT = 100
_UNKNOWN_AUTH = -1
_FIXED_DRIVE = 3
_NO_HEARTBEAT = -1
_ACCEPTED = {0: "done", 4096: "begun"}
"""ReturnValue of RequestStateChange (Microsoft docs: Msvm_MigrationJob)."""
_CHECKING = range(301, 305)
"""Types of jobs that look whether something could be moved, and move nothing (Microsoft docs: Msvm_MigrationJob)."""
_NOTE_SEPARATOR = ":"
_NOTES_OF_A_VM, _NOTE_LENGTH = 4, 256
_SWITCH_KINDS = {0: SwitchKind.PRIVATE, 1: SwitchKind.INTERNAL, 2: SwitchKind.EXTERNAL}


def read_word(record: Any) -> HostWord:
    """Read one error record: every line of its text, its FullyQualifiedErrorId and category number."""
    message = ""
    exception = getattr(record, "exception", None)
    for bag in ("adapted_properties", "extended_properties"):
        found = getattr(exception, bag, None)
        if isinstance(found, dict) and isinstance(found.get("Message"), str):
            message = message or found["Message"]
    try:
        text = message or str(record)
    except TypeError:  # pypsrp cannot print a record without a text
        text = ""
    details = getattr(record, "details_message", None)
    if isinstance(details, str) and details.strip():
        text = details  # what PowerShell itself shows when there is one
    fqid = getattr(record, "fq_error", None)
    category = getattr(record, "category", None)
    return HostWord(
        text=text.replace("\r\n", "\n").strip(),
        fqid=fqid if isinstance(fqid, str) else "",
        category=category if isinstance(category, int) else 0,
    )


def read_vm(host: str, value: Any) -> Vm:
    """Read one object of Get-VM."""
    row = PsRow(host, "Get-VM", value)
    heartbeat = row.member("Heartbeat", enum_names.HEARTBEATS, unknown=0, default=_NO_HEARTBEAT)
    status = tuple(
        Operation(number) for number in row.members("OperationalStatus", enum_names.OPERATIONS, unknown=Operation.OTHER)
    )
    return Vm(
        id=VmId(row.guid("Id")),
        name=row.label("Name"),
        state=VmState(row.member("State", enum_names.STATES, unknown=VmState.OTHER)),
        status=status or (Operation.OTHER,),  # a VM that does not say how it is, is not idle
        status_text=row.text("Status"),
        is_planned=row.member("VirtualMachineType", enum_names.VM_TYPES, unknown=0, default=0) == _PLANNED,
        is_clustered=row.flag("IsClustered", default=False),
        generation=row.number("Generation", 2),
        version=row.text("Version"),
        memory_assigned_bytes=row.number("MemoryAssigned", 0),
        memory_startup_bytes=row.number("MemoryStartup", 0),
        uptime_s=row.seconds("Uptime"),
        heartbeat=None if heartbeat == _NO_HEARTBEAT else heartbeat,
        replication_mode=ReplicationMode(
            row.member("ReplicationMode", enum_names.REPLICATION_MODES, unknown=ReplicationMode.NONE, default=0)
        ),
        replication_state=row.member("ReplicationState", enum_names.REPLICATION_STATES, unknown=0, default=0),
        config_path=row.text("Path"),
        checkpoint_path=row.text("SnapshotFileLocation"),
        paging_path=row.text("SmartPagingFilePath"),
    )


def read_vms(host: str, values: list[Any]) -> tuple[list[Vm], list[UnreadableVm]]:
    """Read the objects of Get-VM: those that can be read, and of the others what stands in the way.

    Raises:
        MalformedReply: of several VMs not one has an id that can be read: then the reply is sick, and not a VM.

    """
    vms, unreadable, errors = list[Vm](), list[UnreadableVm](), list[MalformedReply]()
    for value in values:
        try:
            vms.append(read_vm(host, value))
        except MalformedReply as error:
            errors.append(error)
            unreadable.append(UnreadableVm(error.message, _id_of(host, value)))
    if len(errors) > 1 and not vms and all(one.id is None for one in unreadable):
        raise errors[0]
    return vms, unreadable


def _id_of(host: str, value: Any) -> VmId | None:
    try:
        return VmId(PsRow(host, "Get-VM", value).guid("Id"))
    except MalformedReply:
        return None


def read_facts(host: str, values: list[Any], counters: list[Any]) -> HostFacts:
    """Read Get-VMHost together with Msvm_VirtualSystemMigrationService."""
    row = _only(host, "Get-VMHost", values)
    counter = _only(host, "Msvm_VirtualSystemMigrationService", counters)
    auth = row.member("VirtualMachineMigrationAuthenticationType", enum_names.MIGRATION_AUTHS, unknown=_UNKNOWN_AUTH)
    if auth not in set(MigrationAuth):
        name = "VirtualMachineMigrationAuthenticationType"
        raise MalformedReply(host, f"{host} answered Get-VMHost with a {name} nobody knows: {row.text(name)}.")
    return HostFacts(
        live_limit=row.count("MaximumVirtualMachineMigrations"),
        storage_limit=row.count("MaximumStorageMigrations"),
        is_migration_enabled=row.flag("VirtualMachineMigrationEnabled"),
        migration_auth=MigrationAuth(auth),
        live_active=counter.count("ActiveVirtualSystemMigrationCount"),
        storage_active=counter.count("ActiveStorageMigrationCount"),
        default_vm_path=row.text("VirtualMachinePath"),
        default_disk_path=row.text("VirtualHardDiskPath"),
        memory_bytes=row.number("MemoryCapacity", 0),
        supported_versions=row.texts("SupportedVmVersions"),
        machine=_machine(row.text("Name"), row.text("FullyQualifiedDomainName")),
        listeners=counter.texts("MigrationServiceListenerIPAddressList"),
    )


def read_machine(host: str, values: list[Any]) -> str:
    """Read what the machine calls itself that answered Get-VMHost."""
    row = _only(host, "Get-VMHost", values)
    return _machine(row.text("Name"), row.text("FullyQualifiedDomainName"))


def _machine(name: str, domain: str) -> str:
    """Join a machine's name and its domain: FullyQualifiedDomainName was seen to hold the domain alone."""
    name, domain = name.strip().casefold(), domain.strip(". ").casefold()
    if not name or not domain or name == domain or name.endswith(f".{domain}"):
        return name
    return domain if domain.startswith(f"{name}.") else f"{name}.{domain}"


def read_jobs(host: str, values: list[Any]) -> tuple[HostJob, ...]:
    """Read Msvm_MigrationJob objects that move; one that names no VM belongs to none and is left out."""
    jobs: list[HostJob] = []
    for value in values:
        row = PsRow(host, "Msvm_MigrationJob", value)
        vm_id = _guid_of(row.text("VirtualSystemName"))
        if vm_id is None or number_in(row.raw("JobType")) in _CHECKING:
            continue
        try:
            jobs.append(_job(row, vm_id))
        except MalformedReply:
            # A job that nobody can read may be running: of its VM nothing is concluded, and of no other.
            jobs.append(HostJob(vm_id=vm_id, state=HostJobState.OTHER, percent=0))
    return tuple(jobs)


def _job(row: PsRow, vm_id: VmId) -> HostJob:
    texts = (row.text("ErrorSummaryDescription"), row.text("ErrorDescription"))
    return HostJob(
        vm_id=vm_id,
        state=HostJobState(row.number("JobState")),
        percent=min(max(row.number("PercentComplete", 0), 0), _PERCENT),
        destination=row.text("DestinationHost"),
        is_cancellable=row.flag("Cancellable", default=True),
        error_code=row.number("ErrorCode", 0),
        error_text="\n".join(dict.fromkeys(filter(None, texts))),
        started_at=row.moment("StartTime"),
        owner=row.text("Owner"),
        key=row.text("InstanceID"),
    )


def read_volumes(host: str, values: list[Any]) -> tuple[Volume, ...]:
    """Read Win32_Volume objects: fixed drives and mount points with a size; nameless volumes hold no VM."""
    volumes: list[Volume] = []
    for value in values:
        try:
            row = PsRow(host, "Win32_Volume", value)
            root, drive_type = row.text("Name"), row.number("DriveType", _FIXED_DRIVE)
        except MalformedReply as error:
            log.warning("a volume is left out: %s", error.message)
            continue
        if root.startswith("\\\\?\\") or not root or not row.has("Capacity") or drive_type != _FIXED_DRIVE:
            continue
        root = root if root.endswith("\\") else root + "\\"
        try:
            volumes.append(Volume(root, row.count("Capacity"), row.count("FreeSpace")))
        except MalformedReply as error:
            # Room that nobody can tell is none: only what would go to this volume waits.
            log.warning("%s of %s counts as full: %s", root, host, error.message)
            volumes.append(Volume(root, 0, 0))
    return tuple(volumes)


def read_free_memory(host: str, values: list[Any]) -> int:
    """Read the free bytes of memory; Win32_OperatingSystem counts kilobytes (Microsoft docs)."""
    return _only(host, "Win32_OperatingSystem", values).number("FreePhysicalMemory") * 1024


def read_names(host: str, source: str, values: list[Any], name: str = "Name") -> tuple[str, ...]:
    """Read one text of each object."""
    return tuple(PsRow(host, source, value).label(name) for value in values)


def read_switches(host: str, values: list[Any]) -> tuple[str, ...]:
    """Read the names of Get-VMSwitch objects; one whose name cannot be read connects no VM that names its switch."""
    names: list[str] = []
    for value in values:
        try:
            names += read_names(host, "Get-VMSwitch", [value])
        except MalformedReply as error:
            log.warning("a switch is left out: %s", error.message)
    return tuple(names)


def read_switch_kinds(host: str, values: list[Any]) -> dict[str, SwitchKind]:
    """Read what the switches of Get-VMSwitch objects connect to, by name in small letters; others do not say."""
    kinds = dict[str, SwitchKind]()
    for value in values:
        try:
            row = PsRow(host, "Get-VMSwitch", value)
            kind = _SWITCH_KINDS.get(row.member("SwitchType", enum_names.SWITCH_TYPES, unknown=-1, default=-1))
            if kind is not None:
                kinds[row.label("Name").casefold()] = kind
        except MalformedReply as error:
            log.warning("the kind of a switch is unknown: %s", error.message)
    return kinds


@dataclass(frozen=True, slots=True)
class Command:
    """A command that an endpoint has; the function that a role makes around a cmdlet has no module."""

    name: str
    module: str
    is_function: bool


def read_commands(host: str, values: list[Any]) -> list[Command]:
    """Read Get-Command objects."""
    rows = [PsRow(host, "Get-Command", value) for value in values]
    return [
        Command(
            row.label("Name"),
            row.text("ModuleName"),
            is_function=row.member("CommandType", enum_names.COMMAND_TYPES, unknown=-1)
            == enum_names.COMMAND_TYPES["function"],
        )
        for row in rows
    ]


def read_notes(host: str, values: list[Any]) -> dict[VmId, tuple[str, ...]]:
    """Read the objects of Get-VMNote; the host may have been told to send more or longer ones, which are cut."""
    found: dict[VmId, tuple[str, ...]] = {}
    for value in values:
        try:
            row = PsRow(host, "Get-VMNote", value)
            vm_id, text = VmId(row.guid("VMId")), row.text("Value")[:_NOTE_LENGTH].strip()
        except MalformedReply as error:
            log.warning("a note is left out: %s", error.message)
            continue
        known = found.get(vm_id, ())
        if text and len(known) < _NOTES_OF_A_VM:
            found[vm_id] = (*known, text)
    return found


def read_cancel(host: str, values: list[Any]) -> CancelReply:
    """Read the object of Stop-VMMigration."""
    code = _only(host, "Stop-VMMigration", values).number("ReturnValue")
    if code in _ACCEPTED:
        return CancelReply(found=True, accepted=True, text=f"{host} accepted the cancel ({_ACCEPTED[code]}).")
    why = f": {enum_names.RETURN_VALUES[code]}" if code in enum_names.RETURN_VALUES else ""
    return CancelReply(found=True, accepted=False, text=f"{host} refused the cancel with code {code}{why}.")


def read_receipt(host: str, path: str, values: list[Any]) -> FolderReceipt:
    """Read the object of Remove-EmptyFolder."""
    row = _only(host, "Remove-EmptyFolder", values)
    reason = row.text("Reason")
    if row.flag("Removed"):
        return FolderReceipt(path, FolderFate.REMOVED)
    if reason.partition(_NOTE_SEPARATOR)[0].strip().casefold() == "notfound":
        return FolderReceipt(path, FolderFate.GONE)
    return FolderReceipt(path, FolderFate.KEPT, reason or "The host gave no reason.")


def _only(host: str, source: str, values: list[Any]) -> PsRow:
    if len(values) != 1:
        raise MalformedReply(host, f"{host} answered {source} with {len(values)} objects instead of one.")
    return PsRow(host, source, values[0])


def _guid_of(text: str) -> VmId | None:
    try:
        return VmId(UUID(text.strip()))
    except ValueError:
        return None
