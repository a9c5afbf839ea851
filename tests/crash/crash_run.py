"""A lab on which one bot after another dies: plays a story with a death in it, and looks at what came of it."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.hyperv.world.world import World
from lab.process import BotProcess
from lab.site import site
from lab.slack.workspace.messages import Message
from tests.crash.bot_that_dies import ORDER, PASSED
from tests.crash.final_state import Ending, plain, texts
from tests.crash.points import Meanwhile, Point, Story, When
from tests.support.databases import database_url, read, store_section
from tests.support.engine_harness import vm
from tests.support.eventually import PATIENCE_S
from tests.support.full_system import CHANNEL, SPEED, Town, fleet

if TYPE_CHECKING:
    from lab.hyperv.remoting.shells import Shell, Shells

SOURCE, DESTINATION, OTHER, FOLDER = "HV01", "HV02", "HV03", "D:\\VMs"
WELL = {"migration_enabled": True, "processor_family": "intel"}
SETTINGS: dict[str, dict[str, object]] = {
    "migration": {
        "poll_busy": "300ms",
        "poll_idle": "1s",
        "confirm_start": "6s",
        "retry_delay": "500ms",
        "replan_after": "1s",
    },
    "slack": {"oncall": ["S0ONCALL", "U0BOB"]},
    "winrm": {"operation_timeout": "4s"},
}
_FULL, _CRAWL = 100 << 20, 1
_HOSTS_FORGET_S = 400.0
_LOOK_AGAIN_S = 0.05


@dataclass
class _Before:
    """Where the lab's books stood when the story began."""

    starts: int
    violations: int
    calls: int
    failures: int
    cards: frozenset[str]


