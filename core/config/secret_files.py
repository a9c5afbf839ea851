"""Secrets: from environment variables, or from files that these name."""

import os
from pathlib import Path

from core.errors import SettingsError

SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "WINRM_PASSWORD")


def read_secret_file(file: Path, named_by: str) -> str:
    """Read a secret from a file of its own. Raises SettingsError, without anything of what is in it."""
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise SettingsError(f"{named_by} names {file}, which cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{named_by} names {file}, which is no UTF-8 text.") from None


def found_secrets() -> dict[str, str]:
    """Read those that the environment has, by their names in the settings. Raises SettingsError: no such file."""
    found: dict[str, str] = {}
    for name in SECRETS:
        file = os.environ.get(f"{name}_FILE")
        if os.environ.get(name):
            found[name.lower()] = os.environ[name]
        elif file:
            found[name.lower()] = read_secret_file(Path(file), f"{name}_FILE")
    return found
