from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.hyperv.world.enums import JobState, MigrationType, VMState
from lab.hyperv.world.enums import OperationalStatus as Op
from lab.hyperv.world.errors import BadChange
from lab.hyperv.world.fleet import GB, MB, Adapter, Disk, MigrationKind, Physics, Uplink, Volume
from tests.support.lab_worlds import BOT, host, lab, vm, vm_id, with_quirks

if TYPE_CHECKING:
    from lab.hyperv.world.migrations import Migration


def test_a_finished_move_leaves_the_vm_on_the_destination_only() -> None:
    """Success means: gone from the source, same id on the destination, disks below the path asked for."""
    it = lab()
    move = it.move(1)
    it.run()
    assert move.is_done
    assert move.errors == ()
    assert it.world.vm("HV01", vm_id(1)) is None
    arrived = it.world.vm("HV02", vm_id(1))
    assert arrived is not None
    assert not arrived.is_planned
    assert arrived.disks[0].path == "D:\\Moved\\1\\Virtual Hard Disks\\vm1-1.vhdx"
    assert arrived.state is VMState.Running


def test_empty_folders_stay_on_the_source() -> None:
    """The files go and the folders stay, as Hyper-V leaves them."""
    it = lab()
    it.move(1)
    it.run()
    assert it.world.entry("HV01", "D:\\VMs\\vm1-1\\Virtual Hard Disks\\vm1-1.vhdx") is None
    assert it.world.list_folder("HV01", "D:\\VMs\\vm1-1\\Virtual Hard Disks") == ()
    assert it.world.entry("HV01", f"D:\\VMs\\vm1-1\\Virtual Machines\\{str(vm_id(1)).upper()}") is not None


def test_a_move_takes_its_bytes_over_the_shared_bandwidth() -> None:
    """Two moves of one host take twice as long as one; a third host's slow network slows its own move only."""
    one, two = lab(), lab()
    alone = one.move(1)
    one.run()
    first, second = two.move(1), two.move(2)
    two.run()
    fixed_s = 2.0 + 1.0 + 0.5
    assert alone.ended_s is not None
    assert first.ended_s is not None
    assert second.ended_s == pytest.approx(first.ended_s)
    assert first.ended_s - fixed_s == pytest.approx(2 * (alone.ended_s - fixed_s), rel=1e-6)


@pytest.mark.parametrize(("is_shared_inside", "meets"), [(False, False), (True, True)])
def test_moves_on_one_uplink_share_it(*, is_shared_inside: bool, meets: bool) -> None:
    """Two moves out of a rack, on hosts of their own, take twice as long as one; one within it only on a segment."""
    uplink = Uplink(
        name="rack", hosts=("HV01", "HV02"), bandwidth_bytes_per_s=50 * MB, is_shared_inside=is_shared_inside
    )
    machines = tuple(replace(vm(n), host=f"HV0{n}") for n in (1, 2))
    hosts = tuple(host(f"HV0{n}") for n in range(1, 5))
    fixed_s = 2.0 + 1.0 + 0.5

    def lasts(*moves: tuple[int, str]) -> float:
        it = lab(*machines, hosts=hosts, uplinks=(uplink,))
        first, *_ = [it.move(number, to=to, source=f"HV0{number}") for number, to in moves]
        it.run()
        assert first.ended_s is not None
        return first.ended_s - fixed_s

    alone = lasts((1, "HV03"))
    assert alone > 10 * GB / (50 * MB)
    assert lasts((1, "HV03"), (2, "HV04")) == pytest.approx(2 * alone, rel=1e-6)
    assert (lasts((1, "HV02")) == pytest.approx(alone, rel=1e-6)) is meets


def test_no_move_is_faster_than_one_stream() -> None:
    """With a limit on each stream and network enough, two moves take as long as one."""
    one, two = (lab(physics=Physics(stream_bytes_per_s=40 * MB)) for _ in range(2))
    alone = one.move(1)
    one.run()
    first, second = two.move(1), two.move(2)
    two.run()
    assert first.ended_s == second.ended_s == alone.ended_s
    assert alone.ended_s is not None
    assert alone.ended_s > 10 * GB / (40 * MB)


def test_the_rest_goes_faster_when_a_move_ends() -> None:
    """Shares are dealt anew when a move starts or ends."""
    it = lab(vm(1), vm(2, size_bytes=20 * GB))
    small, large = it.move(1), it.move(2)
    it.run()
    assert small.ended_s is not None
    assert large.ended_s is not None
    sent_bytes = (30 * GB + 2 * 128) * 1.02 + 2.5 * GB
    # Both together never use more than the network has, and it is idle only while steps of fixed time pass.
    assert sent_bytes / (100 * MB) <= large.ended_s <= sent_bytes / (100 * MB) + 2 * 3.5


