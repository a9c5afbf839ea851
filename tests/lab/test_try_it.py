"""Promises of ``migrate-bot try``, as far as no browser is needed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.try_it import has_screen, main


@pytest.mark.parametrize(
    ("environment", "platform", "is_seen"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_browser_is_opened_only_where_it_is_seen(environment: dict[str, str], platform: str, is_seen: bool) -> None:
    """Not over SSH, and not on a machine without a display."""
    assert has_screen(environment, platform) is is_seen


def test_a_fleet_that_cannot_be_read_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, nothing started."""
    wrong = tmp_path / "fleet.toml"
    wrong.write_text("[hosts.HV01]\ncolour = 'blue'\n", encoding="utf-8")
    assert main(["--fleet", str(wrong)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_one_address_is_printed_and_ctrl_c_ends_all_of_it() -> None:
    """The process says where the page is; Ctrl-C ends it with 0, and the bot with it."""
    command = [sys.executable, "-m", "bot", "try", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert "http://127.0.0.1:" in first
    assert "Ctrl-C ends all of it" in rest
    assert process.returncode == 0
