"""What the soak is played on: hosts and VMs, a clock that is put back and forth, people who listen, a bot that dies."""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from core.config import Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Card
from core.domain.model.move import MoveState
from core.engine.engine import Engine
from core.errors import (
    NotifierBusy,
    NotifierDown,
    NotifierError,
    NotifierRefused,
    NotifierUnauthorized,
    StoreError,
    StoreFull,
    StoreOwned,
)
from lab.gateway import OWNER, LabGateway
from lab.hyperv.world.fleet import Fleet
from lab.hyperv.world.world import World
from lab.virtual_time import VirtualClock, VirtualTimeLoop
from tests.scenarios.port_wrappers import Listener, SteadyStore
from tests.support.engine_harness import hosts, numbered
from tests.support.mortality import Life, Mortal, kill

VMS, HOSTS = 12, 4
WRITES = ("add_", "change_", "begin_", "order_", "confirm_", "end_", "set_", "notice_", "claim_", "adopt_", "forget_")
ONCE_PER_MOVE = {
    EventKind.DONE,
    EventKind.FAILED,
    EventKind.LOST,
    EventKind.CANCELLED,
    EventKind.UNMIGRATABLE,
    EventKind.MOVED_BY_OTHERS,
}
ONCE_PER_JOB = {
    EventKind.PROPOSED,
    EventKind.APPROVED,
    EventKind.REJECTED,
    EventKind.EXPIRED,
    EventKind.WITHDRAWN,
    EventKind.FINISHED,
}
SETTINGS: dict[str, Any] = {
    "migration": {"poll_busy": "1m", "poll_idle": "15m", "confirm_start": "3m", "silence_patience": "1h"},
    "freeze": {"windows": ["Sat 22:00-02:30", "Wed 12:00-13:00"], "zone": "Europe/Berlin"},
    "store": {"keep": "10d"},
}
EPOCHS = tuple(datetime(*day, 8, 0, tzinfo=UTC) for day in ((2026, 1, 5), (2026, 3, 20), (2026, 6, 20), (2026, 10, 16)))
"""Where a chain begins: in the second and the last summer time begins and ends, in a freeze."""


class Slack(Listener):
    """A listener with moods: it may be away, busy, take nothing from the bot, refuse one message, or lose replies."""

    mood: NotifierError | None = None
    loses = 0.0
    refuses_next = False

    def __init__(self, clock: VirtualClock, random: Random) -> None:
        super().__init__(clock)
        self.random = random
        self.once: Counter[tuple[str, Any]] = Counter()
        self.refused: set[int] = set()
        """Ids of events that were refused for good: that they were not said is no fault of the bot's."""

    async def tell(self, notice: Notice) -> Card | None:
        if self.mood is not None:
            raise self.mood
        if self.refuses_next and notice.event.tone is not Tone.CARD and not notice.maybe_said:
            self.refuses_next = False
            self.refused.add(notice.event.id)
            raise NotifierRefused("Slack says invalid_blocks.")
        kind, is_new = notice.event.kind, notice.event.id not in self.said
        if self.loses and self.random.random() < self.loses:
            self.loses_reply = True
        try:
            return await super().tell(notice)
        finally:
            if notice.event.tone is Tone.PAGE:  # it overtakes a card that Slack would not take
                self.complaints = [one for one in self.complaints if not one.endswith("before the card")]
            if is_new and notice.event.id in self.said:
                self._count(kind, notice.event.move_id if kind in ONCE_PER_MOVE else notice.job.id)

    def _count(self, kind: EventKind, about: Any) -> None:
        """Count what may be said once: the end of a move whatever it is, and what becomes of a job."""
        if kind not in ONCE_PER_MOVE | ONCE_PER_JOB:
            return
        key = ("end of move", about) if kind in ONCE_PER_MOVE else (kind.value, about)
        self.once[key] += 1
        if self.once[key] > 1:
            self.complaints.append(f"{kind} of {about} was said twice")

    async def show(self, view: Any) -> None:
        if self.mood is not None:
            raise self.mood
        await super().show(view)


