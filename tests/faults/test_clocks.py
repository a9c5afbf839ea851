"""What the bot does when a host's clock is wrong, or its own is put forward or back while a move runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from lab.hyperv.world.faults import MoveFault
from tests.support.event_facts import facts
from tests.support.fault_harness import fleet, ground, vm, vm_id

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_host_whose_clock_is_wrong_is_believed_in_all_but_its_times(tmp_path: Path, hours: int) -> None:
    """An hour behind, or ahead: a first attempt fails, the second moves the VM, and the host's words are not lost."""
    described = fleet(vm(1, "web01", gb=1), clock_offset_s=3600.0 * hours)
    async with ground(tmp_path, described, epoch=datetime.now(UTC)) as here:
        here.spoil(MoveFault(vm=vm_id(1), cause="network"))
        job = await here.go("web01")
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 2)
        here.once_each("web01", "web01")
        (retrying,) = await here.history(job.id, EventKind.RETRYING)
        assert "0x80072746" in facts(retrying).words


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
async def test_the_bots_own_clock_jumps_while_a_move_runs(tmp_path: Path, jump: timedelta) -> None:
    """The clock on the wall is put an hour forward or back: the running move ends once, the waiting one follows."""
    described = fleet(vm(1, "web01", gb=20), vm(2, "web02", gb=1), live_limit=1, storage_limit=1)
    async with ground(tmp_path, described) as here:
        job = await here.go("web01", "web02")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.clock.jumped = jump
        await here.lab.restart_winrm("HV01")  # now only looking can tell, and looking is a matter of times
        cache = here.engine._snapshot_cache
        before = cache.snapshots[HostName("HV01")]

        async def is_newer() -> bool:
            return cache.snapshots[HostName("HV01")].taken_at > before.taken_at

        await here.until(is_newer)
        assert (await here.move(job, "web01")).state is MoveState.MOVING
        here.lab.jump(3600)
        moves = await here.over(job)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert {move.attempts for move in moves.values()} == {1}
        here.once_each("web01", "web02")


async def test_a_clock_put_forward_does_not_make_a_start_look_forgotten(tmp_path: Path) -> None:
    """Contact breaks at the start and the clock jumps past every patience: the move is still given its time to show."""
    described = fleet(vm(1, "web01", gb=20))
    quirks = described.hosts[0].quirks
    slow_to_show = type(quirks)(status_delay_s=90.0, job_delay_s=90.0)
    async with ground(
        tmp_path, fleet(vm(1, "web01", gb=20), quirks=slow_to_show), migration={"confirm_start": "6s"}
    ) as here:
        job = await here.ask("web01")
        await here.approve(job)
        await here.started(1)
        here.clock.jumped = 3 * HOUR
        await here.lab.restart_winrm("HV01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.lab.jump(3600)
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        assert await here.history(job.id, EventKind.NOT_STARTED) == []
        here.once_each("web01")
