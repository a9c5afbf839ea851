"""What every HostGateway does, whatever it talks to: one function per promise, run against a small fleet of the lab.

A test module builds an ``Arena`` around its gateway and runs each of ``CONTRACT`` with it. A gateway and its fleet are
new for each promise.
"""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.domain.model.host_calls import CompatibilityReply, FolderFate
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostNetworks, LinkedFile, SwitchKind, Tie, VmId
from core.errors import CommandFailed, ContactLost, HostError, HostUnreachable, LoginRejected, OrderWithdrawn
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.faults import MoveFault, WireFault, WireFaultKind
from lab.hyperv.world.fleet import GB, MB, VM, Checkpoint, Disk, DiskFile
from tests.contracts.gateway_arena import DESTINATION, OFF, SOURCE, SPARE, STRANGER, TWIN, WEB, Arena, granted
from tests.support.eventually import PATIENCE_S


async def a_snapshot_holds_limits_and_every_vm(arena: Arena) -> None:
    """A snapshot has the host's limits, its settings and every realized VM, by id."""
    snapshot = await arena.gateway.observe(SOURCE)
    assert snapshot.host == SOURCE
    assert snapshot.asked_at <= snapshot.taken_at
    assert snapshot.asked_at.tzinfo is not None
    assert {vm.id for vm in snapshot.vms} == {WEB, OFF, TWIN, SPARE}
    assert (snapshot.facts.live_limit, snapshot.facts.storage_limit) == (2, 2)
    assert (snapshot.facts.live_active, snapshot.facts.storage_active) == (0, 0)
    assert snapshot.facts.is_migration_enabled
    assert snapshot.facts.default_vm_path == "D:\\VMs"
    web, old = snapshot.vm(WEB), snapshot.vm(OFF)
    assert web is not None
    assert old is not None
    assert (web.name, web.state, web.is_migrating, web.memory_bytes) == ("web01", VmState.RUNNING, False, GB)
    assert (old.state, old.uptime_s) == (VmState.OFF, 0.0)
    assert web.config_path == "D:\\VMs\\web01"


async def an_inspection_holds_what_a_plan_needs(arena: Arena) -> None:
    """An inspection has volumes, free memory, switches, and the disks, adapters and media of each VM."""
    inspection = await arena.gateway.inspect(SOURCE)
    assert {volume.root for volume in inspection.volumes} == {"C:\\", "D:\\"}
    assert all(0 < volume.free_bytes <= volume.size_bytes for volume in inspection.volumes)
    assert inspection.memory_free_bytes > GB
    assert set(inspection.switches) == {"Backup", "Production"}
    assert inspection.switch_kinds == {"backup": SwitchKind.INTERNAL, "production": SwitchKind.EXTERNAL}
    assert len(inspection.details) == 4
    web = inspection.of(WEB)
    assert web is not None
    assert sorted(disk.file_bytes or 0 for disk in web.disks) == [2 * GB, 4 * GB]
    assert {adapter.switch for adapter in web.adapters} == {"Production", ""}
    old = inspection.of(OFF)
    assert old is not None
    assert (web.iso_paths, old.iso_paths) == ((), ("D:\\ISO\\tools.iso",))
    assert (web.checkpoints, old.checkpoints) == (0, 1)
    assert (web.has_vtpm, old.has_vtpm) == (False, True)


async def an_inspection_says_what_ties_a_vm_to_its_host(arena: Arena) -> None:
    """Devices of the host, nested virtualization, checkpoints that a backup made: each at its own VM."""
    arena.world.change_vm(SOURCE, WEB, {"has_passed_device": True, "exposes_virtualization": True})
    arena.world.change_vm(SOURCE, TWIN, {"has_gpu_partition": True, "has_fibre_channel": True})
    arena.world.change_vm(SOURCE, SPARE, {"captured_dvd_drive": "E:", "com_pipe": "\\\\.\\pipe\\spare"})
    arena.world.change_vm(SOURCE, OFF, {"floppy_path": "D:\\ISO\\drivers.vfd"})
    arena.world.start_backup(OFF, makes_recovery_checkpoint=True)
    inspection = await arena.gateway.inspect(SOURCE)
    ties = {row.vm.id: row.ties for row in inspection.details}
    assert ties == {
        WEB: {Tie.PASSED_DEVICE, Tie.NESTED},
        TWIN: {Tie.GPU_PARTITION, Tie.FIBRE_CHANNEL},
        OFF: frozenset(),
        SPARE: {Tie.HOST_DVD},
    }
    assert {row.vm.id: (row.images, row.pipes) for row in inspection.details} == {
        WEB: ((), ()),
        TWIN: ((), ()),
        OFF: (("D:\\ISO\\tools.iso", "D:\\ISO\\drivers.vfd"), ()),
        SPARE: ((), ("\\\\.\\pipe\\spare",)),
    }
    assert {row.ties_unread for row in inspection.details} == {""}
    old = inspection.of(OFF)
    assert old is not None
    assert (old.checkpoints, old.backup_checkpoints) == (2, 1)