def test_the_slower_end_decides() -> None:
    """A transfer runs at the smaller of the two shares."""
    it = lab(hosts=(host("HV01"), host("HV02", bandwidth_bytes_per_s=10 * MB)))
    move = it.move(1)
    it.run()
    assert move.ended_s is not None
    assert move.ended_s > 10 * GB / (10 * MB)


def test_the_source_shows_every_phase() -> None:
    """InService first, and second what is going on: disk phases, then the move itself."""
    it = lab()
    move = it.move(1)
    seen: list[tuple[int, ...]] = []
    while not move.is_done:
        view = it.world.vm("HV01", vm_id(1))
        if view is not None and (not seen or seen[-1] != view.operational_status):
            seen.append(view.operational_status)
        it.step()
    assert seen == [
        (Op.InService, Op.MigratingVirtualMachine),
        (Op.InService, Op.StorageMigrationPhaseOne),
        (Op.InService, Op.StorageMigrationPhaseTwo),
        (Op.InService, Op.MigratingVirtualMachine),
    ]


def test_an_off_vm_stays_off_while_it_moves() -> None:
    """State stays Off, only the status tells."""
    it = lab(vm(1, state=VMState.Off))
    it.move(1)
    it.wait(1.5)
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.state is VMState.Off
    assert view.status == "Migrating virtual machine"


def test_the_half_built_vm_is_found_by_id_only() -> None:
    """A planned VM is no proof of anything and is in no list."""
    it = lab()
    move = it.move(1)
    it.until(move, "disk-copy")
    planned = it.world.vm("HV02", vm_id(1))
    assert planned is not None
    assert planned.is_planned
    assert planned.operational_status == (Op.InService, Op.MigratingPlannedVm)
    assert it.world.vms("HV02") == ()


def test_the_job_is_listed_until_five_minutes_after_its_end() -> None:
    """Msvm_MigrationJob: on the source, upper-case Guid, gone after TimeBeforeRemoval."""
    it = lab()
    it.move(1)
    it.wait(10)
    (job,) = it.world.jobs("HV01")
    assert job.virtual_system_name == str(vm_id(1)).upper()
    assert (job.migration_type, job.job_type, job.owner) == (MigrationType.VirtualSystemAndStorage, 306, BOT)
    assert job.state is JobState.Running
    assert 0 < job.percent < 100
    assert it.world.jobs("HV02") == ()
    it.run()
    it.wait(299)
    assert [job.state for job in it.world.jobs("HV01")] == [JobState.Completed]
    it.wait(1)
    assert it.world.jobs("HV01") == ()


def test_percent_never_goes_back() -> None:
    """Progress is monotonous from 0 to 100."""
    it = lab()
    move = it.move(1)
    seen = [move.percent]
    while not move.is_done:
        it.wait(0.7)
        seen.append(move.percent)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 100)


@pytest.mark.parametrize("ends_as", [JobState.Terminated, JobState.Exception])
def test_a_cancel_is_asynchronous_and_leaves_everything_as_before(ends_as: JobState) -> None:
    """RequestStateChange(4) returns 4096; later the job ends, the VM is as it was and the destination is clean."""
    hosts = (with_quirks(host("HV01"), cancelled_job_state=ends_as), host("HV02"))
    it = lab(hosts=hosts)
    before = it.world.all_entries("HV02")
    move = it.move(1)
    it.wait(30)
    assert it.world.request_state_change("HV01", move.instance_id, 4) == 4096
    assert not move.is_done
    assert it.world.jobs("HV01")[0].state is JobState.ShuttingDown
    it.run()
    assert it.world.jobs("HV01")[0].state is ends_as
    assert "0x800704C7" in move.errors[0].message
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.operational_status == (Op.Ok,)
    assert it.world.all_entries("HV02") == before
    assert it.world.vm("HV02", vm_id(1)) is None


def test_nothing_cancels_the_switch_over() -> None:
    """Cancellable turns false late, and a cancel then changes nothing."""
    it = lab()
    move = it.move(1)
    it.until(move, "switch-over")
    assert not it.world.jobs("HV01")[0].is_cancellable
    assert it.world.request_state_change("HV01", move.instance_id, 4) == 32775
    it.run()
    assert move.errors == ()
    assert move.has_moved


def test_a_cancel_of_no_job_or_by_no_known_state_is_refused() -> None:
    """Unknown jobs and requested states have their own return values."""
    it = lab()
    move = it.move(1)
    assert it.world.request_state_change("HV01", "nonsense", 4) == 32779
    assert it.world.request_state_change("HV02", move.instance_id, 4) == 32779
    assert it.world.request_state_change("HV01", move.instance_id, 3) == 32773


