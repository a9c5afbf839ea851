"""``migrate-bot demo``: a dozen VMs migrate between simulated hosts, asked for and approved in a simulated Slack.

The bot is a process of its own (``migrate-bot run``) and meets hosts and Slack through their real protocols only.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import aiohttp
from rich.console import Console
from rich.table import Table

from lab.audit import AuditReport, judge
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.faults import MoveFault
from lab.hyperv.world.fleet import Fleet, load_fleet
from lab.process import BotProcess
from lab.screen import Screen
from lab.site import Site, site
from lab.slack.workspace.messages import Message
from lab.slack.workspace.rate_limit import Strictness

FLEET = Path(__file__).parent / "fleets" / "demo.toml"
SPEED = 60.0
CHANNEL = "migrations"
COMMAND = (
    "/migrate web*,SRVSP*,db01,app*,old-app,print01 from HV01 to HV02,HV03 path D:\\VMs --reason “HV01 gets new memory”"
)
STAYS = "print01"
"""The VM whose switch exists on no other host."""

SETTINGS: dict[str, dict[str, object]] = {
    "migration": {
        # Real time, while the lab runs 60 times faster.
        "poll_busy": "1s",
        "poll_idle": "2s",
        "confirm_start": "15s",
        "retry_delay": "4s",
        "assumed_speed_mb_s": 60_000,
    },
    "winrm": {"operation_timeout": "10s"},
}
BACKUP_S = 25.0
DEADLINE_S = 240.0


def main(argv: Sequence[str]) -> int:
    """Run the demo. Returns 0 only if the lab agrees with what the bot did."""
    parser = argparse.ArgumentParser(prog="migrate-bot demo", description=__doc__)
    parser.add_argument("--page", type=Path, help="write the channel as an HTML page to this file at the end")
    parser.add_argument("--halfway", type=Path, help="write the channel as an HTML page when half is done")
    args = parser.parse_args(argv)
    return asyncio.run(_demo(Console(highlight=False), args.page, args.halfway))


async def _demo(console: Console, page: Path | None, halfway: Path | None) -> int:
    began_s = time.monotonic()
    fleet = load_fleet(FLEET)
    with tempfile.TemporaryDirectory(prefix="migrate-bot-demo-") as name:
        folder = Path(name)
        async with site(fleet, folder, speed=SPEED, rate_limits=Strictness.ON, settings=SETTINGS) as here:
            order_trouble(here)
            console.rule(
                "[bold]migrate-bot demo: real slack-bolt, real WinRM, a real database; simulated hosts and Slack"
            )
            log = folder / "bot.log"
            async with BotProcess(here, log):
                try:
                    async with asyncio.timeout(DEADLINE_S):
                        await _play(here, console, halfway)
                except TimeoutError as error:
                    console.print(f"[bold red]The demo did not end in time: {error}")
                    console.print(log.read_text(encoding="utf-8")[-4000:], markup=False)
                    return 1
            await _save(here, page)
            verdict = judge(here.hosts.world, here.slack, _wanted(fleet), fleet.hosts[0].user, emptied=_emptied(fleet))
            report(console, here, fleet, verdict, time.monotonic() - began_s)
            return 1 if verdict.complaints else 0


def order_trouble(here: Site) -> None:
    """One VM is in backup, one fails once in the middle of its move."""
    ids = {vm.name: vm.id for vm in here.hosts.fleet.vms}
    here.hosts.world.start_backup(ids["web02"], duration_s=BACKUP_S * SPEED)
    here.hosts.world.order(MoveFault(vm=ids["app01"], at_percent=60, cause="network"))


async def _play(here: Site, console: Console, halfway: Path | None) -> None:
    slack, changes = here.slack, here.slack.workspace.changes
    alice, bob, mallory = (slack.person(name) for name in ("alice", "bob", "mallory"))
    await changes.wait_for(lambda: slack.sockets.connections, 30.0)
    with Screen(slack, CHANNEL, console) as screen:
        watcher = asyncio.create_task(_watch(screen))
        try:
            screen.note(f"alice types: {COMMAND}")
            await alice.slash(CHANNEL, COMMAND)
            card = await changes.wait_for(lambda: _card(here), 60.0)
            await asyncio.sleep(3)
            screen.note("mallory, who may not, presses Approve")
            await mallory.click(card, "migrate_approve")
            await asyncio.sleep(2)
            screen.note("bob presses Approve and confirms")
            await bob.click(card, "migrate_approve")
            taken = not halfway
            while not (is_over := _is_over(card)) or not taken:
                if not taken and (_moved(here) >= len(here.hosts.fleet.vms) // 2 or is_over):
                    taken = True
                    await _save(here, halfway)
                await asyncio.sleep(0.5)
            await asyncio.sleep(5)
        finally:
            watcher.cancel()
        screen.update(float("inf"))
        screen.print_card("the card at the end")


async def _watch(screen: Screen) -> None:
    while True:
        screen.update(time.monotonic())
        await asyncio.sleep(0.25)


def _card(here: Site) -> Message | None:
    roots = here.slack.workspace.channel(CHANNEL).roots()
    return next((message for message in roots if message.by_app and "migrate_approve" in str(message.blocks)), None)


def _is_over(card: Message) -> bool:
    """Whether the card has no button to stop the job any more and its job is finished."""
    return "migrate_cancel" not in str(card.blocks) and "migrate_approve" not in str(card.blocks)


def _moved(here: Site) -> int:
    return sum(len(here.hosts.world.vms(host)) for host in ("HV02", "HV03"))


async def _save(here: Site, file: Path | None) -> None:
    """Keep the channel's page, for a picture."""
    if file is None:
        return
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{here.slack.base_url}/channel/{CHANNEL}") as response,
    ):
        await asyncio.to_thread(file.write_text, await response.text(), encoding="utf-8")


