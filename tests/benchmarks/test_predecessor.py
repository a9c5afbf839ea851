"""The model of the predecessor behaves as is known of it: its figures are only worth comparing with if it does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from benchmarks.predecessor import Aborted, Run
from core.domain.model.inventory import HostName, VmId
from core.domain.model.plan import PlannedMove
from lab.gateway import LabGateway
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.fleet import GB, MB, VM, BackupWindow, Disk, Fleet, Host, ScheduledMigration
from lab.hyperv.world.migrations import Migration
from lab.hyperv.world.world import World
from lab.virtual_time import VirtualClock, VirtualTimeLoop, run_virtually

HV01, HV02, HV03 = HostName("HV01"), HostName("HV02"), HostName("HV03")
OURS = "CONTOSO\\svc-migrate"


def host(name: str, **changes: Any) -> Host:
    return replace(Host(name=name, migration_enabled=True, bandwidth_bytes_per_s=100 * MB), **changes)


def vm(number: int, where: str = "HV01", *, gb: int = 20, **changes: Any) -> VM:
    name = f"vm{number:02}"
    disk = Disk(path=f"D:\\VMs\\{name}\\{name}.vhdx", size_bytes=gb * GB)
    return replace(VM(id=UUID(int=number), name=name, host=where, memory_bytes=GB, disks=(disk,)), **changes)


def planned(one: VM) -> PlannedMove:
    return PlannedMove(
        vm_id=VmId(one.id), vm_name=one.name, source=HostName(one.host), destination=HV02, path=f"D:\\Moved\\{one.name}"
    )


class Stage:
    """One run on one world."""

    def __init__(self, loop: VirtualTimeLoop, fleet: Fleet, wanted: Sequence[VM], **options: Any) -> None:
        self.loop = loop
        clock = VirtualClock(loop)
        self.world = World(fleet, loop.time, epoch=clock.now())
        self.gateway = LabGateway(self.world, clock.steady_now)
        self.run = Run(self.gateway, HV01, HV02, [planned(one) for one in wanted], **options)

    def moves(self) -> list[Migration]:
        return [move for move in self.world.migrations() if move.owner == OURS]


def play(
    script: Callable[[Stage], Awaitable[None]],
    *vms: VM,
    hosts: Sequence[Host] = (),
    wanted: Sequence[VM] = (),
    **more: Any,
) -> Stage:
    options = {key: more.pop(key) for key in ("is_careful",) if key in more}
    fleet = Fleet(hosts=tuple(hosts) or (host("HV01"), host("HV02")), vms=vms, **more)
    kept: list[Stage] = []

    async def main(loop: VirtualTimeLoop) -> None:
        stage = Stage(loop, fleet, wanted or vms, **options)
        kept.append(stage)
        await script(stage)

    run_virtually(main)
    return kept[0]


async def to_the_end(stage: Stage) -> None:
    await stage.run.run()


async def passes(stage: Stage, count: int) -> None:
    while stage.run.passes < count:  # noqa: ASYNC110 (virtual time: the poll costs nothing)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(("is_careful", "inventories"), [(False, 81), (True, 161)])
def test_a_pass_over_forty_vms_takes_81_to_161_inventories(is_careful: bool, inventories: int) -> None:
    """Also when both hosts are full and nothing can start: the list, and both hosts again for each VM."""
    forty = [vm(number, gb=2) for number in range(1, 41)]
    others = [vm(number, "HV03", gb=500) for number in (50, 51)]
    theirs = tuple(ScheduledMigration(start_s=0, vm=one.id, destination="HV01", path="D:\\X") for one in others)
    hosts = [
        host(name, quirks=replace(host(name).quirks, incoming_visible_in_lists=True)) for name in (HV01, HV02, HV03)
    ]

    async def one_pass(stage: Stage) -> None:
        await asyncio.sleep(5)  # until what comes in can be seen
        task = asyncio.create_task(stage.run.run())
        await passes(stage, 1)
        stage.gateway.calls.clear()
        await passes(stage, 2)
        assert stage.gateway.calls["observe"] == inventories
        assert stage.moves() == []
        task.cancel()

    play(one_pass, *forty, *others, hosts=hosts, wanted=forty, migrations=theirs, is_careful=is_careful)


def test_starts_are_serial_and_ten_seconds_apart() -> None:
    """It waits to see each start before it considers the next VM."""
    stage = play(to_the_end, vm(1), vm(2))
    first, second = stage.moves()
    assert 10 <= second.started_s - first.started_s < 13


def test_a_free_slot_is_noticed_after_up_to_a_minute() -> None:
    """Nothing wakes it: it looks again when its pause is over."""
    stage = play(
        to_the_end,
        *(vm(number, gb=2 + number) for number in range(1, 7)),
        hosts=(host("HV01", live_limit=1), host("HV02")),
    )
    moves = sorted(stage.moves(), key=lambda move: move.started_s)
    waits = [after.started_s - (before.ended_s or 0) for before, after in pairwise(moves)]
    assert len(moves) == 6
    assert all(0 < wait < 75 for wait in waits)
    assert max(waits) > 30


def test_the_busy_counts_of_both_hosts_are_added_up() -> None:
    """One stranger's move on each host, a slot free on both, and it starts nothing."""
    strangers = vm(10, gb=60), vm(11, "HV02", gb=60)
    theirs = tuple(ScheduledMigration(start_s=0, vm=one.id, destination="HV03", path="D:\\X") for one in strangers)
    hosts = host("HV01"), host("HV02"), host("HV03", live_limit=4, storage_limit=4)
    stage = play(to_the_end, vm(1), *strangers, hosts=hosts, wanted=[vm(1)], migrations=theirs)
    ends = [move.ended_s or 0 for move in stage.world.migrations() if move.owner != OURS]
    [mine] = stage.moves()
    assert len(ends) == 2
    assert mine.started_s > min(ends)


