"""The commands of ``/migrate`` as data, and how each is written down again."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.commands.periods import USUAL, write_period
from bot.commands.tokens import Token
from bot.commands.vocabulary import is_near_reserved
from core.domain.model.job import JobId
from core.domain.model.names import unmarked
from core.domain.model.plan import Options, Request

_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._*?-]*")
_JOB = re.compile(r"#?[jJ]?([0-9]{1,9})")
"""More jobs than there will ever be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrate:
    """The command to move VMs. ``typed_times`` are the words after ``at`` and ``until``, as far as they were typed."""

    vms: tuple[str, ...]
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    path: str = ""
    options: Options = field(default_factory=Options)
    text: str = field(default="", compare=False)
    typed_times: tuple[Token | None, Token | None] = field(default=(None, None), compare=False)

    def request(self, *, requester: str, channel: str) -> Request:
        """Say who asks it, and where."""
        return Request(
            vms=self.vms,
            sources=self.sources,
            destinations=self.destinations,
            requester=requester,
            channel=channel,
            path=self.path,
            options=self.options,
            text=self.text,
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The command to show one job, or the job a VM is in; without either every job that is not over."""

    job: JobId | None = None
    vm: str = ""


@dataclass(frozen=True, slots=True)
class Jobs:
    """The command to list the newest jobs."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The command to list the hosts and their slots."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The command to cancel a job, or one VM of it."""

    job: JobId
    vm: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """The command to start nothing more, in any job."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The command to let a paused job go on, or a VM that its owner holds; without ``job`` to allow starts again."""

    job: JobId | None = None
    vm: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """The command to start nothing more of a job for now."""

    job: JobId


@dataclass(frozen=True, slots=True)
class Back:
    """The command to propose the return trip of what a job moved."""

    job: JobId


@dataclass(frozen=True, slots=True)
class Where:
    """The command to say where a VM is now."""

    vm: str


@dataclass(frozen=True, slots=True)
class Handover:
    """The command to sum up for who comes next."""


@dataclass(frozen=True, slots=True)
class Insights:
    """The command to judge the time until now."""

    period: timedelta = USUAL


@dataclass(frozen=True, slots=True)
class Retry:
    """The command to propose once more what did not get done."""

    job: JobId


@dataclass(frozen=True, slots=True)
class History:
    """The command to show everything that happened to a job."""

    job: JobId


@dataclass(frozen=True, slots=True)
class Help:
    """The command to explain all commands, or one topic."""

    topic: str = ""


Command = (
    Migrate
    | Status
    | Jobs
    | Hosts
    | Where
    | Handover
    | Insights
    | Cancel
    | Pause
    | Resume
    | Stop
    | Retry
    | Back
    | History
    | Help
)


def write(command: Command) -> str:
    """Write a command so that reading it gives the same command."""
    match command:
        case Migrate():
            return _write_migrate(command)
        case Status(vm=vm) | Where(vm) if vm:
            return f"{_verb(command)} {_quote_unlike_job(vm)}"
        case Status(job) | Resume(job):
            return f"{_verb(command)} {job}" if job else _verb(command)
        case Cancel(job, vm):
            return f"cancel {job} {quote(vm)}" if vm else f"cancel {job}"
        case Retry(job) | Back(job) | Pause(job) | History(job):
            return f"{_verb(command)} {job}"
        case Insights(period):
            return f"insights {write_period(period)}"
        case Help(topic):
            return f"help {topic}".strip()
        case _:
            return _verb(command)


def _verb(command: Command) -> str:
    return type(command).__name__.lower()


def _quote_unlike_job(vm: str) -> str:
    """Write a VM's name where a job's could stand."""
    return quote(vm) if read_job_id(vm) is None else f'"{vm}"'


def read_job_id(text: str) -> JobId | None:
    """Read ``J12``, ``j12``, ``#12`` or ``12``."""
    found = _JOB.fullmatch(unmarked(text.strip()))
    return JobId(f"J{int(found[1])}") if found else None


def quote(name: str) -> str:
    """Put a name in quotes when it could be read as something else."""
    if _BARE.fullmatch(name) and not is_near_reserved(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def write_options(options: Options) -> str:
    """Write options as ``name=value``; those left to the settings are left out."""
    parts: list[str] = []
    numbers = (("parallel", options.parallel or None), ("attempts", options.attempts))
    parts += [f"{name}={number}" for name, number in numbers if number is not None]
    if options.backup_wait_s is not None:
        parts.append(f"backup-wait={options.backup_wait_s:.0f}s")
    for name, value in (
        ("subfolder", options.subfolder),
        ("keep-drives", options.keep_drives),
        ("fail-fast", options.fail_fast),
        ("ignore-backups", options.ignore_backups),
    ):
        if value is not None:
            parts.append(f"{name}={'yes' if value else 'no'}")
    if options.apart:
        parts.append(f"apart={','.join(map(quote, options.apart))}")
    if options.start_at is not None:
        parts.append(f"at={_minute(options.start_at)}")
    if options.until is not None:
        parts.append(f"until={_minute(options.until)}")
    for name, words in (("override", options.override), ("reason", options.reason)):
        if words:
            parts.append(f'{name}="' + words.replace('"', '""') + '"')
    return " ".join(parts)


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}Z"


def _write_migrate(command: Migrate) -> str:
    parts = [",".join(map(quote, command.vms))]
    parts += ["from", ",".join(map(quote, command.sources)), "to", ",".join(map(quote, command.destinations))]
    if command.path:
        parts += ["path", '"' + command.path.replace('"', '""') + '"']
    parts.append(write_options(command.options))
    return " ".join(filter(None, parts))
