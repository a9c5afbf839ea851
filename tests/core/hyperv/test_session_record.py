"""Sessions that a dead bot left on the hosts: written down before they are opened, deleted by whoever starts next."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.wiring import sessions_folder
from core.config import StoreSettings
from core.domain.model.inventory import HostName
from core.hyperv.session_record import RemoteSession, SessionRecord
from tests.contracts.gateway_arena import DESTINATION, SOURCE, WEB
from tests.support.wire_harness import on_lab, settings_for

ROOT = Path(__file__).parents[3]
HOST = HostName("HV01")


def left(record: SessionRecord, host: HostName = HOST) -> list[str]:
    with record.left_on(host) as sessions:
        return sorted(session.shell_id for session in sessions)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SessionRecord]]:
    """Start a process's record, with sessions that it has opened."""
    records: list[SessionRecord] = []

    def begin(*ids: str, folder: Path = tmp_path) -> SessionRecord:
        record = SessionRecord(folder)
        records.append(record)
        for shell_id in ids:
            record.opening(RemoteSession(HOST, "uri", shell_id))
        return record

    yield begin
    for record in records:
        record.close()


def die(record: SessionRecord) -> None:
    """Do what the kernel does with the file of a process that is killed: close it, and with that unlock it."""
    assert record._file is not None
    record._file.close()
    record._file = None


def test_who_starts_next_finds_what_a_dead_process_left(tmp_path: Path, start: Callable[..., SessionRecord]) -> None:
    """What it had closed is not among it, nor what it had open on other hosts; and once is enough."""
    first = start("A", "B", "C")
    first.gone("B")
    die(first)
    record = start()
    assert left(record) == ["A", "C"]
    assert left(record, HostName("HV02")) == []
    record.gone("A")
    record.gone("C")
    record.close()
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_deleted_is_handed_on(start: Callable[..., SessionRecord]) -> None:
    """A process that dies before it could delete what another one left leaves both."""
    die(start("A"))
    die(start("D"))
    record = start()
    assert left(record) == ["A", "D"]
    record.gone("A")
    record.close()
    assert left(start()) == ["D"]


def test_a_living_process_keeps_its_sessions(start: Callable[..., SessionRecord]) -> None:
    """Its file is locked for as long as it lives, whoever starts beside it."""
    living = start("A")
    assert left(start()) == []
    assert left(living) == []
    living.abandon("A")
    assert left(living) == ["A"]


@pytest.mark.parametrize("rest", ['{"host": "HV01", "ur', "", "[]\n", '{"id": 3}\n', "\x00\x00"])
def test_a_half_written_file_is_read_as_far_as_it_goes(
    tmp_path: Path, start: Callable[..., SessionRecord], rest: str
) -> None:
    """A process dies in the middle of a line."""
    whole = json.dumps({"host": "HV01", "uri": "u", "id": "A"})
    (tmp_path / "old.jsonl").write_text(f"{whole}\n{rest}", encoding="utf-8")
    assert left(start()) == ["A"]


def test_without_a_folder_that_can_be_written_it_only_remembers(
    tmp_path: Path, start: Callable[..., SessionRecord]
) -> None:
    """The work goes on."""
    (tmp_path / "file").write_text("")
    record = start("A", folder=tmp_path / "file" / "below")
    record.abandon("A")
    assert left(record) == ["A"]


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite+aiosqlite:///migrate-bot.db", "migrate-bot.db.sessions"),
        ("sqlite+aiosqlite:////var/lib/x/bot.db?timeout=5", "/var/lib/x/bot.db.sessions"),
        ("sqlite+aiosqlite:///:memory:", "migrate-bot.sessions"),
        ("postgresql+psycopg://bot@db/bot", "migrate-bot.sessions"),
    ],
)
def test_sessions_are_written_down_beside_the_database(url: str, folder: str) -> None:
    """One place for all that must survive."""
    assert sessions_folder(StoreSettings(url=url)) == Path(folder)


async def test_sixty_kills_are_never_refused(tmp_path: Path) -> None:
    """A crash loop: every life opens a session to read and one of a move; the host allows 25, and the move goes on."""
    async with on_lab(auth="basic", tls=False) as (arena, lab):
        settings = settings_for(lab, auth="basic", tls=False)
        given = settings.model_dump(include={"winrm", "hosts"}, mode="json", exclude_defaults=True)
        secret = settings.winrm_password
        assert isinstance(secret, SecretStr)
        given["winrm"]["operation_timeout"] = "10s"
        given["winrm_password"] = secret.get_secret_value()
        given["hosts"] = {name: given["hosts"][name] for name in (SOURCE,)}
        work = {
            "settings": given,
            "folder": str(tmp_path),
            "kills": 60,
            "linger_s": 0.05,
            "vm": str(WEB),
            "address": lab.fleet.address_of(next(host for host in lab.fleet.hosts if host.name == DESTINATION)),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.core.hyperv.bot_that_is_killed",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await process.communicate(json.dumps(work).encode() + b"\n")
        lives = [json.loads(line) for line in told.decode().splitlines()]
        assert len(lives) == 60
        assert [life for life in lives if life] == []
        assert len(lab.shells(SOURCE)) <= 4
        await arena.play_out()
        assert arena.world.where_is(WEB) == DESTINATION
