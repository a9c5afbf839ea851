"""Promises of core.domain.planning.preflight: each finding, and only where it belongs."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.model import windows_paths
from core.domain.model.host_calls import DiskTarget
from core.domain.model.hyperv_enums import MigrationAuth, Operation, ReplicationMode, VmState
from core.domain.model.inventory import (
    Adapter,
    Disk,
    DiskFile,
    HostName,
    Inspection,
    LinkedFile,
    SwitchKind,
    Tie,
    UnreadableVm,
    VmDetails,
)
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity
from core.domain.planning.preflight import copies, planned_again, preflight, unreadable_vms, unseen_folders
from core.domain.planning.room import file_targets, volume_needs
from tests.support.builders import GB, HV01, HV02, HV03, details, facts, lying, move, planned, room, snapshot, vm, vm_id

B, W, N = Severity.BLOCKER, Severity.WARNING, Severity.NOTE


def check(
    *rows: VmDetails,
    to: Inspection | None = None,
    moves: Sequence[PlannedMove] | None = None,
    source: Inspection | None = None,
    taken: Mapping[tuple[HostName, str], frozenset[str]] | None = None,
) -> tuple[Finding, ...]:
    rooms = {HV01: source or room(HV01, *rows), HV02: to or room(HV02)}
    plan = moves or [replace(planned(1), vm_id=row.vm.id, vm_name=row.vm.name) for row in rows]
    return preflight(plan, rooms, taken or {})


def codes(findings: Sequence[Finding]) -> list[tuple[Severity, FindingCode]]:
    return [(finding.severity, finding.code) for finding in findings]


def test_nothing_stands_in_the_way() -> None:
    """Weakness 30: an ordinary VM between ordinary hosts gives no finding."""
    assert check(details(1), details(2)) == ()


ABOUT_A_VM = {
    "clustered": (details(1, of=vm(1, is_clustered=True)), B, FindingCode.CLUSTERED),
    "replica": (details(1, of=vm(1, replication_mode=ReplicationMode.REPLICA)), B, FindingCode.REPLICA),
    "replicated": (details(1, of=vm(1, replication_mode=ReplicationMode.PRIMARY)), W, FindingCode.REPLICATED),
    "critical": (details(1, of=vm(1, state=VmState.RUNNING_CRITICAL)), B, FindingCode.CRITICAL),
    "critical io": (details(1, of=vm(1, Operation.OK, Operation.CRITICAL_IO_ERROR)), B, FindingCode.CRITICAL),
    "busy": (details(1, of=vm(1, Operation.IN_SERVICE, Operation.BACKING_UP)), N, FindingCode.BUSY),
    "saved": (details(1, of=vm(1, state=VmState.SAVED)), W, FindingCode.SAVED_STATE),
    "pass-through": (details(1, disks=(Disk(path="", is_pass_through=True),)), B, FindingCode.PASS_THROUGH_DISK),
    "shared": (details(1, disks=(Disk(path="D:\\q.vhds", file_bytes=1, is_shared=True),)), B, FindingCode.SHARED_DISK),
    "iso": (details(1, iso_paths=("D:\\setup.iso",)), W, FindingCode.ISO_MOUNTED),
    "vtpm": (details(1, has_vtpm=True), W, FindingCode.VTPM),
    "checkpoints": (details(1, checkpoints=2), N, FindingCode.CHECKPOINTS),
    "of a backup": (details(1, checkpoints=1, backup_checkpoints=1), W, FindingCode.BACKUP_CHECKPOINT),
    "floppy": (details(1, floppy_paths=("D:\\setup.vfd",)), W, FindingCode.ISO_MOUNTED),
    "dvd of the host": (details(1, ties=frozenset({Tie.HOST_DVD})), W, FindingCode.HOST_DVD),
    "com port": (details(1, pipes=("\\\\.\\pipe\\debug",)), W, FindingCode.LOCAL_PIPE),
    "nested": (details(1, ties=frozenset({Tie.NESTED})), W, FindingCode.NESTED),
    **{
        f"{tie}, {state.name.lower()}": (
            details(1, of=vm(1, state=state), ties=frozenset({tie})),
            W if state is VmState.OFF else B,
            FindingCode.TIED_TO_HOST,
        )
        for tie in (Tie.PASSED_DEVICE, Tie.GPU_PARTITION, Tie.FIBRE_CHANNEL)
        for state in (VmState.RUNNING, VmState.PAUSED, VmState.OFF)
    },
}


@pytest.mark.parametrize("case", ABOUT_A_VM)
def test_findings_about_a_vm(case: str) -> None:
    """Weakness 30: what would make a VM's move fail or surprise somebody is found before the button."""
    row, severity, code = ABOUT_A_VM[case]
    findings = check(row)
    assert codes(findings) == [(severity, code)]
    assert findings[0].vm_id == row.vm.id
    assert findings[0].text.startswith("vm01 ")


