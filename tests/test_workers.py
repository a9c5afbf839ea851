"""Tests that share what takes long to start are played by one worker."""

import subprocess
import sys
from pathlib import Path

_GROUP = """
import os, pytest
@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("n", range(6))
def test_where(n, testrun_uid):
    print(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_group_is_played_by_one_worker(tmp_path: Path) -> None:
    """Of pytest and pytest-xdist not every pair does so, and none says a word."""
    (tmp_path / "test_group.py").write_text(_GROUP)
    command = [sys.executable, "-m", "pytest", "-rP", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert len({line for line in ended.stdout.splitlines() if line in {"gw0", "gw1"}}) == 1, ended.stdout
