"""Two bots on one PostgreSQL, as real processes in front of one lab, and what may happen to them."""

import asyncio
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import aiohttp

from lab.hyperv.world.fleet import Fleet
from lab.process import BotProcess
from lab.site import Site, site
from tests.support.engine_harness import vm_id
from tests.support.eventually import PATIENCE_S
from tests.support.full_system import CHANNEL, QUICK, SPEED, Town

CRAWL, FULL = 1, 100 << 20
_LOOK_AGAIN_S = 0.05


class Duo:
    """One of the two bots: its process and its health address."""

    def __init__(self, here: Site, folder: Path, name: str, url: str, more: Mapping[str, str]) -> None:
        self.name = name
        self.url = url
        self.port = _free_port()
        environment = {
            "MIGRATE_BOT_STORE__URL": url,
            "MIGRATE_BOT_SLACK__HEALTH": f"127.0.0.1:{self.port}",
            **more,
        }
        self.process = BotProcess(here, folder / f"{name}.log", environment)

    async def state(self) -> str:
        """Return what it says it is; empty when it says nothing."""
        timeout = aiohttp.ClientTimeout(total=10.0)  # a busy machine is slow; one that is stopped answers nothing
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.port}/leader") as answer,
            ):
                return str((await answer.json())["state"])
        except (aiohttp.ClientError, TimeoutError):
            return ""

    async def is_in(self, *states: str) -> float:
        """Wait until it is in one of these states. Returns when that was, on the clock of ``time.monotonic``."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.state() not in states:  # noqa: ASYNC110 (no event tells of another process)
                await asyncio.sleep(_LOOK_AGAIN_S)
        return time.monotonic()

    async def has_told_all(self) -> None:
        """Wait until it leads and has nothing left to tell anybody."""
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
                    if "migrate_bot_notices_waiting 0.0" in await answer.text():
                        return
                await asyncio.sleep(_LOOK_AGAIN_S)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        process = self.process._process
        assert process is not None
        process.send_signal(number)

    def log(self) -> str:
        """Return what it logged."""
        return self.process.log.read_text(encoding="utf-8")


@dataclass
class Pair(Town):
    """A leader, the bot that stands by for it, and the lab in front of them."""

    first: Duo
    second: Duo

    def crawl(self) -> None:
        """Let migrations make hardly any progress."""
        self._go_at(CRAWL)

    def run_fast(self) -> None:
        self._go_at(FULL)

    def _go_at(self, bytes_per_s: int) -> None:
        world = self.here.hosts.world
        for name in world.host_names():
            world.change_host(name, {"bandwidth_bytes_per_s": bytes_per_s})

    def said_twice(self) -> list[str]:
        """Return what stands there twice by the notice it carries; each takeover may say the same words of itself."""
        card = self.card()
        replies = self.here.slack.workspace.channel(CHANNEL).replies(card.ts) if card is not None else ()
        notices = Counter(str(one.metadata["event_payload"]) for one in replies if one.metadata)
        return [notice for notice, count in notices.items() if count > 1]

    async def two_are_moving(self) -> None:
        """Ask for four VMs, approve, and wait until two of them move, at a crawl."""
        card = await self.proposed("/migrate web* from HV01 to HV02 path D:\\VMs")
        self.crawl()
        await self.person("bob").click(card, "migrate_approve")
        await self.wait_for(lambda: sum("is moving" in line for line in self.thread()) >= 2)

    async def all_end_well(self) -> None:
        """Let everything run to its end, and look: each VM moved once, no limit was passed, nothing was said twice."""
        self.run_fast()
        await self.says("is over")
        world = self.here.hosts.world
        assert {world.where_is(vm_id(n)) for n in range(1, 5)} == {"HV02"}
        assert sorted(start.vm_name for start in world.ledger.starts) == ["web01", "web02", "web03", "web04"]
        assert world.ledger.violations == []
        assert self.said_twice() == []
        assert sum("is on" in line and "✅" in line for line in self.thread()) == 4


@asynccontextmanager
async def pair(
    folder: Path,
    described: Fleet,
    url: str,
    *,
    first_url: str = "",
    prepare: Callable[[Site], None] | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Pair]:
    """Start the lab and two bots, the first as the leader.

    ``first_url``: another way of its to the same database; ``prepare``: what is done to the lab before that;
    ``environment``: settings of both besides.
    """
    async with site(described, folder, speed=SPEED, settings=QUICK) as here:
        if prepare is not None:
            prepare(here)
        first = Duo(here, folder, "first", first_url or url, environment)
        second = Duo(here, folder, "second", url, environment)
        async with first.process:
            await first.is_in("leader")
            async with second.process:
                await second.is_in("standby")
                place = Pair(here, first.process, first, second)
                await place.connected()
                yield place


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
