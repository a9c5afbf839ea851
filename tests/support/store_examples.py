"""Small plans, jobs and moves to tell the store's stories with."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from core.domain.model import event_data
from core.domain.model.events import Event, Tone, event
from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Attempt, Move, MoveId, MoveState
from core.domain.model.plan import Finding, FindingCode, Options, Plan, PlannedMove, Severity
from core.domain.scheduling.links import LinkUsage
from core.domain.scheduling.slots import SlotKind, SlotUsage
from core.ports import Store

NOW = datetime(2026, 1, 5, 9, 30, 0, 123456, tzinfo=UTC)
HV01, HV02 = HostName("HV01"), HostName("HV02")
NO_ID = JobId("")


def later(minutes: float) -> datetime:
    """Return NOW plus some minutes."""
    return NOW + timedelta(minutes=minutes)


def planned(name: str) -> PlannedMove:
    """Return one VM of a plan."""
    return PlannedMove(
        vm_id=VmId(uuid4()),
        vm_name=name,
        source=HV01,
        destination=HV02,
        path="D:\\VMs",
        disks=(DiskTarget("C:\\a.vhdx", "D:\\a.vhdx"),),
        disk_bytes=10,
        memory_bytes=5,
    )


def plan(*names: str) -> Plan:
    """Return a plan of VMs with these names."""
    moves = tuple(planned(name) for name in names)
    findings = (
        Finding(
            severity=Severity.WARNING,
            code=FindingCode.CHECKPOINTS,
            text="has checkpoints",
            vm_id=moves[0].vm_id,
            host=HV01,
        ),
    )
    return Plan(moves, findings, Options(parallel=2, start_at=later(-60), reason="Überprüfung"), (60.0, 90.5))


def proposal(*names: str) -> Job:
    """Return a job as it is before the store knows it."""
    return Job(
        id=NO_ID,
        plan=plan(*names or ("web01",)),
        requester="U1",
        channel="C1",
        text="/migrate web01",
        created_at=NOW,
        expires_at=later(60),
    )


def card() -> Event:
    """Return the event that puts the card on its way."""
    return Event(data=event_data.Proposed(vms=1), at=NOW, actor="U1", tone=Tone.CARD)


def moves_of(job: Job) -> list[Move]:
    """Return the moves of a job as they are before the store knows them."""
    return [
        Move(
            id=MoveId(0),
            job_id=job.id,
            vm_id=m.vm_id,
            vm_name=m.vm_name,
            source=m.source,
            destination=m.destination,
            path=m.path,
            disks=m.disks,
            size_bytes=m.size_bytes,
        )
        for m in job.plan.moves
    ]


async def running(store: Store, *names: str) -> tuple[Job, tuple[Move, ...]]:
    """Store a job and approve it."""
    job = await store.add_job(proposal(*names))
    after = replace(job, state=JobState.RUNNING, decided_by="U2", decided_at=NOW)
    job = await store.change_job(job, after, new_moves=moves_of(job))
    return job, await store.moves(job.id)


def room(limit: int) -> tuple[SlotUsage, ...]:
    """Return claims on both hosts that show nothing running and allow ``limit`` moves."""
    return tuple(
        SlotUsage(host=host, kind=kind, limit=limit, seen=frozenset(), counter=0, asked_at=NOW)
        for host in (HV01, HV02)
        for kind in SlotKind
    )


async def begun(store: Store, move: Move, limit: int = 2, on_links: Sequence[LinkUsage] = ()) -> tuple[Move, Attempt]:
    """Open an attempt."""
    starting = replace(move, state=MoveState.STARTING, started_at=NOW)
    told = event(event_data.Starting(), NOW, move=move)
    return await store.begin_attempt(move, starting, room(limit), told, at=NOW, on_links=on_links)


async def ended(store: Store, move: Move, state: MoveState = MoveState.QUEUED) -> Move:
    """Close the open attempt of a move."""
    if state not in {MoveState.QUEUED, MoveState.FAILED}:
        move = await store.change_move(move, replace(move, state=MoveState.VERIFYING))
    (attempt,) = await store.attempts(move.id, open_only=True)
    return await store.end_attempt(attempt, move, replace(move, state=state), at=later(5), host_words="Kein Platz")
