"""Move-VM and Compare-VM: their parameter sets, progress records, errors and reports; the world does the moving.

Sources: Microsoft docs (Move-VM, Compare-VM); parameter sets from the type stubs of HyperVDsc.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Parameter, Syntax
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall
from lab.hyperv.powershell.cmdlets import vm_objects
from lab.hyperv.powershell.cmdlets.hops import hosts_asked
from lab.hyperv.powershell.cmdlets.vms import COMMANDS, MODULE, VM
from lab.hyperv.remoting.dotnet_values import Array, EnumValue, Int64, NetObject, NetType, Value
from lab.hyperv.remoting.records import Category, Progress
from lab.hyperv.world import paths
from lab.hyperv.world.errors import UnknownHost
from lab.hyperv.world.faults import MoveFaultKind
from lab.hyperv.world.fleet import MigrationKind
from lab.hyperv.world.host_messages import CAUSES, text_of
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.views import CompatibilityReport, ErrorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from lab.hyperv.world.migrations import Migration
    from lab.hyperv.world.views import Incompatibility, VMView

_PROGRESS_EVERY_S: Final = 1.0
_FASTEST_PROGRESS_S: Final = 0.05
"""In a lab that runs fast, progress records come no more often than this in real time."""

_PLAIN: Final = tuple(
    f"{who}{where}Destination{'s' * (where == 'Multiple')}"
    for who in ("Name", "VM")
    for where in ("Single", "Multiple")
)
_WITH_SESSION: Final = tuple(f"{name}AndCimSession" for name in _PLAIN)
_MOVES: Final = (*_PLAIN, *_WITH_SESSION)
_REPORT: Final = "CompatibilityReport"
REPORT: Final = types.object_type(f"{vm_objects.NAMESPACE}.VMCompatibilityReport")


def _of(*parts: str) -> tuple[str, ...]:
    return tuple(name for name in _MOVES if all(part in name for part in parts))


def _by_name() -> tuple[str, ...]:
    return tuple(name for name in _MOVES if name.startswith("Name"))


_SHARED: Final = (
    Parameter(
        name="Name",
        type=types.STRING,
        aliases=("VMName",),
        sets=_by_name(),
        position=0,
        is_mandatory=True,
        by_value=True,
    ),
    Parameter(
        name="VM",
        type=VM,
        sets=tuple(name for name in _MOVES if name.startswith("VM")),
        position=0,
        is_mandatory=True,
        by_value=True,
    ),
    Parameter(name="ComputerName", type=types.STRINGS, sets=tuple(n for n in _PLAIN if n.startswith("Name"))),
    Parameter(name="Credential", type=types.ANY, sets=tuple(n for n in _PLAIN if n.startswith("Name"))),
    Parameter(name="CimSession", type=types.ANYTHING, sets=tuple(n for n in _WITH_SESSION if n.startswith("Name"))),
    Parameter(name="DestinationHost", type=types.STRING, sets=_PLAIN, position=1, is_mandatory=True),
    Parameter(name="DestinationCredential", type=types.ANY, sets=_PLAIN),
    Parameter(name="DestinationCimSession", type=types.ANY, sets=_WITH_SESSION, position=1, is_mandatory=True),
    Parameter(name="IncludeStorage", type=types.SWITCH, sets=_of("SingleDestination")),
    Parameter(name="DestinationStoragePath", type=types.STRING, sets=_of("SingleDestination")),
    Parameter(name="VirtualMachinePath", type=types.STRING, sets=_of("MultipleDestinations")),
    Parameter(
        name="SnapshotFilePath", type=types.STRING, aliases=("CheckpointFilePath",), sets=_of("MultipleDestinations")
    ),
    Parameter(name="SmartPagingFilePath", type=types.STRING, sets=_of("MultipleDestinations")),
    Parameter(name="Vhds", type=types.HASHTABLES, sets=_of("MultipleDestinations")),
    Parameter(name="ResourcePoolName", type=types.STRING, sets=_MOVES),
    Parameter(name="RetainVhdCopiesOnSource", type=types.SWITCH, sets=_MOVES),
    Parameter(name="RemoveSourceUnmanagedVhds", type=types.SWITCH, sets=_MOVES),
    Parameter(name="AsJob", type=types.SWITCH),
)
_REPORT_PARAMETER: Final = Parameter(
    name="CompatibilityReport", type=REPORT, sets=(_REPORT,), position=0, is_mandatory=True, by_value=True
)

MOVE_VM: Final = Syntax(
    command="Move-VM",
    class_name=f"{COMMANDS}.MoveVM",
    sets=(*_MOVES, _REPORT),
    default_set="NameSingleDestination",
    parameters=(
        *_SHARED,
        _REPORT_PARAMETER,
        Parameter(name="Passthru", type=types.SWITCH),
        Parameter(name="WhatIf", type=types.SWITCH, aliases=("wi",)),
        Parameter(name="Confirm", type=types.SWITCH, aliases=("cf",)),
    ),
)
COMPARE_VM: Final = Syntax(
    command="Compare-VM",
    class_name=f"{COMMANDS}.CompareVM",
    sets=(*_MOVES, _REPORT),
    default_set="NameSingleDestination",
    parameters=(*_SHARED, _REPORT_PARAMETER),
)


async def move_vm(call: CmdletCall) -> AsyncIterator[Value]:
    """Start a move and stay with it until its end, however it comes; leaving early does not stop it."""
    for request in _requests(call):
        if call.get("WhatIf"):
            continue
        if call.session.world.trouble.take_never_begins(request.vm_id):
            await asyncio.Event().wait()
        migration = call.session.world.start_move(request)
        await _follow(call, migration)
        if migration.fault is not None and migration.fault.kind is MoveFaultKind.NEVER_RETURNS:
            await asyncio.Event().wait()
        for record in migration.errors:
            _write(call, record, "MoveVM")
        if call.get("Passthru") and not migration.errors:
            moved = call.session.world.vm(migration.destination, migration.vm_id)
            if moved is not None:
                yield vm_objects.virtual_machine(moved)


async def _follow(call: CmdletCall, migration: Migration) -> None:
    """Report progress about once a second of lab time, and be there at the moment the migration ends."""
    session, pace = call.session, call.session.pace
    every_s = max(_PROGRESS_EVERY_S, _FASTEST_PROGRESS_S * pace.speed)
    due_at = pace.now()
    while not migration.is_done:
        if pace.now() >= due_at:
            call.streams.progress(_progress(migration))
            due_at = pace.now() + every_s
        following = session.world.next_event_at()
        wake_at = due_at if following is None else min(due_at, following)
        await pace.sleep(max(wake_at - pace.now(), 0.0))
    if migration.has_job:
        call.streams.progress(_progress(migration, is_last=True))


def _progress(migration: Migration, *, is_last: bool = False) -> Progress:
    percent = migration.percent
    return Progress(migration.activity, f"{percent}% complete", percent, is_last=is_last)


async def compare_vm(call: CmdletCall) -> AsyncIterator[Value]:
    """Report what would stop a move; leaves a planned VM on the destination."""
    if call.set_name == _REPORT:
        yield call.get("CompatibilityReport")
        return
    for request in _requests(call):
        found = call.session.world.compare(request)
        if isinstance(found, ErrorRecord):
            _write(call, found, "CompareVM")
            continue
        view = call.session.world.vm(request.source, request.vm_id)
        yield NetObject(_REPORT_TYPE, _Report(found, request, view))


def _write(call: CmdletCall, record: ErrorRecord, class_name: str) -> None:
    error_id = record.fqid(class_name).partition(",")[0]
    call.error(record.message, error_id, int(record.category))


def _requests(call: CmdletCall) -> Iterator[MoveRequest]:
    """Return what to move; an error is written for what cannot be found or is not supported."""
    if call.set_name == _REPORT:
        report: _Report = call.get("CompatibilityReport").source
        yield report.request
        return
    if call.get("AsJob"):
        call.error("The lab has no background jobs: -AsJob is not supported.", "NotSupported", Category.NotImplemented)
        return
    if call.has("DestinationCimSession"):
        text = "The lab has no CIM sessions: -DestinationCimSession is not supported."
        call.error(text, "NotSupported", Category.NotImplemented)
        return
    destination = call.get("DestinationHost")
    try:
        destination = call.session.world.canonical_host(destination)
    except UnknownHost:
        # A name or address that the source's name service does not know; see `host_messages`.
        text = text_of("name-unknown", call.session.described.language).format(other=destination)
        call.error(text, CAUSES["name-unknown"].error_id, CAUSES["name-unknown"].category)
        return
    renamed = next((pair for pair in _vhd_pairs(call.get("Vhds") or []) if not _keeps_its_name(*pair)), None)
    if renamed is not None:
        text = f"The file name in '{renamed[0]}' and '{renamed[1]}' must be the same."
        call.error(text, "InvalidParameter", Category.InvalidArgument)
        return
    for view in _vms(call):
        yield _request(call, view, destination)


def _keeps_its_name(source: str, destination: str) -> bool:
    return paths.name(source).lower() == paths.name(destination).lower()


def _request(call: CmdletCall, view: VMView, destination: str) -> MoveRequest:
    has_storage = any(
        call.get(name)
        for name in ("IncludeStorage", "DestinationStoragePath", "VirtualMachinePath", "SnapshotFilePath", "Vhds")
    )
    return MoveRequest(
        vm_id=view.id,
        source=view.host,
        destination=destination,
        owner=call.session.login.user,
        kind=MigrationKind.LIVE_AND_STORAGE if has_storage else MigrationKind.LIVE,
        storage_path=call.get("DestinationStoragePath"),
        virtual_machine_path=call.get("VirtualMachinePath"),
        snapshot_path=call.get("SnapshotFilePath"),
        paging_path=call.get("SmartPagingFilePath"),
        vhds=tuple(_vhd_pairs(call.get("Vhds") or [])),
        has_delegated_logon=call.session.login.has_delegated_logon,
    )


def _vhd_pairs(tables: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for table in tables:
        entries = {str(key).lower(): str(value) for key, value in table.items()}
        yield entries.get("sourcefilepath", ""), entries.get("destinationfilepath", "")


def _vms(call: CmdletCall) -> Iterator[VMView]:
    if call.has("VM"):
        yield call.get("VM").source
        return
    name = call.get("Name")
    for host in hosts_asked(call):
        found = [view for view in call.session.world.vms(host) if view.name.lower() == name.lower()]
        if not found:
            message = f'Hyper-V was unable to find a virtual machine with name "{name}".'
            call.error(message, "InvalidParameter", Category.InvalidArgument, target=name)
        yield from found


class _Report:
    """A compatibility report with the move it planned."""

    def __init__(self, found: CompatibilityReport, request: MoveRequest, view: VMView | None) -> None:
        self.found = found
        self.request = request
        self.view = view

    @property
    def vm(self) -> NetObject | None:
        return vm_objects.virtual_machine(self.view) if self.view is not None else None


def _incompatibilities(report: _Report) -> Array:
    items = [NetObject(_INCOMPATIBILITY_TYPE, (item, report.vm)) for item in report.found.incompatibilities]
    return Array(f"{vm_objects.NAMESPACE}.VMIncompatibility[]", items)


def _operation(report: _Report) -> EnumValue:
    moves_storage = report.request.kind is MigrationKind.LIVE_AND_STORAGE
    number, name = (2, "MoveVirtualMachineAndStorage") if moves_storage else (0, "MoveVirtualMachine")
    return EnumValue(f"{vm_objects.NAMESPACE}.OperationType", number, name)


_REPORT_TYPE: Final = NetType(
    (REPORT.name,),
    {
        "VM": lambda report: report.vm,
        "OperationType": _operation,
        "Destination": lambda report: report.found.destination,
        "Path": lambda report: report.found.path,
        "SnapshotPath": lambda report: report.found.snapshot_path,
        "VhdDestinationPath": lambda report: report.found.disk_path,
        "VhdSourcePath": lambda _: None,
        "Incompatibilities": _incompatibilities,
    },
    aliases={"CheckpointPath": "SnapshotPath"},
)


def _message_id(pair: tuple[Incompatibility, NetObject | None]) -> Int64:
    return Int64(pair[0].message_id)


_INCOMPATIBILITY_TYPE: Final = NetType(
    (f"{vm_objects.NAMESPACE}.VMIncompatibility",),
    {
        "Message": lambda pair: pair[0].message,
        "MessageId": _message_id,
        "Source": lambda pair: pair[1],
    },
    to_string=lambda pair: str(pair[0].message),
)

CMDLETS: Final = (
    Cmdlet(syntax=MOVE_VM, module=MODULE, process=move_vm),
    Cmdlet(syntax=COMPARE_VM, module=MODULE, process=compare_vm),
)
