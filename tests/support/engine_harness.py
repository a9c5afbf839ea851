"""A stage for engine tests: a fleet of the lab on virtual time, a real SQLite file, and a listener that writes down."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.config import Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event, Notice, Tone
from core.domain.model.job import Card, Job, JobId
from core.domain.model.move import Move, MoveState
from core.domain.model.plan import Options, Request
from core.domain.model.views import JobView
from core.engine.engine import Engine
from core.errors import NotifierDown
from lab.gateway import LabGateway
from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host
from lab.hyperv.world.world import World
from lab.virtual_time import VirtualClock, VirtualTimeLoop, run_virtually
from tests.scenarios.port_wrappers import SteadyStore

if TYPE_CHECKING:
    from core.ports import Store, WhoIs


def vm_id(number: int) -> UUID:
    return UUID(int=0x1000_0000_0000_0000_0000_0000_0000_0000 + number)


def host(name: str, **changes: Any) -> Host:
    return replace(Host(name=name, migration_enabled=True, bandwidth_bytes_per_s=100 * MB), **changes)


def vm(number: int, name: str, where: str = "HV01", *, gb: int = 6, **changes: Any) -> VM:
    """A running VM with one disk of so many gigabytes."""
    path = f"D:\\VMs\\{name}"
    disk = Disk(path=f"{path}\\Virtual Hard Disks\\{name}.vhdx", size_bytes=gb * GB)
    return replace(VM(id=vm_id(number), name=name, host=where, memory_bytes=GB, disks=(disk,)), **changes)


@dataclass
class Listener:
    """A Notifier that keeps what it is told, strictly: no notice twice, no line before its card."""

    lines: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    views: list[JobView] = field(default_factory=list)
    said: set[int] = field(default_factory=set)
    down: bool = False
    loses_reply: bool = False
    violations: list[str] = field(default_factory=list)

    async def tell(self, notice: Notice) -> Card | None:
        if self.down:
            raise NotifierDown("Nobody listens.")
        if notice.id in self.said:
            self._expect(is_true=notice.maybe_said, words="a notice was said twice without asking whether it was")
        else:
            self.said.add(notice.id)
            is_in_order = notice.event.tone is Tone.CARD or notice.job.card is not None
            self._expect(is_true=is_in_order, words="a line came before its card")
            self.events.append(notice.event)
            who = notice.move.vm_name if notice.move else notice.job.id
            self.lines.append(f"{who} {notice.event.kind}")
        if self.loses_reply:
            self.loses_reply = False
            raise NotifierDown("The reply was lost.")
        return Card("C1", "1.0") if notice.event.tone is Tone.CARD else None

    async def show(self, view: JobView) -> None:
        if self.down:
            raise NotifierDown("Nobody listens.")
        self.views.append(view)

    def _expect(self, *, is_true: bool, words: str) -> None:
        # Kept besides: the outbox survives whatever a notifier raises.
        if not is_true:
            self.violations.append(words)
            raise AssertionError(words)

    def of(self, kind: EventKind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]


@dataclass
class Stage:
    """One engine on one world."""

    world: World
    gateway: LabGateway
    listener: Listener
    clock: VirtualClock
    settings: Settings
    db: Path
    loop: VirtualTimeLoop
    engine: Engine = field(init=False)
    who_is: "WhoIs | None" = None

    def build(self) -> Engine:
        """Make a new engine on the same world and database, as a restarted process would."""
        store: Any = SteadyStore(self.db)  # it hands every method on
        self.store: Store = store
        self.engine = Engine(
            settings=self.settings,
            store=store,
            gateway=self.gateway,
            notifier=self.listener,
            clock=self.clock,
            who_is=self.who_is,
        )
        return self.engine

    @asynccontextmanager
    async def running(self) -> Any:
        engine = self.build()
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()

    def request(self, *vms: str, to: str = "HV02", source: str = "HV01", **options: Any) -> Request:
        return Request(
            vms=vms,
            sources=tuple(source.split(",")),
            destinations=tuple(to.split(",")),
            requester="U_ALICE",
            channel="C1",
            path="D:\\VMs",
            options=Options(**options),
            text="text",
        )

    async def ask(self, *vms: str, to: str = "HV02", source: str = "HV01", **options: Any) -> Job:
        return await self.engine.requests.propose(self.request(*vms, to=to, source=source, **options))

    async def ask_and_approve(self, *vms: str, to: str = "HV02", source: str = "HV01", **options: Any) -> Job:
        job = await self.ask(*vms, to=to, source=source, **options)
        return await self.engine.controls.approve(job.id, job.plan.hash, "U_BOB")

    async def until(self, is_true: Callable[[], Awaitable[bool]], within_s: float = 4 * 3600) -> None:
        """Let virtual time pass until something holds."""
        async with asyncio.timeout(within_s):
            waited_s = 0.0
            while not await is_true():
                # Hours are looked at more seldom than minutes: each look costs a read of the real database.
                step_s = 2.0 if waited_s < 900 else 60.0
                await asyncio.sleep(step_s)
                waited_s += step_s

    async def finished(self, job_id: JobId, within_s: float = 12 * 3600) -> dict[str, Move]:
        """Wait for a job's end and for everything to be said; return its moves by VM name."""

        async def is_over() -> bool:
            return (await self.store.job(job_id)).state.is_end

        await self.until(is_over, within_s)
        await asyncio.sleep(30)
        return {move.vm_name: move for move in await self.store.moves(job_id)}

    async def engine_events(self, job_id: JobId) -> list[Event]:
        return list(await self.engine.queries.history(job_id))

    async def state_is(self, job_id: JobId, name: str, *states: MoveState, within_s: float = 4 * 3600) -> None:
        async def is_there() -> bool:
            return any(m.vm_name == name and m.state in states for m in await self.store.moves(job_id))

        await self.until(is_there, within_s)


def play(tmp_path: Path, fleet: Fleet, script: Callable[[Stage], Awaitable[None]], **settings: Any) -> Stage:
    """Play a script on a fleet in virtual time."""
    kept: list[Stage] = []

    async def main(loop: VirtualTimeLoop) -> None:
        clock = VirtualClock(loop)
        world = World(fleet, loop.time, epoch=clock.now())
        sections: dict[str, Any] = {
            "hosts": {h.name: {"address": fleet.address_of(h), "path": "D:\\VMs"} for h in fleet.hosts},
            **settings,
        }
        # Nobody asks the hosts about a plan, unless the test is about that: it could not be approved at once.
        sections["migration"] = {"check_timeout": "0s"} | sections.get("migration", {})
        gateway = LabGateway(world, clock.steady_now)
        stage = Stage(world, gateway, Listener(), clock, Settings(**sections), tmp_path / "bot.db", loop)
        kept.append(stage)
        await script(stage)

    run_virtually(main)
    assert kept[0].listener.violations == []
    return kept[0]


def hosts(count: int, **changes: Any) -> tuple[Host, ...]:
    return tuple(host(f"HV{n:02d}", **changes) for n in range(1, count + 1))


def numbered(count: int, **changes: Any) -> Iterator[VM]:
    return (vm(n, f"web{n:02d}", **changes) for n in range(1, count + 1))
