"""Makes jobs, moves and views for the tests of what people see."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.domain.model.event_data import EventKind
from core.domain.model.event_json import DATA_OF
from core.domain.model.events import Event, Notice
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.model.plan import Finding, Options, Plan, PlannedMove
from core.domain.model.views import JobView, MoveView


class JumpClock:
    """A clock that is at once as late as a sleeper wants, and remembers the sleeps. ``step``: set the wall alone."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self.stepped = timedelta(0)
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.at + self.stepped

    def steady_now(self) -> datetime:
        return self.at

    def step(self, by: timedelta) -> None:
        self.stepped += by

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.at += timedelta(seconds=seconds)


NOW = datetime(2026, 11, 23, 22, 14, tzinfo=UTC)


def vm_id(number: int) -> VmId:
    return VmId(UUID(int=number + 1))


def plan(names: Sequence[str], *, findings: Sequence[Finding] = (), options: Options | None = None) -> Plan:
    moves = tuple(
        PlannedMove(
            vm_id=vm_id(index),
            vm_name=name,
            source=HostName("HV01"),
            destination=HostName("HV02"),
            path="D:\\VMs",
            disk_bytes=40 * 2**30,
            memory_bytes=4 * 2**30,
            is_live=index % 4 != 3,
        )
        for index, name in enumerate(names)
    )
    return Plan(moves, tuple(findings), options or Options(), (3600.0, 5400.0))


def job(names: Sequence[str] = ("web01",), state: JobState = JobState.PROPOSED, **changes: Any) -> Job:
    made = Job(
        id=JobId("J7"),
        plan=plan(names),
        requester="UANN",
        channel="CMIG",
        text="web01 from HV01 to HV02",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        state=state,
    )
    return replace(made, **changes)


def move(index: int, name: str, state: MoveState = MoveState.QUEUED, **changes: Any) -> Move:
    made = Move(
        id=MoveId(index + 1),
        job_id=JobId("J7"),
        vm_id=vm_id(index),
        vm_name=name,
        source=HostName("HV01"),
        destination=HostName("HV02"),
        path="D:\\VMs",
        size_bytes=44 * 2**30,
        state=state,
        started_at=NOW - timedelta(minutes=20),
    )
    return replace(made, **changes)


def view(of: Job, *rows: MoveView, **changes: Any) -> JobView:
    return replace(JobView(job=of, moves=rows, at=NOW), **changes)


def notice(
    kind: EventKind, about_move: Move | None = None, /, *, number: int = 1, about: Job | None = None, **data: Any
) -> Notice:
    event = Event(
        data=DATA_OF[kind](**data),
        at=NOW,
        job_id=JobId("J7"),
        move_id=about_move.id if about_move else None,
        actor="UBOB",
    )
    return Notice(id=number, event=event, job=about or job(), move=about_move)
