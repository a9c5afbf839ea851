"""A bot that dies when it is told to: ``migrate-bot run`` with somebody at each of its doors who counts who passes.

The doors are the ports: the store, the hosts, the people. Every writing method of the store, every call to a host and
every message is passed by name, once before and once after, such as ``store.end_attempt[cleaning]:after``. The file
named by ``CRASH_ORDER`` holds the point at which to die, and at which pass; ``CRASH_PASSED`` gets every name passed.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.log_setup import start_logging
from bot.notify import notifier, poster
from bot.wiring import running
from core.config import Settings, load_settings
from core.domain.scheduling.start_permission import STOP
from core.engine.hosts.machines import MACHINES
from core.hyperv import PypsrpGateway
from core.store import SqlStore

ORDER = "CRASH_ORDER"
PASSED = "CRASH_PASSED"

READS = frozenset(
    {
        "open",
        "close",
        "job",
        "jobs",
        "move",
        "moves",
        "moves_to_tidy",
        "moves_towards",
        "attempts",
        "events",
        "switch",
        "speeds",
        "faults_since",
    }
)
"""Methods of the store that change nothing. Every other one is a point to die at."""


class Fuse:
    """Knows the order to die, and carries it out: no farewell, no flush, as a power cut would."""

    def __init__(self, order: Path, passed: Path) -> None:
        self._order = order
        self._passed = passed.open("a", encoding="utf-8", buffering=1)
        self._known = ""
        self._passes = 0

    def passes(self, point: str) -> None:
        """Note that somebody passes this point, and die if it is the one."""
        self._passed.write(f"{point}\n")
        try:
            order = self._order.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        if order != self._known:
            self._known, self._passes = order, 0
        wanted, _, number = order.partition(" ")
        if point != wanted:
            return
        self._passes += 1
        if self._passes == int(number):
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class Door:
    """Anything with async methods; each call passes the fuse before and after."""

    def __init__(self, inner: object, name: str, fuse: Fuse) -> None:
        self._inner = inner
        self._name = name
        self._fuse = fuse

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._inner, method)
        if (self._name == "store" and method in READS) or method == "expect_moves":  # a hint changes nothing
            return call

        async def passed(*args: Any, **kwargs: Any) -> Any:
            if method == "identity" or (method == "set_switch" and args[0] == MACHINES):
                return await call(*args, **kwargs)  # written once, by the first start of all
            point = f"{self._name}.{method}{_detail(method, args)}"
            self._fuse.passes(f"{point}:before")
            result = await call(*args, **kwargs)
            if result or method != "claim_notices":  # an outbox without news is no commit
                self._fuse.passes(f"{point}:after")
            return result

        return passed


class HostsDoor(Door):
    """The door to the hosts: a move also passes when the host has accepted it, which its first percent tells."""

    async def move(self, host: Any, order: Any, on_progress: Callable[[int], None], may_start: Any) -> Any:
        is_accepted = False

        def progress(percent: int) -> None:
            nonlocal is_accepted
            if not is_accepted:
                is_accepted = True
                self._fuse.passes("hosts.move:accepted")
            on_progress(percent)

        self._fuse.passes("hosts.move:before")
        report = await self._inner.move(host, order, progress, may_start)  # type: ignore[attr-defined]
        self._fuse.passes("hosts.move:after")
        return report


def _detail(method: str, args: tuple[Any, ...]) -> str:
    """Tell calls of one method apart by what they are about: the state something goes to, the event told."""
    match method:
        case "set_switch" if args[0] != STOP:
            return f"[{args[0]}]"
        case "add_events":
            return f"[{args[0].kind}]"
        case "change_job" | "change_move":
            return f"[{args[1].state}]"
        case "end_attempt":
            return f"[{args[2].state}]"
        case "tell":
            return f"[{args[0].event.kind}]"
        case "show":
            return f"[{args[0].job.state}]"
        case _:
            return ""


async def _run(settings: Settings, fuse: Fuse) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store: Any = Door(SqlStore(settings.store.url), "store", fuse)
    hosts: Any = HostsDoor(PypsrpGateway(settings), "hosts", fuse)

    def people(inner: object) -> Any:
        return Door(inner, "people", fuse)

    async with running(settings, store=store, gateway=hosts, tell_through=people):
        await stop.wait()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--config", type=Path, required=True)
    settings = load_settings(parser.parse_args().config)
    # The lab's Slack does not count; what is paced here would only make the tests wait.
    poster.POST_GAP_S = 0.0
    notifier.CARD_GAP_S = 0.2
    notifier.EDITS_PER_MINUTE = 6000
    start_logging(settings, "plain")
    fuse = Fuse(Path(os.environ[ORDER]), Path(os.environ[PASSED]))
    with suppress(KeyboardInterrupt):
        return asyncio.run(_run(settings, fuse))
    return 0


if __name__ == "__main__":
    sys.exit(main())