def test_powered_off_vms_go_last_one_at_a_time() -> None:
    """None starts while a running VM is left on the source or while another powered-off one moves."""
    off = [vm(number, gb=5, state=VMState.Off) for number in (1, 2)]
    stage = play(to_the_end, *off, vm(3), vm(4))
    moves = {move.vm.name: move for move in stage.moves()}
    assert min(moves[name].started_s for name in ("vm01", "vm02")) >= max(
        moves[n].ended_s or 0 for n in ("vm03", "vm04")
    )
    assert moves["vm02"].started_s >= (moves["vm01"].ended_s or 0)


def test_one_vm_in_backup_holds_back_all_that_are_off() -> None:
    """It counts as running, and running ones go first."""
    off, busy = vm(1, state=VMState.Off), vm(2)
    window = BackupWindow(start_s=0, vms=(busy.id,), duration_s=1800)
    stage = play(to_the_end, off, busy, backups=(window,))
    moves = {move.vm.name: move for move in stage.moves()}
    assert moves["vm01"].started_s > 1800


def test_a_backup_is_waited_for_an_hour_and_no_more() -> None:
    """Then the VM is called unmigratable."""
    busy = vm(1)
    stage = play(to_the_end, busy, backups=(BackupWindow(start_s=0, vms=(busy.id,), duration_s=7200),))
    assert stage.run.given_up == {VmId(busy.id)}
    assert 3600 < stage.loop.time() < 3800


def test_a_refusal_for_a_full_host_burns_an_attempt() -> None:
    """It never reads the storage limit: three refused starts and the VM is given up."""
    stranger, mine = vm(10, gb=600), vm(1)
    theirs = ScheduledMigration(start_s=0, vm=stranger.id, destination="HV03", path="D:\\X")
    hosts = host("HV01", storage_limit=1), host("HV02"), host("HV03")
    stage = play(to_the_end, stranger, mine, hosts=hosts, wanted=[mine], migrations=(theirs,))
    assert stage.run.given_up == {VmId(mine.id)}
    assert [move.error is not None for move in stage.moves()] == [True, True, True]


def test_a_vm_faster_than_its_first_confirming_look_ends_the_run() -> None:
    """The VM is gone when it is looked at, and that is an error."""

    async def script(stage: Stage) -> None:
        with pytest.raises(Aborted):
            await stage.run.run()

    fast = 10_000 * MB
    play(script, vm(1, gb=1), vm(2), hosts=[host(name, bandwidth_bytes_per_s=fast) for name in (HV01, HV02)])
