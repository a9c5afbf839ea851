"""Small builders for the tests of decisions: everything has a default, so that a test says only what it is about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.domain.model.hyperv_enums import HostJobState, Operation, VmState
from core.domain.model.inventory import (
    Adapter,
    Disk,
    HostFacts,
    HostJob,
    HostName,
    Inspection,
    Snapshot,
    Vm,
    VmDetails,
    VmId,
    Volume,
)
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Attempt, Move, MoveId, MoveState
from core.domain.model.plan import Options, Plan, PlannedMove
from core.domain.scheduling.schedule import Policy, Situation

GB = 2**30
NOW = datetime(2026, 3, 14, 22, 0, tzinfo=UTC)
HV01, HV02, HV03 = HostName("HV01"), HostName("HV02"), HostName("HV03")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def vm_id(number: int) -> VmId:
    return VmId(UUID(int=0xA000_0000_0000_0000_0000_0000_0000_0000 + number))


def vm(number: int = 1, *status: Operation, state: VmState = VmState.RUNNING, **changes: Any) -> Vm:
    home = f"D:\\VMs\\vm{number:02}"
    made = Vm(
        vm_id(number),
        f"vm{number:02}",
        state,
        status or (Operation.OK,),
        memory_assigned_bytes=GB if state is VmState.RUNNING else 0,
        memory_startup_bytes=GB,
        config_path=home,
        checkpoint_path=home,
        paging_path=home,
    )
    return replace(made, **changes)


def facts(*, live: int = 2, storage: int = 2, **changes: Any) -> HostFacts:
    return replace(HostFacts(live, storage, is_migration_enabled=True), **changes)


def snapshot(
    host: HostName, *vms: Vm, of: HostFacts | None = None, at: datetime = NOW, jobs: Sequence[HostJob] = ()
) -> Snapshot:
    return Snapshot(host, at, at, of or facts(), vms, tuple(jobs))


def host_job(number: int = 1, state: HostJobState = HostJobState.RUNNING, percent: int = 40, **changes: Any) -> HostJob:
    return replace(HostJob(vm_id(number), state, percent), **changes)


def details(number: int = 1, *, gb: int = 10, of: Vm | None = None, **changes: Any) -> VmDetails:
    one = of or vm(number)
    disk = Disk(f"{one.config_path}\\Virtual Hard Disks\\{one.name}.vhdx", gb * GB)
    return replace(VmDetails(one, (disk,), (Adapter("net", "LAN"),)), **changes)


def room(
    host: HostName,
    *rows: VmDetails,
    free_gb: int = 1000,
    memory_gb: int = 1000,
    switches: tuple[str, ...] = ("LAN",),
    roots: Iterable[str] = ("C:\\", "D:\\"),
    of: HostFacts | None = None,
    vms: Sequence[Vm] = (),
) -> Inspection:
    shown = (*vms, *(row.vm for row in rows))
    volumes = tuple(Volume(root, 2000 * GB, free_gb * GB) for root in roots)
    return Inspection(snapshot(host, *shown, of=of), volumes, memory_gb * GB, switches, rows)


def planned(number: int = 1, source: HostName = HV01, destination: HostName = HV02, **changes: Any) -> PlannedMove:
    made = PlannedMove(
        vm_id(number), f"vm{number:02}", source, destination, "D:\\VMs", disk_bytes=10 * GB, memory_bytes=GB
    )
    return replace(made, **changes)


def job(number: int = 1, *moves: PlannedMove, options: Options | None = None, **changes: Any) -> Job:
    made = Job(
        JobId(f"J{number}"),
        Plan(moves, options=options or Options()),
        "U_ALICE",
        "C1",
        "text",
        NOW,
        after(3600),
        JobState.RUNNING,
        decided_at=after(number - 1000),
    )
    return replace(made, **changes)


def move(
    number: int = 1, source: HostName = HV01, destination: HostName = HV02, *, job_number: int = 1, **changes: Any
) -> Move:
    made = Move(
        MoveId(number),
        JobId(f"J{job_number}"),
        vm_id(number),
        f"vm{number:02}",
        source,
        destination,
        "D:\\VMs",
        size_bytes=10 * GB,
        state=MoveState.QUEUED,
    )
    return replace(made, **changes)


def attempt(number: int = 1, source: HostName = HV01, destination: HostName = HV02, **changes: Any) -> Attempt:
    return replace(Attempt(number, MoveId(number), vm_id(number), source, destination, 1, NOW), **changes)


POLICY = Policy(
    backup_threshold=timedelta(hours=1),
    busy_patience=timedelta(minutes=30),
    max_parallel=0,
    fail_fast=False,
    snapshot_max_age=timedelta(minutes=2),
)


def situation(
    moves: Sequence[Move],
    *snapshots: Snapshot,
    jobs: Sequence[Job] | None = None,
    reservations: Sequence[Attempt] = (),
    now: datetime = NOW,
    policy: Policy = POLICY,
    trouble: Mapping[HostName, str] | None = None,
    stopped_by: str = "",
) -> Situation:
    known = jobs or [job(int(name[1:])) for name in dict.fromkeys(m.job_id for m in moves)]
    return Situation(
        now,
        {one.id: one for one in known},
        moves,
        {one.host: one for one in snapshots},
        reservations,
        policy,
        trouble or {},
        stopped_by,
    )