async def an_inspection_tells_the_networks_of_its_host(arena: Arena) -> None:
    """Those it has an address in, of both versions, those it takes migrations on, and where it listens."""
    anywhere = await arena.gateway.inspect(SOURCE, [])
    assert anywhere.networks == HostNetworks(own=("10.0.0.0/16",), for_migration=("0.0.0.0/0", "::/0"))
    addresses = ("10.9.0.12/24", "10.0.0.12/16", "fd00:9::12/64")
    allowed = ("10.9.0.0/24", "fd00:9::/64")
    arena.world.change_host(DESTINATION, {"addresses": addresses, "migration_networks": allowed})
    there = await arena.gateway.inspect(DESTINATION)
    assert there.networks == HostNetworks(own=("10.9.0.0/24", "10.0.0.0/16", "fd00:9::/64"), for_migration=allowed)
    assert there.snapshot.facts.listeners == ("10.9.0.12", "fd00:9::12")


async def an_inspection_is_of_the_vms_asked_for(arena: Arena) -> None:
    """Asked for some VMs, an inspection has their details only, and the whole snapshot all the same."""
    one = await arena.gateway.inspect(SOURCE, [TWIN])
    assert [details.vm.id for details in one.details] == [TWIN]
    assert [file.file_bytes for file in one.details[0].files] == [4 * GB]
    assert len(one.snapshot.vms) == 4
    two = await arena.gateway.inspect(SOURCE, [TWIN, OFF])
    assert {details.vm.id for details in two.details} == {TWIN, OFF}
    none = await arena.gateway.inspect(DESTINATION, [])
    assert none.details == ()
    assert none.volumes


def _clone(number: int, *checkpoints: Checkpoint, **changes: Any) -> VM:
    """Return a VM whose disk differs from a base that other clones differ from too."""
    base = DiskFile(path="D:\\base\\base.vhdx", size_bytes=8 * GB)
    middle = DiskFile(path=f"D:\\clones\\{number}.vhdx", size_bytes=2 * GB)
    disk = Disk(path=f"D:\\clones\\{number}.avhdx", size_bytes=GB, parents=(middle, base))
    number_of = UUID(int=0x4000_8000_0000_0000_0000 + 100 + number)
    made = VM(id=number_of, name=f"clone{number}", host=SOURCE, state=VMState.Off, disks=(disk,))
    return replace(made, checkpoints=checkpoints, **changes)


async def an_inspection_counts_every_file_that_moves(arena: Arena) -> None:
    """Parents, side branches of checkpoints and saved state belong to a VM, each file once."""
    side = Disk(path="D:\\clones\\side.avhdx", size_bytes=4 * GB, parents=_clone(1).disks[0].parents)
    before = Checkpoint(id=UUID(int=8), name="before", disks=(side,), state_bytes=GB)
    arena.world.create_vm(_clone(1, before, state=VMState.Saved, memory_bytes=3 * GB))
    (row,) = (await arena.gateway.inspect(SOURCE, [VmId(_clone(1).id)])).details
    assert [(file.path, file.file_bytes) for file in row.files] == [
        ("D:\\clones\\1.avhdx", GB),
        ("D:\\clones\\1.vhdx", 2 * GB),
        ("D:\\base\\base.vhdx", 8 * GB),
        ("D:\\clones\\side.avhdx", 4 * GB),
    ]
    assert [file.path for file in row.disks[0].parents] == ["D:\\clones\\1.vhdx", "D:\\base\\base.vhdx"]
    assert 4 * GB < row.system_bytes < 4 * GB + MB
    assert row.disk_bytes == 15 * GB + row.system_bytes
    assert (row.unknown_sizes, row.linked) == ((), ())