def test_a_destination_that_has_the_vm_already() -> None:
    """Promise 4: the same id on both hosts is not moved."""
    assert codes(check(details(1), to=room(HV02, vms=[vm(1)]))) == [(B, FindingCode.ON_DESTINATION)]


def test_a_missing_switch() -> None:
    """A switch is looked for by its name in any case; an unconnected adapter needs none."""
    row = details(1, adapters=(Adapter("a", "lan"), Adapter("b"), Adapter("c", "DMZ")))
    findings = check(row)
    assert codes(findings) == [(B, FindingCode.NO_SWITCH)]
    assert findings[0].text == "HV02 has no virtual switch DMZ; the adapter 'c' of vm01 uses it."


def test_sizes_that_read_alike_say_what_is_lacking() -> None:
    """2 TB free and 2 TB needed is no sentence that helps anybody."""
    (found,) = check(details(1, gb=2060), to=room(HV02, free_gb=2050))
    assert found.text.endswith(
        "has 2 TB free; vm01 and those before it need 2 TB, and 5 GB to spare: 15 GB too little."
    )
    (plain,) = check(details(1, gb=200), to=room(HV02, free_gb=100))
    assert plain.text.endswith("need 200 GB, and 5 GB to spare.")


def test_a_switch_of_another_kind() -> None:
    """The move looks for the name alone: whose switch is private there would arrive without its network."""
    row = details(1, adapters=(Adapter("a", "LAN"), Adapter("b", "lan"), Adapter("c")))
    here = replace(room(HV01, row), switch_kinds={"lan": SwitchKind.EXTERNAL})
    found = check(row, to=replace(room(HV02), switch_kinds={"lan": SwitchKind.PRIVATE}), source=here)
    assert codes(found) == [(W, FindingCode.OTHER_NETWORK)]
    assert found[0].text == (
        "The virtual switch LAN is external on HV01 and private on HV02: vm01 would reach no network, only VMs of that"
        " host. Connect it to another switch, or make LAN external there."
    )
    assert found[0].vm_id == row.vm.id
    assert check(row, to=replace(room(HV02), switch_kinds={"lan": SwitchKind.EXTERNAL}), source=here) == ()
    assert check(row, to=room(HV02), source=here) == ()  # it does not say


def test_missing_switches_name_their_adapters() -> None:
    """Whoever is to reconnect them reads which."""
    row = details(1, adapters=(Adapter("a", "DMZ"), Adapter("b", "Backup"), Adapter("c", "LAN")))
    assert check(row)[0].text == "HV02 has no virtual switch Backup, DMZ; the adapters 'a', 'b' of vm01 use them."
    row = details(1, adapters=(Adapter("a", "DMZ"), Adapter("b", "DMZ")))
    assert check(row)[0].text == "HV02 has no virtual switch DMZ; the adapters 'a', 'b' of vm01 use it."


def test_an_old_destination() -> None:
    """A VM does not go back to a host that is older than its configuration version."""
    old = room(HV02, of=facts(supported_versions=("8.0", "8.3")))
    assert codes(check(details(1), to=old)) == [(B, FindingCode.OLD_DESTINATION)]
    assert check(details(1, of=vm(1, version="8.3")), to=old) == ()


def test_a_host_with_migration_switched_off() -> None:
    """Weakness 5: a host that takes part in no migration blocks its moves, by name."""
    findings = check(details(1), to=room(HV02, of=facts(is_migration_enabled=False)))
    assert codes(findings) == [(B, FindingCode.MIGRATION_OFF)]
    assert (findings[0].host, findings[0].vm_id) == (HV02, None)


