"""The commands that look after the database, as a shell sees them: exit codes, sentences, files."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.control_socket import own_name
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.job import JobId, JobState
from core.store import SqlStore
from core.store.ownership import LockFile
from tests.support.view_builders import NOW, job

pytestmark = pytest.mark.usefixtures("log_put_back")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "migrate-bot.toml"
    file.write_text(f'[store]\nurl = "sqlite+aiosqlite:///{tmp_path / "bot.db"}"\n', encoding="utf-8")
    return file


def filled(folder: Path) -> None:
    """Store a job that ended long ago and one that ended now."""

    async def work() -> None:
        store = SqlStore(f"sqlite+aiosqlite:///{folder / 'bot.db'}")
        await store.open()
        try:
            for ended_at in (NOW - timedelta(days=50), NOW):
                asked = await store.add_job(replace(job(["web01"]), id=JobId(""), created_at=ended_at))
                over = replace(asked, state=JobState.REJECTED, decided_at=ended_at, finished_at=ended_at)
                told = event(event_data.Rejected(reason=""), ended_at, job=asked, actor="UBOB")
                await store.change_job(asked, over, told)
                for notice in await store.claim_notices(10, ended_at):
                    await store.notice_said(notice.id, ended_at)
        finally:
            await store.close()

    asyncio.run(work())


def typed(config: Path, *words: str | Path) -> int:
    return main(["--config", str(config), *map(str, words)])


def test_a_backup_is_restored_and_everything_is_said(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Backup, purge, restore: what was purged is back, the one before is kept, and each step is a sentence."""
    filled(tmp_path)
    copy = tmp_path / "copy.db"
    assert typed(config, "backup", copy) == 0
    assert typed(config, "purge", "--older-than", "40d") == 0
    assert typed(config, "restore", copy) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{copy} is written. It holds who asked for what, and why: keep it private."
    assert told[1] == "1 job is in the history file now and no longer in the database."
    [kept] = tmp_path.glob("bot.db.before-*")
    assert told[2].startswith(f"The database is what {copy} holds. The one before is kept as {kept}. It has a new id:")
    assert typed(config, "jobs") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["JOB", "J2", "J1"]


def test_who_looked_after_the_database_is_audited(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who, when, what and with what result; what was refused as well, with the reason."""
    monkeypatch.setenv("SUDO_USER", "dave")
    filled(tmp_path)
    copy = tmp_path / "copy.db"
    assert typed(config, "backup", copy) == 0
    assert typed(config, "purge", "--older-than", "40d") == 0
    assert typed(config, "restored") == 0
    assert typed(config, "restore", copy) == 0
    said = capsys.readouterr().out.splitlines()
    whole = [json.loads(line) for line in (tmp_path / "bot-audit.jsonl").read_text().splitlines()]
    me = own_name() + (", sudo by dave" if own_name() == "root" else "")
    assert {line["user"].partition(" on ")[0] for line in whole} == {me}
    assert all(datetime.fromisoformat(line["at"]).tzinfo for line in whole)
    assert [(line["event"], line["what"]) for line in whole] == [
        (event, what) for what in ("backup", "purge", "restored", "restore") for event in ("request", "done")
    ]
    assert [line["result"] for line in whole if line["event"] == "done"] == said
    assert [line.get("text", "") for line in whole[::2]] == [str(copy), "older than 40 d", "", str(copy)]


def test_what_was_refused_of_the_database_is_audited(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy that is there already, no copy at all, and a database that another process works on."""
    filled(tmp_path)
    taken = tmp_path / "taken.db"
    taken.touch()
    lock = LockFile(tmp_path / "bot.db")
    asyncio.run(lock.take())
    assert typed(config, "backup", taken) == 1
    assert typed(config, "purge", "--older-than", "40d") == 1
    assert typed(config, "restored") == 1
    assert typed(config, "restore", taken) == 1
    asyncio.run(lock.give_up())
    whole = [json.loads(line) for line in (tmp_path / "bot-audit.jsonl").read_text().splitlines()]
    refused = [(line["what"], line["error"]) for line in whole if line["event"] == "refused"]
    owned = [(what, "StoreOwned") for what in ("purge", "restored", "restore")]
    assert refused == [("backup", "StoreError"), *owned]
    assert not [line for line in whole if line["event"] == "done"]
    said = capsys.readouterr().err.splitlines()
    assert [line["reason"] for line in whole if line["event"] == "refused"] == [
        one.partition(" Name another")[0].partition(" Stop that one")[0] for one in said
    ]


def test_nothing_is_done_that_cannot_be_audited(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file cannot be written: exit 2, and the jobs are still there."""
    filled(tmp_path)
    (tmp_path / "bot-audit.jsonl").mkdir()
    assert typed(config, "purge", "--older-than", "40d") == 2
    assert "The audit log" in capsys.readouterr().err
    assert not (tmp_path / "bot-history.jsonl").exists()


def test_what_is_purged_is_in_the_history_file(config: Path, tmp_path: Path) -> None:
    """Every row of it, as JSON; what ended later stays."""
    filled(tmp_path)
    assert typed(config, "purge", "--older-than", "40d") == 0
    rows = [json.loads(line) for line in (tmp_path / "bot-history.jsonl").read_text().splitlines()]
    assert {row["table"] for row in rows} >= {"jobs", "plans", "events"}
    assert [row["id"] for row in rows if row["table"] == "jobs"] == [1]


@pytest.mark.parametrize(
    "words",
    [["stop"], ["resume", "J1"], ["purge", "--older-than", "1d"], ["restored"], ["backup", "copy"], ["jobs"]],
)
def test_nothing_makes_a_database_but_run(
    words: list[str], config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the wrong folder each of them is exit 1 and a sentence with the place, and leaves nothing there."""
    assert typed(config, *words) == 1
    said = capsys.readouterr().err
    assert "There is no database" in said
    assert str(tmp_path) in said
    assert [path.name for path in tmp_path.iterdir()] == ["migrate-bot.toml"]


def test_a_purge_without_a_place_for_the_history_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a server there is no place beside the database: not "0 jobs", and nobody is asked anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIGRATE_BOT_STORE__URL", "postgresql+psycopg://bot@127.0.0.1:1/bot")
    (tmp_path / "empty.toml").touch()
    assert typed(tmp_path / "empty.toml", "purge", "--older-than", "1d") == 1
    assert "no file is named for the history. Name one in history of [store]." in capsys.readouterr().err
    assert (tmp_path / "migrate-bot-audit.jsonl").is_file()


@pytest.mark.parametrize("time", ["0", "soon", "-1d"])
def test_a_purge_of_everything_is_not_understood(time: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--older-than`` is a length of time: exit 2."""
    with pytest.raises(SystemExit) as caught:
        typed(config, "purge", f"--older-than={time}")
    assert caught.value.code == 2
    assert "invalid duration value" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script names the commands, their options and what they take."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("cancel", "backup", "--older-than", "--log-level", "export", "--config"):
        assert word in script
