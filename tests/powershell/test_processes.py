"""PowerShell processes end with whoever they serve: the session, the lab, and a lab that is killed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan

from core.errors import HostError
from core.hyperv import pipelines
from lab.hyperv.pwsh.install import SETTING, PowerShell
from lab.hyperv.world.fleet import Endpoint
from tests.powershell.sessions import WITHIN_S, place

_HOST = re.compile(r"HV01 +(\S+) +http (\d+) .* user (\S+) +password (\S+)")


async def test_a_process_ends_with_its_session(powershell: PowerShell) -> None:
    """Opening a session starts one, closing it ends it."""
    async with place(powershell, Endpoint.FULL_LANGUAGE) as here:
        (process,) = here.lab.processes
        await asyncio.to_thread(here.session.close)
        await _gone({process})
        async with asyncio.timeout(WITHIN_S):
            while here.lab.processes:  # noqa: ASYNC110  # see below
                await asyncio.sleep(0.05)


async def test_a_session_whose_process_dies_is_lost_and_frees_its_place(powershell: PowerShell) -> None:
    """Who waits for it hears so, and a new session works."""
    async with place(powershell, Endpoint.FULL_LANGUAGE) as here:
        (process,) = here.lab.processes
        os.kill(process, signal.SIGKILL)
        with pytest.raises(HostError):
            await here.run(pipelines.HOST)
        await asyncio.to_thread(here.session.open)
        assert len(here.lab.shells("HV01")) == 1
        assert (await here.run(pipelines.HOST)).words == ()


def test_processes_die_with_a_lab_that_is_killed(powershell: PowerShell) -> None:
    """Nobody is left to end them, and they end: their input does."""
    command = [sys.executable, "-m", "bot", "lab", "--engine", "powershell"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:  # our own command
        assert lab.stdout is not None
        found = None
        while found is None:
            line = lab.stdout.readline()
            assert line, "the lab ended"
            found = _HOST.match(line)
        address, port, user, password = found.groups()
        connection = WSMan(
            address, port=int(port), username=user, password=password, ssl=False, auth="basic", encryption="never",
            no_proxy=True, operation_timeout=WITHIN_S, read_timeout=WITHIN_S + 10,
        )  # fmt: skip
        RunspacePool(connection).open()
        children = _children(lab.pid)
        assert len(children) == 1
        lab.kill()
        lab.wait()
        connection.close()
    asyncio.run(_gone(children))


def test_a_lab_without_a_powershell_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line, and the exit code of a wrong command."""
    monkeypatch.setenv(SETTING, str(tmp_path))
    command = [sys.executable, "-m", "bot", "lab", "--engine", "powershell"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # our own command
    assert done.returncode == 2
    assert done.stderr == f"No PowerShell: {SETTING} names no folder that has one.\n"


def _children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()}


async def _gone(processes: set[int]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while any(map(_runs, processes)):  # noqa: ASYNC110  # the end of somebody else's child is told to nobody
            await asyncio.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        return "-sshs" in Path(f"/proc/{process}/cmdline").read_text("utf-8")
    except OSError:
        return False