@pytest.mark.parametrize(("live", "storage", "word"), [(0, 2, "live"), (2, 0, "storage")])
def test_a_host_with_a_limit_of_zero(live: int, storage: int, word: str) -> None:
    """Weakness 5: a limit of zero, of either kind and on either host, blocks and is named."""
    none = facts(live=live, storage=storage)
    for findings in (
        check(details(1), to=room(HV02, of=none)),
        check(source=room(HV01, details(1), of=none), moves=[planned(1)]),
    ):
        assert codes(findings) == [(B, FindingCode.LIMIT_ZERO)]
        assert f"no {word} migrations" in findings[0].text


def test_hosts_that_trust_each_other_differently() -> None:
    """Two hosts with different migration authentication are warned of, once, and not blocked."""
    other = room(HV02, of=facts(migration_auth=MigrationAuth.CREDSSP))
    assert codes(check(details(1), details(2), to=other)) == [(W, FindingCode.AUTH_DIFFERS)]


def test_a_vm_or_host_that_could_not_be_looked_at() -> None:
    """Promise 6: anything unclear is not approved."""
    assert codes(preflight([planned(1)], {HV01: room(HV01, details(1))}, {})) == [(B, FindingCode.HOST_SILENT)]
    assert codes(preflight([planned(1)], {HV01: room(HV01), HV02: room(HV02)}, {})) == [(B, FindingCode.HOST_SILENT)]


# ---------------------------------------------------------------- room


def test_space_is_summed_in_the_plans_order() -> None:
    """Weakness 30: of VMs that fit only one by one the later is blocked; a smaller one still fits."""
    findings = check(details(1, gb=40), details(2, gb=40), details(3, gb=10), to=room(HV02, free_gb=60))
    assert codes(findings) == [(B, FindingCode.NO_SPACE)]
    assert findings[0].vm_id == vm_id(2)
    assert findings[0].text == "D:\\ of HV02 has 60 GB free; vm02 and those before it need 80 GB, and 5 GB to spare."


def test_a_vm_that_cannot_move_takes_no_room_from_others() -> None:
    """A blocked VM is counted last: it makes no other VM appear not to fit."""
    stays = details(1, gb=40, of=vm(1, is_clustered=True))
    findings = check(stays, details(2, gb=40), to=room(HV02, free_gb=60, memory_gb=4))
    assert {finding.vm_id for finding in findings} == {vm_id(1)}
    assert set(codes(findings)) == {(B, FindingCode.CLUSTERED), (B, FindingCode.NO_SPACE)}


def test_every_volume_has_its_own_room() -> None:
    """Disks with places of their own are counted on their own volumes, and the configuration on that of the path."""
    row = details(1, gb=40)
    move = planned(1, disks=(DiskTarget(row.disks[0].path, "E:\\VMs\\vm01.vhdx"),))
    both = room(HV02, roots=("D:\\", "E:\\"), free_gb=60)
    assert check(row, moves=[move], to=both) == ()
    assert codes(check(row, moves=[move], to=room(HV02, roots=("D:\\",)))) == [(B, FindingCode.NO_DRIVE)]
    assert codes(check(row, moves=[move], to=room(HV02, roots=("E:\\",)))) == [(B, FindingCode.NO_DRIVE)]


def test_a_vm_without_disks_needs_its_volume_too() -> None:
    """The folder of the configuration must be on a volume that exists."""
    assert codes(check(details(1, disks=()), to=room(HV02, roots=("C:\\",)))) == [(B, FindingCode.NO_DRIVE)]


def test_the_room_of_a_share_is_unknown() -> None:
    """Weakness 24: a share is a place like others; only its free space cannot be seen."""
    findings = check(details(1), moves=[planned(1, path="\\\\nas\\vms")])
    assert set(codes(findings)) == {(W, FindingCode.SPACE_UNKNOWN)}


def test_memory_is_summed_for_running_vms() -> None:
    """Running VMs need memory together; those that are off need none now."""
    moves = [
        planned(1, memory_bytes=4 * GB),
        planned(2, memory_bytes=4 * GB, is_live=False),
        planned(3, memory_bytes=3 * GB),
    ]
    rows = [details(1), details(2), details(3)]
    assert check(source=room(HV01, *rows), moves=moves, to=room(HV02, memory_gb=9)) == ()
    findings = check(source=room(HV01, *rows), moves=moves, to=room(HV02, memory_gb=8))
    assert codes(findings) == [(B, FindingCode.NO_MEMORY)]
    assert findings[0].text == "HV02 has 8 GB of memory free; vm03 and those before it need 7 GB."