async def what_a_host_showed_a_moment_ago_is_not_read_again(arena: Arena) -> None:
    """An inspection beside a snapshot describes its VMs as one that reads its own."""
    shown = await arena.gateway.observe(SOURCE)
    beside = await arena.gateway.inspect(SOURCE, [WEB], neighbours=True, known=shown)
    assert beside.snapshot is shown
    alone = await arena.gateway.inspect(SOURCE, [WEB], neighbours=True)
    (here,), (there,) = beside.details, alone.details
    assert (here.disks, here.files, here.adapters) == (there.disks, there.files, there.adapters)


async def an_inspection_tells_what_vms_share(arena: Arena) -> None:
    """With its neighbours looked at, a VM shows which of its files they need, disks shared on purpose apart."""
    for number in (1, 2):
        arena.world.create_vm(_clone(number))
    found = await arena.gateway.inspect(SOURCE, [VmId(_clone(2).id)], neighbours=True)
    assert [row.linked for row in found.details] == [(LinkedFile("D:\\base\\base.vhdx", ("clone1",)),)]
    assert (await arena.gateway.inspect(SOURCE, [WEB], neighbours=True)).details[0].linked == ()


async def an_inspection_says_what_it_could_not_read(arena: Arena) -> None:
    """A size that the host does not tell is unknown, and never nothing."""
    broken = replace(_clone(1).disks[0], is_unreadable=True)
    arena.world.create_vm(_clone(1, disks=(broken,), is_paging=True))
    (row,) = (await arena.gateway.inspect(SOURCE, [VmId(_clone(1).id)])).details
    assert row.unknown_sizes == ("1.avhdx", "its paging file")


async def a_host_says_whom_it_reaches(arena: Arena) -> None:
    """At an address that leads to a host, another one learns what that machine calls itself; at none, it says why."""
    assert await arena.gateway.machine_at(SOURCE, arena.address(DESTINATION)) == "hv02.contoso.com"
    with pytest.raises(CommandFailed, match=r"10\.0\.0\.99"):
        await arena.gateway.machine_at(SOURCE, "10.0.0.99")


async def a_vm_is_found_by_id(arena: Arena) -> None:
    """A VM is found where it is, and None means that the host does not have it."""
    found = await arena.gateway.find(SOURCE, TWIN)
    assert found is not None
    assert (found.id, found.name) == (TWIN, "web01")
    assert await arena.gateway.find(DESTINATION, TWIN) is None
    assert await arena.gateway.find(SOURCE, STRANGER) is None


async def a_move_moves(arena: Arena) -> None:
    """A move that worked reports no error; the VM is on the destination and not on the source."""
    percents: list[int] = []
    loop = asyncio.get_running_loop()

    def on_progress(percent: int) -> None:
        assert asyncio.get_running_loop() is loop
        percents.append(percent)

    move = asyncio.create_task(arena.gateway.move(SOURCE, arena.order(), on_progress, granted))
    await arena.until(lambda: bool(percents))
    await arena.play_out()
    report = await move
    assert report.errors == ()
    assert percents
    assert all(0 <= percent <= 100 for percent in percents)
    assert await arena.gateway.find(SOURCE, WEB) is None
    moved = await arena.gateway.find(DESTINATION, WEB)
    assert moved is not None
    assert not moved.is_planned
    assert moved.config_path.startswith("D:\\Moved")


async def a_running_move_is_seen(arena: Arena) -> None:
    """While a move runs, the source shows job and status; the destination's half-built VM is found, never listed."""
    move = await arena.start()
    await arena.pass_time(5)
    source, destination = await asyncio.gather(arena.gateway.observe(SOURCE), arena.gateway.observe(DESTINATION))
    web = source.vm(WEB)
    assert web is not None
    assert web.is_migrating
    job = source.job(WEB)
    assert job is not None
    assert job.is_running
    assert 0 <= job.percent < 100
    assert destination.vm(WEB) is None
    planned = await arena.gateway.find(DESTINATION, WEB)
    assert planned is not None
    assert planned.is_planned
    assert [job.vm_id for job in await arena.gateway.jobs(SOURCE, WEB)] == [WEB]
    assert await arena.gateway.jobs(SOURCE, TWIN) == ()
    await arena.play_out()
    await move


async def a_failed_move_is_reported(arena: Arena) -> None:
    """What Move-VM says of a failure is in the report, all lines, with its id; nothing is raised."""
    arena.world.order(MoveFault(vm=WEB, cause="network"))
    move = await arena.start()
    await arena.play_out()
    report = await move
    assert report.errors  # type: ignore[attr-defined]
    word = report.errors[0]  # type: ignore[attr-defined]
    assert len(word.text.splitlines()) > 1
    assert word.fqid
    assert await arena.gateway.find(SOURCE, WEB) is not None


