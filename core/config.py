"""Settings: ``migrate-bot.toml``, overridden by environment variables; secrets only from the environment or from files.

Unknown keys are errors. Every key is documented in ``docs/reference/settings.md`` (a test compares).
"""

import os
import tomllib
from datetime import UTC, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as MalformedVariable

from core.domain.attempt.own_errors import read_own_errors
from core.domain.model.durations import parse_duration
from core.domain.model.folder_names import is_allowed, why_refused
from core.domain.model.inventory import HostName, same_host, why_not_distinct
from core.domain.model.move import Fault
from core.domain.model.names import unmarked
from core.domain.reporting.weekly import parse_weekly
from core.domain.scheduling.freeze import parse_window
from core.domain.scheduling.links import Links
from core.environment import EnvironmentSource
from core.errors import SettingsError, UnknownHost
from core.link_settings import LinkSettings, link_of
from core.setting_mistakes import keys_of, mistake, stray_variables

SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "WINRM_PASSWORD")


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


def read_secret_file(file: Path, named_by: str) -> str:
    """Read a secret from a file of its own. Raises SettingsError, without anything of what is in it."""
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise SettingsError(f"{named_by} names {file}, which cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{named_by} names {file}, which is no UTF-8 text.") from None


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
    """Whether private lists are shown as Slack's ``table`` block, where Slack takes it."""
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

    @model_validator(mode="after")
    def _approvers_are_named(self) -> "AccessSettings":
        if "*" in self.approvers:
            raise ValueError("approvers cannot be everybody (*); name users or user groups")
        return self


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
        _zone(self.zone)
        return self


def _zone(name: str) -> ZoneInfo:
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


class Settings(BaseSettings):
    """Everything, validated. The environment wins: ``MIGRATE_BOT_<SECTION>__<KEY>``.

    For example ``MIGRATE_BOT_MIGRATION__MAX_ATTEMPTS=5``.
    """

    model_config = SettingsConfigDict(
        env_prefix="MIGRATE_BOT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()
    slack: SlackSettings = SlackSettings()
    access: AccessSettings = AccessSettings()
    migration: MigrationSettings = MigrationSettings()
    freeze: FreezeSettings = FreezeSettings()
    winrm: WinrmSettings = WinrmSettings()
    errors: Annotated[dict[int, Fault], BeforeValidator(read_own_errors)] = Field(default_factory=dict)
    """``[errors]``: what numbers of Windows mean that the bot does not know, or takes for something else."""
    hosts: dict[str, HostSettings] = Field(default_factory=dict)
    links: dict[str, LinkSettings] = Field(default_factory=dict)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    winrm_password: SecretStr = SecretStr("")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return EnvironmentSource(settings_cls, env_settings(), init_settings()), init_settings

    @model_validator(mode="before")
    @classmethod
    def _read_password_file(cls, values: dict[str, Any]) -> dict[str, Any]:
        winrm: Any = values.get("winrm")
        if isinstance(winrm, dict) and (file := winrm.get("password_file")) and not values.get("winrm_password"):
            return values | {"winrm_password": read_secret_file(Path(file), "winrm.password_file")}
        return values

    @property
    def audit_file(self) -> Path:
        """Where the audit log goes: beside the database's file; in the working directory when it is on a server."""
        database = self.store.file or Path("migrate-bot.db")
        return self.log.audit or database.with_name(f"{database.stem}-audit.jsonl")

    @model_validator(mode="after")
    def _patience_covers_a_request(self) -> "Settings":
        # An order whose answer was lost may reach the host as late as its request could last.
        longest = 1.5 * self.winrm.operation_timeout
        if self.migration.confirm_start < longest:
            raise ValueError(
                f"confirm_start in [migration] must be at least 1.5 times operation_timeout in [winrm]: "
                f"{longest.total_seconds():g}s"
            )
        return self

    @model_validator(mode="after")
    def _hosts_are_distinct(self) -> "Settings":
        if twins := why_not_distinct((name, host.address, self._port(host)) for name, host in self.hosts.items()):
            raise ValueError(twins)
        return self

    @model_validator(mode="after")
    def _links_are_of_these_hosts(self) -> "Settings":
        self.known_links()
        return self

    def known_links(self) -> Links:
        """Return what hosts share on the way to others. Raises ValueError with what is wrong about a link."""
        addresses, found = {name: host.address for name, host in self.hosts.items()}, []
        for name, link in self.links.items():
            try:
                found.append(link_of(name, link, addresses, _zone(link.zone or self.freeze.zone)))
            except ValueError as error:
                raise ValueError(f"[links.{name}] {error}") from None
        return Links(tuple(found))

    def _port(self, host: HostSettings) -> int:
        tls = self.winrm.tls if host.tls is None else host.tls
        return host.port or self.winrm.port or (5986 if tls else 5985)

    def host_name(self, typed: str) -> HostName:
        """Find the host a person means: its name in the settings or its address, any case, short or full.

        Raises:
            UnknownHost: none fits; the text names the nearest.

        """
        for text in (typed, unmarked(typed)):
            for name, host in self.hosts.items():
                if same_host(name, text) or same_host(host.address, text):
                    return HostName(name)
        names = {name.casefold(): name for name in self.hosts}
        near = [names[name] for name in get_close_matches(typed.casefold(), list(names), n=3)]
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Hosts in my settings: {_some(list(self.hosts))}."
        raise UnknownHost(f"I know no host called {typed}.", hint=hint)


def _some(names: list[str], at_most: int = 10) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return (", ".join(names[:at_most]) or "none") + more


def _secrets() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in SECRETS:
        file = os.environ.get(f"{name}_FILE")
        if os.environ.get(name):
            found[name.lower()] = os.environ[name]
        elif file:
            found[name.lower()] = read_secret_file(Path(file), f"{name}_FILE")
    return found


def load_settings(path: Path) -> Settings:
    """Read the settings file, the environment and the secrets.

    Raises:
        SettingsError: the file is missing or malformed, a key is unknown, a value does not fit. It never shows the
            value of a secret.

    """
    try:
        with path.open("rb") as file:
            raw: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        raise SettingsError(
            f"There is no settings file {path}.", hint="Write one with migrate-bot init, or name another with --config."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    if misplaced := sorted(key for key in raw if key.upper() in SECRETS):
        raise SettingsError(
            f"{path} holds a secret ({', '.join(misplaced)}).", hint="Secrets come from the environment or from *_FILE."
        )
    sections = keys_of(Settings, hosts=HostSettings, links=LinkSettings)
    if stray := stray_variables(os.environ, sections, tuple(Settings.model_fields)):
        raise SettingsError(f"The environment sets {', '.join(stray)}, but there is no such setting.")
    try:
        return Settings(**(raw | _secrets()))
    except ValidationError as error:
        raise SettingsError(
            f"{path}: " + "; ".join(mistake(one, sections) for one in error.errors(include_input=False))
        ) from None
    except MalformedVariable as error:
        raise SettingsError(f"The environment: {error}.", hint="Lists are written as JSON.") from None
