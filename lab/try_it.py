"""``migrate-bot try``: simulated hosts, a simulated Slack and the bot, to be used in a browser, until Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from bot.commands.vocabulary import KEYWORDS, OPTIONS, VERBS
from lab.bot_switch import BotSwitch
from lab.hyperv.world.fleet import Fleet, load_fleet
from lab.hyperv.world.strict import BadDescription
from lab.process import BotProcess
from lab.site import Site, site

FLEET = Path(__file__).parent / "fleets" / "try.toml"
SPEED = 20.0
_NETWORK_MB_S = 1000
SETTINGS: dict[str, dict[str, object]] = {
    "migration": {
        # Real time, while the lab runs faster.
        "poll_busy": "1s",
        "poll_idle": "2s",
        "confirm_start": "15s",
        "retry_delay": "5s",
        "stuck_after": "20s",
    },
    "winrm": {"operation_timeout": "10s"},
}
_WORDS = {"verbs": VERBS, "keywords": KEYWORDS, "options": [f"{one}=" for one in OPTIONS]}


def main(argv: Sequence[str]) -> int:
    """Run it until Ctrl-C. Returns the process's exit code."""
    parser = page_parser("migrate-bot try", __doc__)
    parser.add_argument("--fleet", type=Path, default=FLEET, help="the fleet, in TOML")
    parser.add_argument("--speed", type=float, default=SPEED, help=f"lab seconds per real second (default {SPEED:g})")
    args = parser.parse_args(argv)
    try:
        fleet = load_fleet(args.fleet)
    except BadDescription as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line talks)
        return 2
    return asyncio.run(_serve(args, fleet))


def page_parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows what every command with a page understands."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--no-browser", action="store_true", help="print the address, open no browser")
    parser.add_argument("--port", type=int, default=0, help="port of the page (default: any)")
    return parser


async def _serve(args: argparse.Namespace, fleet: Fleet) -> int:
    stopped = ended_by_signal()
    with tempfile.TemporaryDirectory(prefix="migrate-bot-try-") as folder:
        async with tried(fleet, Path(folder), speed=args.speed, port=args.port) as (here, _):
            print(describe(here), flush=True)  # noqa: T201 (a command line talks)
            if not args.no_browser:
                await open_page(f"{here.slack.base_url}/")
            await stopped.wait()
    return os.EX_OK


def ended_by_signal() -> asyncio.Event:
    """Return what is set when somebody presses Ctrl-C, or ends the process kindly."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def open_page(address: str) -> None:
    """Open a page in a browser, where one would be seen."""
    if has_screen(os.environ, sys.platform):
        await asyncio.to_thread(webbrowser.open, address)


@asynccontextmanager
async def tried(
    fleet: Fleet,
    folder: Path,
    *,
    speed: float = SPEED,
    port: int = 0,
    parts: Mapping[str, web.Application] | None = None,
    **migration: object,
) -> AsyncIterator[tuple[Site, BotProcess]]:
    """Start all of it: hosts, workspace with its page, and the bot, which the page can kill and start again.

    ``parts`` is what else is served; ``migration`` are settings of that section. What a network of the lab moves in a
    real second is said to the bot, which would otherwise expect each move to take as long as it does on real hosts.
    """
    switch = BotSwitch(_WORDS)
    expected = {"assumed_speed_mb_s": int(_NETWORK_MB_S * speed)}
    settings = SETTINGS | {"migration": SETTINGS["migration"] | expected | migration}
    async with (
        site(
            fleet, folder, speed=speed, settings=settings, slack_port=port, parts={"bot": switch.app, **(parts or {})}
        ) as here,
        BotProcess(here, folder / "bot.log") as process,
    ):
        switch.process = process
        yield here, process


def describe(here: Site) -> str:
    """Say where it is, and who is who."""
    return "\n".join(
        (
            f"migrate-bot is at  {here.slack.base_url}/",
            "",
            f"alice asks: {here.slack.base_url}/?as=alice",
            f"bob approves, in a second window: {here.slack.base_url}/?as=bob",
            "Type  /migrate web01 from HV01 to HV02  or  /migrate help",
            "",
            "Hosts and Slack are simulated; nothing leaves this machine. Ctrl-C ends all of it.",
        )
    )


def has_screen(environment: "os._Environ[str] | dict[str, str]", platform: str) -> bool:
    """Whether a browser that is opened here would be seen: not over SSH, not on a machine without a display."""
    if environment.get("SSH_CONNECTION"):
        return False
    return platform in {"darwin", "win32"} or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
