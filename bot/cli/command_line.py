"""Reads the command line, carries it out and turns what goes wrong into a sentence and an exit code."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.cli import database, orders, reports, running, set_up
from bot.cli.parser import command_parser
from bot.log_setup import start_logging
from bot.messages.visible import visible
from core.config import Settings, load_settings
from core.errors import MigrateBotError, SettingsError

_USAGE_ERROR = 2

Command = Callable[[Settings, argparse.Namespace], Awaitable[int]]
_COMMANDS: Mapping[str, Command] = {
    "run": running.run,
    "check": reports.check_all,
    "endpoint": set_up.endpoint,
    "health": reports.ask_health,
    "jobs": reports.jobs,
    **dict.fromkeys(("stop", "resume", "pause", "cancel"), orders.give),
    "backup": database.write_backup,
    "restore": database.read_backup,
    "restored": database.note_restored,
    "purge": database.remove_old,
}
_WITHOUT_SETTINGS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "init": set_up.init,
    "completion": set_up.completion,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0 when all is well, 1 when something is wrong, 2 when it was told nonsense."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["demo"]:
        from lab.demo import main as demo  # noqa: PLC0415 - only the demo needs the lab

        return demo(arguments[1:])
    if arguments[:1] == ["try"]:
        from lab.try_it import main as try_it  # noqa: PLC0415 - only this command needs the lab

        return try_it(arguments[1:])
    if arguments[:1] == ["drill"]:
        from lab.drill import main as drill  # noqa: PLC0415 - only this command needs the lab

        return drill(arguments[1:])
    if arguments[:1] == ["lab"]:
        from lab.cli import main as lab  # noqa: PLC0415 - only this command needs the lab

        return lab(arguments[1:])
    parser = command_parser()
    options = parser.parse_args(arguments)
    if options.command == "check" and bool(options.vm) is not bool(options.to):
        parser.error("check a VM's move with both: --vm NAME --to HOST")
    try:
        return _carry_out(options)
    except MigrateBotError as error:
        print(visible(error.sentence()), file=sys.stderr)
        return _USAGE_ERROR if isinstance(error, SettingsError) else 1


def _carry_out(options: argparse.Namespace) -> int:
    if options.command in _WITHOUT_SETTINGS:
        return _WITHOUT_SETTINGS[options.command](options)
    settings = load_settings(options.config)
    if options.command == "run":
        form, level = options.log or settings.log.form, options.log_level or settings.log.level
        start_logging(settings, form, level=level, audit_file=settings.audit_file)

    async def work() -> int:
        return await _COMMANDS[options.command](settings, options)

    return asyncio.run(work())
