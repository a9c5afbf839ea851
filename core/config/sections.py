"""The sections of ``migrate-bot.toml``, each checked by itself.

Every key is documented in ``docs/reference/settings.md`` (a test compares).
"""

from datetime import UTC, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from core.config.secret_files import read_secret_file
from core.domain.model.durations import parse_duration
from core.domain.model.folder_names import is_allowed, why_refused
from core.domain.model.ownership import read_person
from core.domain.reporting.weekly import parse_weekly
from core.domain.scheduling.freeze import parse_window


def _longer_than_nothing(length: timedelta) -> timedelta:
    if not length:
        raise ValueError("must be longer than nothing")
    return length


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Pause = Annotated[Duration, AfterValidator(_longer_than_nothing)]
"""A duration that cannot be nothing: without a pause a loop spins, and without patience nothing is awaited."""
Port = Annotated[int, Field(ge=1, le=65535)]
LogForm = Literal["plain", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
AuthMethod = Literal["kerberos", "negotiate", "ntlm", "credssp", "certificate", "basic"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    """``[store]``: where jobs are kept."""

    url: str = Field(default="sqlite+aiosqlite:///migrate-bot.db", repr=False)
    """It may hold a password, so it is never shown."""
    url_file: Path | None = None
    """The file that holds ``url``, when that has a password in it."""
    keep: Duration = timedelta(days=400)
    """How long a job stays in the database after its end; then it is in the history file only. 0: for ever."""
    history: Path | None = None
    """The file for the history of what is removed, a line of JSON for each row; none: beside the database's file."""

    @model_validator(mode="before")
    @classmethod
    def _read_url_file(cls, values: dict[str, Any]) -> dict[str, Any]:
        file = values.get("url_file")
        return values | {"url": read_secret_file(Path(file), "url_file")} if file else values

    @property
    def file(self) -> Path | None:
        """The database's own file; None: it is on a server, or in memory."""
        kind, _, path = self.url.partition(":///")
        is_file = kind.startswith("sqlite") and path and not path.startswith((":memory:", "file:"))
        return Path(path.partition("?")[0]) if is_file else None


class LogSettings(_Section):
    """``[log]``: what is written down of what the bot does. The options of ``migrate-bot run`` win."""

    form: LogForm = "plain"
    """``json``: an object a line, for what collects logs."""
    level: LogLevel = "info"
    """The least of what is logged on stderr."""
    audit: Path | None = None
    """The file of the audit log; none: beside the database's file, or in the working directory."""


class SlackSettings(_Section):
    """``[slack]``: how the bot talks to people."""

    mode: Literal["socket", "http"] = "socket"
    listen: str = "127.0.0.1:3000"
    api_url: str = "https://slack.com/api/"
    channel: str = ""
    oncall: tuple[str, ...] = ()
    command: str = "/migrate"
    health: str = ""
    """Address and port for ``GET /health`` and ``GET /metrics``; empty: none."""
    docs: str = ""
    """Folder of the built pages, answered at ``/docs`` of that address; empty: they are not."""
    tables: bool = False
    """Whether private lists and the weekly digest are shown as Slack's ``table`` block, where Slack takes it."""
    escalate_after: Duration = timedelta(minutes=15)
    """How long a page may wait for somebody to take it before on-call is mentioned once more; 0: for ever."""
    digest: str = ""
    """When the channel is told of the last week, such as ``Mon 09:00``, in ``[freeze] zone``; empty: never."""

    @model_validator(mode="after")
    def _digest_can_be_read(self) -> "SlackSettings":
        if self.digest:
            parse_weekly(self.digest, UTC)
            if not self.channel:
                raise ValueError("digest needs a channel to tell it in; set channel too")
        return self

    @model_validator(mode="after")
    def _pages_have_an_address(self) -> "SlackSettings":
        if self.docs and not self.health:
            raise ValueError("docs is answered at the address of health, which is empty")
        return self


class AccessSettings(_Section):
    """``[access]``: who may ask, look and approve. Lists hold ids; ``*`` is every member of the workspace."""

    requesters: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    """Who may look besides those who may ask or approve, and on-call."""
    approvers: tuple[str, ...] = ()
    self_approval: bool = False
    approvals_required: int = Field(default=1, ge=1)
    approval_ttl: Pause = timedelta(hours=1)
    open_proposals: int = Field(default=10, ge=0)
    """How many requests of one person may wait for an approval; 0: any number."""
    commands_per_minute: int = Field(default=30, ge=0)
    """How many commands and clicks of one person are carried out in a minute, stop always; 0: any number."""

    owners: Literal["off", "tell", "hold"] = "off"
    """Whether owners hear of what happens to their VMs, and whether they may also keep one from starting."""

    @model_validator(mode="after")
    def _approvers_are_named(self) -> "AccessSettings":
        if "*" in self.approvers:
            raise ValueError("approvers cannot be everybody (*); name users or user groups")
        return self


class OwnersSettings(_Section):
    """``[owners]``: where it is written down whose a VM is; looked at only if ``[access] owners`` is not off."""

    key: str = Field(default="owner", max_length=40)
    """What stands before the colon in a VM's notes; empty: notes are not read."""
    vms: dict[str, str] = {}
    """Names and patterns of VMs, and the mail address or member id of the owner of each."""

    @field_validator("key")
    @classmethod
    def _key_is_one_word(cls, key: str) -> str:
        if ":" in key or not key.isprintable():
            raise ValueError(f"{key!r} is no key; in the notes it stands before a colon, in one line")
        return key.strip()

    @field_validator("vms")
    @classmethod
    def _owners_are_people(cls, vms: dict[str, str]) -> dict[str, str]:
        for pattern, person in vms.items():
            if not read_person(person):
                raise ValueError(f"{pattern} names {person!r}, which is no mail address and no member id (U…)")
        return {pattern: read_person(person) for pattern, person in vms.items()}


class MigrationSettings(_Section):
    """``[migration]``: how moves are carried out."""

    max_attempts: int = Field(default=3, ge=1)
    backup_threshold: Duration = timedelta(hours=1)
    around_backups: bool = True
    """Whether moves are ordered around the backups that are expected of their VMs."""
    max_parallel: int = Field(default=0, ge=0)
    put_in_subfolder: bool = False
    preserve_drive_letters: bool = False
    fail_fast: bool = False
    poll_busy: Pause = timedelta(seconds=5)
    poll_idle: Pause = timedelta(seconds=30)
    confirm_start: Pause = timedelta(seconds=45)
    """How long a started move may stay invisible before the bot believes it never started."""
    retry_delay: Duration = timedelta(seconds=30)
    """Delay before the second attempt; it doubles with each further one, with jitter."""
    busy_patience: Duration = timedelta(minutes=30)
    """How long a VM may stay busy with something that is not a backup."""
    assumed_speed_mb_s: float = Field(default=110.0, gt=0)
    """Megabytes per second a move is expected to carry until a host pair has shown its own speed (110: 1 Gb/s)."""
    silence_patience: Pause = timedelta(hours=1)
    """How long a host may be silent about a started move before the move is called lost."""
    stuck_after: Pause = timedelta(minutes=10)
    """How long a running move may stand still, past three times its expected length, before people are asked."""
    replan: bool = True
    """Whether what waits for a destination that dropped out is placed anew among the plan's other destinations."""
    replan_after: Duration = timedelta(minutes=5)
    """How long a destination may be silent, off or at limit 0 before that; one without room is not waited for."""
    check_timeout: Duration = timedelta(minutes=2)
    """How long the hosts of a plan are asked whether they can take its VMs before it can be approved; 0: not at all."""
    checks_per_host: int = Field(default=1, ge=1, le=8)
    """In how many calls at once one host is asked this; a call asks about many VMs."""


class FreezeSettings(_Section):
    """``[freeze]``: when no move starts, unless a request overrides it with a reason."""

    windows: tuple[str, ...] = ()
    """``Mon-Fri 08:00-18:00`` or ``2026-12-24 .. 2027-01-02``."""
    zone: str = "UTC"
    """The time zone the windows are meant in, such as ``Europe/Berlin``."""

    @model_validator(mode="after")
    def _can_be_read(self) -> "FreezeSettings":
        for window in self.windows:
            parse_window(window)
        time_zone(self.zone)
        return self


def time_zone(name: str) -> ZoneInfo:
    """Find a time zone by its name, such as ``Europe/Berlin``. Raises ValueError with what is wrong."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone; write for example Europe/Berlin") from None


class WinrmSettings(_Section):
    """``[winrm]``: how the bot logs on to hosts."""

    auth: AuthMethod = "credssp"
    tls: bool = True
    port: Port | None = None
    username: str = ""
    password_file: Path | None = None
    service_account: str = ""
    """The group managed service account that the restricted endpoint works as; for ``migrate-bot endpoint`` alone."""
    configuration: str = "Microsoft.PowerShell"
    ca_file: Path | None = None
    verify: bool = True
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    keytab_file: Path | None = None
    """The account's Kerberos keys, in place of its password."""
    operation_timeout: Pause = timedelta(seconds=20)
    sessions: int = Field(default=2, ge=1, le=8)
    """Warm sessions per host for reading; each running move has one of its own besides."""
    spare_sessions: int = Field(default=2, ge=0, le=4)
    """Sessions per host that wait unused for the next moves, at the most; 0: each move opens its own and closes it."""


class HostSettings(_Section):
    """``[hosts.NAME]``: one host; winrm keys given here win over ``[winrm]``."""

    address: str = Field(min_length=1)
    path: str = ""
    allowed_paths: tuple[str, ...] | None = None
    """Folders that VMs may go to, and into; shares only when listed here. None: ``path`` and the host's defaults."""
    auth: AuthMethod | None = None
    tls: bool | None = None
    port: Port | None = None
    username: str | None = None
    configuration: str | None = None
    ca_file: Path | None = None
    verify: bool | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    keytab_file: Path | None = None
    password_file: Path | None = None
    kerberos_name: str = ""
    """The host's name in its service principal; empty: ``address``."""
    migration_address: str = ""
    """How other hosts reach this one; empty: ``address``."""

    @model_validator(mode="after")
    def _paths_mean_what_they_show(self) -> "HostSettings":
        for path in filter(None, (self.path, *(self.allowed_paths or ()))):
            if why := why_refused(path):
                raise ValueError(f"{path!r} is no folder for VMs: {why}")
        if self.path and self.allowed_paths is not None and not is_allowed(self.path, self.allowed_paths):
            raise ValueError(f"path {self.path!r} is not among allowed_paths")
        return self
