"""The command line as a shell sees it: exit codes, sentences, lists and exports."""

import asyncio
import csv
import io
import json
import logging
import os
import signal
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.starter_files import STARTER_FILES
from core.config import load_settings
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveState
from core.store import SqlStore
from lab.slack.server import SlackLab
from tests.support.eventually import PATIENCE_S
from tests.support.past_example import a_month
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
    asked = await store.add_job(asked, event(event_data.Proposed(vms=2, blocked=0), NOW))
    moves = [move(0, "web01", MoveState.DONE), move(1, "=cmd()", MoveState.FAILED, error="no\nroom\x1b[2J")]
    approved = event(event_data.Approved(count=1, needed=1), NOW, job=asked, actor="UBOB")
    running = replace(asked, state=JobState.RUNNING)
    await store.change_job(asked, running, approved, new_moves=[replace(one, job_id=asked.id) for one in moves])
    failed = (await store.moves(asked.id))[1]
    await store.add_events(event(event_data.Starting(attempt=1, of=3), NOW, move=failed))


def test_a_missing_settings_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, a sentence, and no trace."""
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("There is no settings file")
    assert "Traceback" not in error


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` says the version of the package and ends with 0."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert capsys.readouterr().out == f"migrate-bot {project['version']}\n"


def test_init_writes_what_a_user_starts_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that load, manifest, unit and endpoint, byte for byte, in a folder that is made; a sentence for each."""
    folder = tmp_path / "new" / "bot"
    assert main(["init", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [f"{folder / name} is written." for name in STARTER_FILES]
    for name, source in STARTER_FILES.items():
        assert (folder / name).read_bytes() == (Path("deploy") / source).read_bytes()
    assert set(load_settings(folder / "migrate-bot.toml").hosts) == {"HV01", "HV02"}


def test_init_gives_all_of_deploy() -> None:
    """Nothing that is shipped in deploy/ is left out."""
    shipped = {path.name for path in Path("deploy").iterdir() if path.is_file() and path.suffix != ".py"}
    assert set(STARTER_FILES.values()) == shipped


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there stays as it is, to the byte, and is said; what is missing is written."""
    mine = tmp_path / "migrate-bot.toml"
    mine.write_text("# mine", encoding="utf-8")
    (tmp_path / "manifest.yml").symlink_to(tmp_path / "nowhere")
    assert main(["init", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert f"{mine} is there already and stays as it is." in told
    assert f"{tmp_path / 'manifest.yml'} is there already and stays as it is." in told
    assert f"{tmp_path / 'migrate-bot.service'} is written." in told
    assert mine.read_text(encoding="utf-8") == "# mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_init_into_a_file_is_one_sentence(where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be is named; exit 2."""
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / where)]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / where) in error
    assert len(error.splitlines()) == 1


def test_health_without_an_address_is_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``health`` says that there is nothing to ask; exit 2."""
    assert main(["health", "--config", str(config)]) == 2
    assert capsys.readouterr().err.startswith("[slack] health is empty")


def test_missing_tokens_are_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``run`` without tokens names them and ends with 2."""
    assert main(["run", "--config", str(config)]) == 2
    assert "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are not set." in capsys.readouterr().err


def test_jobs_are_listed(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Newest first, with how far they are."""
    assert main(["jobs", "--config", str(config)]) == 1
    assert "There is no database bot.db yet." in capsys.readouterr().err
    assert not (tmp_path / "bot.db").exists(), "a look creates nothing"
    store_a_job(tmp_path)
    assert main(["jobs", "--config", str(config)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["JOB", "STATE", "MOVED"]
    assert row.split()[:3] == ["J1", "running", "1/2"]


@pytest.mark.parametrize("order", ["{config} jobs show J1", "jobs {config} show J1", "jobs show J1 {config}"])
def test_the_settings_file_may_be_named_anywhere(
    order: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the command, behind it, or last: nobody has to know where."""
    store_a_job(tmp_path)
    assert main(order.format(config=f"--config {config}").split()) == 0
    assert capsys.readouterr().out.startswith("J1 running")


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
    assert [row["vm"] for row in rows] == ["", "", "'=cmd()"], "an empty cell stays empty"


def test_the_past_is_exported(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV hold the same counts; the JSON the judgement too; a spreadsheet takes no name for a formula."""
    asyncio.run(a_month(tmp_path, datetime.now(UTC)))
    assert main(["jobs", "--config", str(config), "export"]) == 0
    exported: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert exported["counted"]["ends"] == {"done": 59, "unmigratable": 1}
    assert exported["judged"]["slowest"][0]["destination"] == "HV04"
    assert main(["jobs", "--config", str(config), "export", "--format", "csv", "--last", "30d"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(int(row["count"]) for row in rows if row["what"] == "pair") == 59
    assert [row["count"] for row in rows if row["reason"] == "logon-right" or row["code"] == "logon-right"] == [
        "1",
        "1",
    ]


def test_an_unknown_job_is_one_sentence(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 and a sentence."""
    store_a_job(tmp_path)
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
        f'[slack]\napi_url = "{slack.api_url}"\nchannel = "C0MIGRATE"\n[access]\nrequesters = ["*"]\n',
        encoding="utf-8",
    )
    secrets = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--config", str(file), "--log", "json",
        env=os.environ | secrets | {"HTTP_PROXY": "http://127.0.0.1:9"}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await slack.workspace.changes.wait_for(lambda: slack.sockets.connections, PATIENCE_S)
        process.send_signal(by)
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    text = errors.decode()
    assert process.returncode == 0, text
    assert "stopping" in text
    assert slack.bot_token not in text
    assert all(json.loads(line) for line in text.splitlines())
