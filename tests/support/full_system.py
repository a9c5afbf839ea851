"""A whole town for end-to-end tests: simulated hosts, a Slack workspace and the bot's own process, on real sockets."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.world.enums import MigrationAuthentication
from lab.hyperv.world.fleet import GB, MB, VM, Fleet
from lab.process import BotProcess
from lab.site import Site, site
from lab.slack.people.person import Person
from lab.slack.workspace.messages import Message
from tests.support.databases import store_section
from tests.support.engine_harness import host, vm
from tests.support.eventually import PATIENCE_S

SPEED = 60.0
CHANNEL = "migrations"
QUICK = {
    "migration": {
        "poll_busy": "500ms",
        "poll_idle": "1s",
        "confirm_start": "15s",
        "retry_delay": "1s",
    },
    "winrm": {"operation_timeout": "10s"},
}


def fleet(*vms: VM, count: int = 2, **changes: Any) -> Fleet:
    """Hosts with Kerberos between them and a network that moves 10 GB in a few real seconds."""
    keys: dict[str, Any] = {"bandwidth_bytes_per_s": 100 * MB, "authentication": MigrationAuthentication.Kerberos}
    keys |= changes
    return Fleet(hosts=tuple(host(f"HV{n:02d}", **keys) for n in range(1, count + 1)), vms=vms)


@dataclass
class Town:
    """What an end-to-end test works with."""

    here: Site
    bot: BotProcess

    def person(self, name: str) -> Person:
        return self.here.slack.person(name)

    async def wait_for(self, what: Callable[[], Any]) -> Any:
        """Return the first truthy answer, asked after every change in Slack."""
        try:
            return await self.here.slack.workspace.changes.wait_for(what, PATIENCE_S)
        except TimeoutError as error:
            log = await asyncio.to_thread(self.bot.log.read_text, encoding="utf-8")
            raise AssertionError(f"{error}\n--- transcript\n{self.transcript()}\n--- log\n{log[-3000:]}") from None

    async def connected(self) -> None:
        await self.wait_for(lambda: self.here.slack.sockets.connections)

    def card(self) -> Message | None:
        roots = self.here.slack.workspace.channel(CHANNEL).roots()
        return next((message for message in roots if message.by_app and not message.is_reply), None)

    def thread(self) -> list[str]:
        card = self.card()
        if card is None:
            return []
        return [message.text for message in self.here.slack.workspace.channel(CHANNEL).replies(card.ts)]

    def transcript(self) -> str:
        return self.here.slack.transcript(CHANNEL)

    async def proposed(self, command: str, who: str = "alice") -> Message:
        """Type a command and wait for its card."""
        outcome = await self.person(who).slash(CHANNEL, command)
        assert not outcome.error, outcome
        card: Message = await self.wait_for(self.decidable_card)
        return card

    def decidable_card(self) -> Message | None:
        """Return the card once the hosts have been asked about its plan."""
        card = self.card()
        return None if card is None or "being asked" in card.text else card

    async def says(self, words: str) -> None:
        """Wait until a line of the thread holds these words."""
        await self.wait_for(lambda: any(words in line for line in self.thread()))

    def said_twice(self) -> list[str]:
        return [line for line, count in Counter(self.thread()).items() if count > 1]


@asynccontextmanager
async def town(
    folder: Path, described: Fleet, *, powershell: PowerShell | None = None, **settings: Any
) -> AsyncIterator[Town]:
    """Start it all; ``settings`` are sections of the bot's settings."""
    merged = store_section(folder) | {name: QUICK[name] | settings.pop(name, {}) for name in QUICK} | settings
    async with (
        site(described, folder, speed=SPEED, settings=merged, powershell=powershell) as here,
        BotProcess(here, folder / "bot.log") as bot,
    ):
        place = Town(here, bot)
        await place.connected()
        yield place


__all__ = ["CHANNEL", "GB", "Town", "fleet", "town", "vm"]
