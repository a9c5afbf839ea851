"""Takes the lead from a bot in every way there is, in mid-migration, and writes down what happened when.

``python -m tests.takeover.transcript > docs/generated/takeover.md``
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.databases import drop_databases, on_server, postgresql_url
from tests.support.engine_harness import numbered
from tests.support.full_system import fleet
from tests.takeover.network import stretch
from tests.takeover.pair import Pair, pair

_LOOK_AGAIN_S = 0.02
_FOUR = fleet(*numbered(4, gb=3))
_HEAD = """# A takeover

Two bots, each a process of its own, on one PostgreSQL, in front of [the lab](../guide/lab.md)'s hosts and Slack. Four
VMs are asked for and approved; two of them move. Then something happens to the leader. In each of these runs every VM
moved once, no host ran more than it allows, and no line was said twice; the run fails otherwise. This page is written
by `python -m tests.takeover.transcript`.

Seconds since it happened, on a machine of {cores} cores that did other things besides, with PostgreSQL {version}:

| The leader … | the other one leads | it is connected to Slack | its first line in the thread |
|---|---|---|---|"""
_KILLED = """
## The leader is killed

What people saw in the card's thread, and what the two bots logged (`first` is the one that was killed with SIGKILL)."""


@dataclass
class Times:
    """What was seen when, in seconds since it happened."""

    leads_s: float = 0.0
    in_slack_s: float = 0.0
    speaks_s: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)


async def _watch(place: Pair, since: float, times: Times) -> None:
    """Write down each line of the thread as it appears."""
    known = len(place.thread())
    while True:
        thread = place.thread()
        for line in thread[known:]:
            times.lines.append((time.monotonic() - since, line))
        known = len(thread)
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _take(place: Pair, happens: Callable[[Pair], Awaitable[None]]) -> Times:
    await place.two_are_moving()
    times, before = Times(), {id(one) for one in place.here.slack.sockets.connections}
    since = time.monotonic()
    watching = asyncio.create_task(_watch(place, since, times))
    await happens(place)
    times.leads_s = await place.second.is_in("leader") - since
    await place.wait_for(lambda: any(id(one) not in before for one in place.here.slack.sockets.connections))
    times.in_slack_s = time.monotonic() - since
    await place.all_end_well()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    times.speaks_s = times.lines[0][0]
    return times


async def _killed(place: Pair) -> None:
    await place.first.process.kill()


async def _asked(place: Pair) -> None:
    place.first.send(signal.SIGTERM)


async def _frozen(place: Pair) -> None:
    place.first.send(signal.SIGSTOP)


async def _wakes(place: Pair) -> None:
    place.first.send(signal.SIGSTOP)
    await place.second.is_in("leader")
    place.first.send(signal.SIGCONT)
    await place.first.is_in("standby")


async def _run(folder: Path, happens: Callable[[Pair], Awaitable[None]]) -> tuple[Times, str]:
    await asyncio.to_thread(folder.mkdir)
    async with pair(folder, _FOUR, postgresql_url(folder)) as place:
        times = await _take(place, happens)
        logs = await asyncio.to_thread(lambda: _logged(place))
    return times, logs


async def _behind_a_dead_network(folder: Path) -> Times:
    await asyncio.to_thread(folder.mkdir)
    url = postgresql_url(folder)
    async with stretch(url) as (network, through), pair(folder, _FOUR, url, first_url=through) as place:

        async def cut(_: Pair) -> None:
            network.is_open.clear()

        return await _take(place, cut)


def _logged(place: Pair) -> str:
    lines = [
        f"{line[11:23]} {duo.name:6} {line.partition(' ')[2].partition(' ')[2].strip()}"
        for duo in (place.first, place.second)
        for line in duo.log().splitlines()
        if line[:2] == "20"
    ]
    return "\n".join(sorted(lines))


async def page() -> str:
    """Play all of it and return the page."""
    rows: list[tuple[str, Times]] = []
    logs = ""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, (title, happens) in enumerate(
            (
                ("is killed (SIGKILL)", _killed),
                ("is asked to stop (SIGTERM)", _asked),
                ("is frozen (SIGSTOP)", _frozen),
            )
        ):
            times, told = await _run(folder / str(number), happens)
            rows.append((title, times))
            logs = logs or told
        times = await _behind_a_dead_network(folder / "network")
        rows.append(("is cut off from the database by a network that swallows everything", times))
    version = str(await asyncio.to_thread(on_server, "SHOW server_version")).split()[0]
    table = [f"| {title} | {seen.leads_s:.1f} | {seen.in_slack_s:.1f} | {seen.speaks_s:.1f} |" for title, seen in rows]
    thread = [f"+{at:5.1f} s  {line}" for at, line in rows[0][1].lines]
    head = _HEAD.format(cores=os.cpu_count(), version=version)
    return "\n".join([head, *table, _KILLED, "", "```text", *thread, "```", "", "```text", logs, "```", ""])


if __name__ == "__main__":
    try:
        sys.stdout.write(asyncio.run(page()))
    finally:
        drop_databases()
