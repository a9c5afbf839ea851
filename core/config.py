"""Settings: ``migrate-bot.toml``, overridden by environment variables; secrets only from the environment or from files.

Unknown keys are errors. Every key is documented in ``docs/settings.md`` (a test compares).
"""

import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.domain.fleet import HostName, same_host
from core.errors import SettingsError, UnknownHost

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.IGNORECASE)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "WINRM_PASSWORD")


def parse_duration(value: object) -> timedelta:
    """Read ``90s``, ``1h30m``, ``2d``, or a number of seconds.

    Raises:
        ValueError: it is none of these, or negative.

    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("a duration cannot be negative")
        return timedelta(seconds=value)
    text = str(value).strip()
    if text.isdigit():
        return timedelta(seconds=int(text))
    if not text or _DURATION.sub("", text).strip():
        raise ValueError(f"{text!r} is no duration; write for example 90s, 15m, 1h30m or 2d")
    return timedelta(seconds=sum(float(n) * _UNIT_S[unit.lower()] for n, unit in _DURATION.findall(text)))


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
AuthMethod = Literal["kerberos", "negotiate", "ntlm", "credssp", "certificate", "basic"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    """``[store]``: where jobs are kept."""

    url: str = "sqlite+aiosqlite:///migrate-bot.db"


class SlackSettings(_Section):
    """``[slack]``: how the bot talks to people."""

    mode: Literal["socket", "http"] = "socket"
    listen: str = "127.0.0.1:3000"
    api_url: str = "https://slack.com/api/"
    channel: str = ""
    oncall: tuple[str, ...] = ()
    command: str = "/migrate"


class AccessSettings(_Section):
    """``[access]``: who may ask and who may approve."""

    requesters: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    self_approval: bool = False
    approvals_required: int = Field(default=1, ge=1)
    approval_ttl: Duration = timedelta(hours=1)


class MigrationSettings(_Section):
    """``[migration]``: how moves are carried out."""

    max_attempts: int = Field(default=3, ge=1)
    backup_threshold: Duration = timedelta(hours=1)
    max_parallel: int = Field(default=0, ge=0)
    put_in_subfolder: bool = False
    preserve_drive_letters: bool = False
    fail_fast: bool = False
    poll_busy: Duration = timedelta(seconds=5)
    poll_idle: Duration = timedelta(seconds=30)
    confirm_start: Duration = timedelta(seconds=45)
    """How long a started move may stay invisible before the bot believes it never started."""
    retry_delay: Duration = timedelta(seconds=30)
    """Delay before the second attempt; it doubles with each further one, with jitter."""
    busy_patience: Duration = timedelta(minutes=30)
    """How long a VM may stay busy with something that is not a backup."""
    assumed_speed_mb_s: float = Field(default=110.0, gt=0)
    """Megabytes per second a move is expected to carry until a host pair has shown its own speed (110: 1 Gb/s)."""
    silence_patience: Duration = timedelta(hours=1)
    """How long a host may be silent about a started move before the move is called lost."""


class WinrmSettings(_Section):
    """``[winrm]``: how the bot logs on to hosts."""

    auth: AuthMethod = "credssp"
    tls: bool = True
    port: int | None = None
    username: str = ""
    configuration: str = "Microsoft.PowerShell"
    ca_file: Path | None = None
    verify: bool = True
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    operation_timeout: Duration = timedelta(seconds=20)
    sessions: int = Field(default=2, ge=1, le=8)
    """Warm sessions per host for reading; each running move has one of its own besides."""


class HostSettings(_Section):
    """``[hosts.NAME]``: one host; winrm keys given here win over ``[winrm]``."""

    address: str
    path: str = ""
    auth: AuthMethod | None = None
    tls: bool | None = None
    port: int | None = None
    username: str | None = None
    configuration: str | None = None
    ca_file: Path | None = None
    verify: bool | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    password_file: Path | None = None
    migration_address: str = ""
    """How other hosts reach this one; empty: ``address``."""


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
    slack: SlackSettings = SlackSettings()
    access: AccessSettings = AccessSettings()
    migration: MigrationSettings = MigrationSettings()
    winrm: WinrmSettings = WinrmSettings()
    hosts: dict[str, HostSettings] = Field(default_factory=dict)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    winrm_password: SecretStr = SecretStr("")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _hosts_are_distinct(self) -> "Settings":
        names = list(self.hosts)
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                if same_host(name, other):
                    raise ValueError(f"hosts {name} and {other} are the same host")
        return self

    def host_name(self, typed: str) -> HostName:
        """Find the host a person means: its name in the settings or its address, any case, short or full.

        Raises:
            UnknownHost: none fits; the text names the nearest.

        """
        for name, host in self.hosts.items():
            if same_host(name, typed) or same_host(host.address, typed):
                return HostName(name)
        known = ", ".join(self.hosts) or "none"
        raise UnknownHost(f"I know no host called {typed}.", hint=f"Hosts in my settings: {known}.")


def _secrets() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in SECRETS:
        file = os.environ.get(f"{name}_FILE")
        if name in os.environ:
            found[name.lower()] = os.environ[name]
        elif file:
            try:
                found[name.lower()] = Path(file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from None
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
            f"There is no settings file {path}.", hint="Copy migrate-bot.example.toml, or name another with --config."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    misplaced = sorted(key for key in raw if key.upper() in SECRETS)
    if misplaced:
        raise SettingsError(
            f"{path} holds a secret ({', '.join(misplaced)}).", hint="Secrets come from the environment or from *_FILE."
        )
    try:
        values: Any = raw | _secrets()
        return Settings(**values)
    except ValidationError as error:
        lines = [f"[{'.'.join(str(part) for part in e['loc'])}] {e['msg']}" for e in error.errors(include_input=False)]
        raise SettingsError(f"{path}: " + "; ".join(lines)) from None
