"""Says what the command line understands, in the words that its help and the shells' completion show."""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from bot.log_setup import FORMS, LEVELS
from core.domain.model.durations import parse_duration

_EXAMPLES = """\
examples:
  migrate-bot init                        write the files to start from
  migrate-bot check                       is everything in order?
  migrate-bot run --log json              run the bot
  migrate-bot jobs show J12               what happened to a job
  migrate-bot stop                        start nothing more, also while Slack is down

exit codes:
  0  all is well, or it is done
  1  something is wrong, or it cannot be done
  2  the settings or the command are wrong
"""


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="migrate-bot",
        description="Moves VMs between Hyper-V hosts, asked in Slack.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"migrate-bot {metadata.version('migrate-bot')}"
    parser.add_argument("--version", action="version", version=version, help="say which version this is")
    _settings_file(parser, default=Path("migrate-bot.toml"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _to_set_up(commands)
    _to_run(commands)
    _to_look(commands)
    _to_order(commands)
    _to_look_after(commands)
    _lab(commands)
    return parser


def _settings_file(parser: argparse.ArgumentParser, **default: Any) -> None:
    option = parser.add_argument("--config", type=Path, metavar="FILE", help="settings file", **default)
    option.complete = _FILES  # type: ignore[attr-defined]  # read by shtab


_FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}


def _add(commands: Any, name: str, text: str, *, positional: Sequence[tuple[str, str]] = ()) -> argparse.ArgumentParser:
    """Add a command; ``--config`` is understood before it and behind it."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    _settings_file(parser, default=argparse.SUPPRESS)
    for dest, words in positional:
        parser.add_argument(dest, metavar=dest.upper(), help=words)
    return parser


def _to_set_up(commands: Any) -> None:
    init = _add(commands, "init", "write settings, app manifest, systemd unit and endpoint to start from")
    init.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="default: the current folder")
    completion = _add(commands, "completion", "print what your shell reads to complete this command line")
    completion.add_argument("shell", choices=("bash", "zsh"), help="which shell")
    check = _add(commands, "check", "is every setting, token, scope, host in order?")
    check.add_argument("--vm", default="", metavar="NAME", help="check whether this VM could move; needs --to")
    check.add_argument("--to", default="", metavar="HOST", help="to this host; nothing is moved")
    check.add_argument("--from", default="", dest="source", metavar="HOST", help="where it is, if the name repeats")
    endpoint = _add(commands, "endpoint", "write the hosts' endpoint from the settings")
    endpoint.add_argument("folder", type=Path, metavar="DIR", help="where to; files it wrote before are written anew")


def _to_run(commands: Any) -> None:
    run = _add(commands, "run", "run the bot")
    run.add_argument("--log", choices=FORMS, help="form of the log lines on stderr (default: [log] form)")
    run.add_argument("--log-level", choices=LEVELS, help="the least of what is logged (default: [log] level)")
    _add(commands, "health", "ask a running bot's health address whether all is well")


def _to_look(commands: Any) -> None:
    jobs = _add(commands, "jobs", "list jobs; show or export one")
    what = jobs.add_subparsers(dest="what", metavar="WHAT")
    job = [("job", _JOB)]
    _add(what, "show", "one job and what happened", positional=job)
    export = _add(what, "export", "every event of a job; without one, what insights are made of")
    export.add_argument("job", nargs="?", metavar="JOB", help=f"{_JOB}; none: the past as a whole")
    export.add_argument(
        "--last", type=_duration, default=timedelta(days=30), metavar="TIME", help="default 30d; no job"
    )
    export.add_argument("--format", choices=("json", "csv"), default="json", help="default json")


def _to_order(commands: Any) -> None:
    job = [("job", _JOB)]
    _add(commands, "stop", "start nothing more, in any job; works while Slack is down")
    resume = _add(commands, "resume", "let starts, or one paused job, go on; works while Slack is down")
    resume.add_argument("job", nargs="?", metavar="JOB", help=f"{_JOB}; none: all starts")
    _add(commands, "pause", "start nothing more of a job; works while Slack is down", positional=job)
    cancel = _add(commands, "cancel", "cancel a job or one VM of it; works while Slack is down", positional=job)
    cancel.add_argument("vm", nargs="?", metavar="VM", help="its name or id; none: the whole job")


def _to_look_after(commands: Any) -> None:
    backup = _add(commands, "backup", "copy the database into a file, also while the bot runs")
    backup.add_argument("file", type=Path, metavar="FILE", help="a new file").complete = _FILES  # type: ignore[attr-defined]
    restore = _add(commands, "restore", "put such a copy in the database's place, while no bot runs")
    restore.add_argument("file", type=Path, metavar="FILE", help="the copy").complete = _FILES  # type: ignore[attr-defined]
    _add(commands, "restored", "say that the database was put back from a copy by other means")
    purge = _add(commands, "purge", "remove jobs that ended long ago, while no bot runs; a file keeps their history")
    purge.add_argument("--older-than", type=_duration, required=True, metavar="TIME", help="such as 400d or 12h")


def _duration(text: str) -> timedelta:
    length = parse_duration(text)
    if not length:
        raise ValueError(text)
    return length


_duration.__name__ = "duration"  # what argparse calls it when it cannot be read
_JOB = "its number, such as J12"


def _lab(commands: Any) -> None:
    # They read their own arguments; here they only stand in the list.
    commands.add_parser("try", help="use the bot in a browser, with simulated hosts and a simulated Slack")
    commands.add_parser("drill", help="play a written drill on that page; without a name, list them")
    commands.add_parser("demo", help="migrate a dozen VMs between simulated hosts, in a simulated Slack")
    commands.add_parser("lab", help="run the simulated hosts and the simulated Slack")
