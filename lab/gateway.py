"""The HostGateway port over the lab's world, without a wire: for engine tests and benchmarks on a virtual clock."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from ipaddress import ip_interface
from ntpath import normpath
from pathlib import PureWindowsPath
from typing import TypeVar
from xml.etree import ElementTree as ET

from core.domain.model.host_calls import (
    CancelReply,
    CompatibilityReply,
    FolderFate,
    FolderReceipt,
    HostWord,
    MoveOrder,
    MoveReport,
)
from core.domain.model.hyperv_enums import HostJobState, MigrationAuth, Operation, ReplicationMode, VmState
from core.domain.model.inventory import (
    Adapter,
    CheckLine,
    Disk,
    DiskFile,
    HostFacts,
    HostJob,
    HostName,
    HostNetworks,
    Inspection,
    LinkedFile,
    Snapshot,
    SwitchKind,
    Tie,
    UnreadableVm,
    Vm,
    VmDetails,
    VmId,
    Volume,
)
from core.errors import (
    CommandFailed,
    ContactLost,
    EndpointRefused,
    HostError,
    HostUnreachable,
    LoginRejected,
    MalformedReply,
    OrderWithdrawn,
)
from core.ports import Permit
from lab.hyperv.powershell.cmdlets import functions
from lab.hyperv.remoting.shells import NO_PRICES, SessionPrices
from lab.hyperv.world import views
from lab.hyperv.world.compatibility import INCOMPATIBLE, MIGRATION_SETTINGS, described_vm
from lab.hyperv.world.enums import JobState, JobType, ReturnCode, SnapshotType
from lab.hyperv.world.errors import FolderError
from lab.hyperv.world.faults import MoveFaultKind, ValueFault, ValueFaultKind, WireFaultKind
from lab.hyperv.world.host_messages import CAUSES
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.vms import CONFIGURATION_FILE_BYTES, disk_files
from lab.hyperv.world.world import World
from lab.move_sessions import MoveSessions

T = TypeVar("T")

OWNER = "CONTOSO\\svc-migrate"
GIVE_UP_S = 40.0
"""After so many seconds a client gives up on a host that never answers."""

_FIRST_LEVEL = 2
_OF_HYPER_V = frozenset({"observe", "inspect", "find", "jobs"})
"""What a host cannot answer while its Virtual Machine Management Service is away; a move is refused by the world."""
_UNAUTHORIZED = 401
_TERMINATE = 4


class LabGateway:
    """The HostGateway port over a world. ``calls`` counts remote calls by method; each takes ``latency_s``.

    A move's session costs the ``prices``, and ``spare_sessions`` of them wait for the next moves of a host.
    """

    def __init__(
        self,
        world: World,
        now: Callable[[], datetime],
        latency_s: float = 0.2,
        *,
        prices: SessionPrices = NO_PRICES,
        spare_sessions: int = 2,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.stand_ins: dict[str, str] = {}
        """Which machine answers when a host is asked, if it is another one: an address that was given away."""
        self.gates: dict[VmId, asyncio.Event] = {}
        """A host says nothing of whether it can take such a VM before its event."""
        self.without_functions: set[str] = set()
        """Hosts whose endpoint has an older role: it does not know how to ask."""
        self.first_percent_s = 0.0
        """Move-VM may tell its first percent so long before any host shows or counts the move."""
        self._world = world
        self._now = now
        self._latency_s = latency_s
        self.sessions = MoveSessions(prices, spare_sessions)

    async def observe(self, host: HostName) -> Snapshot:
        await self._call("observe", host)
        return self._snapshot(host)

    async def inspect(
        self,
        host: HostName,
        vm_ids: Collection[VmId] | None = None,
        *,
        neighbours: bool = False,
        known: Snapshot | None = None,
    ) -> Inspection:
        await self._call("inspect", host)
        wanted = None if vm_ids is None else set(vm_ids)
        wrong = {fault.vm for fault in self._world.trouble.for_host(host).values}
        rows = [vm for vm in self._world.vms(host) if (wanted is None or vm.id in wanted) and vm.id not in wrong]
        return Inspection(
            snapshot=known or self._snapshot(host),
            volumes=tuple(Volume(v.root, v.size_bytes, v.free_bytes) for v in self._world.volumes(host)),
            memory_free_bytes=self._world.free_memory_bytes(host),
            switches=self._world.host(host).switches,
            switch_kinds=self._switch_kinds(host),
            networks=self._networks(host),
            details=tuple(
                replace(_details(row), linked=_linked(row, self._world.vms(host)) if neighbours else ()) for row in rows
            ),
        )

    def _networks(self, host: HostName) -> HostNetworks:
        view = self._world.host(host)
        own = tuple(str(ip_interface(one).network) for one in view.addresses)
        return HostNetworks(own=own, for_migration=view.migration_networks)

    async def machine_at(self, host: HostName, address: str) -> str:
        await self._call("machine_at", host)
        refused = self._world.why_no_logon(host, address)
        if refused is not None:
            text = CAUSES[refused].english.format(other=address).splitlines()[0]
            raise CommandFailed(host, f"{host} reported an error for Get-VMHost: {text}")
        return self._world.host(address).fqdn.casefold()

    async def find(self, host: HostName, vm_id: VmId) -> Vm | None:
        await self._call("find", host)
        vm = self._world.vm(host, vm_id)
        wrong = next((fault for fault in self._world.trouble.for_host(host).values if fault.vm == vm_id), None)
        if vm is not None and wrong is not None:
            raise MalformedReply(host, _unreadable(host, wrong).text)
        return _vm(vm) if vm else None

    async def jobs(self, host: HostName, vm_id: VmId) -> tuple[HostJob, ...]:
        await self._call("jobs", host)
        return tuple(job for job in self._jobs(host) if job.vm_id == vm_id)

    async def expect_moves(self, sources: Mapping[HostName, int]) -> None:
        self.sessions.expect(sources)

    async def move(
        self, host: HostName, order: MoveOrder, on_progress: Callable[[int], None], may_start: Permit
    ) -> MoveReport:
        async with self.sessions.one(host):
            trouble = self._world.trouble.for_host(host)
            is_cut_off = any(fault.operation == "Receive" for fault in trouble.faults)
            if is_cut_off:
                trouble.take("Receive")
            await self._call("move", host)
            if not await may_start():
                raise OrderWithdrawn(host, f"The order to {host} was withdrawn before it was sent.")
            if self._world.trouble.take_never_begins(order.vm_id):
                await asyncio.Event().wait()
            if self.first_percent_s:
                on_progress(0)
                await asyncio.sleep(self.first_percent_s)
            migration = self._world.start_move(_request(host, order))
            if is_cut_off:
                raise ContactLost(host, f"The connection to {host} broke.")
            while not migration.is_done:
                on_progress(migration.percent)
                await asyncio.sleep(1.0)
            if migration.fault is not None and migration.fault.kind is MoveFaultKind.NEVER_RETURNS:
                await asyncio.Event().wait()
            return MoveReport(tuple(HostWord(e.message, e.fqid(), int(e.category)) for e in migration.errors))

    async def cancel(self, host: HostName, vm_id: VmId) -> CancelReply:
        await self._call("cancel", host)
        ids = [job.key for job in self._jobs(host) if job.vm_id == vm_id and job.is_running]
        codes = [self._world.request_state_change(host, instance, _TERMINATE) for instance in ids]
        accepted = any(code in {0, 4096} for code in codes)
        refused = "" if accepted or not codes else f"{host} refused the cancel with code {int(codes[0])}."
        return CancelReply(found=bool(ids), accepted=accepted, text=refused)

    async def list_folder(self, host: HostName, path: str) -> tuple[str, ...] | None:
        await self._call("list_folder", host)
        try:
            return tuple(entry.path for entry in self._world.list_folder(host, path))
        except FolderError:
            return None

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        await self._call("remove_empty_folder", host)
        if len(PureWindowsPath(normpath(path)).parts) <= _FIRST_LEVEL:
            return FolderReceipt(path, FolderFate.KEPT, "a volume or a first-level folder is never removed")
        if PureWindowsPath(path).drive.startswith("\\\\"):
            return FolderReceipt(path, FolderFate.KEPT, "a folder on a share is never removed")
        if self._world.entry(host, path) is None:
            return FolderReceipt(path, FolderFate.GONE, "was not there")
        try:
            self._world.delete_folder(host, path, OWNER)
        except FolderError as error:
            return FolderReceipt(path, FolderFate.KEPT, str(error))
        return FolderReceipt(path, FolderFate.REMOVED)

    async def compatibility_info(self, host: HostName, vm_ids: Sequence[VmId]) -> tuple[bytes | HostError, ...]:
        await self._call("compatibility_info", host)
        self._must_have_functions(host, "Get-VMCompatibility")
        return tuple([await self._judged(host, partial(self._describe, host, vm_id)) for vm_id in vm_ids])

    async def test_compatibility(
        self, host: HostName, infos: Sequence[bytes]
    ) -> tuple[CompatibilityReply | HostError, ...]:
        await self._call("test_compatibility", host)
        self._must_have_functions(host, "Test-VMCompatibility")
        for info in infos:
            if gate := self.gates.get(VmId(described_vm(info))):
                await gate.wait()
        return tuple([await self._judged(host, partial(self._judge, host, info)) for info in infos])

    async def test_migration(self, host: HostName, vm_id: VmId, destination: HostName) -> CompatibilityReply:
        await self._call("test_migration", host)
        request = MoveRequest(vm_id=vm_id, source=host, destination=destination, owner=OWNER)
        code, key = self._world.compatibility.begin_check(request, MIGRATION_SETTINGS)
        if code != ReturnCode.JobStarted:
            _must_be_answer(host, code)
        while True:
            job = next(job for job in self._world.jobs(host) if job.instance_id == key)
            if job.state is not JobState.Running:
                break
            await asyncio.sleep(1.0)
        said = tuple(filter(None, (job.error_summary, job.error_description)))
        return CompatibilityReply(job.state is JobState.Completed, said)

    async def notes(self, host: HostName, key: str) -> Mapping[VmId, tuple[str, ...]]:
        await self._call("notes", host)
        self._must_have_functions(host, "Get-VMNote")
        found = {VmId(vm.id): functions.behind(key, vm.notes) for vm in self._world.vms(host)}
        return {vm_id: values for vm_id, values in found.items() if values}

    async def check(self, host: HostName, peers: Sequence[HostName]) -> tuple[CheckLine, ...]:
        await self._call("check", host)
        return (CheckLine(host, ok=True, text=f"reachable; peers: {', '.join(peers)}"),)

    async def close(self) -> None:
        await self.sessions.close()

    # ------------------------------------------------------------------ inside

    async def _call(self, method: str, host: HostName) -> None:
        """Take the time of a remote call, and whatever trouble was ordered for the host."""
        self.calls[method] += 1
        fault = self._world.trouble.for_host(host).take()
        await asyncio.sleep(self._latency_s)
        if method in _OF_HYPER_V and (away := self._world.vmms.refusal(host)):
            raise CommandFailed(host, f"{host} reported an error for Get-VM: {away}")
        match fault.kind if fault else None:
            case None:
                return
            case WireFaultKind.SLOW:
                await asyncio.sleep(fault.delay_s if fault else 0.0)
            case WireFaultKind.REFUSE | WireFaultKind.FAULT:
                raise HostUnreachable(host, f"{host} refuses the connection.")
            case WireFaultKind.HANG:
                await asyncio.sleep(GIVE_UP_S)
                raise ContactLost(host, f"{host} did not answer within {GIVE_UP_S:.0f} s.")
            case WireFaultKind.MALFORMED | WireFaultKind.TRUNCATED | WireFaultKind.CUT_SEAL:
                raise MalformedReply(host, f"{host} answered something unreadable.")
            case WireFaultKind.STATUS if fault is not None and fault.status == _UNAUTHORIZED:
                raise LoginRejected(host, f"{host} rejects the login.")
            case WireFaultKind.STATUS:
                raise CommandFailed(host, f"{host} answers with HTTP status {fault.status if fault else 0}.")
            case WireFaultKind.DROP:
                raise ContactLost(host, f"The connection to {host} broke.")

    def _switch_kinds(self, host: HostName) -> dict[str, SwitchKind]:
        view = self._world.host(host)
        return {name.casefold(): SwitchKind[view.switch_kind(name).name.upper()] for name in view.switches}

    async def _judged(self, host: HostName, answer: Callable[[], T]) -> T | HostError:
        """Take the time of one question about one VM; that there is no answer is one, too."""
        await asyncio.sleep(self._world.compatibility.takes_s(host))
        try:
            return answer()
        except CommandFailed as error:
            return error

    def _describe(self, host: HostName, vm_id: VmId) -> bytes:
        if self._world.vm(host, vm_id) is None:
            raise CommandFailed(host, f"There is no virtual machine {vm_id}.")
        code, info = self._world.compatibility.describe(host, vm_id)
        _must_be_answer(host, code)
        return info

    def _judge(self, host: HostName, info: bytes) -> CompatibilityReply:
        code, reasons = self._world.compatibility.judge(host, info)
        if code != INCOMPATIBLE:
            _must_be_answer(host, code)
        said = (ET.fromstring(one).findtext(".//VALUE") or "" for one in reasons)  # noqa: S314  # the lab's own
        return CompatibilityReply(code != INCOMPATIBLE, tuple(said))

    def _must_have_functions(self, host: HostName, function: str) -> None:
        if host in self.without_functions:
            raise EndpointRefused(host, f"The endpoint of {host} refused {function}.")

    def _snapshot(self, host: HostName) -> Snapshot:
        shown = self._show(HostName(self.stand_ins.get(host, host)))
        return replace(shown, host=host)

    def _show(self, host: HostName) -> Snapshot:
        now = self._now()
        view, counters = self._world.host(host), self._world.counters(host)
        facts = HostFacts(
            live_limit=view.live_limit,
            storage_limit=view.storage_limit,
            is_migration_enabled=view.migration_enabled,
            migration_auth=MigrationAuth(int(view.authentication)),
            live_active=counters.live,
            storage_active=counters.storage,
            default_vm_path=view.default_vm_path,
            default_disk_path=view.default_disk_path,
            memory_bytes=view.memory_capacity_bytes,
            machine=view.fqdn.casefold(),
            supported_versions=view.supported_versions,
            listeners=view.listener_addresses,
        )
        wrong = {fault.vm: fault for fault in self._world.trouble.for_host(host).values if fault.vm is not None}
        views_of_vms = self._world.vms(host)
        return Snapshot(
            host=host,
            asked_at=now,
            taken_at=now,
            facts=facts,
            vms=tuple(_vm(vm) for vm in views_of_vms if vm.id not in wrong),
            jobs=self._jobs(host),
            unreadable=tuple(_unreadable(host, wrong[vm.id]) for vm in views_of_vms if vm.id in wrong),
        )

    def _jobs(self, host: HostName) -> tuple[HostJob, ...]:
        ids = {str(vm_id).upper(): vm_id for vm_id in (m.vm_id for m in self._world.migrations())}
        return tuple(
            HostJob(
                vm_id=VmId(ids[job.virtual_system_name]),
                state=HostJobState(int(job.state)),
                percent=job.percent,
                destination=job.destination_host or "",
                is_cancellable=job.is_cancellable,
                error_code=job.error_code,
                error_text="\n".join(text for text in (job.error_summary, job.error_description) if text),
                started_at=job.started_at,
                owner=job.owner,
                key=job.instance_id,
            )
            for job in self._world.jobs(host)
            if job.job_type >= JobType.MovingVM  # the others only look
        )


def _must_be_answer(host: HostName, code: int) -> None:
    if code:
        raise CommandFailed(host, f"{host} gives no answer: code {code}.")


def _unreadable(host: HostName, fault: ValueFault) -> UnreadableVm:
    hides_id = fault.property.lower() == "id" or fault.kind is ValueFaultKind.ERROR
    text = f"{host} answered Get-VM without a value in {fault.property}."
    return UnreadableVm(text, None if hides_id or fault.vm is None else VmId(fault.vm))


def _request(host: HostName, order: MoveOrder) -> MoveRequest:
    if order.disks:
        return MoveRequest(
            vm_id=order.vm_id,
            source=host,
            destination=order.address,
            owner=OWNER,
            virtual_machine_path=order.path,
            snapshot_path=order.path,
            paging_path=order.path,
            vhds=tuple((disk.source, disk.destination) for disk in order.disks),
        )
    return MoveRequest(vm_id=order.vm_id, source=host, destination=order.address, owner=OWNER, storage_path=order.path)


def _vm(view: views.VMView) -> Vm:
    return Vm(
        id=VmId(view.id),
        name=view.name,
        state=VmState(int(view.state)),
        status=tuple(Operation(number) for number in view.operational_status),
        status_text=view.status,
        is_planned=view.is_planned,
        is_clustered=view.is_clustered,
        generation=view.generation,
        version=view.version,
        memory_assigned_bytes=view.memory_assigned_bytes,
        memory_startup_bytes=view.memory_startup_bytes,
        uptime_s=view.uptime_s,
        heartbeat=None if view.heartbeat is None else int(view.heartbeat),
        replication_mode=ReplicationMode(int(view.replication_mode)),
        replication_state=int(view.replication_state),
        config_path=view.path,
        checkpoint_path=view.snapshot_file_location,
        paging_path=view.smart_paging_file_path,
    )


def _ties(view: views.VMView) -> Iterator[Tie]:
    known = {
        Tie.PASSED_DEVICE: view.has_passed_device,
        Tie.GPU_PARTITION: view.has_gpu_partition,
        Tie.FIBRE_CHANNEL: view.has_fibre_channel,
        Tie.NESTED: view.exposes_virtualization,
        Tie.HOST_DVD: bool(view.captured_dvd_drive),
    }
    yield from (tie for tie, has in known.items() if has)


def _linked(view: views.VMView, all_views: Sequence[views.VMView]) -> tuple[LinkedFile, ...]:
    mine = {file.path.lower(): file.path for file in disk_files(view)}
    found: dict[str, list[str]] = {}
    for other in all_views:
        if other.id != view.id:
            for key in mine.keys() & {file.path.lower() for file in disk_files(other)}:
                found.setdefault(mine[key], []).append(other.name)
    return tuple(LinkedFile(path, tuple(sorted(names))) for path, names in sorted(found.items()))


def _details(view: views.VMView) -> VmDetails:
    own = {path.lower() for disk in view.disks for path in (disk.path, *(file.path for file in disk.parents))}
    rest = tuple(DiskFile(file.path, file.size_bytes) for file in disk_files(view) if file.path.lower() not in own)
    return VmDetails(
        vm=_vm(view),
        checkpoint_files=rest,
        system_bytes=view.system_bytes
        + sum(CONFIGURATION_FILE_BYTES + checkpoint.state_bytes for checkpoint in view.checkpoints),
        unread=("its paging file",) if view.is_paging else (),
        disks=tuple(
            Disk(
                path=disk.path if disk.has_file else "",
                file_bytes=None if disk.is_unreadable else disk.size_bytes,
                parents=()
                if disk.is_unreadable
                else tuple(DiskFile(file.path, file.size_bytes) for file in disk.parents),
                controller=disk.controller.name,
                is_pass_through=not disk.has_file,
                is_shared=disk.is_shared,
            )
            for disk in view.disks
        ),
        adapters=tuple(Adapter(adapter.name, adapter.switch or "") for adapter in view.adapters),
        iso_paths=(view.iso_path,) if view.iso_path and not view.captured_dvd_drive else (),
        floppy_paths=(view.floppy_path,) if view.floppy_path else (),
        pipes=(view.com_pipe,) if view.com_pipe else (),
        checkpoints=len(view.checkpoints),
        backup_checkpoints=sum(1 for one in view.checkpoints if one.type is SnapshotType.Recovery),
        has_vtpm=view.has_vtpm,
        ties=frozenset(_ties(view)),
    )