class Complaints(logging.Handler):
    """Whatever the program calls an accident of its own is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, StoreError | asyncio.CancelledError):
            self.found.append(f"{record.name}: {record.getMessage()}: {error!r}")


class SickStore(SteadyStore):
    """A store that is on a full or failing disk for a while: what it is asked then is not done."""

    trouble: StoreError | None = None

    def __getattr__(self, name: str) -> Any:
        call = super().__getattr__(name)

        async def perhaps(*args: Any, **kwargs: Any) -> Any:
            if self.trouble is not None and name.startswith(WRITES):
                raise self.trouble
            return await call(*args, **kwargs)

        return perhaps


@dataclass
class Soak:
    """One chain of virtual hours: the same seed is the same story."""

    seed: int
    loop: VirtualTimeLoop
    folder: Path
    random: Random = field(init=False)
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)
    """VMs that somebody else moved, removed or made two of: where they are is not the bot's doing."""
    is_alive: bool = False
    on_the_wire: set[asyncio.Task[Any]] = field(default_factory=set)
    """Orders that dead processes have sent: they arrive, and some never return."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 (a story that can be had again)
        self.clock = VirtualClock(self.loop, self.random.choice(EPOCHS))
        where = [f"HV{self.random.randint(1, HOSTS):02d}" for _ in range(VMS)]
        vms = tuple(replace(one, host=host) for one, host in zip(numbered(VMS, gb=20), where, strict=True))
        self.world = World(Fleet(hosts=hosts(HOSTS), vms=vms), self.loop.time, epoch=self.clock.now())
        self.gateway = LabGateway(self.world, self.clock.steady_now)
        self.slack = Slack(self.clock, self.random)
        named = {f"HV{n:02d}": {"address": f"hv{n:02d}.contoso.com", "path": "D:\\VMs"} for n in range(1, HOSTS + 1)}
        self.settings = Settings(**(SETTINGS | {"hosts": named}))
        self.accidents = Complaints()
        logging.getLogger("core").addHandler(self.accidents)

    async def rise(self, passes: int | None = None) -> None:
        """Start the bot; with ``passes`` it dies when it has passed so many doors."""
        self.life = Life(10**9 if passes is None else passes)
        self.disk = SickStore(self.folder / "bot.db")
        doors: dict[str, Any] = {
            "store": Mortal(self.disk, self.life, is_store=True),
            "gateway": Mortal(self.gateway, self.life, is_store=False),
            "notifier": Mortal(self.slack, self.life, is_store=False),
        }
        self.engine = Engine(settings=self.settings, clock=self.clock, **doors)
        starting = asyncio.create_task(self.engine.start())
        dying = asyncio.create_task(self.life.over.wait())
        await asyncio.wait({starting, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        self.is_alive = starting.done() and not self.life.over.is_set()
        if starting.done() and starting.exception() is not None:
            self.broken.append(f"the start failed: {starting.exception()!r}")

    async def die(self) -> None:
        """End the bot as ``kill -9`` does; what it has sent to hosts still arrives."""
        self.life.over.set()
        while self.life.writing:
            await asyncio.wait(self.life.writing)
        self.on_the_wire = {task for task in self.on_the_wire | self.life.sent if not task.done()}
        while orphans := asyncio.all_tasks() - {asyncio.current_task()} - self.on_the_wire:
            await kill(orphans)
        await self.disk.let_go()
        self.is_alive = False

    async def rise_twice(self) -> bool:
        """Start a second bot on the database of the first. Returns whether the first one's lock refused it."""
        second = SteadyStore(self.folder / "bot.db")
        try:
            await second.open()
        except StoreOwned:
            return True
        await second.let_go()
        if self.is_alive:
            self.broken.append("a second process was let into the database")
        return False

    async def stop(self) -> None:
        """End the bot in order; it may die of it, at one of its doors."""
        stopping = asyncio.create_task(self.engine.stop())
        dying = asyncio.create_task(self.life.over.wait())
        await asyncio.wait({stopping, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if stopping.done():
            with suppress(StoreError):
                stopping.result()
        self.is_alive = False

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: the time passes, and nothing of the bot runs."""
        self.loop._jump(seconds)

    # ------------------------------------------------------------------ what must hold

    def look(self) -> None:
        """Say what the hosts saw the bot do that nobody may do; and that a job ended with its VM somewhere else."""
        for violation in self.world.ledger.violations_of(OWNER):
            words = f"{violation.kind}: {violation.subject} {violation.detail}"
            if words not in self.broken:
                self.broken.append(words)

    async def judge(self) -> None:
        """Say what was lost, or is not as it is called, when all trouble is over and everybody had time."""
        self.look()
        store = self.disk
        for job in await store.jobs(limit=10_000):
            if not job.state.is_end:
                holds = [f"{m.vm_name} {m.state} {m.hold}" for m in await store.moves(job.id) if not m.state.is_end]
                self.broken.append(f"{job.id} has not ended: {job.state} {holds}")
            elif not job.is_card_final:
                self.broken.append(f"the card of {job.id} does not show its end")
            self.broken += [
                f"{event.kind} of {job.id} was never said"
                for event in await store.events(job.id)
                if event.tone is not None and event.id not in self.slack.said.keys() | self.slack.refused
            ]
        moves = await store.moves()
        self.broken += [f"{m.vm_name} of {m.job_id} still waits for a clean-up" for m in moves if m.tidy_at is not None]
        self.broken += [f"attempt {a.id} is open" for a in await store.attempts(open_only=True)]
        homes: dict[UUID, list[str]] = {}
        for vm in self.world.truth()["vms"]:
            if not vm["is_planned"]:
                homes.setdefault(UUID(vm["id"]), []).append(vm["host"])
        last = {move.vm_id: move for move in moves if move.is_our_doing or move.state is MoveState.LOST}
        for number in numbered(VMS):
            if number.id in self.touched:
                continue
            found = homes.get(number.id, [])
            if len(found) != 1:
                self.broken.append(f"{number.name} is on {found or 'no host'}")
            move = last.get(number.id)
            if move is not None and move.state is MoveState.DONE and found != [move.destination]:
                self.broken.append(f"{number.name} is called done on {move.destination}, and is on {found}")
        self.broken += self.slack.complaints + self.accidents.found


def moods() -> dict[str, NotifierError]:
    """Return how Slack may be for a while."""
    return {
        "away": NotifierDown("Slack does not answer."),
        "busy": NotifierBusy("Slack asks to wait.", retry_after_s=30),
        "token revoked": NotifierUnauthorized("Slack says invalid_auth."),
    }


def troubles() -> dict[str, StoreError]:
    """Return how the disk may be for a while."""
    return {"full": StoreFull("No space left."), "failing": StoreError("disk I/O error")}


LONGEST_END = timedelta(days=5)