class Place(Town):
    """A town whose bot dies when it is told to, and is started again at once."""

    def __init__(self, town: Town, folder: Path) -> None:
        super().__init__(town.here, town.bot)
        self.folder = folder
        self.deaths = 0
        self._point: Point | None = None
        self._is_lost = False
        self._revived = asyncio.Event()
        self._round = 0
        self._cards: frozenset[str] = frozenset()
        self._names: list[str] = []
        self._widowed: list[tuple[Shells, Shell]] = []

    @property
    def world(self) -> World:
        return self.here.hosts.world

    # ------------------------------------------------------------------ what stories do

    def card(self) -> Message | None:
        """Return this story's card."""
        return next((card for card in self._all_cards() if card.ts not in self._cards), None)

    def thread(self) -> list[str]:
        """Return the lines of the thread; files in it are a courtesy nobody waits for."""
        card = self.card()
        replies = self.here.slack.workspace.channel(CHANNEL).replies(card.ts) if card is not None else ()
        return [message.text for message in replies if not message.files]

    def direct(self, who: str = "U0CAROL") -> list[Message]:
        """Return what this story's job was told of to one person directly."""
        card = self.card()
        job = (card.metadata or {})["event_payload"]["job"] if card is not None else None
        messages = self.here.slack.workspace.direct_message([who]).messages.values()
        return [one for one in messages if job and ((one.metadata or {}).get("event_payload") or {}).get("job") == job]

    def job_id(self) -> str:
        """Return the id people know this story's job by."""
        card = self.card()
        assert card is not None
        return str((card.metadata or {})["event_payload"]["job"])

    def is_anything_moving(self) -> bool:
        return any(not migration.is_done for migration in self.world.migrations())

    def vm_id(self, number: int) -> Any:
        return vm(100 * self._round + number, "").id

    def put_vms(self, count: int, *, gb: int = 2, **changes: Any) -> None:
        """Put fresh VMs on the source, and take away those of the story before."""
        for name in (SOURCE, DESTINATION, OTHER):
            self.world.change_host(name, WELL)
            for old in self.world.vms(name):
                self.world.remove_vm(name, old.id)
            for entry in reversed(self.world.all_entries(name)):
                if not entry.path.startswith(f"{FOLDER}\\"):
                    continue
                if entry.is_folder:
                    self.world.delete_folder(name, entry.path, "")
                else:
                    self.world.remove_file(name, entry.path)
        self.here.hosts.pace.jump(_HOSTS_FORGET_S)
        # Hosts keep the sessions of a dead bot for a quarter of an hour; so many bots do not die in that time.
        for shells, shell in self._widowed:
            shells.remove(shell)
        self._widowed.clear()
        self._names = [f"web{n:02d}" for n in range(1, count + 1)]
        for number, name in enumerate(self._names, 1):
            self.world.create_vm(vm(100 * self._round + number, name, gb=gb, **changes))

    async def want(self, action: Callable[[], Awaitable[object]], is_heard: Callable[[], object]) -> None:
        """Do what a person does until it shows; do it again when the bot dies before it has written it down."""
        await action()
        if self._is_lost:
            await self._heard_or_revived(is_heard)
            if self._revived.is_set():
                self._is_lost = False
                await action()
        await self.wait_for(is_heard)

    async def command(self, who: str, text: str, answer: str) -> None:
        """Type a command and wait for its private answer, which a bot that dies may owe."""
        person = self.person(who)
        before = len(person.sees(CHANNEL))
        await self.want(
            lambda: person.slash(CHANNEL, text),
            lambda: self._revived.is_set() or any(answer in message.text for message in person.sees(CHANNEL)[before:]),
        )

    async def ask(self, to: str = DESTINATION) -> Message:
        """Type a command and wait for its card."""
        command = f"/migrate web* from {SOURCE} to {to} path {FOLDER}"
        await self.want(lambda: self.person("alice").slash(CHANNEL, command), self.card)
        if self._point is not None and self._point.is_at_card:
            async with asyncio.timeout(PATIENCE_S):
                await self._revived.wait()
        await self.reached(When.CARD)
        card = self.card()
        assert card is not None
        return card

    async def approve(self, card: Message) -> None:
        await self.want(
            lambda: self.person("bob").click(card, "migrate_approve"),
            lambda: self.is_said("approved"),
        )
        await self.reached(When.APPROVAL)

    async def asked_and_approved(self) -> None:
        await self.approve(await self.ask())

    def is_said(self, words: str) -> bool:
        """Whether the thread has a line with these words."""
        return any(words in line for line in self.thread())

    async def moving(self, count: int = 1) -> None:
        """Wait until so many VMs were seen moving, now or by the bot before."""
        words = ("is moving", "✅")
        await self.wait_for(lambda: sum(any(w in line for w in words) for line in self.thread()) >= count)
        await self.reached(When.MOVING)

    async def reached(self, moment: When) -> None:
        """Tell that a moment has come: from now on passes count, if they should from here."""
        if self._point is not None and self._point.since is moment and not self.deaths:
            self._order(self._point.name, self._point.number)

    def crawl(self) -> None:
        """Let migrations make hardly any progress."""
        self._go_at(_CRAWL)

    def run_fast(self) -> None:
        self._go_at(_FULL)

    # ------------------------------------------------------------------ playing

    async def play(self, story: Callable[["Place"], Awaitable[None]], point: Point | None = None) -> Ending:
        """Play a story to its end with a death at the point, and look at what came of it."""
        self._round += 1
        self._point, self.deaths = point, 0
        self._is_lost = point is not None and point.is_said_again
        self._revived.clear()
        self._cards = frozenset(card.ts for card in self._all_cards())
        slack = self.here.slack.call_log
        before = _Before(
            len(self.world.ledger.starts),
            len(self.world.ledger.violations),
            len(slack.violations),
            len(slack.failures),
            self._cards,
        )
        await self.reached(When.START)
        keeper = asyncio.create_task(self._keep_alive())
        telling = asyncio.create_task(self._tell(story, 0 if point is None else 1 + bool(point.then)))
        try:
            await asyncio.wait({keeper, telling}, return_when=asyncio.FIRST_COMPLETED)
            if keeper.done():
                await keeper
            await telling
        finally:
            for task in (keeper, telling):
                task.cancel()
            await asyncio.gather(keeper, telling, return_exceptions=True)
        return self._ending(before)

    async def _tell(self, story: Callable[["Place"], Awaitable[None]], deaths: int) -> None:
        await story(self)
        async with asyncio.timeout(PATIENCE_S):
            while self.deaths < deaths:
                self._revived.clear()
                await self._revived.wait()
            # The file tells when everything is written down; nobody else would.
            while not self._is_quiet():  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _heard_or_revived(self, is_heard: Callable[[], object]) -> None:
        waiting = {
            asyncio.create_task(self.wait_for(is_heard)),
            asyncio.create_task(self._revived.wait()),
        }
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _keep_alive(self) -> None:
        """Start the bot again whenever it has died."""
        while True:
            code = await self.bot.ended()
            assert code == -signal.SIGKILL, f"the bot ended by itself with {code}"
            self.deaths += 1
            shells = [self.here.hosts.shells(name) for name in self.world.host_names()]
            self._widowed += [(open_ones, shell) for open_ones in shells for shell in open_ones]
            point = self._point
            assert point is not None
            if point.meanwhile is Meanwhile.END:
                self.here.hosts.pace.jump(_HOSTS_FORGET_S)
            else:
                self.crawl()
            if point.then and self.deaths == 1:
                self._order(point.then, 1)
            await self.wait_for(lambda: not self.here.slack.sockets.connections)
            await self.bot.start()
            waiting = asyncio.create_task(self.connected())
            ending = asyncio.create_task(self.bot.ended())
            await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            if waiting.done():
                await waiting
                self.run_fast()
                self._revived.set()
            waiting.cancel()

    def _order(self, point: str, number: int) -> None:
        order = self.folder / "order"
        order.with_suffix(".new").write_text(f"{point} {number}", encoding="utf-8")
        order.with_suffix(".new").rename(order)

    def _go_at(self, bytes_per_s: int) -> None:
        for name in self.world.host_names():
            self.world.change_host(name, {"bandwidth_bytes_per_s": bytes_per_s})

    # ------------------------------------------------------------------ looking

    def passed(self) -> set[str]:
        """Return every point the bot has passed since this was asked last."""
        with (self.folder / "passed").open("r+", encoding="utf-8") as file:
            points = set(file.read().split())
            file.truncate(0)
        return points

    def _all_cards(self) -> list[Message]:
        roots = self.here.slack.workspace.channel(CHANNEL).roots()
        return [message for message in roots if message.by_app and not message.is_reply]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return read(database_url(self.folder / "migrate-bot.db"), query)

    def _is_quiet(self) -> bool:
        """Whether nothing is left to say, to show or to follow."""
        return self._rows(
            "SELECT (SELECT count(*) FROM outbox WHERE outcome IS NULL)"
            " + (SELECT count(*) FROM jobs WHERE NOT is_card_final)"
            " + (SELECT count(*) FROM attempts WHERE ended_at IS NULL)"
        ) == [(0,)]

    def _ending(self, before: _Before) -> Ending:
        card = self.card()
        assert card is not None
        ledger, slack = self.world.ledger, self.here.slack.call_log
        moves = self._rows(
            "SELECT vm_name, state FROM moves WHERE job_id = (SELECT max(id) FROM jobs) ORDER BY vm_name"
        )
        told = self._rows(
            "SELECT kind, vm_name FROM events JOIN moves ON moves.id = events.move_id"
            " WHERE kind IN ('moving', 'adopted') AND moves.job_id = (SELECT max(id) FROM jobs)"
        )
        starts = Counter(start.vm_name for start in ledger.starts[before.starts :] if start.is_accepted)
        complaints = [f"{v.kind}: {v.subject} {v.detail}" for v in ledger.violations[before.violations :]]
        complaints += [f"{s.vm_name} started, {s.refused_for}" for s in ledger.starts[before.starts :] if s.refused_for]
        complaints += [
            f"{host} ran {peak} {kind} migrations at once"
            for (host, kind), peak in ledger.peaks.items()
            if peak > (self.world.host(host).live_limit if kind == "live" else self.world.host(host).storage_limit)
        ]
        complaints += [f"Slack refused {call.method}: {call.error}" for call in slack.violations[before.calls :]]
        complaints += self._said_twice()
        if self._point is None or not self._point.is_by_person:
            complaints += [f"{f.user_id} saw {f.what} fail: {f.error}" for f in slack.failures[before.failures :]]
        return Ending(
            Counter(plain(line) for line in [*self.thread(), *(one.text for one in self.direct())]),
            plain("\n".join([card.text, *texts(card.blocks)])),
            len(self._all_cards()) - len(before.cards),
            tuple(moves),
            tuple((name, self._hosts_of(name)) for name in self._names),
            tuple(sorted(starts.items())),
            tuple(
                plain(e.path) for e in self.world.all_entries(SOURCE) if any(f"\\{n}" in e.path for n in self._names)
            ),
            tuple(complaints),
            frozenset(name for kind, name in told if kind == "moving"),
            frozenset(name for kind, name in told if kind == "adopted"),
        )

    def _hosts_of(self, name: str) -> tuple[str, ...]:
        return tuple(host for host in self.world.host_names() if any(v.name == name for v in self.world.vms(host)))

    def _said_twice(self) -> list[str]:
        """Find messages of one notice, by the ids they carry, and files of one name."""
        counts: Counter[str] = Counter()
        channel = self.here.slack.workspace.channel(CHANNEL)
        for root in self._all_cards():
            told = self.direct() if root is self.card() else []
            for message in (root, *channel.replies(root.ts), *told):
                payload = (message.metadata or {}).get("event_payload") or [file["name"] for file in message.files]
                counts[str(payload) if payload else f"a message without its notice: {message.text}"] += 1
        return [f"said twice: {payload}" for payload, count in counts.items() if count > 1]


@asynccontextmanager
async def place(folder: Path, story: Story) -> AsyncIterator[Place]:
    """Start a lab and a bot that can be told to die, with the settings of a story."""
    migration = SETTINGS["migration"] | {"check_timeout": story.check_timeout}
    settings = SETTINGS | {"migration": migration, "access": {"owners": story.owners}}
    environment = {ORDER: str(folder / "order"), PASSED: str(folder / "passed")}
    async with (
        site(fleet(count=3), folder, speed=SPEED, settings=settings | store_section(folder)) as here,
        BotProcess(here, folder / "bot.log", environment, module="tests.crash.bot_that_dies") as bot,
    ):
        town = Place(Town(here, bot), folder)
        await town.connected()
        yield town