async def a_move_of_nobody_is_reported(arena: Arena) -> None:
    """Moving a VM that is not there reports the miss."""
    report = await arena.gateway.move(SOURCE, arena.order(STRANGER), lambda _percent: None, granted)
    assert report.errors


async def a_left_move_goes_on(arena: Arena) -> None:
    """Cancelling the task of a move returns at once and leaves the migration alone."""
    move = await arena.start()
    move.cancel()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(asyncio.CancelledError):
            await move
    assert not arena.world.migrations()[0].is_done
    await arena.play_out()
    assert await arena.gateway.find(DESTINATION, WEB) is not None
    assert len(arena.world.migrations()) == 1


async def a_move_whose_line_breaks_goes_on(arena: Arena) -> None:
    """A connection that breaks while the command runs is ContactLost; the migration goes on and is not repeated."""
    arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.DROP, operation="Receive", times=9))
    with pytest.raises((ContactLost, HostUnreachable)):
        await arena.gateway.move(SOURCE, arena.order(), lambda _percent: None, granted)
    arena.world.trouble.clear()
    await arena.play_out()
    assert len(arena.world.migrations()) <= 1


async def an_order_without_leave_is_not_sent(arena: Arena) -> None:
    """Leave to start is asked once, when nothing else is left to do; without it the host hears nothing."""
    asked: list[int] = []

    async def refused() -> bool:
        asked.append(len(arena.world.migrations()))
        return False

    with pytest.raises(OrderWithdrawn):
        await arena.gateway.move(SOURCE, arena.order(), lambda _percent: None, refused)
    assert asked == [0]
    assert arena.world.ledger.starts == []


async def a_cancel_ends_the_job(arena: Arena) -> None:
    """A cancel is accepted, the job ends, the VM stays on the source."""
    move = await arena.start()
    await arena.pass_time(5)
    reply = await arena.gateway.cancel(SOURCE, WEB)
    assert (reply.found, reply.accepted) == (True, True)
    await arena.play_out()
    await move
    assert await arena.gateway.find(SOURCE, WEB) is not None
    assert not any(job.is_running for job in await arena.gateway.jobs(SOURCE, WEB))


async def nothing_to_cancel_is_said(arena: Arena) -> None:
    """Without a running job of that VM nothing is cancelled."""
    other = await arena.start(SPARE)
    reply = await arena.gateway.cancel(SOURCE, WEB)
    assert (reply.found, reply.accepted) == (False, False)
    await arena.play_out()
    await other
    assert await arena.gateway.find(DESTINATION, SPARE) is not None


async def a_folder_is_listed(arena: Arena) -> None:
    """Hidden items are listed, an empty folder is empty, no folder is None; brackets are plain characters."""
    assert await arena.gateway.list_folder(SOURCE, "D:\\VMs\\full") == ("D:\\VMs\\full\\desktop.ini",)
    assert await arena.gateway.list_folder(SOURCE, "D:\\VMs\\empty[1]") == ()
    assert await arena.gateway.list_folder(SOURCE, "D:\\VMs\\nowhere") is None


async def only_an_empty_folder_is_removed(arena: Arena) -> None:
    """An empty folder is removed, once; one that holds a hidden file stays, and so does everything in it."""
    gateway = arena.gateway
    assert (await gateway.remove_empty_folder(SOURCE, "D:\\VMs\\empty[1]")).fate is FolderFate.REMOVED
    assert (await gateway.remove_empty_folder(SOURCE, "D:\\VMs\\empty[1]")).fate is FolderFate.GONE
    kept = await gateway.remove_empty_folder(SOURCE, "D:\\VMs\\full")
    assert kept.fate is FolderFate.KEPT
    assert kept.reason
    assert await gateway.list_folder(SOURCE, "D:\\VMs\\full") == ("D:\\VMs\\full\\desktop.ini",)


async def a_top_folder_is_never_removed(arena: Arena) -> None:
    """Neither a volume's root nor a first-level folder is removed, empty or not; nor anything on a share."""
    for path in ("D:\\", "D:\\top", "D:\\top\\", "D:\\VMs\\..\\top", "\\\\files\\vms\\pool\\web01"):
        receipt = await arena.gateway.remove_empty_folder(SOURCE, path)
        assert receipt.fate is FolderFate.KEPT, path
    assert arena.world.entry(SOURCE, "D:\\top") is not None


