"""The whole bot on the lab's Slack and fleet, with the people in front of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from bot.wiring import Bot, running
from core.config import Settings
from core.domain.model.inventory import VmId
from lab.gateway import LabGateway
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host
from lab.hyperv.world.world import World
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message
from tests.support.databases import database_url, patient_server
from tests.support.eventually import PATIENCE_S, eventually

T = TypeVar("T")
SPEED = 100.0
CHANNEL = "migrations"


def fleet() -> Fleet:
    hosts = [replace(Host(name=f"HV0{n}", migration_enabled=True, bandwidth_bytes_per_s=200 * MB)) for n in (1, 2)]
    names = ("web01", "web02", "db01", "web 09", "<!channel>")
    vms = [
        VM(
            id=UUID(int=0x2000_0000_0000_0000_0000_0000_0000_0000 + number),
            name=name,
            host="HV01",
            memory_bytes=GB,
            disks=(Disk(path=f"D:\\VMs\\vm{number}\\disk{number}.vhdx", size_bytes=6 * GB),),
        )
        for number, name in enumerate(names)
    ]
    return Fleet(hosts=tuple(hosts), vms=tuple(vms))


def fleet_with_many() -> Fleet:
    """Return that fleet with sixty VMs more, too many for a card."""
    small = fleet()
    more = [VM(id=UUID(int=0x99 + number), name=f"many{number:02}", host="HV01") for number in range(1, 61)]
    return replace(small, vms=(*small.vms, *more))


def has_table(message: Message) -> bool:
    return any(block["type"] == "table" for block in message.content.blocks or ())


@dataclass
class OfficeClock:
    """The real time, until somebody puts the clock on. Long sleeps are a tenth as long.

    The gaps that a real Slack wants between messages, and looks that are taken now and then, cost a test most of its
    time; what they are for is tested elsewhere.
    """

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def steady_now(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, max(0.1, seconds / 10)))


@dataclass
class Office:
    """The bot at work, and ways to wait for what people see."""

    slack: SlackLab
    world: World
    bot: Bot
    clock: OfficeClock
    gateway: LabGateway

    @classmethod
    @asynccontextmanager
    async def open(
        cls, slack: SlackLab, settings: Settings, folder: Path, described: Fleet | None = None
    ) -> AsyncIterator["Office"]:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        world = World(described or fleet(), lambda: (loop.time() - began_s) * SPEED, epoch=datetime.now(UTC))
        clock = OfficeClock()
        gateway = LabGateway(world, clock.now, latency_s=0.005)
        store = settings.store.model_copy(update={"url": database_url(folder / "bot.db")})
        settings = settings.model_copy(update={"store": store})
        with patient_server():
            async with running(settings, gateway=gateway, clock=clock) as bot:
                await slack.workspace.changes.wait_for(lambda: slack.sockets.connections or slack.webhooks)
                yield cls(slack, world, bot, clock, gateway)

    async def until(self, seen: Callable[[], T | None]) -> T:
        return await self.slack.workspace.changes.wait_for(seen, PATIENCE_S)

    async def looking(self) -> AsyncIterator[None]:
        """Give turns to look at something that no message tells of."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                yield
                await asyncio.sleep(0.02)

    def messages(self, channel: str = CHANNEL) -> list[Message]:
        return list(self.slack.workspace.channel(channel).messages.values())

    async def card(self, number: int = 0, channel: str = CHANNEL) -> Message:
        """The job cards of a channel, oldest first."""

        def cards() -> Message | None:
            found = [one for one in self.messages(channel) if not one.is_reply and one.metadata]
            return found[number] if len(found) > number else None

        return await self.until(cards)

    async def whisper(self, name: str, words: str, channel: str = CHANNEL) -> Message:
        """What only this person was told."""
        person = self.slack.person(name)

        def found() -> Message | None:
            return next((m for m in person.sees(channel) if m.ephemeral_to and words in m.text), None)

        return await self.until(found)

    async def replied(self, card: Message, words: str) -> Message:
        def found() -> Message | None:
            return next((m for m in self.messages() if m.thread_ts == card.ts and words in m.text), None)

        return await self.until(found)

    async def ask(self, text: str = "web01 from HV01 to HV02", name: str = "alice") -> Message:
        """Type a command and return its card."""
        before = len([one for one in self.messages() if not one.is_reply and one.metadata])
        await self.slack.person(name).slash(CHANNEL, f"/migrate {text}")
        return await self.card(before)

    async def shows(self, card: Message, words: str) -> None:
        await self.until(lambda: words in read(card))

    async def asked_about(self, vm_name: str) -> tuple[Message, Message]:
        """Let a move stand still for so long that people are asked; return its card and the question."""
        vm_id = next(vm.id for vm in fleet().vms if vm.name == vm_name)
        self.world.order(MoveFault(vm=vm_id, kind=MoveFaultKind.STALL, at_percent=60))
        card = await self.ask(f"{vm_name} from HV01 to HV02")
        await self.slack.person("bob").click(card, "migrate_approve")
        await eventually(lambda: self.bot.engine._snapshot_cache.percents.get(VmId(vm_id)) == 60)
        self.clock.ahead += timedelta(hours=1)
        return card, await self.replied(card, f"`{vm_name}` seems stuck")


def read(message: Message) -> str:
    """Everything a message shows."""

    def texts(part: Any) -> list[str]:
        if isinstance(part, dict):
            return [part["text"]] if isinstance(part.get("text"), str) else [t for v in part.values() for t in texts(v)]
        return [t for item in part for t in texts(item)] if isinstance(part, list | tuple) else []

    return "\n".join([message.text, *texts(message.blocks)])


def buttons(message: Message) -> set[str]:
    return {e["action_id"] for block in message.blocks if block["type"] == "actions" for e in block["elements"]}
