"""``migrate-bot drill NAME``: a written drill on the page of ``migrate-bot try``; without a name, lists them."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from lab.drills.drill import Drill, drill_names, load_drill
from lab.drills.judge import Report
from lab.drills.page import drill_app
from lab.drills.stage import Stage
from lab.hyperv.world.fleet import load_fleet
from lab.hyperv.world.strict import BadDescription
from lab.process import BotProcess
from lab.site import Site
from lab.try_it import ended_by_signal, open_page, page_parser, tried

_FLEETS = Path(__file__).parent / "fleets"


def main(argv: Sequence[str]) -> int:
    """Play a drill until Ctrl-C, or list them. Returns the process's exit code."""
    parser = page_parser("migrate-bot drill", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="which drill; without it, they are listed")
    parser.add_argument("--speed", type=float, help="lab seconds per real second (default: the drill's own)")
    args = parser.parse_args(argv)
    if args.name is None:
        print("\n".join(f"{name:16}{load_drill(name).title}" for name in drill_names()))  # noqa: T201 (a command line talks)
        return os.EX_OK
    try:
        drill = load_drill(args.name)
    except BadDescription as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line talks)
        return 2
    return asyncio.run(_serve(args, drill))


async def _serve(args: argparse.Namespace, drill: Drill) -> int:
    stopped = ended_by_signal()
    with tempfile.TemporaryDirectory(prefix="migrate-bot-drill-") as folder:
        async with drilled(drill, Path(folder), speed=args.speed, port=args.port) as (here, bot, stage):
            address = f"{here.slack.base_url}/drill/"
            print(f"The drill “{drill.title}” is at  {address}\nCtrl-C ends all of it.", flush=True)  # noqa: T201
            if not args.no_browser:
                await open_page(address)
            playing, ending = asyncio.create_task(stage.play(here, bot)), asyncio.create_task(stopped.wait())
            await asyncio.wait({playing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                print(describe(playing.result(), address), flush=True)  # noqa: T201
                await ending
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
    return os.EX_OK


@asynccontextmanager
async def drilled(
    drill: Drill, folder: Path, *, speed: float | None = None, port: int = 0
) -> AsyncIterator[tuple[Site, BotProcess, Stage]]:
    """Start all of it; the stage has not begun to play."""
    stage = Stage(drill)
    fleet = load_fleet(_FLEETS / drill.fleet)
    parts = {"drill": drill_app(stage)}
    async with tried(fleet, folder, speed=speed or drill.speed, port=port, parts=parts) as (here, bot):
        yield here, bot, stage


def describe(report: Report, address: str) -> str:
    """Say how it ended, for a terminal."""
    lines = [f"{report.ended_by} What the team did and what was good is at  {address}", ""]
    lines += [f"{'✓' if one.is_met else '✗'} {one.says}{' ' + one.why if one.why else ''}" for one in report.verdicts]
    lines += [f"✗ {one}" for one in report.harm]
    return "\n".join(lines)