async def a_dead_host_is_unreachable(arena: Arena) -> None:
    """A host that refuses connections is HostUnreachable, and nothing was started."""
    arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.REFUSE))
    with pytest.raises(HostUnreachable):
        await arena.gateway.observe(SOURCE)
    with pytest.raises(HostUnreachable):
        await arena.gateway.move(SOURCE, arena.order(), lambda _percent: None, granted)
    assert arena.world.migrations() == ()
    arena.world.trouble.clear()
    assert (await arena.gateway.observe(SOURCE)).vms


async def a_rejected_login_is_said(arena: Arena) -> None:
    """A host that rejects the login says so at once."""
    arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.STATUS, status=401))
    with pytest.raises(LoginRejected) as caught:
        await arena.gateway.observe(SOURCE)
    assert caught.value.host == SOURCE


async def a_hanging_host_delays_nobody(arena: Arena) -> None:
    """While one host hangs the others answer; a caller who gives up on it is free at once."""
    arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.HANG))
    waiting = [asyncio.create_task(arena.gateway.observe(SOURCE)) for _ in range(8)]
    await asyncio.sleep(0)
    assert (await arena.gateway.observe(DESTINATION)).host == DESTINATION
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    async with asyncio.timeout(PATIENCE_S):
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(error, asyncio.CancelledError) for error in ended)


async def nonsense_is_a_host_error(arena: Arena) -> None:
    """An answer that cannot be read is one of our errors, and the next call is fine."""
    arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.MALFORMED, times=20))
    with pytest.raises(HostError):
        await arena.gateway.observe(SOURCE)
    arena.world.trouble.clear()
    assert (await arena.gateway.observe(SOURCE)).vms


async def a_check_of_a_sound_host_is_all_ok(arena: Arena) -> None:
    """A host in order has nothing to complain about."""
    lines = await arena.gateway.check(SOURCE, [DESTINATION])
    assert lines
    assert [line for line in lines if not line.ok] == []


async def a_vm_that_fits_is_compatible(arena: Arena) -> None:
    """A host says that it could take a VM another host described, and neither of them is changed by that."""
    (info,) = await arena.gateway.compatibility_info(SOURCE, [WEB])
    assert isinstance(info, bytes)
    assert await arena.gateway.test_compatibility(DESTINATION, [info]) == (CompatibilityReply(is_compatible=True),)
    assert await arena.gateway.find(DESTINATION, WEB) is None
    assert await arena.gateway.jobs(SOURCE, WEB) == ()


async def a_vm_that_does_not_fit_says_why(arena: Arena) -> None:
    """A host with other processors says that it could not, in its own words; off, the same VM would fit."""
    arena.world.change_host(DESTINATION, {"processor_family": "amd"})
    arena.world.change_vm(SOURCE, WEB, {"is_processor_compatible": False})
    running = await _described(arena, WEB)
    arena.world.change_vm(SOURCE, WEB, {"state": "Off"})
    off = await _described(arena, WEB)
    said_no, said_yes = await arena.gateway.test_compatibility(DESTINATION, [running, off])
    assert said_yes == CompatibilityReply(is_compatible=True)
    assert isinstance(said_no, CompatibilityReply)
    assert not said_no.is_compatible
    assert len(said_no.reasons) == 1
    assert "processor-specific features" in said_no.reasons[0]


async def one_answer_costs_the_others_nothing(arena: Arena) -> None:
    """Asked about several VMs in one call: each has its own answer, and one that is not there takes none away."""
    infos = await arena.gateway.compatibility_info(SOURCE, [WEB, STRANGER, SPARE])
    assert [isinstance(info, bytes) for info in infos] == [True, False, True]
    assert isinstance(infos[1], CommandFailed)
    assert str(STRANGER) in infos[1].message
    needs = [info for info in infos if isinstance(info, bytes)]
    nonsense = json.dumps({"vm": str(WEB)}).encode()
    first, second, third = await arena.gateway.test_compatibility(DESTINATION, [needs[0], nonsense, needs[1]])
    assert first == third == CompatibilityReply(is_compatible=True)
    assert isinstance(second, CommandFailed)


