"""A month of a small fleet's life, written into a database through the store's own port."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from benchmarks.situations import queued_move
from core.domain.model import event_data
from core.domain.model.events import Event, event
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Approval, Job, JobId, JobState
from core.domain.model.move import Fault, Hold, HoldCode, Move, MoveState
from core.domain.model.plan import Plan, PlannedMove
from core.domain.scheduling.slots import SlotKind, SlotUsage
from core.ports import Store
from core.store import SqlStore
from tests.support.databases import database_url

GB = 2**30
HV = [HostName(f"HV0{number}") for number in range(1, 5)]
_PAIRS = ((0, 1, 110), (0, 2, 104), (1, 3, 31), (2, 3, 58), (3, 0, 97))
"""From which host to which other, and at how many MB/s."""
_JOBS = 20
_VMS = 3


async def a_month(folder: Path, until: datetime, *, switches: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write it into the database of a folder, as it would be at this moment; and what the bot had noted by then."""
    await a_month_at(database_url(folder / "bot.db"), until, switches=switches)


async def a_month_at(url: str, until: datetime, *, switches: Mapping[str, str] = MappingProxyType({})) -> None:
    """Do so where a database is said to be."""
    store = SqlStore(url)
    await store.open()
    try:
        await tell_a_month(store, until)
        for name, value in switches.items():
            await store.set_switch(name, value)
        while notices := await store.claim_notices(50, until):
            for notice in notices:
                await store.notice_said(notice.id, until)
    finally:
        await store.close()


async def tell_a_month(store: Store, until: datetime) -> None:
    """Carry out twenty jobs of three VMs: one pair of hosts is slow, one VM fails twice, one fails for good."""
    for number in range(_JOBS):
        begins = until - timedelta(days=29) + number * timedelta(days=1.3)
        await _job(store, number, begins)


async def _job(store: Store, number: int, at: datetime) -> None:
    source, destination, mb_s = _PAIRS[number % len(_PAIRS)]
    planned = tuple(
        PlannedMove(
            vm_id=VmId(UUID(int=(number << 16) + place + 1)),
            vm_name=f"srv{number * _VMS + place:02}",
            source=HV[source],
            destination=HV[destination],
            path="D:\\VMs",
            disk_bytes=(20 + 7 * (number % 4) + 15 * place) * GB,
        )
        for place in range(_VMS)
    )
    job = await store.add_job(_proposed(planned, at))
    new = [queued_move(job.id, one, at=at) for one in planned]
    approved = replace(job, state=JobState.RUNNING, decided_by="U2", decided_at=at, approvals=(Approval("U2", at),))
    sure = tuple(round(move.size_bytes / (mb_s * 1e6) * (1.1 if number % 2 else 0.9)) for move in new)
    told = event_data.Approved(count=1, needed=1, expected_s=float(sum(sure) + 300), moves_s=sure)
    decided = replace(event(told, at, job=job, actor="U2"), tone=None)
    job = await store.change_job(job, approved, decided, new_moves=new)
    for place, move in enumerate(await store.moves(job.id)):
        seconds = move.size_bytes / (mb_s * 1e6) * (1 + 0.05 * place) + 8
        at = await _carry_out(store, move, at, timedelta(seconds=seconds), fails=_failures(number, place))
    await store.change_job(job, replace(job, state=JobState.FINISHED, finished_at=at), _note(job, at))
    await store.set_card_final(job.id)


def _failures(number: int, place: int) -> tuple[tuple[Fault, str], ...]:
    if (number, place) == (2, 0):
        return (Fault.PASSING, "network"), (Fault.PASSING, "network")
    if number % 5 == 2 and place == 1:
        return ((Fault.PASSING, "network"),)
    return ((Fault.HOST, "logon-right"),) if (number, place) == (13, 2) else ()


def _proposed(planned: tuple[PlannedMove, ...], at: datetime) -> Job:
    return Job(
        id=JobId(""),
        plan=Plan(planned),
        requester="U1",
        channel="C0MIGRATE",
        text="",
        created_at=at,
        expires_at=at + timedelta(hours=1),
    )


def _note(job: Job, at: datetime) -> Event:
    return replace(event(event_data.Finished(done=_VMS), at, job=job), tone=None)


async def _carry_out(
    store: Store, move: Move, at: datetime, takes: timedelta, *, fails: tuple[tuple[Fault, str], ...]
) -> datetime:
    """Let a move wait, fail as often as it does, and get done; returns when it is over."""
    move = await _wait(store, move, at, HoldCode.BACKUP if move.id % 9 == 0 else HoldCode.SLOT)
    at += timedelta(minutes=12 if move.id % 9 == 0 else 2)
    for why in fails:
        is_last = why[0] is Fault.HOST
        ended = at + takes / 3
        move = await _fail(store, move, at, ended, why)
        if is_last:
            return ended
        move = await _wait(store, move, ended, HoldCode.RETRY)
        at = ended + timedelta(seconds=30)
    return await _move(store, move, at, at + takes)


async def _wait(store: Store, move: Move, at: datetime, code: HoldCode) -> Move:
    told = replace(event(event_data.Held(code=code, text="waits"), at, move=move), tone=None)
    return await store.change_move(move, replace(move, hold=Hold(code, "waits", at)), told)


async def _fail(store: Store, move: Move, at: datetime, ended: datetime, why: tuple[Fault, str]) -> Move:
    fault, code = why
    starting = replace(move, state=MoveState.STARTING, hold=None, started_at=move.started_at or at)
    started, attempt = await store.begin_attempt(move, starting, _room(move), at=at)
    if fault is not Fault.HOST:
        told = replace(event(event_data.Retrying(code=code, attempt=1, of=3), ended, move=move), tone=None)
        back = replace(started, state=MoveState.QUEUED, attempts=move.attempts + 1)
        return await store.end_attempt(attempt, started, back, told, at=ended, fault=fault)
    page = event(event_data.Unmigratable(code=code, words="It may not log on."), ended, move=move)
    over = replace(started, state=MoveState.UNMIGRATABLE, attempts=move.attempts + 1, ended_at=ended)
    stored = await store.end_attempt(attempt, started, over, page, at=ended, fault=fault)
    asked = (await store.events(move.job_id))[-1]
    about = event_data.Quote(id=asked.id, kind=asked.kind, at=asked.at, data={})
    taken = event(event_data.Acknowledged(about=about), ended + timedelta(minutes=4), move=move, actor="U3")
    await store.add_events(replace(taken, tone=None))
    return stored


async def _move(store: Store, move: Move, at: datetime, ended: datetime) -> datetime:
    starting = replace(move, state=MoveState.STARTING, hold=None, started_at=move.started_at or at)
    told = event(event_data.Starting(attempt=1, of=3), at, move=move)
    started, attempt = await store.begin_attempt(move, starting, _room(move), told, at=at)
    looked = await store.change_move(started, replace(started, state=MoveState.VERIFYING))
    cleaning = replace(looked, state=MoveState.CLEANING, attempts=move.attempts + 1)
    arrived = await store.end_attempt(attempt, looked, cleaning, at=ended)
    done = replace(arrived, state=MoveState.DONE, ended_at=ended)
    await store.change_move(arrived, done, replace(event(event_data.Done(), ended, move=move), tone=None))
    return ended


def _room(move: Move) -> tuple[SlotUsage, ...]:
    return tuple(
        SlotUsage(host=host, kind=kind, limit=9, seen=frozenset(), counter=0, asked_at=move.queued_at)  # type: ignore[arg-type]
        for host in (move.source, move.destination)
        for kind in SlotKind
    )
