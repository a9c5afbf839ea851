"""Promises of the bot as a process of the lab."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.process import BotProcess


async def test_settings_of_another_bot_stay_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the container image sets for its own bot does not win over the lab's settings; what a test sets does."""
    (tmp_path / "tell.py").write_text(
        "import os\nprint(sorted(name for name in os.environ if name.upper().startswith('MIGRATE_BOT_')))\n"
    )
    monkeypatch.setenv("MIGRATE_BOT_STORE__URL", "sqlite+aiosqlite:////var/lib/migrate-bot/migrate-bot.db")
    monkeypatch.setenv("MIGRATE_BOT_SLACK__HEALTH", "127.0.0.1:8080")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    here: Any = SimpleNamespace(settings_file=tmp_path / "migrate-bot.toml", secrets={})
    log = tmp_path / "log"
    async with BotProcess(here, log, {"MIGRATE_BOT_MIGRATION__MAX_ATTEMPTS": "5"}, module="tell") as bot:
        assert await bot.ended() == 0
    assert log.read_text() == "['MIGRATE_BOT_MIGRATION__MAX_ATTEMPTS']\n"