async def what_is_no_answer_is_an_error(arena: Arena) -> None:
    """Access denied, not supported: no answer is never taken for one."""
    info = await _described(arena, WEB)
    for host in (SOURCE, DESTINATION):
        arena.world.change_host(host, {"quirks": {"compatibility_code": 32769}})
    for answers in (
        await arena.gateway.test_compatibility(DESTINATION, [info]),
        await arena.gateway.compatibility_info(SOURCE, [WEB]),
    ):
        (answer,) = answers
        assert isinstance(answer, CommandFailed)
        assert "32769" in answer.message
    with pytest.raises(CommandFailed, match="32769"):
        await arena.gateway.test_migration(SOURCE, WEB, DESTINATION)


async def _described(arena: Arena, vm_id: VmId) -> bytes:
    (info,) = await arena.gateway.compatibility_info(SOURCE, [vm_id])
    assert isinstance(info, bytes)
    return info


async def a_migration_is_tried_without_one(arena: Arena) -> None:
    """The source's service finds the way to the other host or says why not; meanwhile nothing counts as moving."""
    trial = asyncio.create_task(arena.gateway.test_migration(SOURCE, WEB, DESTINATION))
    await arena.until(lambda: bool(arena.world.jobs(SOURCE)))
    assert await arena.gateway.jobs(SOURCE, WEB) == ()
    await arena.pass_time(5)
    assert await trial == CompatibilityReply(is_compatible=True)
    arena.world.change_host(DESTINATION, {"listener_on": False})
    trial = asyncio.create_task(arena.gateway.test_migration(SOURCE, WEB, DESTINATION))
    await arena.until(lambda: len(arena.world.jobs(SOURCE)) > 1)
    await arena.pass_time(5)
    refused = await trial
    assert not refused.is_compatible
    assert "0x8007274D" in " ".join(refused.reasons)
    assert await arena.gateway.find(DESTINATION, WEB) is None


async def notes_are_read_by_their_key_alone(arena: Arena) -> None:
    """Only what stands behind the key is read, in any case and language, cut to a bound; the rest stays on the host."""
    long, many = "x" * 5000, "\n".join(f"owner: U{n}" for n in range(9))
    arena.world.change_vm(SOURCE, WEB, {"notes": "Der Shop.\r\n OWNER : ann@contoso.com \r\npassword: secret"})
    arena.world.change_vm(
        SOURCE, OFF, {"notes": f"owner:{long}\rowner: Grüße, <b>&amp;\u2028 „x“\nmy owner: U0\nowner"}
    )
    arena.world.change_vm(SOURCE, TWIN, {"notes": many})
    assert await arena.gateway.notes(SOURCE, "owner") == {
        WEB: ("ann@contoso.com",),
        OFF: ("x" * 256, "Grüße, <b>&amp;\u2028 „x“"),
        TWIN: ("U0", "U1", "U2", "U3"),
    }
    assert await arena.gateway.notes(DESTINATION, "owner") == {}
    assert await arena.gateway.notes(SOURCE, "o.*") == {}


CONTRACT = (
    notes_are_read_by_their_key_alone,
    a_snapshot_holds_limits_and_every_vm,
    an_inspection_holds_what_a_plan_needs,
    an_inspection_says_what_ties_a_vm_to_its_host,
    an_inspection_tells_the_networks_of_its_host,
    an_inspection_is_of_the_vms_asked_for,
    an_inspection_counts_every_file_that_moves,
    what_a_host_showed_a_moment_ago_is_not_read_again,
    an_inspection_tells_what_vms_share,
    an_inspection_says_what_it_could_not_read,
    a_host_says_whom_it_reaches,
    a_vm_is_found_by_id,
    a_move_moves,
    a_running_move_is_seen,
    a_failed_move_is_reported,
    a_move_of_nobody_is_reported,
    a_left_move_goes_on,
    a_move_whose_line_breaks_goes_on,
    an_order_without_leave_is_not_sent,
    a_cancel_ends_the_job,
    nothing_to_cancel_is_said,
    a_folder_is_listed,
    only_an_empty_folder_is_removed,
    a_top_folder_is_never_removed,
    a_dead_host_is_unreachable,
    a_rejected_login_is_said,
    a_hanging_host_delays_nobody,
    nonsense_is_a_host_error,
    a_check_of_a_sound_host_is_all_ok,
    a_vm_that_fits_is_compatible,
    a_vm_that_does_not_fit_says_why,
    one_answer_costs_the_others_nothing,
    what_is_no_answer_is_an_error,
    a_migration_is_tried_without_one,
)
