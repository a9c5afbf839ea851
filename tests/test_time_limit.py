"""What ends a test that waits for ever: its own limit, on every kind of event loop."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WAITS = '''
import asyncio

import pytest

from core.supervisor import Supervisor
from lab.virtual_time import run_virtually


async def wait_for_ever(*_):
    """Keep a loop of the engine's kind busy, and wait for what does not come."""
    supervisor = Supervisor()

    async def turn():
        sum(range(100_000))
        return {pause_s}

    supervisor.start("busy", turn)
    try:
        await asyncio.Event().wait()
    finally:
        await supervisor.stop()
        {at_last}


@pytest.mark.timeout(1)
def test_that_hangs():
    {run}


def test_the_next():
    pass
'''


@pytest.mark.parametrize("run", ["run_virtually(wait_for_ever)", "asyncio.run(wait_for_ever())"])
@pytest.mark.parametrize("at_last", ["pass", "await asyncio.Event().wait()"])
def test_a_test_that_waits_for_ever_fails_with_its_name(tmp_path: Path, run: str, at_last: str) -> None:
    """The limit strikes inside a loop that goes on with whatever breaks, and inside the end of what it cancelled."""
    pause_s = "0.0" if "asyncio" in run else "5.0"
    hanging = tmp_path / "test_hanging.py"
    hanging.write_text(WAITS.format(run=run, at_last=at_last, pause_s=pause_s), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-c",
        f"{ROOT / 'pyproject.toml'}",
        f"{hanging}",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert "::test_that_hangs - " in ended.stdout
    assert "1 failed, 1 passed" in ended.stdout
