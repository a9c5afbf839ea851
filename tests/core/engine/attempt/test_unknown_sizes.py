"""Promises of core.engine.attempt.completion: what a pair of hosts can do is learned from what is known alone."""

from pathlib import Path
from typing import Any

import pytest

from core.domain.model.move import MoveState
from lab.hyperv.world.fleet import GB, Disk, DiskFile, Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play

HOME = "D:\\VMs\\web01\\Virtual Hard Disks"


@pytest.mark.parametrize("is_unreadable", [False, True])
def test_no_speed_is_learned_from_a_size_nobody_knows(tmp_path: Path, is_unreadable: bool) -> None:
    """Field case 7: 40 GB that were not counted would make a slow pair look slower still; a known parent counts."""
    parent = DiskFile(path=f"{HOME}\\base.vhdx", size_bytes=9 * GB)
    disk = Disk(path=f"{HOME}\\web01.avhdx", size_bytes=GB, parents=(parent,), is_unreadable=is_unreadable)
    (vm,) = numbered(1, disks=(disk,))
    seen: list[tuple[dict[Any, float], int]] = []

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            done = await stage.finished(job.id)
            assert done["web01"].state is MoveState.DONE
            seen.append((await stage.store.speeds(), job.plan.moves[0].disk_bytes))

    play(tmp_path, Fleet(hosts=hosts(2), vms=(vm,)), script)
    ((speeds, disk_bytes),) = seen
    assert bool(speeds) is not is_unreadable
    assert (disk_bytes > 10 * GB) is not is_unreadable
