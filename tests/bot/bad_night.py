"""Plays a night in which Slack takes nothing, loses the card and closes the channel, and a page falls into each.

``python -m tests.bot.bad_night > docs/generated/bad-night.md``
"""

import asyncio
import logging
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bot.health import ask
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message
from tests.bot.conftest import slack_settings
from tests.bot.test_health_on_lab import free_port
from tests.support.bot_harness import CHANNEL, Office, fleet, read

_TIME = r"(?:[A-Z][a-z]{2} \d{1,2}, \d{4} )?\d{1,2}:\d\d(?: [AP]M)?(?: UTC)?"
_MEASURED = re.compile(_TIME + r"|\d+(?:\.\d+)? (?:s|min|h|[KMGT]?B(?:/s)?)\b")


class Night:
    """The night as it is written down."""

    def __init__(self, here: Office, health: str) -> None:
        self.here = here
        self.health = health
        self.lines: list[str] = []

    def tell(self, *lines: str) -> None:
        self.lines += lines

    async def will_fail(self, vm: str) -> Message:
        """Ask for a move that will fail. Returns its card."""
        vm_id = next(one.id for one in fleet().vms if one.name == vm)
        self.here.world.order(MoveFault(vm=vm_id, kind=MoveFaultKind.FAIL, at_percent=50, text="The disk is broken."))
        return await self.here.ask(f"{vm} from HV01 to HV02 attempts 1")

    async def approve(self, card: Message) -> None:
        await self.here.slack.person("bob").click(card, "migrate_approve")

    async def until(self, seen: Callable[[], object]) -> None:
        async for _ in self.here.looking():
            self.here.bot.engine._outbox.wake()
            if seen():
                return

    def said(self, words: str, channel: str = CHANNEL) -> bool:
        return any(words in read(one) for one in self.here.messages(channel))

    async def quiet(self, *, is_over: bool = True) -> None:
        """Wait until nothing is left to be said, and the card shows it."""
        async for _ in self.here.looking():
            self.here.bot.engine._outbox.wake()
            delivery = await self.here.bot.engine.queries.delivery()
            job = (await self.here.bot.engine.queries.jobs(1))[0].job
            is_shown = job.is_card_final or self._is_archived()
            if not delivery.waiting and (not is_over or (job.state.is_end and is_shown)):
                return

    def _is_archived(self) -> bool:
        return self.here.slack.workspace.channel(CHANNEL).is_archived

    def stands(self, channel: str = CHANNEL) -> list[str]:
        """Read a channel, without files: they come when they are drawn."""
        lines = self.here.slack.transcript(channel).splitlines()
        return [_MEASURED.sub("…", line).rstrip() for line in lines if "📎" not in line]

    def show(self, title: str, channel: str, before: int = 0) -> None:
        """Write down what stands in a channel, without so many lines that stood there before."""
        self.tell("", title, "", "```text", *self.stands(channel)[before:], "```")

    async def nothing_under_way(self) -> None:
        """Wait until no call is on its way to Slack."""
        counts, calls = -1, self.here.slack.call_log.counts
        async for _ in self.here.looking():
            if calls.total() == counts:
                return
            counts = calls.total()
            await asyncio.sleep(0.3)


@asynccontextmanager
async def night(folder: Path) -> AsyncIterator[Night]:
    address = f"127.0.0.1:{free_port()}"
    async with SlackLab() as slack:
        settings = slack_settings(slack, slack={"health": address})
        async with Office.open(slack, settings, folder) as here:
            yield Night(here, address)


async def token_revoked(night: Night) -> None:
    """For ten minutes Slack takes nothing."""
    here = night.here
    card = await night.will_fail("web01")
    await night.quiet(is_over=False)
    trouble = here.slack.faults.refuse("token_revoked")
    await night.approve(card)
    async for _ in here.looking():
        is_well, told = await ask(night.health)
        if not is_well and "takes nothing" in told:
            break
    async for _ in here.looking():
        if (await here.bot.engine.queries.jobs(1))[0].job.state.is_end:
            break
    here.clock.ahead += timedelta(minutes=10)
    await night.nothing_under_way()
    lines = len([one for one in here.messages() if one.is_reply])
    night.tell("", "`migrate-bot health` meanwhile, with the page and all else kept, and nothing said:", "")
    night.tell("```text", told, f"lines below the card: {lines}", "```")
    here.slack.faults.end(trouble)
    here.clock.ahead += timedelta(minutes=2)
    await night.quiet()
    assert night.said("web01")
    night.show("Ten minutes later somebody installs the app again; pages come first:", CHANNEL)
    assert card.blocks


async def card_deleted(night: Night) -> None:
    """Somebody deletes the card of a job that runs."""
    here = night.here
    before = len(night.stands())
    card = await night.will_fail("web02")
    await night.approve(card)
    await here.replied(card, "is moving")
    # An edit of the card would find it gone as well; here it is the page that does.
    edits = here.slack.faults.refuse("service_unavailable", "chat.update")
    here.slack.workspace.delete(here.slack.workspace.channel(CHANNEL), card)
    await night.until(lambda: night.said("Somebody deleted the card of J2"))
    here.slack.faults.end(edits)
    await night.quiet()
    night.show("The channel afterwards:", CHANNEL, before)


async def channel_archived(night: Night) -> None:
    """The channel is archived while a VM fails, and opened again."""
    here = night.here
    card = await night.will_fail("db01")
    await night.approve(card)
    await here.replied(card, "is moving")
    channel = here.slack.workspace.channel(CHANNEL)
    here.slack.workspace.change_channel(channel.id, is_archived=True)
    dave = here.slack.workspace.direct_message(["U0DAVE"])
    alice = here.slack.workspace.direct_message(["U0ALICE"])
    await night.until(lambda: any("db01" in read(one) for one in dave.messages.values()))
    await night.quiet()
    night.show("What dave, who is on call, is written to directly:", dave.id)
    night.show("What alice, who asked, is written to directly:", alice.id)
    here.slack.workspace.change_channel(channel.id, is_archived=False)
    async for _ in here.looking():
        here.bot.engine._cards.wake((await here.bot.engine.queries.jobs(1))[0].job.id)
        if "migrate_cancel" not in str(card.blocks):
            break
    night.tell("", "The card, once the channel is open again:", "", "```text", card.text, "```")


_HEAD = """# A bad night

Three moves fail in one night, each while Slack is at its worst: the token is revoked for ten minutes, somebody deletes
the card, the channel is archived. Each of the three pages reaches somebody, nothing is lost, and nothing is said twice.
Played against [the lab](../guide/lab.md)'s Slack and written by `python -m tests.bot.bad_night`; a test plays it and
compares. [What Slack refuses, and what people see](slack-errors.md) has every code. Times, sizes and speeds stand as
`…`. What is broadcast stands in the thread and in the channel.
"""

_ACTS = (
    ("The token is revoked for ten minutes", token_revoked),
    ("Somebody deletes the card", card_deleted),
    ("The channel is archived", channel_archived),
)


async def page(folder: Path) -> str:
    """Play the night and return the page."""
    async with night(folder) as played:
        for title, act in _ACTS:
            played.tell("", f"## {title}")
            await act(played)
        return "\n".join([_HEAD.rstrip(), *played.lines, ""])


def main() -> None:
    """Write the page."""
    logging.disable()
    for name in [one for one in os.environ if one.lower() in {"http_proxy", "https_proxy"}]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(asyncio.run(page(Path(folder))))


if __name__ == "__main__":
    main()
