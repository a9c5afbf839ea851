"""Small builders for the tests of decisions: everything has a default, so that a test says only what it is about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.domain.model import windows_paths
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
from core.domain.scheduling.around_backups import BackupOutlook
from core.domain.scheduling.situation import Policy, Situation

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
        id=vm_id(number),
        name=f"vm{number:02}",
        state=state,
        status=status or (Operation.OK,),
        memory_assigned_bytes=GB if state is VmState.RUNNING else 0,
        memory_startup_bytes=GB,
        config_path=home,
        checkpoint_path=home,
        paging_path=home,
    )
    return replace(made, **changes)


def facts(*, live: int = 2, storage: int = 2, **changes: Any) -> HostFacts:
    return replace(HostFacts(live_limit=live, storage_limit=storage, is_migration_enabled=True), **changes)


def snapshot(
    host: HostName, *vms: Vm, of: HostFacts | None = None, at: datetime = NOW, jobs: Sequence[HostJob] = ()
) -> Snapshot:
    return Snapshot(host=host, asked_at=at, taken_at=at, facts=of or facts(), vms=vms, jobs=tuple(jobs))


def host_job(number: int = 1, state: HostJobState = HostJobState.RUNNING, percent: int = 40, **changes: Any) -> HostJob:
    return replace(HostJob(vm_id=vm_id(number), state=state, percent=percent), **changes)


def details(number: int = 1, *, gb: int = 10, of: Vm | None = None, **changes: Any) -> VmDetails:
    one = of or vm(number)
    disk = Disk(path=f"{one.config_path}\\Virtual Hard Disks\\{one.name}.vhdx", file_bytes=gb * GB)
    return replace(VmDetails(vm=one, disks=(disk,), adapters=(Adapter("net", "LAN"),)), **changes)


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
    return Inspection(
        snapshot=snapshot(host, *shown, of=of),
        volumes=volumes,
        memory_free_bytes=memory_gb * GB,
        switches=switches,
        details=rows,
    )


def lying(host: HostName, *files: str) -> dict[tuple[HostName, str], frozenset[str]]:
    """Return what preflight is told of files that lie on a host, all in one folder."""
    folder = windows_paths.key(windows_paths.parent(files[0]))
    return {(host, folder): frozenset(map(windows_paths.key, files))}


def planned(number: int = 1, source: HostName = HV01, destination: HostName = HV02, **changes: Any) -> PlannedMove:
    made = PlannedMove(
        vm_id=vm_id(number),
        vm_name=f"vm{number:02}",
        source=source,
        destination=destination,
        path="D:\\VMs",
        disk_bytes=10 * GB,
        memory_bytes=GB,
    )
    return replace(made, **changes)


def job(number: int = 1, *moves: PlannedMove, options: Options | None = None, **changes: Any) -> Job:
    made = Job(
        id=JobId(f"J{number}"),
        plan=Plan(moves, options=options or Options()),
        requester="U_ALICE",
        channel="C1",
        text="text",
        created_at=NOW,
        expires_at=after(3600),
        state=JobState.RUNNING,
        decided_at=after(number - 1000),
    )
    return replace(made, **changes)


def move(
    number: int = 1, source: HostName = HV01, destination: HostName = HV02, *, job_number: int = 1, **changes: Any
) -> Move:
    made = Move(
        id=MoveId(number),
        job_id=JobId(f"J{job_number}"),
        vm_id=vm_id(number),
        vm_name=f"vm{number:02}",
        source=source,
        destination=destination,
        path="D:\\VMs",
        size_bytes=10 * GB,
        state=MoveState.QUEUED,
    )
    return replace(made, **changes)


def attempt(number: int = 1, source: HostName = HV01, destination: HostName = HV02, **changes: Any) -> Attempt:
    return replace(
        Attempt(
            id=number,
            move_id=MoveId(number),
            vm_id=vm_id(number),
            source=source,
            destination=destination,
            number=1,
            started_at=NOW,
        ),
        **changes,
    )


POLICY = Policy(
    backup_threshold=timedelta(hours=1),
    busy_timeout=timedelta(minutes=30),
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
    backups: Mapping[MoveId, BackupOutlook] | None = None,
) -> Situation:
    known = jobs or [job(int(name[1:])) for name in dict.fromkeys(m.job_id for m in moves)]
    return Situation(
        now=now,
        jobs={one.id: one for one in known},
        moves=moves,
        snapshots={one.host: one for one in snapshots},
        reservations=reservations,
        policy=policy,
        trouble=trouble or {},
        stopped_by=stopped_by,
        backups=backups or {},
    )
