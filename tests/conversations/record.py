"""Walks through everything a person can type and writes ``docs/generated/conversations.md``.

``python -m tests.conversations.record > docs/generated/conversations.md``. The bot is the whole one, on the lab's Slack
and a small fleet. What was typed or pressed and what that person then saw is written down. Times, dates and lengths of
time differ from run to run and stand as *hh:mm*, *date* and *n s*.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.inventory import HostName, VmId
from core.domain.reporting.weekly import WEEK, parse_weekly
from core.engine.delivery.digest import TOLD
from core.store import SqlStore
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import Fleet
from lab.slack.people.transcript import Transcript
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message
from tests.bot.conftest import slack_settings
from tests.support.bot_harness import CHANNEL, Office, buttons, fleet, fleet_with_many, read
from tests.support.databases import database_url
from tests.support.eventually import eventually
from tests.support.past_example import a_month

_IDS = {vm.name: vm.id for vm in fleet().vms}
WEB01, DB01 = _IDS["web01"], _IDS["db01"]
ALICE, BOB, DAVE, MALLORY = "alice", "bob", "dave", "mallory"
_MONDAY = "Mon 09:00"
ANY_NUMBER: dict[str, object] = {"commands_per_minute": 0}
"""Nobody types so fast."""

_HEAD = """# Conversations

