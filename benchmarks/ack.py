"""Measures how fast the bot acknowledges: 50 commands a second while 5,000 moves wait in the queue.

Slack gives an app three seconds (docs: interactivity). The bot is a process of its own on real sockets against the
lab's Slack, which runs in this process and takes the time from sending an envelope to the acknowledgement's arrival.
The hosts are a process of their own, too; all that were asked answer in one instant. Moves go on meanwhile.
Two things are measured beside it, for machines that do other work, too: how late a timer of this process comes, and how
much processor time the bot takes until the acknowledgement. No quicker could one come on a machine of its own.

Run it with ``python -m benchmarks.ack``.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.databases import Where, kinds, sqlite
from benchmarks.remote_hosts import be_the_hosts, remote_hosts
from benchmarks.report import Section, Size, Table
from bot.interpreter_tuning import tune_interpreter
from bot.wiring import running
from core.config import Settings
from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host, Volume
from lab.slack.server import SlackLab

MOVES, RATE, SECONDS = 5000, 50, 20
GOAL_S = 0.1
VMS_PER_HOST = 200
BEAT_S = 0.01
CHANNEL = "migrations"
COMMANDS = (
    "help",
    "status",
    "hosts",
    "status J1",
    "jobs",
    "web00001 form HV01 to HV02",
    "cancel J99",
    "web00001 from HV77 to HV02",
    "history J1",
    "help options",
)
"""What people type, in turn: quick and costly, right and wrong.

None makes a plan: how long that takes is the hosts' affair.
"""


@dataclass
class Times:
    """Seconds until the acknowledgement, by command."""

    by_command: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: int = 0
    own: list[float] = field(default_factory=list)
    """How much processor time the bot took until each."""
    lags: list[float] = field(default_factory=list)
    """How late timers of the measuring process came meanwhile."""

    @property
    def all(self) -> list[float]:
        """Every time, sorted."""
        return sorted(time_s for times in self.by_command.values() for time_s in times)

    def percentile(self, share: float) -> float:
        """Return the time that this share of acknowledgements kept to."""
        return _percentile(self.all, share)

    @property
    def own_s(self) -> float:
        """Return the bot's processor time until the acknowledgement of all but one in a hundred."""
        return _percentile(sorted(self.own), 0.99)

    @property
    def lag_s(self) -> float:
        """Return how late one timer in a hundred of the measuring process came."""
        return _percentile(sorted(self.lags), 0.99)

    def report(self) -> str:
        """Say it."""
        lines = [
            f"{len(self.all)} acknowledged, {self.failed} not within 3 s",
            *(f"p{share * 100:g} {self.percentile(share) * 1000:.0f} ms" for share in (0.5, 0.9, 0.99)),
            f"slowest {self.all[-1] * 1000:.0f} ms",
            f"processor time of the bot until then: p99 {self.own_s * 1000:.0f} ms",
            f"timers of the measuring process: p99 {self.lag_s * 1000:.0f} ms late",
            *(
                f"  {command}: median {statistics.median(times) * 1000:.0f} ms, slowest {max(times) * 1000:.0f} ms"
                for command, times in self.by_command.items()
            ),
        ]
        return "\n".join(lines)


