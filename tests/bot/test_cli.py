"""The command line as a shell sees it: exit codes, sentences, lists and exports."""

import asyncio
import csv
import io
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from core.domain.model.events import EventKind, event
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveState
from core.store import SqlStore
from lab.slack.server import SlackLab
from tests.support.view_builders import NOW, job, move


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "migrate-bot.toml"
    file.write_text(f'[store]\nurl = "sqlite+aiosqlite:///{tmp_path / "bot.db"}"\n', encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def store_a_job(folder: Path) -> None:
    async def work() -> None:
        store = SqlStore(f"sqlite+aiosqlite:///{folder / 'bot.db'}")
        await store.open()
        try:
            await fill(store)
        finally:
            await store.close()

    asyncio.run(work())


async def fill(store: SqlStore) -> None:
    asked = replace(job(["web01", "=cmd()"]), id=JobId(""))
    asked = await store.add_job(asked, event(EventKind.PROPOSED, NOW, vms=2, blocked=0))
    moves = [move(0, "web01", MoveState.DONE), move(1, "=cmd()", MoveState.FAILED, error="no\nroom\x1b[2J")]
    approved = event(EventKind.APPROVED, NOW, job=asked, actor="UBOB", count=1, needed=1)
    running = replace(asked, state=JobState.RUNNING)
    await store.change_job(asked, running, approved, new_moves=[replace(one, job_id=asked.id) for one in moves])
    failed = (await store.moves(asked.id))[1]
    await store.add_events(event(EventKind.STARTING, NOW, move=failed, attempt=1, of=3))


def test_a_missing_settings_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, a sentence, and no trace."""
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("There is no settings file")
    assert "Traceback" not in error


def test_missing_tokens_are_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``run`` without tokens names them and ends with 2."""
    assert main(["run", "--config", str(config)]) == 2
    assert "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are not set." in capsys.readouterr().err


def test_jobs_are_listed(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Newest first, with how far they are."""
    assert main(["jobs", "--config", str(config)]) == 0
    assert "There are no jobs." in capsys.readouterr().out
    store_a_job(tmp_path)
    assert main(["jobs", "--config", str(config)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["JOB", "STATE", "MOVED"]
    assert row.split()[:3] == ["J1", "running", "1/2"]


def test_a_job_is_shown_without_obeying_it(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Moves and events in lines; control characters of a host's words do not reach the terminal."""
    store_a_job(tmp_path)
    assert main(["jobs", "--config", str(config), "show", "j1"]) == 0
    out = capsys.readouterr().out
    assert "=cmd(): failed, HV01 -> HV02, attempts 0: no room" in out
    assert "approved by UBOB count 1, needed 1" in out
    assert "\x1b" not in out


def test_every_event_is_exported(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV hold the same events; a spreadsheet takes no value for a formula."""
    store_a_job(tmp_path)
    assert main(["jobs", "--config", str(config), "export", "J1"]) == 0
    exported: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in exported["events"]] == ["proposed", "approved", "starting"]
    assert exported["events"][2]["vm"] == "=cmd()"
    assert main(["jobs", "--config", str(config), "export", "J1", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["kind"] for row in rows] == ["proposed", "approved", "starting"]
    assert rows[2]["vm"] == "'=cmd()"


def test_an_unknown_job_is_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 and a sentence."""
    assert main(["jobs", "--config", str(config), "show", "J9"]) == 1
    assert "J9" in capsys.readouterr().err


def test_nonsense_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command ends with 2 and says which there are."""
    with pytest.raises(SystemExit) as caught:
        main(["fly"])
    assert caught.value.code == 2
    assert "check" in capsys.readouterr().err


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_gracefully(slack: SlackLab, tmp_path: Path, by: signal.Signals) -> None:
    """The process connects, is told to stop, says so, and ends with 0; its log holds no token."""
    file = tmp_path / "bot.toml"
    file.write_text(
        f'[store]\nurl = "sqlite+aiosqlite:///{tmp_path / "bot.db"}"\n'
        f'[slack]\napi_url = "{slack.api_url}"\nchannel = "C0MIGRATE"\n',
        encoding="utf-8",
    )
    secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--config", str(file), "--log", "json",
        env=os.environ | secrets | {"HTTP_PROXY": "http://127.0.0.1:9"}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await slack.workspace.changes.wait_for(lambda: slack.sockets.connections, 30)
        process.send_signal(by)
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
    text = errors.decode()
    assert process.returncode == 0, text
    assert "stopping" in text
    assert slack.bot_token not in text
    assert all(json.loads(line) for line in text.splitlines())