def test_a_vm_that_finds_no_memory_takes_none() -> None:
    """A VM that is too large for the memory does not keep out smaller ones after it."""
    moves = [planned(1, memory_bytes=9 * GB), planned(2, memory_bytes=3 * GB)]
    findings = check(source=room(HV01, details(1), details(2)), moves=moves, to=room(HV02, memory_gb=8))
    assert [(finding.code, finding.vm_id) for finding in findings] == [(FindingCode.NO_MEMORY, vm_id(1))]


def test_disks_of_one_name_collide() -> None:
    """Two VMs whose disk files have one name need folders of their own."""
    names = ("D:\\a\\disk.vhdx", "E:\\b\\DISK.vhdx")
    twins = [details(n, disks=(Disk(path=name, file_bytes=GB),)) for n, name in enumerate(names, start=1)]
    findings = check(*twins)
    assert codes(findings) == [(B, FindingCode.DISK_NAMES_COLLIDE)]
    assert findings[0].vm_id == vm_id(2)
    assert "a disk of vm01" in findings[0].text
    apart = [planned(1, path="D:\\VMs\\vm01"), planned(2, path="D:\\VMs\\vm02")]
    assert check(source=room(HV01, *twins), moves=apart) == ()
    assert check(source=room(HV01, *twins), moves=[planned(1), planned(2, destination=HV03)], to=room(HV02))[
        0
    ].code is (FindingCode.HOST_SILENT)


def test_two_disks_of_one_vm_collide() -> None:
    """One VM may have two disks of one name in different folders; they cannot land in one."""
    findings = check(
        details(1, disks=(Disk(path="D:\\a\\disk.vhdx", file_bytes=1), Disk(path="D:\\b\\disk.vhdx", file_bytes=1)))
    )
    assert codes(findings) == [(B, FindingCode.DISK_NAMES_COLLIDE)]
    assert "another of its disks" in findings[0].text


def test_a_file_that_lies_there_already() -> None:
    """A file of the disk's name on the destination is not written over."""
    there = lying(HV02, "D:\\VMs\\Virtual Hard Disks\\vm01.vhdx")
    assert codes(check(details(1), taken=there)) == [(B, FindingCode.FILE_EXISTS)]
    assert check(details(2), taken=there) == ()


def test_the_worst_comes_first() -> None:
    """Blockers before warnings before notes, whatever VM they are about."""
    rows = [details(1, checkpoints=1), details(2, has_vtpm=True), details(3, of=vm(3, is_clustered=True))]
    assert [finding.severity for finding in check(*rows)] == [B, W, N]


def test_every_code_preflight_knows_has_a_test() -> None:
    """No finding without an example; ``in_job`` is found by whoever knows the jobs."""
    known, tested = (
        set(re.findall(r"FindingCode\.\w+", Path(file).read_text(encoding="utf-8")))
        for file in (inspect.getfile(preflight), __file__)
    )
    assert known
    assert known <= tested


def test_a_vm_that_cannot_be_read_is_said_to_be_missing() -> None:
    """It warns, blocks nobody, and names the host and what could not be read."""
    sick = replace(snapshot(HV01, vm(1)), unreadable=(UnreadableVm("HV01 answered Get-VM without a text in Name."),))
    (warning,) = unreadable_vms([sick, snapshot(HV02)])
    assert (warning.severity, warning.code, warning.host) == (Severity.WARNING, FindingCode.UNREADABLE, HV01)
    assert warning.text.endswith("could not be read: HV01 answered Get-VM without a text in Name.")


def test_a_copy_on_another_source_host_is_told() -> None:
    """A replica stays and blocks nothing; a second VM of the same id is for a human to look at."""
    plain, replica = vm(1), vm(1, replication_mode=ReplicationMode.REPLICA)
    assert copies([(HV01, plain)], [snapshot(HV01, plain), snapshot(HV03)]) == ()
    (note,) = copies([(HV01, plain)], [snapshot(HV03, replica), snapshot(HV01, plain)])
    assert (note.severity, note.code) == (Severity.NOTE, FindingCode.REPLICA)
    assert note.text == "vm01 on HV03 is a replica of the one on HV01; it stays where it is."
    (blocker,) = copies([(HV01, plain)], [snapshot(HV01, plain), snapshot(HV03, plain)])
    assert (blocker.severity, blocker.code) == (Severity.BLOCKER, FindingCode.TWICE)
    assert blocker.vm_id == vm_id(1)


