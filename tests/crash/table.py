"""Lets the bot die at every crash point and writes ``docs/generated/crash-points.md``.

``python -m tests.crash.table > docs/generated/crash-points.md``
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from tests.crash.coverage_run import Seen, Tour
from tests.crash.points import POINTS, Point
from tests.crash.scenarios import STORIES

AT_ONCE = 4
"""So many bots die side by side: most of the time they wait."""

_HEAD = """# Crash points

The bot is killed with SIGKILL at each of these points, before or after a commit of the store (`store`), a call to a
host (`hosts`) or a message to Slack (`people`), and started again: a real process against [the lab](../guide/lab.md)'s
simulated hosts and its simulated Slack, over real sockets. Then its story must end as it does when nobody dies: every
VM where it should be, the same number of starts on the hosts, no host above a limit, the same folders, the same card,
every line said, none twice. Beside that a restart says of which moves it was restarted in the middle, and a VM that
arrives while nobody watches needs no line that it is moving.

`#2` is the second time the point is passed. *Same* in the last column is compared, not judged. Not compared are times;
whether the picture of the job is in the thread already (it is never there twice); the number of removed folders in a
VM's last line (whoever goes on with a clean-up counts its own; the folders on the host are compared); and the host's
words about an attempt that ended while nobody listened.

This page is written by `python -m tests.crash.table > docs/generated/crash-points.md`, which plays every point;
`pytest tests/crash --all-crash-points` does the same as tests, `make test` plays a handful.
"""


async def _visit(points: Sequence[Point]) -> list[tuple[Point, Seen | str]]:
    """Visit the points, a few at a time, each visitor on a lab of its own."""
    left = deque(enumerate(points))
    found: dict[int, tuple[Point, Seen | str]] = {}

    async def go() -> None:
        async with Tour() as tour:
            while left:
                number, point = left.popleft()
                began = time.monotonic()
                try:
                    seen: Seen | str = await tour.visit(point)
                except (AssertionError, TimeoutError) as error:
                    seen = str(error)
                found[number] = point, seen
                words = f"{len(found)}/{len(points)} {point.story}: {point}: {_result(seen)}"
                words += f" ({time.monotonic() - began:.0f} s)"
                print(words, seen if isinstance(seen, str) else "", file=sys.stderr, flush=True)  # noqa: T201

    await asyncio.gather(*(go() for _ in range(AT_ONCE)))
    return [found[number] for number in range(len(points))]


def _result(seen: Seen | str) -> str:
    if isinstance(seen, str):
        return "**did not end**"
    if seen.differences:
        return f"**{'; '.join(seen.differences)}**"
    starts = sum(count for _, count in seen.ending.starts)
    found = f", {len(seen.ending.adopted)} found under way" if seen.ending.adopted else ""
    return f"Same: {starts} start{'' if starts == 1 else 's'}, {sum(seen.ending.lines.values())} lines{found}."


def _table(found: Sequence[tuple[Point, Seen | str]]) -> list[str]:
    lines = [_HEAD]
    good = sum(1 for _, seen in found if isinstance(seen, Seen) and not seen.differences)
    lines.append(f"Last played on {datetime.now(UTC):%Y-%m-%d}: {good} of {len(found)} points end the same.")
    for story, rows in groupby(found, key=lambda row: row[0].story):
        lines += ["", f"## {story.capitalize()}", "", (STORIES[story].__doc__ or "").strip(), ""]
        lines += ["| the bot dies at | the next start | seen |", "|---|---|---|"]
        lines += [f"| {_name(point)} | {point.meaning} | {_result(seen)} |" for point, seen in rows]
    return lines


def _name(point: Point) -> str:
    name, *rest = str(point).split(", ")
    code, *number = name.split(" ")
    return ", ".join([" ".join([f"`{code}`", *number]), *rest])


def main() -> int:
    order = list(STORIES)
    wanted = [p for p in POINTS if not sys.argv[1:] or any(word in f"{p.story}: {p}" for word in sys.argv[1:])]
    found = asyncio.run(_visit(sorted(wanted, key=lambda point: order.index(point.story))))
    print("\n".join(_table(found)))  # noqa: T201
    return 0 if all(isinstance(seen, Seen) and not seen.differences for _, seen in found) else 1


if __name__ == "__main__":
    sys.exit(main())
