"""A settings file of a test, and its environment."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import SECRETS, Settings, load_settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a settings file of this text, with exactly these variables in the environment."""
    for name in list(os.environ):
        if name.upper().startswith(("MIGRATE_BOT_", *SECRETS)):
            monkeypatch.delenv(name)

    def loaded(toml: str = "", **environment: str) -> Settings:
        file = tmp_path / "migrate-bot.toml"
        file.write_text(toml, encoding="utf-8")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings(file)

    return loaded
