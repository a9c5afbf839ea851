"""Plays a case to its end on virtual time: with the real engine and a real database, or with the predecessor's loop."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import predecessor
from benchmarks.fleets import PATH, Case, by_pair
from core.config import Settings
from core.domain.model import event_data
from core.domain.model.events import Notice, Tone, event
from core.domain.model.inventory import HostName
from core.domain.model.job import Card, Job, JobId
from core.domain.model.move import MoveState
from core.domain.model.plan import Plan
from core.domain.model.views import JobView
from core.domain.scheduling.links import Link
from core.engine.engine import Engine
from core.store import SqlStore
from lab.gateway import LabGateway
from lab.hyperv.remoting.shells import SessionPrices
from lab.hyperv.world.world import World
from lab.virtual_time import Outside, VirtualClock, VirtualTimeLoop, run_virtually

SPARE = Settings().winrm.spare_sessions
WARM_UP_S = 5.0
"""Before the clock starts, so that every host was looked at once."""
LONGEST_S = 7 * 24 * 3600.0
"""A case plays for hours; one of which a VM waits for ever is given up after this time of its own clock."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One migration as the world saw it: when it began and ended, in seconds from the start of the clock."""

    source: HostName
    destination: HostName
    started_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Played:
    """How a case went."""

    makespan_s: float
    stays: tuple[Stay, ...]
    calls: Counter[str]
    runs: int
    """How often the predecessor's command had to be called."""
    refused: int
    """Starts that a host refused because it was full."""
    violations: int
    sessions: int
    """Sessions that were opened for moves."""
    most_sessions: int
    """The most of them that one host had at once."""


class Silence:
    """A Notifier that is told everything and says nothing."""

    async def tell(self, notice: Notice) -> Card | None:
        """Take a notice."""
        return Card("C1", "1.0") if notice.event.tone is Tone.CARD else None

    async def show(self, view: JobView) -> None:
        """Take a card."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder in memory, where the machine has one: virtual time must not wait for a disk."""
    memory = "/dev/shm"  # noqa: S108 (of this process alone, see mkdtemp)
    folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def with_engine(case: Case, *, spare_sessions: int = SPARE, **migration: Any) -> Played:
    """Let the engine carry out the case as one approved job, on hosts where a session has its price."""
    with scratch() as folder:
        return run_virtually(lambda loop: _engine(case, loop, folder, spare_sessions, migration))


def with_predecessor(case: Case) -> Played:
    """Let the predecessor's loop do it: one run for each pair of hosts, all at once."""
    return run_virtually(lambda loop: _predecessor(case, loop))


async def _engine(
    case: Case, loop: VirtualTimeLoop, folder: Path, spare_sessions: int, migration: dict[str, Any]
) -> Played:
    clock = VirtualClock(loop)
    world = World(case.fleet, loop.time, epoch=clock.now())
    gateway = LabGateway(world, clock.steady_now, prices=SessionPrices(), spare_sessions=spare_sessions)
    sections: dict[str, Any] = {
        "hosts": {host.name: {"address": case.fleet.address_of(host), "path": PATH} for host in case.fleet.hosts},
        "migration": {"check_timeout": "0s"} | migration,
        "links": {link.name: _link(link) for link in case.links.all},
    }
    store: Any = Outside(SqlStore(f"sqlite+aiosqlite:///{folder / 'bot.db'}"), loop)
    engine = Engine(settings=Settings(**sections), store=store, gateway=gateway, notifier=Silence(), clock=clock)
    await engine.start()
    try:
        await asyncio.sleep(WARM_UP_S)
        now = clock.now()
        asked = Job(
            id=JobId(""),
            plan=Plan(case.moves),
            requester="U_ALICE",
            channel="C1",
            text="benchmark",
            created_at=now,
            expires_at=now.replace(year=now.year + 1),
        )
        job = await store.add_job(asked, event(event_data.Proposed(vms=len(case.moves), blocked=0), now))
        gateway.calls.clear()
        began_s = loop.time()
        await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
        async with asyncio.timeout(LONGEST_S):
            while not (await store.job(job.id)).state.is_end:  # noqa: ASYNC110 (virtual time: the poll costs nothing)
                await asyncio.sleep(5.0)
        left = [move.vm_name for move in await store.moves(job.id) if move.state is not MoveState.DONE]
        assert not left, f"not moved: {left}"
    finally:
        await engine.stop()
    return _played(world, gateway, began_s, runs=1)


def _link(link: Link) -> dict[str, Any]:
    mb_s = link.bytes_per_s / 1e6 if link.bytes_per_s else None
    return {"hosts": sorted(link.hosts), "moves": link.moves, "mb_s": mb_s, "counts": link.counts.value}


async def _predecessor(case: Case, loop: VirtualTimeLoop) -> Played:
    clock = VirtualClock(loop)
    world = World(case.fleet, loop.time, epoch=clock.now())
    gateway = LabGateway(world, clock.steady_now)
    await asyncio.sleep(WARM_UP_S)
    began_s = loop.time()
    async with asyncio.timeout(LONGEST_S):
        runs = await asyncio.gather(
            *(
                predecessor.move_all(gateway, source, destination, moves)
                for (source, destination), moves in by_pair(case.moves).items()
            )
        )
    await asyncio.sleep(WARM_UP_S)  # it does not wait for a source to delete what it moved last
    return _played(world, gateway, began_s, runs=sum(runs))


def _played(world: World, gateway: LabGateway, began_s: float, *, runs: int) -> Played:
    stays = tuple(
        Stay(HostName(m.source), HostName(m.destination), m.started_s - began_s, m.ended_s - began_s)
        for m in world.migrations()
        if m.has_moved and m.ended_s is not None
    )
    ledger = world.ledger
    return Played(
        max(stay.ended_s for stay in stays),
        stays,
        gateway.calls,
        runs,
        ledger.over_limit_starts(),
        len(ledger.violations),
        gateway.sessions.opened,
        max(gateway.sessions.most.values(), default=0),
    )