def test_what_could_not_be_checked_is_said() -> None:
    """A host whose endpoint shows no folders gets a note, which blocks nothing."""
    assert unseen_folders({}) == ()
    (note,) = unseen_folders({HV02: "A policy forbids it."})
    assert (note.severity, note.code, note.host) == (Severity.NOTE, FindingCode.FOLDERS_UNSEEN, HV02)
    assert "did not check" in note.text
    assert note.text.endswith("A policy forbids it.")


def test_checkpoints_of_a_backup_are_told_apart_from_others() -> None:
    """A Recovery checkpoint is a backup's: it warns, and only the others are noted as moving too."""
    first, second = check(details(1, checkpoints=3, backup_checkpoints=2))
    assert (first.code, second.code) == (FindingCode.BACKUP_CHECKPOINT, FindingCode.CHECKPOINTS)
    assert first.text == (
        "vm01 has 2 checkpoints of a backup (Recovery): a backup runs, or left it behind. Look before it moves."
    )
    assert "1 checkpoint; it moves" in second.text


def test_a_vm_that_is_off_runs_no_machines() -> None:
    """Nested virtualization of a VM that is off stands in nobody's way."""
    assert check(details(1, of=vm(1, state=VmState.OFF), ties=frozenset({Tie.NESTED}))) == ()


def test_a_pipe_of_a_machine_that_is_named_is_reached_from_anywhere() -> None:
    """What a COM port uses on another machine does not depend on where the VM runs; both ports are one warning."""
    assert check(details(1, pipes=("\\\\console01\\pipe\\vm01",))) == ()
    (found,) = check(details(1, pipes=("\\\\.\\pipe\\a", "\\\\CONSOLE01\\pipe\\vm01", "\\\\.\\PIPE\\b")))
    assert "COM ports on \\\\.\\pipe\\a and \\\\.\\PIPE\\b of its host" in found.text


def test_ties_that_a_host_does_not_tell_are_one_note() -> None:
    """A gap in a reading never looks like a healthy answer, and a hundred VMs are one line."""
    (found,) = check(*(details(n, ties_unread="The role refuses it.") for n in (1, 2, 3)))
    assert (found.severity, found.code, found.host) == (N, FindingCode.TIES_UNREAD, HV01)
    assert found.text.endswith("that was not checked. The role refuses it.")


# ---------------------------------------------------------------- bytes and names that move with a VM


def checkpointed(number: int = 1, **changes: object) -> VmDetails:
    """Return a VM that runs on a small differencing disk, its large parent named only by it."""
    home = f"D:\\VMs\\vm{number:02}\\Virtual Hard Disks"
    disk = Disk(path=f"{home}\\x.avhdx", file_bytes=3 * GB, parents=(DiskFile(f"{home}\\x.vhdx", 500 * GB),))
    return replace(details(number, disks=(disk,)), **changes)  # type: ignore[arg-type]


def test_a_parent_needs_room_too() -> None:
    """Field case 1: the 500 GB under a checkpoint's 3 GB are counted."""
    findings = check(checkpointed(), to=room(HV02, free_gb=200))
    assert codes(findings) == [(B, FindingCode.NO_SPACE)]
    assert "has 200 GB free; vm01 and those before it need 503 GB" in findings[0].text
    assert check(checkpointed(), to=room(HV02, free_gb=600)) == ()


def test_each_file_is_counted_once() -> None:
    """Two disks on one parent bring that parent once; a checkpoint's side branch comes besides."""
    base = DiskFile("D:\\base\\base.vhdx", 100 * GB)
    again = DiskFile("d:\\BASE\\base.vhdx", 100 * GB)
    two = (
        Disk(path="D:\\a.vhdx", file_bytes=GB, parents=(base,)),
        Disk(path="D:\\b.vhdx", file_bytes=GB, parents=(again,)),
    )
    row = details(1, disks=two, checkpoint_files=(DiskFile("D:\\side.avhdx", 7 * GB),), system_bytes=2 * GB)
    assert row.disk_bytes == 111 * GB
    needs, _ = volume_needs(file_targets("D:\\VMs", (), row), ("D:\\",))
    assert needs["D:\\"] == planned_again(move(1), row).disk_bytes == 111 * GB
    assert check(row, to=room(HV02, free_gb=1000)) == ()