What people see. Alice asks, Bob approves, Dave is on call, Mallory may do neither. Answers marked *(only visible to
you)* are private. Each is what [the lab](../guide/lab.md)'s Slack showed, read off by a program and compared by a test;
times stand as `hh:mm`, lengths of time as `n s`. [Commands](../guide/commands.md) explains them;
[scenarios](scenarios.md) tell whole nights.
"""
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_VARYING = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z?"), "date"),
    (re.compile(rf"\b(?:{_MONTHS})[a-z]* \d{{1,2}}(?:st|nd|rd|th)?(?:, \d{{4}})?\b"), "date"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "date"),
    (re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?: ?[AP]M)?\b"), "hh:mm"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:s|min|h|ms)\b(?: \d+ (?:s|min))?"), "n s"),
    (re.compile(r"\(\d+ bytes\)"), "(a file)"),
    # An estimate says its range only where that is longer than a minute: it depends on the machine.
    (re.compile(r"\bEnds about hh:mm, between hh:mm and hh:mm"), "Ends about hh:mm"),
    # It is played at any time of the day.
    (re.compile(r"\bdaily (?=about|backup)"), "nightly "),
)


@dataclass
class Walk:
    """One visit to the office, written down as it goes."""

    here: Office
    slack: SlackLab
    lines: list[str] = field(default_factory=list)

    def chapter(self, title: str, words: str) -> None:
        """Begin a chapter."""
        self.lines += ["", f"## {title}", "", words]

    async def types(self, name: str, text: str) -> None:
        """Type a command and write down the private answer."""
        before = len(self._private(name))
        outcome = await self.slack.person(name).slash(CHANNEL, f"/migrate {text}".rstrip())
        assert not outcome.error, outcome.error
        answer = await self.here.until(lambda: self._private(name)[before:])
        self._write(f"{name.capitalize()} types `/migrate {text}`", name, answer[0])

    async def asks(self, name: str, text: str) -> Message:
        """Type a command that makes a plan and write down its card."""
        before = len(self._private(name))
        card = await self.here.ask(text, name)
        await self.here.until(lambda: self._private(name)[before:])
        self._write(f"{name.capitalize()} types `/migrate {text}`", name, card)
        return card

    async def clicks(self, name: str, card: Message, action: str, label: str, *, version: int | None = None) -> None:
        """Press a button and write down the private answer."""
        before = len(self._private(name))
        await self.slack.person(name).click(card, action, version=version)
        answer = await self.here.until(lambda: self._private(name)[before:])
        self._write(f"{name.capitalize()} presses **{label}**", name, answer[0])

    def sees(self, name: str, message: Message, what: str) -> None:
        """Write down a message that is there."""
        self._write(what, name, message)

    def reads(self, text: str, what: str) -> None:
        """Write down something shown that is no message."""
        self._fence(what, text.splitlines())

    def _private(self, name: str) -> list[Message]:
        seen = (one for one in self.slack.person(name).sees(CHANNEL) if one.ephemeral_to)
        return [one for one in seen if not one.text.startswith("🔎")]

    def _write(self, what: str, name: str, message: Message) -> None:
        viewer = self.slack.person(name)
        self._fence(what, Transcript(self.slack.workspace, viewer.id).message(message))

    def _fence(self, what: str, lines: list[str]) -> None:
        self.lines += ["", f"{what}:", "", "```text", *(_steady(line) for line in lines), "```"]


def _steady(line: str) -> str:
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line.rstrip()


MISTAKES = (
    "statsu J1",
    "web01 form HV01 to HV02",
    "web01 from HV01",
    "from HV01 to HV02",
    "web01 from HV01 to HV02 to HV03",
    "web01 from HV01 to HV02 parallel two",
    "web01 from HV01 to HV02 colour=red",
    "web01 from HV01 to HV02 path VMs",
    "web01 from HV01 to HV02 backup-wait soon",
    "web01 from HV01 to HV02 at 25:00",
    "web01 from HV01 to HV02 at 23:00 until 2020-01-01T04:00",
    'web01 from HV01 to HV02 reason "new disks',
    "cancel",
    "pause everything",
    "where",
    "insights soon",
    "help me",
)
IMPOSSIBLE = (
    "web1 from HV01 to HV02",
    "nothing* from HV01 to HV02",
    "web01 from HV09 to HV02",
    "web01 from HV01 to HV01",
    "web01 from HV02 to HV01",
    "web01 from HV01 to HV02 path D:\\",
    "status J99",
    "status web99",
    "where web99",
    "cancel J99",
    "pause J99",
    "resume J99",
    "retry J99",
    "back J99",
    "history J99",
)


async def _help(walk: Walk) -> None:
    walk.chapter("Help", "The bot explains itself.")
    for text in ("help", "help options", "help cancel"):
        await walk.types(ALICE, text)
    walk.chapter("Before anything was asked", "Every look has an answer.")
    for text in ("status", "jobs", "hosts", "where web01", "handover", "insights"):
        await walk.types(ALICE, text)


async def _mistakes(walk: Walk) -> None:
    walk.chapter("Slips of the hand", "One sentence, the place, and the command put right, ready to copy.")
    for text in MISTAKES:
        await walk.types(ALICE, text)
    walk.chapter("What cannot be", "One sentence, and nothing is changed.")
    for text in IMPOSSIBLE:
        await walk.types(ALICE, text)


async def _rejected(walk: Walk) -> None:
    walk.chapter("A plan that is rejected", "The card is for everybody; who may not decide is told why.")
    card = await walk.asks(ALICE, 'web01,“web 09” from HV01 to HV02 path D:\\VMs reason "new disks"')
    await walk.clicks(ALICE, card, "migrate_approve", "Approve")
    await walk.clicks(MALLORY, card, "migrate_approve", "Approve")
    await walk.clicks(MALLORY, card, "migrate_reject", "Reject")
    bob = walk.slack.person(BOB)
    await bob.click(card, "migrate_reject")
    await walk.here.until(lambda: bob.view)
    walk.reads(bob.reads_form(), "Bob presses **Reject**")
    await bob.submit({"reason": "Not during the backup, please"})
    walk.sees(ALICE, await walk.here.replied(card, "rejected J1"), "In the thread")
    await walk.here.shows(card, "Rejected by")
    walk.sees(ALICE, card, "The card")
    await walk.clicks(BOB, card, "migrate_approve", "Approve, on a screen that is behind", version=0)


async def _changed(walk: Walk) -> None:
    walk.chapter("A plan that is changed", "Who asked and approvers may change it; then it needs approval anew.")
    card = await walk.asks(ALICE, "web01,web02 from HV01 to HV02")
    await walk.clicks(MALLORY, card, "migrate_edit", "Change")
    bob = walk.slack.person(BOB)
    await bob.click(card, "migrate_edit")
    await walk.here.until(lambda: bob.view)
    walk.reads(bob.reads_form(), "Bob presses **Change**")
    bob.fill("migrate_edit_vms", await bob.suggest("migrate_edit_vms", "web02"))
    bob.fill("migrate_edit_to", "-")
    await bob.submit()
    await walk.here.until(lambda: bob.view and "Looking" not in str(bob.view.definition))
    walk.reads(bob.reads_form(), "Bob chooses web02, **Leave out of this job**, and **Change the plan**")
    walk.sees(ALICE, await walk.here.replied(card, "changed the plan"), "In the thread")
    await walk.here.shows(card, "left out")
    walk.sees(ALICE, card, "The card")
    await walk.clicks(BOB, card, "migrate_approve", "Approve, on a screen that is behind", version=0)


async def _done(walk: Walk) -> None:
    walk.chapter("A plan that is carried out", "Approved, moved, told, looked back at, and planned back.")
    card = await walk.here.ask("web02 from HV01 to HV02")
    await walk.slack.person(BOB).click(card, "migrate_approve")
    walk.sees(ALICE, await walk.here.replied(card, "approved J2"), "Bob approves J2. In the thread")
    walk.sees(ALICE, await walk.here.replied(card, "J2 is over"), "At the end")
    await walk.here.until(lambda: buttons(card) == set())
    walk.sees(ALICE, card, "The card")
    for text in ("status J2", "where web02", "cancel J2", "pause J2", "retry J2"):
        await walk.types(ALICE, text)
    await walk.asks(ALICE, "back J2")
    await walk.types(ALICE, "cancel J3")


async def _stopped(walk: Walk) -> None:
    walk.chapter("The big red button, and a job that waits", "Everybody may stop; approvers and on-call let it go on.")
    await walk.types(MALLORY, "stop")
    card = await walk.here.ask("web01,db01 from HV01 to HV02")
    await walk.slack.person(BOB).click(card, "migrate_approve")
    await walk.here.shows(card, "*Stopped* by")
    await walk.here.shows(card, "`db01`: all starts are stopped")  # holds are written one after the other
    walk.sees(ALICE, card, "Alice has asked for J4 and Bob approved it. The card")
    for text in ("status", "status J4", "status db01", "where db01", "handover", "hosts", "jobs"):
        await walk.types(BOB, text)
    await walk.types(BOB, "web01 from HV01 to HV02")
    for text in ("pause J4", "pause J4", "resume J4", "resume J4"):
        await walk.types(BOB, text)
    for text in ("cancel J4", "pause J4", "resume", "stop"):
        await walk.types(MALLORY, text)
    await walk.types(ALICE, "cancel J4 web99")
    await walk.types(ALICE, "cancel J4 web01")
    await walk.here.replied(card, "`web01` is cancelled")
    await walk.types(ALICE, "cancel J4")
    await walk.here.until(lambda: "migrate_retry" in buttons(card))
    walk.sees(ALICE, card, "The card")
    await walk.types(ALICE, "history J4")
    await walk.asks(ALICE, "retry J4")
    await walk.types(DAVE, "resume")
    await walk.types(DAVE, "resume")


async def _failed(walk: Walk) -> None:
    walk.chapter("A move that fails for good", "On-call is mentioned once, and somebody takes it.")
    walk.here.world.order(MoveFault(vm=WEB01, kind=MoveFaultKind.FAIL, times=None))
    card = await walk.here.ask("web01 from HV01 to HV02 attempts 1")
    await walk.slack.person(BOB).click(card, "migrate_approve")
    page = await walk.here.replied(card, "<!subteam^S0ONCALL> *❌ `web01` failed*")
    walk.sees(DAVE, page, "In the thread, and in the channel")
    walk.sees(ALICE, await walk.here.replied(card, "is over"), "At the end")
    await walk.clicks(MALLORY, page, "migrate_ack", "Acknowledge")
    await walk.slack.person(DAVE).click(page, "migrate_ack")
    await walk.here.shows(page, "takes care of it")
    walk.sees(DAVE, page, "Dave presses **Acknowledge**. The page")
    await walk.clicks(BOB, page, "migrate_ack", "Acknowledge, on a screen that is behind", version=0)
    await walk.types(DAVE, "handover")


async def _stuck(walk: Walk) -> None:
    walk.chapter("A move that stands still", "The thread asks what to do; no answer means wait.")
    card, asked = await walk.here.asked_about("db01")
    walk.sees(ALICE, asked, "In the thread")
    await walk.clicks(MALLORY, asked, "migrate_stuck_cancel", "Cancel move")
    await walk.slack.person(DAVE).click(asked, "migrate_stuck_cancel")
    await walk.here.shows(asked, "decided to cancel")
    walk.sees(ALICE, asked, "Dave presses **Cancel move**. The question")
    await walk.clicks(BOB, asked, "migrate_stuck_wait", "Wait, on a screen that is behind", version=0)
    walk.sees(ALICE, await walk.here.replied(card, "`db01` is cancelled"), "In the thread")


def _three_hosts() -> Fleet:
    """Another fleet: the second host has other processors, which one VM cannot do with."""
    described = fleet()
    second = replace(described.hosts[1], processor_family="amd")
    third = replace(described.hosts[1], name="HV03")
    vms = tuple(replace(one, is_processor_compatible=one.name != "web01") for one in described.vms)
    return replace(described, hosts=(described.hosts[0], second, third), vms=vms)


async def _checked(walk: Walk) -> None:
    walk.chapter(
        "A plan that its hosts are asked about",
        "Before anybody can approve, each destination says whether it can take the VMs. Nothing is changed by that.",
    )
    gate = walk.here.gateway.gates[VmId(DB01)] = asyncio.Event()
    walk.here.gateway.without_functions.add("HV03")
    card = await walk.asks(ALICE, "web01,web02,db01,“web 09” from HV01 to HV02,HV03")
    await walk.here.shows(card, "they have checked 3 of 4")
    walk.sees(ALICE, card, "The card, a moment later")
    await walk.types(BOB, "jobs")
    gate.set()
    walk.sees(ALICE, await walk.here.replied(card, "were asked about 4 VMs"), "In the thread")
    await walk.here.until(lambda: "migrate_approve" in buttons(card))
    walk.sees(ALICE, card, "The card")
    await walk.types(ALICE, "cancel J1")


async def _backups(walk: Walk) -> None:
    walk.chapter(
        "A VM whose backup is about to come",
        "The bot has seen it in backup on six nights. It waits for the next one; who says ignore-backups has it moved.",
    )
    async for _ in walk.here.looking():
        if walk.here.bot.engine.queries.inventory(HostName("HV01")):
            break
    await walk.types(ALICE, "where web01")
    card = await walk.here.ask("web01 from HV01 to HV02")
    await walk.slack.person(BOB).click(card, "migrate_approve")
    walk.sees(ALICE, await walk.here.replied(card, "waits for its"), "Bob approves J1. In the thread")
    await walk.here.shows(card, "ordered around backups")
    walk.sees(ALICE, card, "The card")
    await walk.types(ALICE, "cancel J1")
    await walk.here.until(lambda: "migrate_retry" in buttons(card))
    await walk.asks(ALICE, "web01 from HV01 to HV02 ignore-backups")


async def _past_backups(folder: Path) -> None:
    """Let an earlier bot have seen web01 in backup at this time of the day."""
    now, look = datetime.now(UTC), timedelta(seconds=30)
    host = HostName("HV01")
    runs = [
        BackupRun(
            vm_id=VmId(WEB01),
            host=host,
            started_after=began - look,
            started_at=began,
            ended_after=began + timedelta(minutes=39),
            ended_at=began + timedelta(minutes=40),
        )
        for began in (now - timedelta(days=day) for day in range(1, 7))
    ]
    store = SqlStore(database_url(folder / "bot.db"))
    await store.open()
    await store.note_backups(runs, [HostWatch(host, now - timedelta(days=8), now)])
    await store.close()


async def _on_a_link(walk: Walk) -> None:
    walk.chapter(
        "A link that carries one move", "HV01 is behind the uplink `rack-a`; both hosts would allow two moves at once."
    )
    walk.here.world.order(MoveFault(vm=WEB01, kind=MoveFaultKind.STALL, at_percent=60))
    card = await walk.here.ask("web01,web02,db01 from HV01 to HV02")
    await walk.slack.person(BOB).click(card, "migrate_approve")
    await walk.here.shows(card, "waits for link rack-a (1 of 1 moves)")
    await walk.here.shows(card, "60 %")
    walk.sees(ALICE, card, "Alice asked for three VMs and Bob approved. The card")
    for text in ("hosts", "where db01"):
        await walk.types(ALICE, text)


async def _looked_back(walk: Walk) -> None:
    walk.chapter(
        "A month looked back at", "What was slow, who failed and why, what was waited for; few moves rank nothing."
    )
    for text in ("insights", "insights last 5 days", "insights 36h"):
        await walk.types(ALICE, text)


async def _in_tables(walk: Walk) -> None:
    walk.chapter("Tables, where they are switched on", "A form takes none, so it offers a message.")
    ages = walk.here.bot.engine.queries.snapshot_ages_s
    await eventually(lambda: all(age is not None for age in ages().values()))
    for text in ("hosts", "insights"):
        await walk.types(ALICE, text)
    card = await walk.here.ask("many0*,many10,many11,many12,many13 from HV01 to HV02")
    bob = walk.slack.person(BOB)
    await bob.click(card, "migrate_all")
    await walk.here.until(lambda: bob.view)
    walk.reads(bob.reads_form(), "Alice asked for thirteen VMs. Bob presses **Show all**")
    before = len(bob.sees(CHANNEL))
    await bob.press("migrate_all_table")
    await walk.here.until(lambda: len(bob.sees(CHANNEL)) > before)
    walk.sees(BOB, bob.sees(CHANNEL)[-1], "Bob presses **As a table** and gets, privately")


async def _owned(walk: Walk) -> None:
    walk.chapter(
        "Whose VM it is",
        "Carol owns two VMs, by their notes. She hears of them, and holds one. The last VM's owner has left.",
    )
    carol, mailbox = walk.slack.person("carol"), walk.slack.workspace.direct_message(["U0CAROL"]).messages

    people = walk.slack.workspace.users
    people["U0DAVE"] = people["U0DAVE"].model_copy(update={"deleted": True})

    async def told(words: str) -> Message:
        return await walk.here.until(lambda: next((m for m in mailbox.values() if words in read(m)), None))

    await walk.types(BOB, "stop")
    card = await walk.here.ask("web01,web02,db01 from HV01 to HV02", ALICE)
    await walk.here.shows(card, "Will be told as owner")
    await walk.here.shows(card, "Nobody is told of `db01`")
    walk.sees(ALICE, card, "Alice types `/migrate web01,web02,db01 from HV01 to HV02`; the card, once owners are known")
    await walk.slack.person(BOB).click(card, "migrate_approve")
    note = await told("going to be moved")
    walk.sees("carol", note, "Carol reads in a direct message")
    await carol.click(note, "migrate_not_now")
    await walk.here.until(lambda: carol.view)
    walk.reads(carol.reads_form(), "Carol presses **Not now**")
    await carol.submit({"vms": ["web02 (HV01 → HV02)"], "words": "month end closing"})
    line = await walk.here.replied(card, "says not now")
    walk.sees(BOB, line, "In the thread")
    await walk.types(BOB, "resume")
    for name in ("web01", "db01"):
        await walk.here.replied(card, f"`{name}` is on")
    await walk.here.shows(card, "2 of 3 moved · 1 waiting")
    await walk.here.shows(card, "its owner says not now: month end closing")
    await walk.here.until(lambda: "🧹" not in read(card))
    walk.sees(ALICE, card, "The card, when the others have moved")
    await walk.types(MALLORY, "resume J1 web02")
    await walk.types(BOB, "resume J1 web02")
    walk.sees("carol", await told("released your VM"), "Carol reads")
    walk.sees("carol", await told("J1 is over for your VMs"), "Carol reads in the end")


async def _told_weekly(walk: Walk) -> None:
    walk.chapter("A week told to the channel", "Once a week, at the time that `[slack] digest` names.")
    digest = await walk.here.until(lambda: next((m for m in walk.here.messages() if "The week from" in read(m)), None))
    walk.sees(ALICE, digest, "In the channel")


def _with_owners() -> Fleet:
    notes = {"web01": "owner: carol@contoso.com", "web02": "owner: <@U0CAROL>", "db01": "owner: U0DAVE"}
    return replace(fleet(), vms=tuple(replace(vm, notes=notes.get(vm.name, "")) for vm in fleet().vms))


VISITS: tuple[tuple[Callable[[Walk], Awaitable[None]], ...], ...] = (
    (_help, _mistakes, _rejected, _done, _stopped),
    (_changed,),
    (_failed,),
    (_stuck,),
    (_checked,),
    (_backups,),
    (_on_a_link,),
    (_owned,),
    (_looked_back,),
    (_told_weekly,),
    (_in_tables,),
)
"""The chapters, each visit with a bot that has seen nothing before."""


async def visit(chapters: Sequence[Callable[[Walk], Awaitable[None]]]) -> list[str]:
    """Walk through some chapters and return what was seen, as lines of the page."""
    migration: dict[str, object] = {"stuck_after": "1s", "assumed_speed_mb_s": 1_000_000}
    hosts: dict[str, object] = {}
    links: dict[str, object] = {}
    described = _with_owners() if _owned in chapters else None
    told: dict[str, object] = {"digest": _MONDAY} if _told_weekly in chapters else {}
    if _in_tables in chapters:
        told, described = {"tables": True}, fleet_with_many()
    if _on_a_link in chapters:
        migration |= {"stuck_after": "10m"}
        links = {"rack-a": {"hosts": ["HV01"], "moves": 1}}
    if _checked in chapters:
        migration |= {"check_timeout": "1m"}
        hosts = {"HV03": {"address": "hv03.contoso.com", "path": "D:\\VMs"}}
        described = _three_hosts()
    access = ANY_NUMBER | ({"owners": "hold"} if _owned in chapters else {})
    if _backups in chapters:
        migration |= {"assumed_speed_mb_s": 110}
    with tempfile.TemporaryDirectory() as folder:
        if {_looked_back, _in_tables} & set(chapters):
            await a_month(Path(folder), datetime.now(UTC))
        elif _told_weekly in chapters:
            monday = parse_weekly(_MONDAY, UTC).last(datetime.now(UTC))
            await a_month(Path(folder), monday, switches={TOLD: (monday - WEEK).isoformat()})
        if _backups in chapters:
            await _past_backups(Path(folder))
        async with (
            SlackLab() as slack,
            Office.open(
                slack,
                slack_settings(slack, migration=migration, hosts=hosts, links=links, access=access, slack=told),
                Path(folder),
                described,
            ) as here,
        ):
            walk = Walk(here, slack)
            for chapter in chapters:
                await chapter(walk)
            assert slack.call_log.violations == [], slack.call_log.violations
            assert slack.call_log.failures == [], slack.call_log.failures
            return walk.lines


async def page() -> str:
    """Walk through everything and return the page."""
    lines = [line for chapters in VISITS for line in await visit(chapters)]
    return "\n".join([_HEAD.rstrip(), *lines, ""])


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(page()))
