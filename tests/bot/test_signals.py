"""Signals and a Slack that is away, as a service manager and an operator see them: a real process."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lab.slack.server import SlackLab
from tests.support.eventually import PATIENCE_S

NOBODY = "http://127.0.0.1:9/api/"
CONNECTING = "Failed to connect"
"""What the log says while the bot starts and Slack is away: it goes on trying for ten seconds."""


class Run:
    """A bot's process, and the lines of its log so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def logged(self, words: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not any(words in line["message"] for line in self.lines):
                assert await self._line(), f"it ended: {self.lines}"

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            while await self._line():
                pass
            return await self.process.wait()

    async def _line(self) -> bool:
        assert self.process.stderr is not None
        line = await self.process.stderr.readline()
        self.lines += [json.loads(line)] if line else []
        return bool(line)


@asynccontextmanager
async def running(folder: Path, api_url: str, secrets: dict[str, str]) -> AsyncIterator[Run]:
    file = folder / "bot.toml"
    file.write_text(
        f'[store]\nurl = "sqlite+aiosqlite:///{folder / "bot.db"}"\n[log]\nform = "json"\n'
        f'[slack]\napi_url = "{api_url}"\nchannel = "C0MIGRATE"\n[access]\nrequesters = ["*"]\n',
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--config", str(file),
        env=os.environ | secrets, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Run(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def away(folder: Path) -> Any:
    return running(folder, NOBODY, {"SLACK_BOT_TOKEN": "xoxb-1-2", "SLACK_APP_TOKEN": "xapp-1"})


async def test_a_start_without_slack_is_said_in_lines_and_can_be_stopped_at_once(tmp_path: Path) -> None:
    """While it still tries to connect: sentences and no line of a library's code, and it ends with 0 without a wait."""
    async with away(tmp_path) as bot:
        await bot.logged(CONNECTING)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended() == 0
    assert bot.lines[0]["message"].startswith("Slack cannot be asked about the tokens yet")
    assert [line for line in bot.lines if "trace" in line or "Traceback" in line["message"]] == []
    assert not any("running with" in line["message"] for line in bot.lines), "the wait for a connection was sat out"


async def test_a_reload_changes_nothing_and_ends_nothing(slack: SlackLab, tmp_path: Path) -> None:
    """SIGHUP, as sent for rotated logs: the bot says that it changes nothing, and works on."""
    secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    async with running(tmp_path, slack.api_url, secrets) as bot:
        await bot.logged("running with")
        bot.process.send_signal(signal.SIGHUP)
        await bot.logged("SIGHUP changes nothing")
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended() == 0