def test_a_size_that_nobody_knows_is_said() -> None:
    """Field case 7: unknown is not nothing. The plan names what it reckoned without."""
    unread = Disk(path="D:\\a\\big.vhdx", parents=(DiskFile("D:\\a\\base.vhdx"),))
    findings = check(details(1, disks=(unread,)))
    assert codes(findings) == [(W, FindingCode.SIZE_UNKNOWN)]
    assert findings[0].text.startswith("vm01: the size of big.vhdx, base.vhdx is unknown;")
    assert codes(check(details(1, unread=("its paging file",)))) == [(W, FindingCode.SIZE_UNKNOWN)]


def test_linked_clones_do_not_move() -> None:
    """Field case 8: moving one would take the parent from the others, on whatever host."""
    row = checkpointed(linked=(LinkedFile("D:\\base.vhdx", ("vm02", "vm03", "vm04", "vm05")),))
    findings = check(row)
    assert codes(findings) == [(B, FindingCode.LINKED_CLONE)]
    assert "vm01 shares base.vhdx with vm02, vm03, vm04 and 1 more (linked clones)" in findings[0].text


def test_a_parent_collides_as_a_disk_does() -> None:
    """Field case 8: two VMs whose parents have one name do not go to one folder."""
    findings = check(checkpointed(1), checkpointed(2), to=room(HV02, free_gb=2000))
    assert codes(findings) == [(B, FindingCode.DISK_NAMES_COLLIDE)] * 2
    assert {one.vm_id for one in findings} == {vm_id(2)}


def test_names_collide_as_ntfs_says() -> None:
    """``straße`` and ``strasse`` are two files, ``ÄRGER`` and ``ärger`` one."""

    def on(number: int, name: str) -> VmDetails:
        return details(number, disks=(Disk(path=f"D:\\{number}\\{name}.vhdx", file_bytes=GB),))

    assert check(on(1, "straße"), on(2, "strasse")) == ()
    assert codes(check(on(1, "ÄRGER"), on(2, "ärger"))) == [(B, FindingCode.DISK_NAMES_COLLIDE)]


def test_nobody_is_invited_to_delete_what_lies_there() -> None:
    """Field case 8: a file of that name may be another VM's live disk."""
    there = lying(HV02, "D:\\VMs\\Virtual Hard Disks\\vm01.vhdx")
    assert "delet" not in check(details(1), taken=there)[0].text


def test_paths_too_long_at_the_destination() -> None:
    """A folder that is short enough for itself is not for the files below it."""
    deep = "D:\\" + "f" * 200
    findings = check(details(1), moves=[planned(1, path=deep)])
    assert codes(findings) == [(B, FindingCode.PATH_TOO_LONG)]
    assert "would have a path of 262 letters on HV02" in findings[0].text
    assert check(details(1), moves=[planned(1, path="D:\\" + "f" * 190)]) == ()
    name = Disk(path=f"D:\\{'n' * 256}", file_bytes=GB)
    assert "a name of 256 letters" in check(details(1, disks=(name,)))[0].text


@pytest.mark.parametrize(
    "row",
    [details(1, iso_paths=("D:\\ISO\\Setup.iso",)), details(1, floppy_paths=("D:\\ISO\\Setup.iso",))],
    ids=["dvd", "floppy"],
)
@pytest.mark.parametrize(("lies_there", "found"), [(True, []), (False, [(B, FindingCode.NO_ATTACHMENT)])])
def test_an_image_is_looked_up_on_the_destination(
    row: VmDetails, lies_there: bool, found: list[tuple[Severity, FindingCode]]
) -> None:
    """A mounted image must be at the same place there; where nobody could look, a warning is all there is."""
    to = replace(room(HV02), attachments={windows_paths.key("d:\\iso\\setup.ISO"): lies_there})
    findings = check(row, to=to)
    assert codes(findings) == found
    assert all(
        one.text == "HV02 has no D:\\ISO\\Setup.iso, which vm01 has mounted: eject it, or copy it there."
        for one in findings
    )
