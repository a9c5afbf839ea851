"""Takes the lead from a bot in every way there is, in one migration, and writes down what happened when.

``python -m tests.takeover.transcript > docs/generated/takeover.md``
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.support.databases import drop_databases, on_server, postgresql_url
from tests.support.engine_harness import numbered
from tests.support.full_system import fleet
from tests.takeover.network import stretch
from tests.takeover.pair import Duo, Pair, pair

_LOOK_AGAIN_S = 0.02
_HEAD = """# A takeover

Two bots, each a process of its own, on one PostgreSQL, in front of [the lab](../guide/lab.md)'s hosts and Slack. Four
VMs are asked for and approved; two of them move, and go on moving while the lead is taken from one bot after another.
At the end every VM has moved once, no host ran more than it allows, and no notice was said twice; the run fails
otherwise. This page is written by `python -m tests.takeover.transcript`.

Seconds since it happened, on a machine of {cores} cores with a load of {load:.0f}, with PostgreSQL {version}:

| The leader … | the other one leads | it is connected to Slack |
|---|---|---|"""


class Story:
    """The four takeovers, with the times of each, and all that was seen meanwhile."""

    def __init__(self, place: Pair) -> None:
        self.place = place
        self.rows: list[str] = []
        self.lines: list[str] = []
        self._since = time.monotonic()
        self._known = len(place.thread())

    def note(self, who: str, words: str) -> None:
        """Write down what happened now."""
        self.lines.append(f"{time.monotonic() - self._since:6.1f} s  {who:8}{words}")

    async def watch(self) -> None:
        """Write down each line of the thread as it appears."""
        while True:
            thread = self.place.thread()
            for line in thread[self._known :]:
                self.note("Slack", line)
            self._known = len(thread)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def take(self, leader: Duo, title: str, happens: Callable[[], Awaitable[object]]) -> None:
        """Let something happen to the leader, and wait until the other one leads and hears of Slack."""
        other = next(duo for duo in (self.place.first, self.place.second) if duo is not leader)
        sockets = self.place.here.slack.sockets
        before, since = {id(one) for one in sockets.connections}, time.monotonic()
        self.note(leader.name, title)
        await happens()
        leads_s = await other.is_in("leader") - since
        self.note(other.name, "leads")
        await self.place.wait_for(lambda: any(id(one) not in before for one in sockets.connections))
        self.rows.append(f"| {title} | {leads_s:.1f} | {time.monotonic() - since:.1f} |")

    async def back(self, duo: Duo, *, is_gone: bool) -> None:
        """Let a bot that was the leader come back: it stands by."""
        if is_gone:
            await duo.process.ended()
            await duo.process.start()
        await duo.is_in("standby")
        self.note(duo.name, "stands by")


async def _play(story: Story, network: asyncio.Event) -> None:
    first, second = story.place.first, story.place.second
    watching = asyncio.create_task(story.watch())

    async def send(duo: Duo, number: signal.Signals) -> None:
        duo.send(number)

    async def cut() -> None:
        network.clear()

    await story.take(first, "is killed (SIGKILL)", first.process.kill)
    await story.back(first, is_gone=True)
    await story.take(second, "is asked to stop (SIGTERM)", lambda: send(second, signal.SIGTERM))
    await story.back(second, is_gone=True)
    await story.take(first, "is frozen (SIGSTOP)", lambda: send(first, signal.SIGSTOP))
    story.note(first.name, "wakes up (SIGCONT)")
    first.send(signal.SIGCONT)
    await story.back(first, is_gone=False)
    await story.take(second, "is asked to stop again", lambda: send(second, signal.SIGTERM))
    await story.back(second, is_gone=True)
    await story.take(first, "is behind a network that swallows everything", cut)
    network.set()
    await story.back(first, is_gone=False)
    await story.place.all_end_well()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def page() -> str:
    """Play it and return the page."""
    with tempfile.TemporaryDirectory() as folder:
        url = postgresql_url(Path(folder))
        described = fleet(*numbered(4, gb=3))
        async with (
            stretch(url) as (network, through),
            pair(Path(folder), described, url, first_url=through) as place,
        ):
            await place.two_are_moving()
            story = Story(place)
            await _play(story, network.is_open)
    version = str(await asyncio.to_thread(on_server, "SHOW server_version")).split()[0]
    head = _HEAD.format(cores=os.cpu_count(), load=os.getloadavg()[0], version=version)
    seen = ["What was seen, from the first of them on:", "", "```text", *story.lines, "```", ""]
    return "\n".join([head, *story.rows, "", *seen])


if __name__ == "__main__":
    try:
        sys.stdout.write(asyncio.run(page()))
    finally:
        drop_databases()