def test_memory_and_space_follow_the_move() -> None:
    """What a VM needs is taken on the destination during the move and given back on the source after it."""
    it = lab()
    free = {name: (it.world.free_memory_bytes(name), it.world.volumes(name)[1].free_bytes) for name in ("HV01", "HV02")}
    move = it.move(1)
    it.until(move, "disk-copy")
    assert it.world.free_memory_bytes("HV02") == free["HV02"][0] - GB
    assert it.world.volumes("HV02")[1].free_bytes < free["HV02"][1] - 10 * GB
    it.run()
    assert it.world.free_memory_bytes("HV01") == free["HV01"][0] + GB
    assert it.world.volumes("HV01")[1].free_bytes > free["HV01"][1] + 10 * GB


def test_explicit_paths_land_where_they_say() -> None:
    """The MultipleDestinations parameters decide each part by itself."""
    it = lab(vm(1))
    source = it.world.vms("HV01")[0].disks[0].path
    it.move(
        1,
        storage_path=None,
        virtual_machine_path="D:\\Conf",
        snapshot_path="D:\\Snap",
        vhds=((source, "C:\\X\\a.vhdx"),),
    )
    it.run()
    (arrived,) = it.world.vms("HV02")
    assert (arrived.path, arrived.snapshot_file_location) == ("D:\\Conf", "D:\\Snap")
    assert arrived.disks[0].path == "C:\\X\\a.vhdx"


def test_a_storage_migration_stays_on_its_host_and_takes_storage_slots_only() -> None:
    """Somebody's Move-VMStorage counts against one limit of one host."""
    it = lab()
    move = it.move(1, to="", kind=MigrationKind.STORAGE, storage_path="C:\\Elsewhere")
    it.wait(5)
    counters = it.world.counters("HV01")
    assert (counters.live, counters.storage) == (0, 1)
    it.run()
    assert move.errors == ()
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.path == "C:\\Elsewhere"
    assert it.world.entry("HV01", view.disks[0].path) is not None
    assert it.world.list_folder("HV01", "D:\\VMs\\vm1-1\\Virtual Hard Disks") == ()


def test_status_and_job_may_show_late() -> None:
    """Between start and first sign there may be a while; the move is under way all the same."""
    hosts = (with_quirks(host("HV01"), status_delay_s=30, job_delay_s=10), host("HV02"))
    it = lab(hosts=hosts)
    it.move(1)
    it.wait(9)
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.operational_status == (Op.Ok,)
    assert it.world.jobs("HV01") == ()
    assert it.world.counters("HV01").live == 0
    it.wait(2)
    assert len(it.world.jobs("HV01")) == 1
    assert it.world.counters("HV01").live == 1
    it.wait(20)
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert view.operational_status[0] == Op.InService


def test_a_stale_host_shows_the_past() -> None:
    """VM data up to five seconds old is still shown, then it is read anew."""
    it = lab(hosts=(with_quirks(host("HV01"), staleness_s=5), host("HV02")))
    assert it.world.vms("HV01")[0].status == "Operating normally"
    it.move(1)
    it.wait(4)
    assert it.world.vms("HV01")[0].status == "Operating normally"
    it.wait(1)
    assert it.world.vms("HV01")[0].status != "Operating normally"


def test_a_moving_vm_cannot_be_changed() -> None:
    """Changes of a VM on its way are refused with one sentence."""
    it = lab()
    it.move(1)
    with pytest.raises(BadChange, match="is moving"):
        it.world.set_state("HV01", vm_id(1), VMState.Off)
    with pytest.raises(BadChange, match="is busy"):
        it.world.remove_vm("HV01", vm_id(1))


def test_whoever_watches_hears_of_the_end_once() -> None:
    """A callback on the handle is the way to learn of an end without asking again and again."""
    it = lab()
    move = it.move(1)
    heard: list[Migration] = []
    move.on_end.append(heard.append)
    it.run()
    assert heard == [move]


def test_a_vm_without_disks_or_memory_still_moves() -> None:
    """Nothing to send is no reason to hang."""
    it = lab(vm(1, state=VMState.Off, disks=(), adapters=(Adapter(switch=None),)))
    move = it.move(1)
    it.run()
    assert move.errors == ()
    assert move.has_moved


def test_a_live_migration_without_storage_needs_its_disks_elsewhere() -> None:
    """Without -IncludeStorage a disk on a local volume is not found on the destination; one on a share is."""
    shared = Disk(path="\\\\nas\\vms\\vm2.vhdx", size_bytes=GB)
    volumes = (Volume(root="C:"), Volume(root="D:"))
    it = lab(vm(1), vm(2, disks=(shared,)), hosts=(host("HV01", volumes=volumes), host("HV02", volumes=volumes)))
    local, remote = (it.move(n, kind=MigrationKind.LIVE, storage_path=None) for n in (1, 2))
    it.run()
    assert "0x80070003" in local.errors[0].message
    assert remote.errors == ()
