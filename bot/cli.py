"""The command line: ``migrate-bot init | endpoint | check | run | health | jobs | restored | try | demo | lab``."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from bot import check, export, health
from bot.check_pair import check_pair
from bot.clock import SystemClock
from bot.gc_tuning import spare_what_stays
from bot.log_setup import LEVELS, start_logging
from bot.messages.visible import visible
from bot.slack.credentials import forget_proxy_on_loopback, web_client
from bot.slack.user_groups import UserGroups
from bot.starter_files import write_anew, write_starter_files
from bot.wiring import check_store, endpoint_of, opened_gateway, opened_store, put_back, running
from core.config import Settings, load_settings
from core.domain.model.inventory import CheckLine, HostName
from core.domain.model.job import JobId
from core.errors import MigrateBotError, SettingsError

log = logging.getLogger(__name__)

_USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0 when all is well, 1 when something is wrong, 2 when it was told nonsense."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["demo"]:
        from lab.demo import main as demo  # noqa: PLC0415 - only the demo needs the lab

        return demo(arguments[1:])
    if arguments[:1] == ["lab"]:
        from lab.cli import main as lab  # noqa: PLC0415 - only this command needs the lab

        return lab(arguments[1:])
    if arguments[:1] == ["try"]:
        from lab.try_it import main as try_it  # noqa: PLC0415 - only this command needs the lab

        return try_it(arguments[1:])
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "check" and bool(options.vm) is not bool(options.to):
        parser.error("check a VM's move with both: --vm NAME --to HOST")
    try:
        if options.command == "init":
            print("\n".join(write_starter_files(options.folder)))  # noqa: T201 - a command line talks
            return 0
        return _with_settings(options)
    except SettingsError as error:
        print(visible(error.sentence()), file=sys.stderr)  # noqa: T201 - a command line talks
        return _USAGE_ERROR
    except MigrateBotError as error:
        print(visible(error.sentence()), file=sys.stderr)  # noqa: T201
        return 1


def _with_settings(options: argparse.Namespace) -> int:
    settings = load_settings(options.config)
    if options.command == "run":
        start_logging(settings, options.log, level=options.log_level)
        return asyncio.run(_run(settings))
    if options.command == "check":
        return asyncio.run(_check_pair(settings, options) if options.vm else _check(settings))
    if options.command == "endpoint":
        texts, commands = endpoint_of(settings)
        told = [*write_anew(options.folder, texts), "", "On every host, there:", *commands]
        print("\n".join(told))  # noqa: T201 - a command line talks
        return 0
    if options.command == "health":
        return asyncio.run(_health(settings))
    if options.command == "restored":
        return asyncio.run(_restored(settings))
    return asyncio.run(_jobs(settings, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="migrate-bot", description="Moves VMs between Hyper-V hosts, asked in Slack.")
    version = f"migrate-bot {metadata.version('migrate-bot')}"
    parser.add_argument("--version", action="version", version=version, help="say which version this is")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, default=Path("migrate-bot.toml"), metavar="FILE", help="settings file")
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="write settings, app manifest, systemd unit and endpoint to start from")
    init.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="default: the current folder")
    run = commands.add_parser("run", parents=[shared], help="run the bot")
    run.add_argument("--log", choices=("plain", "json"), default="plain", help="form of the log lines on stderr")
    run.add_argument("--log-level", choices=LEVELS, default="info", help="the least of what is logged (default info)")
    check_ = commands.add_parser("check", parents=[shared], help="is every setting, token, scope, host in order?")
    check_.add_argument("--vm", default="", metavar="NAME", help="check whether this VM could move; needs --to")
    check_.add_argument("--to", default="", metavar="HOST", help="to this host; nothing is moved")
    check_.add_argument("--from", default="", dest="source", metavar="HOST", help="where it is, if the name repeats")
    endpoint = commands.add_parser("endpoint", parents=[shared], help="write the hosts' endpoint from the settings")
    endpoint.add_argument("folder", type=Path, metavar="DIR", help="where to; files it wrote before are written anew")
    commands.add_parser("health", parents=[shared], help="ask a running bot's health address whether all is well")
    commands.add_parser("restored", parents=[shared], help="say that the database was put back from a copy")
    commands.add_parser("try", help="use the bot in a browser, with simulated hosts and a simulated Slack")
    commands.add_parser("demo", help="migrate a dozen VMs between simulated hosts, in a simulated Slack")
    commands.add_parser("lab", help="run the simulated hosts and the simulated Slack")
    jobs = commands.add_parser("jobs", parents=[shared], help="list jobs; show or export one")
    what = jobs.add_subparsers(dest="what")
    show = what.add_parser("show", help="one job and what happened")
    show.add_argument("job")
    export_ = what.add_parser("export", help="every event of a job")
    export_.add_argument("job")
    export_.add_argument("--format", choices=("json", "csv"), default="json")
    return parser


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
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


async def _work(settings: Settings, stop: asyncio.Event, started: asyncio.Event, *, was_on_duty: bool) -> int | None:
    """Run the bot until it is asked to stop. Returns its exit code; None: it lost its database and is to start anew."""
    async with running(settings, was_on_duty=was_on_duty) as bot:
        started.set()
        spare_what_stays()
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


async def _check(settings: Settings) -> int:
    forget_proxy_on_loopback(settings.slack.api_url)
    client = web_client(settings)
    lines: list[CheckLine] = [*check.check_settings(settings), await check_store(settings)]
    lines += [line async for line in check.check_slack(settings, client, UserGroups(client, SystemClock()))]
    async with opened_gateway(settings) as gateway:
        lines += [line async for line in check.check_hosts([HostName(name) for name in settings.hosts], gateway)]
    print(check.table(lines))  # noqa: T201
    return 0 if all(line.ok for line in lines) else 1


async def _check_pair(settings: Settings, options: argparse.Namespace) -> int:
    async with opened_gateway(settings) as gateway:
        lines = [line async for line in check_pair(settings, gateway, options.vm, options.to, options.source)]
    print(check.table(lines))  # noqa: T201
    return 0 if all(line.ok for line in lines) else 1


async def _health(settings: Settings) -> int:
    is_well, told = await health.ask(settings.slack.health)
    print(visible(told))  # noqa: T201
    return 0 if is_well else 1


async def _restored(settings: Settings) -> int:
    await put_back(settings)
    print(  # noqa: T201
        "The database has a new id: buttons of before get an answer instead of acting on the wrong job, and what was "
        "not yet told is told only if Slack does not show it already."
    )
    return 0


async def _jobs(settings: Settings, options: argparse.Namespace) -> int:
    async with opened_store(settings) as store:
        if options.what is None:
            jobs = await store.jobs(limit=1000)
            text = export.job_table([(job, await store.moves(job.id)) for job in jobs])
        else:
            job = await store.job(JobId(options.job))
            moves, events = await store.moves(job.id), await store.events(job.id)
            if options.what == "show":
                text = export.job_page(job, moves, events)
            elif options.format == "csv":
                text = export.as_csv(moves, events)
            else:
                text = export.as_json(job, moves, events)
    print(text.rstrip("\n"))  # noqa: T201
    return 0
