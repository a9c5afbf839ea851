"""Shows hosts on which nothing changes: what an engine costs by itself, with no simulation beside it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from core.domain.model.host_calls import (
    CancelReply,
    CompatibilityReply,
    FolderFate,
    FolderReceipt,
    MoveOrder,
    MoveReport,
)
from core.domain.model.hyperv_enums import HostJobState, Operation, VmState
from core.domain.model.inventory import CheckLine, HostFacts, HostJob, HostName, Inspection, Snapshot, Vm, VmId
from core.domain.model.plan import PlannedMove
from core.errors import HostError
from core.ports import Permit

LATENCY_S = 0.05


@dataclass(frozen=True, slots=True)
class SystemTime:
    """The Clock port on the machine's own clock."""

    def now(self) -> datetime:
        """Return the time now."""
        return datetime.now(UTC)

    def steady_now(self) -> datetime:
        """Return the time now: nobody sets the clock while a benchmark runs."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def planned(vms: int, hosts: int) -> tuple[PlannedMove, ...]:
    """Plan one move for each of so many VMs, from each host to the next."""
    names = [HostName(f"HV{number:03}") for number in range(1, hosts + 1)]
    return tuple(
        PlannedMove(
            vm_id=VmId(UUID(int=number)),
            vm_name=f"vm{number:05}",
            source=names[number % hosts],
            destination=names[(number + 1) % hosts],
            path="D:\\VMs",
            disk_bytes=number * 10**8,
        )
        for number in range(1, vms + 1)
    )


class StillHosts:
    """The HostGateway port over hosts that show the same VMs at every look; a started move never ends."""

    def __init__(self, moves: Sequence[PlannedMove], *, slots: int, are_moving: bool) -> None:
        status = (Operation.IN_SERVICE, Operation.MIGRATING) if are_moving else (Operation.OK,)
        self._jobs: defaultdict[HostName, list[HostJob]] = defaultdict(list)
        homes: defaultdict[HostName, list[Vm]] = defaultdict(list)
        for move in moves:
            homes[move.source].append(Vm(id=move.vm_id, name=move.vm_name, state=VmState.RUNNING, status=status))
            if are_moving:
                self._jobs[move.source].append(HostJob(vm_id=move.vm_id, state=HostJobState.RUNNING, percent=40))
        self._vms = {host: tuple(vms) for host, vms in homes.items()}
        self._facts = HostFacts(live_limit=slots, storage_limit=slots, is_migration_enabled=True)

    async def observe(self, host: HostName) -> Snapshot:
        """Show the host as it was made."""
        asked_at = datetime.now(UTC)
        await asyncio.sleep(LATENCY_S)
        return Snapshot(
            host=host,
            asked_at=asked_at,
            taken_at=datetime.now(UTC),
            facts=self._facts,
            vms=self._vms.get(host, ()),
            jobs=tuple(self._jobs[host]),
        )

    async def inspect(
        self,
        host: HostName,
        vm_ids: Collection[VmId] | None = None,
        *,
        neighbours: bool = False,
        known: Snapshot | None = None,
    ) -> Inspection:
        """Never answer: what was started stays at its start."""
        del host, vm_ids, neighbours, known
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def machine_at(self, host: HostName, address: str) -> str:
        """Log on to no other host."""
        raise NotImplementedError(f"{host} does not log on to {address}")

    async def find(self, host: HostName, vm_id: VmId) -> Vm | None:
        """Show one VM."""
        return (await self.observe(host)).vm(vm_id)

    async def jobs(self, host: HostName, vm_id: VmId) -> tuple[HostJob, ...]:
        """Show one VM's jobs."""
        return tuple(job for job in (await self.observe(host)).jobs if job.vm_id == vm_id)

    async def move(
        self, host: HostName, order: MoveOrder, on_progress: Callable[[int], None], may_start: Permit
    ) -> MoveReport:
        """Move for ever."""
        del host, order, on_progress
        await may_start()
        await asyncio.Event().wait()
        return MoveReport()

    async def expect_moves(self, sources: Mapping[HostName, int]) -> None:
        """Hold no sessions."""

    async def cancel(self, host: HostName, vm_id: VmId) -> CancelReply:
        """Find nothing to cancel."""
        del host, vm_id
        return CancelReply(found=False)

    async def list_folder(self, host: HostName, path: str) -> tuple[str, ...] | None:
        """Have no folders."""
        del host, path
        return None

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        """Have no folders."""
        del host
        return FolderReceipt(path, FolderFate.GONE)

    async def compatibility_info(self, host: HostName, vm_ids: Sequence[VmId]) -> tuple[bytes | HostError, ...]:
        """Describe VMs that fit everywhere."""
        del host
        await asyncio.sleep(LATENCY_S)
        return (b"anywhere",) * len(vm_ids)

    async def test_compatibility(
        self, host: HostName, infos: Sequence[bytes]
    ) -> tuple[CompatibilityReply | HostError, ...]:
        """Take them."""
        del host
        await asyncio.sleep(LATENCY_S)
        return (CompatibilityReply(is_compatible=True),) * len(infos)

    async def test_migration(self, host: HostName, vm_id: VmId, destination: HostName) -> CompatibilityReply:
        """Find the way."""
        del host, vm_id, destination
        await asyncio.sleep(LATENCY_S)
        return CompatibilityReply(is_compatible=True)

    async def notes(self, host: HostName, key: str) -> Mapping[VmId, tuple[str, ...]]:
        """Have no notes."""
        del host, key
        return {}

    async def check(self, host: HostName, peers: Sequence[HostName]) -> tuple[CheckLine, ...]:
        """Find everything in order."""
        del peers
        return (CheckLine(host, ok=True, text="still"),)

    async def close(self) -> None:
        """Hold nothing."""
