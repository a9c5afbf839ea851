"""All settings together, and how they are read: ``migrate-bot.toml``, overridden by environment variables."""

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as MalformedVariable

from core.config.environment import EnvironmentSource
from core.config.links import LinkSettings, link_of
from core.config.mistakes import keys_of, mistake, stray_variables
from core.config.secret_files import SECRETS, found_secrets, read_secret_file
from core.config.sections import (
    AccessSettings,
    FreezeSettings,
    HostSettings,
    LogSettings,
    MigrationSettings,
    OwnersSettings,
    SlackSettings,
    StoreSettings,
    WinrmSettings,
    time_zone,
)
from core.domain.attempt.own_errors import read_own_errors
from core.domain.model.inventory import HostName, same_host, why_not_distinct
from core.domain.model.move import Fault
from core.domain.model.names import unmarked
from core.domain.scheduling.links import Links
from core.errors import SettingsError, UnknownHost


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
    owners: OwnersSettings = OwnersSettings()
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

    @property
    def reads_notes(self) -> bool:
        """Whether the notes of VMs are read for their owners."""
        return self.access.owners != "off" and bool(self.owners.key)

    @model_validator(mode="after")
    def _links_are_of_these_hosts(self) -> "Settings":
        self.known_links()
        return self

    def known_links(self) -> Links:
        """Return what hosts share on the way to others. Raises ValueError with what is wrong about a link."""
        addresses, found = {name: host.address for name, host in self.hosts.items()}, []
        for name, link in self.links.items():
            try:
                found.append(link_of(name, link, addresses, time_zone(link.zone or self.freeze.zone)))
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
        return Settings(**(raw | found_secrets()))
    except ValidationError as error:
        raise SettingsError(
            f"{path}: " + "; ".join(mistake(one, sections) for one in error.errors(include_input=False))
        ) from None
    except MalformedVariable as error:
        raise SettingsError(f"The environment: {error}.", hint="Lists are written as JSON.") from None
