"""Plays one job twice, in a calm Slack and in one at its worst, and shows both threads side by side.

``python -m tests.e2e.rough_night > docs/generated/rough-night.md``
"""

import asyncio
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from lab.process import BotProcess
from lab.site import site
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.rate_limit import Strictness
from tests.support.engine_harness import numbered
from tests.support.full_system import QUICK, SPEED, Town, fleet

Happening = Callable[[Town], Awaitable[None]]
_MEASURED = re.compile(r"<!date[^>]*>|\d+(?:\.\d+)? (?:s|min|h|d|[KMGT]?B(?:/s)?|%)(?= |\b|$)|about |~")
_ADOPTED = "I was restarted"
"""The one thing a restart may say."""
_VM = re.compile(r"`(web\d+)`")


@asynccontextmanager
async def strict_town(folder: Path) -> AsyncIterator[Town]:
    await asyncio.to_thread(folder.mkdir)
    described = fleet(*numbered(4, gb=30))
    async with (
        site(described, folder, speed=SPEED, settings=QUICK, rate_limits=Strictness.STRICT) as here,
        BotProcess(here, folder / "bot.log") as bot,
    ):
        place = Town(here, bot)
        await place.connected()
        yield place


async def thread_of_a_run(folder: Path, happening: Happening) -> list[str]:
    """Play the job and return its thread. Nothing may be said twice, and there is one card."""
    async with strict_town(folder) as place:
        card = await place.proposed("/migrate web* from HV01 to HV02 path D:\\VMs")
        await place.person("bob").click(card, "migrate_approve")
        await happening(place)
        await place.says("is over")
        await place.wait_for(lambda: "migrate_cancel" not in str(card.blocks))
        assert "✅" in str(card.blocks)
        cards = [
            one for one in place.here.slack.workspace.channel("migrations").roots() if one.by_app and not one.is_reply
        ]
        assert len(cards) == 1
        replies = place.here.slack.workspace.channel("migrations").replies(card.ts)
        notices = [str(reply.metadata) for reply in replies if reply.metadata]
        twice = [f"{one.metadata} {one.text}" for one in replies if notices.count(str(one.metadata)) > 1]
        log = await asyncio.to_thread((folder / "bot.log").read_text, encoding="utf-8")
        assert twice == [], log
        return [one.text for one in replies if one.text and _ADOPTED not in one.text]


def told(lines: list[str]) -> list[str]:
    """The lines without what differs from run to run: times, sizes, speeds."""
    return [re.sub(r"…(?: …)+", "…", " ".join(_MEASURED.sub("…", line).split())) for line in lines]


def by_vm(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        for name in _VM.findall(line) or [""]:
            found[name].append(line)
    return found


async def calm(_: Town) -> None:
    """Nothing happens."""


async def storm(place: Town) -> None:
    """Everything Slack can do to a bot, and SIGKILL in the middle."""
    slack = place.here.slack
    for kind in (FaultKind.LOST_REPLY, FaultKind.DONE_BUT_INTERNAL_ERROR, FaultKind.RATE_LIMITED):
        slack.faults.add(kind, "chat.postMessage", times=2)
        slack.faults.add(kind, "chat.update", times=2)
    await place.wait_for(lambda: any("is moving" in line for line in place.thread()))
    slack.sockets.connections[0].abort()
    slack.faults.add(FaultKind.SERVER_ERROR, "chat.postMessage", times=2)
    slack.faults.add(FaultKind.LOST_REPLY, "chat.postMessage", times=1)
    await place.bot.kill()
    await place.bot.start()
    await place.wait_for(lambda: slack.sockets.connections)
    slack.sockets.refresh(slack.sockets.connections[0])
    slack.faults.add(FaultKind.DONE_BUT_INTERNAL_ERROR, "chat.postMessage", times=2)
    slack.faults.add(FaultKind.UNAVAILABLE, "conversations.replies", times=1)
    await place.wait_for(lambda: any("is on" in line for line in place.thread()))
    await place.bot.kill()
    slack.faults.add(FaultKind.LOST_REPLY, "chat.postMessage", times=1)
    await place.bot.start()


_HEAD = """# A rough night

One job, four VMs, played twice against [the lab](../guide/lab.md)'s Slack with its rate limits on. Once nothing
happens. Once replies get lost after Slack has taken the message, Slack answers 429, 500 and 503, the socket is cut off
and later refreshed, and the bot is killed with SIGKILL twice and started again. The lines of the thread are the same
for each VM and in the same order, none is there twice, and there is one card. A test compares them; this page is
written by `python -m tests.e2e.rough_night`.

Times, sizes and speeds stand as `…`. VMs that move side by side may be told in another order. What a restart says of
itself is left out below.
"""


async def page() -> str:
    """Play both and return the page."""
    lines = [_HEAD.rstrip()]
    for title, happening in (("Calm", calm), ("Rough", storm)):
        with tempfile.TemporaryDirectory() as folder:
            thread = told(await thread_of_a_run(Path(folder) / "run", happening))
        lines += ["", f"## {title}", "", "```text", *thread, "```"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(page()))
