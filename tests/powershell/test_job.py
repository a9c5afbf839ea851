"""A whole job on hosts that run a real PowerShell: odd names, and processes that die while it runs."""

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from core.domain.model.move import MoveState
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import VM
from tests.powershell.sessions import WITHIN_S
from tests.support import fault_harness as grounds
from tests.support.engine_harness import vm, vm_id
from tests.support.full_system import Town, fleet, town

NAMES = (
    "_x000A_",
    "a_x0041_b",
    'it\'s "quoted" `here`',
    "[a-z]* {0} $x; %n",
    "\U0001f680 \U0001f468\u200d\U0001f4bb",
    "\u65e5\u672c\u8a9e\u30b5\u30fc\u30d0\u30fc",
    "tab\tand\ttab",
    "<T>&amp;</T>",
    "\u00c4\u00d6 \u00df \u202eabc",
    "n" * 100,
)
_PATIENT: dict[str, Any] = {"operation_timeout": WITHIN_S, "sessions": 1}
_COVERED: dict[str, Any] = {"confirm_start": f"{2 * WITHIN_S}s"}
"""The settings demand a patience that covers a request."""


def _odd() -> tuple[VM, ...]:
    """Ten VMs with names that have to survive XML, CLIXML, JSON, .NET and Slack; their folders have plain ones."""
    return tuple(
        replace(vm(number, f"vm{number}", gb=1), name=name, path=f"D:\\VMs\\vm{number}")
        for number, name in enumerate(NAMES, start=1)
    )


def _have_arrived(place: Town, count: int) -> bool:
    return sum("✅" in line for line in place.thread()) >= count


async def test_ten_vms_with_odd_names_are_moved(powershell: PowerShell, tmp_path: Path) -> None:
    """Asked for in Slack, approved, moved by Move-VM of a real PowerShell: each is there with its name."""
    async with town(tmp_path, fleet(*_odd()), powershell=powershell, winrm=_PATIENT, migration=_COVERED) as place:
        card = await place.proposed("/migrate * from HV01 to HV02 path D:\\VMs")
        await place.person("bob").click(card, "migrate_approve")
        for count in range(1, len(NAMES) + 1):  # each by itself: a process for each takes its time on a busy machine
            await place.wait_for(partial(_have_arrived, place, count))
        await place.says("is over")
        world = place.here.hosts.world
        assert {world.where_is(vm_id(number)) for number in range(1, len(NAMES) + 1)} == {"HV02"}
        assert {view.name for view in world.vms("HV02")} == set(NAMES)
        assert world.ledger.violations == []
        assert len(world.ledger.starts) == len(NAMES)
        assert place.said_twice() == []
        assert place.here.slack.call_log.failures == []


async def test_processes_of_a_host_die_one_after_the_other(powershell: PowerShell, tmp_path: Path) -> None:
    """Every migration goes on without its session: each VM is started once, and all of them arrive.

    An order that died with its session before it was sent is waited for: here for a quarter of the test's own limit.
    """
    described = grounds.fleet(*(vm(number, f"web{number:02d}", gb=8) for number in range(1, 5)))
    async with grounds.ground(
        tmp_path,
        described,
        powershell=powershell,
        speed=20.0,
        winrm=_PATIENT | {"operation_timeout": WITHIN_S // 3},
        migration={"confirm_start": f"{WITHIN_S // 2}s"},
    ) as here:
        job = await here.go("web*")
        await here.started(1)
        async with asyncio.timeout(WITHIN_S):
            killed = await _kill_one_by_one(here.lab, count=6)
        moves = await here.over(job, within_s=2 * WITHIN_S)
        assert len(killed) == 6
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        here.once_each(*moves)
        assert {here.where(number) for number in range(1, 5)} == {"HV02"}


async def _kill_one_by_one(lab: HyperVLab, count: int) -> set[int]:
    """Kill processes until so many are dead: each time the one that has run longest."""
    killed: set[int] = set()
    while len(killed) < count:
        alive = [pid for pid in lab.processes if pid not in killed]
        if alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(min(alive), signal.SIGKILL)
            killed.add(min(alive))
        await asyncio.sleep(0.2)  # a death takes a moment to be noticed, and the next is to find work under way
    return killed
