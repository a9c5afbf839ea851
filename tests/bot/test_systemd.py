"""What systemd hears of the bot, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.systemd import ServiceManager
from tests.support.markdown_pages import read


class Systemd:
    """The other end of the socket."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.line.bind(self.path)

    def heard(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self.line.recv(1000).decode())
            except BlockingIOError:
                return told


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    one = Systemd(tmp_path / "notify")
    yield one
    one.line.close()


def test_systemd_hears_of_start_life_and_stop(systemd: Systemd) -> None:
    """READY once, then signs of life as often as they are needed and no more, then STOPPING."""
    times = iter((0.0, 0.2, 0.9, 1.0, 5.0))
    asked = {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "8000000"}
    manager = ServiceManager(asked, clock=lambda: next(times))
    manager.ready()
    for _ in range(5):
        manager.beat()
    manager.stopping()
    assert systemd.heard() == ["READY=1\nSTATUS=on duty", *["WATCHDOG=1"] * 3, "STOPPING=1"]


def test_who_stands_by_has_started_and_lives(systemd: Systemd) -> None:
    """systemd waits for no start that another bot's end decides; it shows for whom the bot waits, and hears it live."""
    times = iter((0.0, 1.0, 1.1))
    manager = ServiceManager({"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "8000000"}, clock=lambda: next(times))
    for _ in range(3):
        manager.waiting("Another one works.")
    assert systemd.heard() == ["READY=1\nSTATUS=standing by: Another one works.", *["WATCHDOG=1"] * 2]


def test_who_is_not_asked_says_nothing(systemd: Systemd) -> None:
    """No socket, no watchdog, or a watchdog that is meant for another process: no sign of life is sent."""
    ServiceManager({}).ready()
    ServiceManager({"NOTIFY_SOCKET": systemd.path}).beat()
    other = {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "8000000", "WATCHDOG_PID": str(os.getpid() + 1)}
    ServiceManager(other).beat()
    assert systemd.heard() == []


def test_a_systemd_that_is_gone_is_no_matter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The bot outlives a socket that nobody listens at."""
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    assert "systemd was not told READY=1" in caplog.text


def test_an_abstract_socket_is_reached() -> None:
    """Its name begins with an @ in the environment."""
    name = f"migrate-bot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{name}")
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert line.recv(100) == b"READY=1\nSTATUS=on duty"


def test_the_unit_waits_for_the_start_and_watches() -> None:
    """deploy/migrate-bot.service asks for what the bot tells."""
    unit = read("deploy/migrate-bot.service")
    keys = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert keys["Type"] == "notify"
    assert keys["WatchdogSec"] == "2min"
    assert keys["Restart"] == "always"