def host_names(moves: int) -> tuple[list[str], list[str]]:
    """Name as many sources as can hold the VMs that are to be moved, and as many destinations."""
    count = -(-moves // VMS_PER_HOST)
    names = [f"HV{number:02}" for number in range(1, 2 * count + 1)]
    return names[:count], names[count:]


def fleet(moves: int) -> Fleet:
    """Describe the hosts, and on the sources as many VMs as are to be moved: one takes about a minute."""
    sources, destinations = host_names(moves)
    hosts = tuple(
        Host(
            name=name,
            migration_enabled=True,
            bandwidth_bytes_per_s=1000 * MB,
            memory_bytes=2**50,
            volumes=(Volume(root="C:"), Volume(root="D:", size_bytes=2**50)),
        )
        for name in (*sources, *destinations)
    )
    vms = tuple(
        VM(
            id=UUID(int=number + 1),
            name=f"web{number:05d}",
            host=sources[number % len(sources)],
            memory_bytes=GB // 2,
            disks=(Disk(path=f"D:\\VMs\\web{number:05d}\\web{number:05d}.vhdx", size_bytes=30 * GB),),
        )
        for number in range(moves)
    )
    return Fleet(hosts=hosts, vms=vms)


async def be_the_bot(store_url: str, api_url: str, moves: int, hosts_port: int) -> None:
    """Run the bot until this process is ended."""
    secrets = {f"slack_{name}": os.environ[f"SLACK_{name}".upper()] for name in ("bot_token", "app_token")}
    values: dict[str, Any] = {
        "slack": {"api_url": api_url, "channel": "C0MIGRATE", "oncall": ["S0ONCALL"]},
        "access": {"requesters": ["*"], "approvers": ["S0APPROVE"]},
        "store": {"url": store_url},
        "hosts": {
            name: {"address": f"{name.lower()}.contoso.com", "path": "D:\\VMs"}
            for names in host_names(moves)
            for name in names
        },
    }
    async with remote_hosts(hosts_port) as gateway, running(Settings(**values | secrets), gateway=gateway):
        tune_interpreter()
        await asyncio.Event().wait()


@asynccontextmanager
async def bot_process(slack: SlackLab, moves: int, where: Where) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.casefold()}
    environment |= {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    with tempfile.TemporaryDirectory() as folder:
        module = (sys.executable, "-m", "benchmarks.ack", "--moves", str(moves))
        hosts = await asyncio.create_subprocess_exec(*module, "--be-hosts", stdout=PIPE, env=environment)
        processes = [hosts]
        try:
            assert hosts.stdout is not None
            port = (await hosts.stdout.readline()).decode().strip()
            bot = ("--bot", where(Path(folder)), "--api", slack.api_url, "--hosts-port", port)
            processes.insert(0, await asyncio.create_subprocess_exec(*module, *bot, env=environment))
            yield processes[0]
        finally:
            for process in processes:
                process.terminate()
                await process.wait()


async def queue(slack: SlackLab, moves: int) -> None:
    """Ask for all of the sources' VMs and approve."""
    changes, bob = slack.workspace.changes, slack.person("bob")
    sources, destinations = map(",".join, host_names(moves))
    await changes.wait_for(lambda: slack.sockets.connections, 60)
    await slack.person("alice").slash(CHANNEL, f"/migrate all from {sources} to {destinations}")
    card = await changes.wait_for(lambda: bob.finds(CHANNEL, "migrate_approve"), 300)
    await bob.click(card, "migrate_approve")
    await changes.wait_for(lambda: bob.finds(CHANNEL, "migrate_cancel"), 300)
    await changes.wait_for(lambda: any("is moving" in m.text for m in bob.sees(CHANNEL)), 300)
    await changes.wait_for(lambda: any(_waiting(m.text) > moves // 2 for m in bob.sees(CHANNEL)), 300)


def _waiting(text: str) -> int:
    """Read from a card's text how many VMs wait."""
    found = re.search(r"(\d+) waiting", text)
    return int(found[1]) if found else 0


async def _beat(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + BEAT_S
        await asyncio.sleep(BEAT_S)
        lags.append(loop.time() - due_s)


async def fire(slack: SlackLab, rate: float, seconds: float, bot: int) -> Times:
    """Type commands at a steady rate, whether or not earlier ones were answered. ``bot`` is its process."""
    loop, times = asyncio.get_running_loop(), Times()

    async def type_one(number: int) -> None:
        text = COMMANDS[number % len(COMMANDS)]
        began_s, began_own_s = loop.time(), _processor_s(bot)
        outcome = await slack.person(("alice", "bob", "carol")[number % 3]).slash(CHANNEL, f"/migrate {text}")
        if outcome.error:
            times.failed += 1
        times.by_command[text].append(loop.time() - began_s)
        times.own.append(_processor_s(bot) - began_own_s)

    tasks, began_s = [], loop.time()
    beat = asyncio.create_task(_beat(times.lags))
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began_s + number / rate - loop.time()))
        tasks.append(asyncio.create_task(type_one(number)))
    await asyncio.gather(*tasks)
    beat.cancel()
    return times


async def measure(moves: int = MOVES, rate: float = RATE, seconds: float = SECONDS, where: Where = sqlite) -> Times:
    """Measure with a queue of so many moves."""
    async with SlackLab() as slack, bot_process(slack, moves, where) as bot:
        await queue(slack, moves)
        tune_interpreter()  # this process's own pauses are not the bot's
        return await fire(slack, rate, seconds, bot.pid)


def _processor_s(process: int) -> float:
    """Return the processor time of a process by the clock that clock_getcpuclockid(3) names; known on Linux only."""
    return time.clock_gettime(~process << 3 | 2) if sys.platform == "linux" else 0.0


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(size: Size) -> Section:
    """Measure with a short queue and with a long one."""
    rows = []
    sizes = (50,) if size.is_quick else (50, MOVES)
    for (kind, where), moves in ((kind, moves) for kind in kinds() for moves in sizes):
        times = asyncio.run(measure(moves, RATE, 5 if size.is_quick else SECONDS, where))
        shares = (f"{times.percentile(share) * 1000:.0f} ms" for share in (0.5, 0.99))
        rest = (f"{time_s * 1000:.0f} ms" for time_s in (times.all[-1], times.own_s, times.lag_s))
        rows.append((kind, f"{moves}", *shares, *rest, f"{times.failed}"))
    columns = ("database", "moves", "median", "p99", "slowest", "processor", "machine", "not within 3 s")
    return Section(
        "ack",
        "Acknowledgements",
        f"{RATE} commands a second over a real socket, the bot in a process of its own, while moves wait and run. The "
        f"hosts are another process; those that were asked answer in one instant, {VMS_PER_HOST} VMs each. "
        f"Slack allows 3 s; the goal is a p99 of {GOAL_S * 1000:.0f} ms. *Processor*: the processor time the bot took "
        "until then, p99. *Machine*: how late one in a hundred timers of the measuring process itself came meanwhile.",
        (Table(columns, tuple(rows)),),
    )


def main() -> None:
    """Measure and report, or be the bot that is measured, or its hosts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bot", default="", help=argparse.SUPPRESS)
    parser.add_argument("--api", default="", help=argparse.SUPPRESS)
    parser.add_argument("--be-hosts", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--hosts-port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--moves", type=int, default=MOVES)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.be_hosts:
        asyncio.run(be_the_hosts(fleet(options.moves)))
        return
    if options.bot:
        asyncio.run(be_the_bot(options.bot, options.api, options.moves, options.hosts_port))
        return
    times = asyncio.run(measure(options.moves, options.rate, options.seconds))
    if options.json:
        print(json.dumps({"p99_s": times.percentile(0.99), "goal_s": GOAL_S, "failed": times.failed}))
    else:
        print(f"{options.moves} moves queued, {options.rate:g} commands a second\n{times.report()}")


if __name__ == "__main__":
    main()