def _wanted(fleet: Fleet) -> dict[UUID, tuple[str, ...]]:
    """Everything of HV01 goes to HV02 or HV03, but what cannot."""
    return {vm.id: ("HV01",) if vm.name == STAYS else ("HV02", "HV03") for vm in fleet.vms if vm.host == "HV01"}


def _emptied(fleet: Fleet) -> list[str]:
    return [f"HV01:D:\\VMs\\{vm.name}" for vm in fleet.vms if vm.host == "HV01" and vm.name != STAYS] + [
        f"HV01:{disk.path.rpartition(chr(92))[0]}"
        for vm in fleet.vms
        if vm.host == "HV01" and vm.name != STAYS
        for disk in vm.disks
    ]


def report(console: Console, here: Site, fleet: Fleet, verdict: AuditReport, seconds: float) -> None:
    """Print what happened per VM, and the lab's verdict."""
    world = here.hosts.world
    vms = Table(title="What happened, by the hosts", title_justify="left")
    for column in ("VM", "was", "is on", "state", "starts", ""):
        vms.add_column(column)
    for vm, fate in zip((vm for vm in fleet.vms if vm.host == "HV01"), verdict.fates, strict=True):
        found = fate.found_on[0] if fate.found_on else ""
        view = world.vm(found, vm.id) if found else None
        state = VMState(view.state).name if view else "gone"
        vms.add_row(vm.name, vm.host, found, state, str(fate.starts), "✓" if fate.is_right else "✗")
    console.print(vms)
    peaks = ", ".join(f"{host} {kind} {peak} of {limit}" for host, kind, peak, limit in verdict.peaks)
    console.print(f"Most at once: {peaks}", highlight=False)
    counts = here.slack.call_log.counts
    console.print(
        f"Slack: {counts['chat.postMessage']} messages, {counts['chat.update']} card edits,"
        f" {len(here.slack.call_log.violations)} refused, {len(here.slack.call_log.failures)} failures seen by people"
    )
    for complaint in verdict.complaints:
        console.print(f"[bold red]✗ {complaint}")
    right = sum(fate.is_right for fate in verdict.fates)
    judgement = "[bold green]the lab agrees" if not verdict.complaints else "[bold red]the lab disagrees"
    console.print(
        f"{judgement}[/]: {right} of {len(verdict.fates)} VMs where they should be, {verdict.starts} starts,"
        f" {verdict.over_limit_starts} over a limit, {len(world.ledger.violations)} violations,"
        f" {len(verdict.left_folders)} folders left behind; {seconds:.0f} s"
    )
