import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.log_setup import start_logging
from core.config import Settings
from lab.slack.server import SlackLab
from tests.support.bot_harness import Office, fleet_with_many
from tests.support.view_builders import JumpClock


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk takes a proxy from the environment and ignores NO_PROXY."""
    for name in [one for one in os.environ if one.lower() in {"http_proxy", "https_proxy"}]:
        monkeypatch.delenv(name)


@pytest.fixture
def log_put_back() -> Iterator[None]:
    """Let a test start the log; the next one finds it as it was."""
    root, audit = logging.getLogger(), logging.getLogger("audit")
    before = root.handlers[:], root.level, audit.level
    yield
    start_logging(Settings())  # closes the audit log's file
    root.handlers[:], root.level, audit.level = before


@pytest.fixture
async def slack() -> AsyncIterator[SlackLab]:
    async with SlackLab() as slack:
        yield slack


@pytest.fixture
def clock() -> JumpClock:
    return JumpClock()


@pytest.fixture
def settings(slack: SlackLab) -> Settings:
    return slack_settings(slack)


QUICK = {
    "poll_busy": "200ms",
    "poll_idle": "500ms",
    "retry_delay": "200ms",
    "confirm_start": "30s",
    "check_timeout": "0s",
}


def slack_settings(slack: SlackLab, /, **sections: Any) -> Settings:
    values: dict[str, Any] = {
        "slack": {"api_url": slack.api_url, "channel": "C0MIGRATE", "oncall": ("S0ONCALL",)},
        "access": {"requesters": ("*",), "approvers": ("S0APPROVE",)},
        "migration": QUICK,
        "hosts": {name: {"address": f"{name.lower()}.contoso.com", "path": "D:\\VMs"} for name in ("HV01", "HV02")},
        "slack_bot_token": slack.bot_token,
        "slack_app_token": slack.app_token,
        "slack_signing_secret": slack.signing_secret,
        "winrm_password": "lab-password",
    }
    for name, keys in sections.items():
        values[name] = values.get(name, {}) | keys if isinstance(keys, dict) else keys
    return Settings(**values)


class Opening(Protocol):
    def __call__(self, **sections: Any) -> AbstractAsyncContextManager[Office]: ...


@pytest.fixture
def office(slack: SlackLab, tmp_path: Path) -> Opening:
    """Opens the bot on this Slack and a small fleet; sections override settings."""

    def open_office(**sections: Any) -> AbstractAsyncContextManager[Office]:
        return Office.open(slack, slack_settings(slack, **sections), tmp_path)

    return open_office


@pytest.fixture
def many_vms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hosts have more VMs than a card can name: many01 to many60."""
    described = fleet_with_many()
    monkeypatch.setattr("tests.support.bot_harness.fleet", lambda: described)
