"""Settings: ``migrate-bot.toml``, overridden by environment variables; secrets only from the environment or from files.

Unknown keys are errors.
"""

from core.config.links import LinkSettings
from core.config.secret_files import SECRETS, read_secret_file
from core.config.sections import (
    AccessSettings,
    AuthMethod,
    FreezeSettings,
    HostSettings,
    LogForm,
    LogLevel,
    LogSettings,
    MigrationSettings,
    OwnersSettings,
    SlackSettings,
    StoreSettings,
    WinrmSettings,
)
from core.config.settings import Settings, load_settings

__all__ = [
    "SECRETS",
    "AccessSettings",
    "AuthMethod",
    "FreezeSettings",
    "HostSettings",
    "LinkSettings",
    "LogForm",
    "LogLevel",
    "LogSettings",
    "MigrationSettings",
    "OwnersSettings",
    "Settings",
    "SlackSettings",
    "StoreSettings",
    "WinrmSettings",
    "load_settings",
    "read_secret_file",
]
