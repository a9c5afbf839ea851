"""Runs the bot until it is asked to stop, and starts it anew when it lost its database to another one."""

import argparse
import asyncio
import logging
import signal
import sys

from bot.interpreter_tuning import tune_interpreter
from bot.wiring import running
from core.config import Settings

log = logging.getLogger(__name__)


async def run(settings: Settings, _: argparse.Namespace) -> int:
    """Run the bot."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _hung_up, stop)
    was_on_duty = False
    while True:
        started = asyncio.Event()
        work = asyncio.create_task(_work(settings, stop, started, was_on_duty=was_on_duty))
        await _first_of(stop, work)
        if not work.done() and not started.is_set():
            log.info("stopping before I was on duty")
            work.cancel()
            await asyncio.wait({work})
        if work.cancelled():
            return 0
        code = await work
        if code is not None:
            return code
        was_on_duty = True


def _hung_up(stop: asyncio.Event) -> None:
    """Stop when the terminal is gone; without one somebody means a reload, and there is nothing to read again."""
    if sys.stderr.isatty():
        stop.set()
    else:
        log.info("SIGHUP changes nothing: settings are read at the start, the audit log follows its file by itself")


async def _work(settings: Settings, stop: asyncio.Event, started: asyncio.Event, *, was_on_duty: bool) -> int | None:
    """Run the bot until it is asked to stop. Returns its exit code; None: it lost its database and is to start anew."""
    async with running(settings, was_on_duty=was_on_duty) as bot:
        started.set()
        tune_interpreter()
        log.info("running with %s hosts, Slack by %s mode", len(bot.settings.hosts), bot.settings.slack.mode)
        broken = bot.engine.supervisor.broken
        await _first_of(stop, broken, bot.lost)
        log.info("stopping; moves under way go on and are found at the next start")
    if broken.is_set():
        return 1  # a bot without one of its loops is worth nothing; whoever keeps it running starts it anew
    return 0 if stop.is_set() else None


async def _first_of(*events: asyncio.Event | asyncio.Task[int | None]) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events if isinstance(event, asyncio.Event)]
    tasks = [event for event in events if isinstance(event, asyncio.Task)]
    await asyncio.wait([*waits, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
