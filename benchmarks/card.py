"""Measures how long people wait: from the command to the card, and to the moment when it can be approved.

The whole bot, as a process of its own, on simulated hosts behind real WinRM and a simulated Slack. The lab answers at
once, but a new session takes it the 2 s of a logon and the 2 s in which a first command loads its module (both are
estimates): a bot that has just begun pays them before its first card, one that has been up has its sessions open. A
real host takes its own time for each of the two questions about a VM.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks.report import Section, Size, Table
from lab.hyperv.world.enums import MigrationAuthentication
from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host
from lab.process import BotProcess
from lab.site import Site, site
from lab.slack.workspace.messages import Message

CHANNEL = "migrations"
SIZES = (1, 50, 500)
_RUNS = 3
_PATIENCE_S = 300.0
_COMMAND = "/migrate * from HV01 to HV02,HV03"


@dataclass(frozen=True, slots=True)
class Waited:
    """Seconds from a command to its card, and to its Approve; and to the a second card after that."""

    card_s: float
    approve_s: float
    again_s: float


def fleet(vms: int) -> Fleet:
    """One full host and two empty ones."""
    hosts = tuple(
        Host(
            name=f"HV{number:02}",
            migration_enabled=True,
            authentication=MigrationAuthentication.Kerberos,
            memory_bytes=4096 * GB,
        )
        for number in (1, 2, 3)
    )
    return Fleet(
        hosts=hosts,
        vms=tuple(
            VM(
                id=UUID(int=0x6000_0000_0000_0000_0000_0000_0000_0000 + number),
                name=f"vm{number:03}",
                host="HV01",
                memory_bytes=512 * MB,
                disks=(Disk(path=f"D:\\VMs\\vm{number:03}\\disk{number:03}.vhdx", size_bytes=GB),),
            )
            for number in range(1, vms + 1)
        ),
    )


async def waited(vms: int, *, per_host: int = 1) -> Waited:
    """Ask a bot that has just begun, then again, and take the time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"migration": {"checks_per_host": per_host, "check_timeout": "5m"}}
        async with site(fleet(vms), folder, settings=settings) as here, BotProcess(here, folder / "bot.log"):
            await _until(here, lambda: here.slack.sockets.connections)
            began = time.perf_counter()
            await here.slack.person("alice").slash(CHANNEL, _COMMAND)
            await _until(here, lambda: _card(here))
            card_s = time.perf_counter() - began
            await _until(here, lambda: "migrate_approve" in str(card.blocks) if (card := _card(here)) else False)
            approve_s, began = time.perf_counter() - began, time.perf_counter()
            await here.slack.person("alice").slash(CHANNEL, _COMMAND)
            await _until(here, lambda: len(_cards(here)) > 1)
            return Waited(card_s, approve_s, time.perf_counter() - began)


async def _until(here: Site, seen: Callable[[], object]) -> None:
    await here.slack.workspace.changes.wait_for(seen, _PATIENCE_S)


def _card(here: Site) -> Message | None:
    return next(iter(_cards(here)), None)


def _cards(here: Site) -> list[Message]:
    roots = here.slack.workspace.channel(CHANNEL).roots()
    return [message for message in roots if message.by_app and message.metadata]


def run(size: Size) -> Section:
    """Measure each size several times, the largest once."""
    rows = []
    for vms in (1, 5) if size.is_quick else SIZES:
        for per_host in (1,) if size.is_quick else (1, 2):
            times = 1 if size.is_quick or vms == SIZES[-1] else _RUNS
            found = [asyncio.run(waited(vms, per_host=per_host)) for _ in range(times)]
            card_s, approve_s, again_s = (
                statistics.median([one.card_s for one in found]),
                statistics.median([one.approve_s for one in found]),
                statistics.median([one.again_s for one in found]),
            )
            each_ms = 1000 * (approve_s - card_s) / vms
            times_s = (f"{card_s:.1f} s", f"{approve_s:.1f} s", f"{each_ms:.0f} ms", f"{again_s:.1f} s")
            rows.append((str(vms), str(per_host), *times_s))
    head = (
        "VMs",
        "`checks_per_host`",
        "command to card",
        "to Approve",
        "for each VM between",
        "a second card",
    )
    return Section(
        "card",
        "From the command to the card, and to Approve",
        "One host empties itself onto two others; the whole bot over WinRM to hosts that answer at once. The first "
        "command comes as the bot begins, and waits for its first sessions: three times the 2 s that a logon or a "
        "first command takes in the lab, as a third host waits until one of two has accepted the password; the second "
        "one finds them open. Before Approve "
        "each VM is described by its own host and judged by the one it should go to, as many in one call as a host "
        "answers in about two seconds; a card is edited at most every three seconds, so a check that takes a moment "
        "shows then.",
        (Table(head, tuple(rows)),),
    )
