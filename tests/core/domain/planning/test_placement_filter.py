"""Promises of the placement's filter: it says what preflight says, and nobody is left out for whom there is a way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.domain.model.inventory import Adapter, Disk, HostName, Inspection, Vm, VmDetails, VmId
from core.domain.model.plan import FindingCode, Plan, PlannedMove
from core.domain.planning.destinations import Destination, keep_drives
from core.domain.planning.host_fit import fit_blockers, fit_key
from core.domain.planning.placement import Conditions, Placement, place
from core.domain.planning.preflight import preflight
from core.domain.planning.room import is_live
from core.domain.planning.speeds import Speeds
from tests.support.builders import GB, HV01, HV02, HV03, details, facts, room, vm, vm_id

HV04 = HostName("HV04")
TWO, THREE, FOUR = (Destination(host, "D:\\VMs") for host in (HV02, HV03, HV04))
LYING = (HV02, "d:\\vms\\virtual hard disks")

Rooms = Mapping[HostName, Inspection]


def placed(
    rows: Sequence[VmDetails], targets: Sequence[Destination], rooms: Rooms, *, lists: bool = False, **changes: Any
) -> Placement:
    """Place as the planner does; ``lists``: it has listed the folder of HV02, and found the disk of vm01 there."""
    at = Conditions(
        homes={row.vm.id: HV01 for row in rows},
        slots=dict.fromkeys((HV01, *(target.host for target in targets)), 2),
        speeds=Speeds({}, 10**8),
        own_folders=not lists,
        taken=taken(lists=lists),
    )
    return place(rows, targets, rooms, replace(at, **changes))


def taken(*, lists: bool) -> dict[tuple[HostName, str], frozenset[str]]:
    return {LYING: frozenset({f"{LYING[1]}\\vm01.vhdx"})} if lists else {}


def planned_of(row: VmDetails, target: Destination, there: Inspection, *, lists: bool, drives: bool) -> PlannedMove:
    path = target.path if lists else f"{target.path}\\{row.vm.name}"
    return PlannedMove(
        vm_id=row.vm.id,
        vm_name=row.vm.name,
        source=HV01,
        destination=target.host,
        path=path,
        disks=keep_drives(row, path, there.volumes) if drives else (),
        disk_bytes=row.disk_bytes,
        memory_bytes=row.vm.memory_bytes,
        is_live=is_live(row.vm),
    )


def blocked(
    rows: Sequence[VmDetails],
    where: Mapping[VmId, Destination],
    rooms: Rooms,
    last: frozenset[VmId] = frozenset(),
    *,
    lists: bool = False,
    drives: bool = False,
) -> frozenset[VmId]:
    """Return whom preflight blocks, as the plan has it."""
    moves = [
        planned_of(row, at := where[row.vm.id], rooms[at.host], lists=lists, drives=drives)
        for row in rows
        if row.vm.id in where
    ]
    findings = preflight(moves, {HV01: room(HV01, *rows), **rooms}, taken(lists=lists), last)
    return Plan(tuple(moves), findings).blocked_ids


VMS = st.builds(
    lambda gb, switch, version, name, drive, changes: (gb, switch, version, name, drive, changes),
    st.sampled_from((0, 1, 9, 25, 40)),
    st.sampled_from(("LAN", "DMZ", "")),
    st.sampled_from(("9.0", "9.0", "12.0")),
    st.sampled_from(("", "", "shared", "twice")),
    st.sampled_from("DE"),
    st.sampled_from(({}, {}, {}, {"is_clustered": True}, {"memory_assigned_bytes": 4 * GB})),
)
ROOMS = st.builds(
    lambda free, memory, switches, is_on, limit, versions, roots, twin: {
        "free_gb": free,
        "memory_gb": memory,
        "switches": switches,
        "of": facts(live=limit, is_migration_enabled=is_on, supported_versions=versions),
        "roots": roots,
        "vms": [vm(twin)] if twin else [],
    },
    st.sampled_from((4, 5, 10, 30, 60, 500)),
    st.sampled_from((1, 2, 3, 5, 100)),
    st.sampled_from((("LAN",), ("LAN", "DMZ"), ("DMZ",))),
    st.sampled_from((True, True, True, False)),
    st.sampled_from((0, 1, 2, 2)),
    st.sampled_from(((), (), ("9.0",))),
    st.sampled_from((("D:\\",), ("D:\\", "E:\\"), ("D:\\", "E:\\mount\\"), ("C:\\",))),
    st.sampled_from((0, 0, 0, 1, 2)),
)


def row_of(number: int, one: tuple[Any, ...]) -> VmDetails:
    gb, switch, version, name, drive, changes = one
    made: Vm = vm(number, version=version, **changes)
    folder = f"{drive}:\\old\\{number}"
    file = f"{folder}\\{name or made.name}.vhdx"
    files = (file, f"{folder}\\more\\{name}.vhdx") if name == "twice" else (file,)
    disks = tuple(Disk(path=path, file_bytes=gb * GB) for path in files)
    return details(number, of=made, disks=disks, adapters=(Adapter("net", switch),))


@settings(max_examples=300)
@given(VMS, ROOMS, st.booleans(), st.booleans())
@example(one=(0, "", "9.0", "", "D", {}), found={"free_gb": 4}, lists=False, drives=False)
@example(one=(0, "", "9.0", "", "D", {}), found={"free_gb": 5}, lists=False, drives=False)
@example(one=(9, "", "9.0", "", "E", {}), found={"roots": ("D:\\", "E:\\mount\\")}, lists=False, drives=True)
def test_the_filter_says_what_preflight_says(
    one: tuple[Any, ...],
    found: dict[str, Any],
    lists: bool,
    drives: bool,
) -> None:
    """For one VM and one host: it is placed there if, and only if, preflight finds nothing against it there."""
    row = row_of(1, one)
    none = room(HV03, of=facts(is_migration_enabled=False))
    rooms = {HV02: room(HV02, **found), HV03: none}
    made = placed([row], [TWO, THREE], rooms, lists=lists, keeps_drives=drives)
    is_blocked = bool(blocked([row], {row.vm.id: TWO}, rooms, lists=lists, drives=drives))
    assert (row.vm.id in made.unplaced) is is_blocked
    assert is_blocked or made.chosen[row.vm.id] == TWO


CHOICES = st.lists(st.sampled_from((None, None, 0, 1, 2)), min_size=6, max_size=6)


@settings(max_examples=150)
@given(
    st.lists(VMS, min_size=1, max_size=6),
    st.lists(ROOMS, min_size=2, max_size=3),
    st.booleans(),
    st.booleans(),
    CHOICES,
    CHOICES,
)
@example(
    vms=[(40, "", "9.0", "", "D", {}), (25, "", "9.0", "", "D", {}), (9, "", "9.0", "", "D", {})],
    found=[{"free_gb": 40}, {"of": facts(is_migration_enabled=False)}],
    lists=False,
    drives=False,
    kept=[None] * 6,
    denied=[None] * 6,
)
def test_nobody_is_blocked_where_another_host_would_take_him(  # noqa: PLR0917 (what is made up)
    vms: list[tuple[Any, ...]],
    found: list[dict[str, Any]],
    lists: bool,
    drives: bool,
    kept: list[int | None],
    denied: list[int | None],
) -> None:
    """Whatever the fleet, whoever was elsewhere before or was told no: all have a host that takes them, and no other
    plan takes more; preflight blocks those that were left out, and nobody else."""
    rows = [row_of(number, one) for number, one in enumerate(vms, 1)]
    targets = [TWO, THREE, FOUR][: len(found)]
    rooms = {target.host: room(target.host, **one) for target, one in zip(targets, found, strict=True)}
    keep, no = ({vm_id(n): targets[i % len(targets)].host for n, i in enumerate(which, 1) if i is not None}
                for which in (kept, denied))  # fmt: skip
    said_no = {vm: (host,) for vm, host in no.items()}
    made = placed(rows, targets, rooms, lists=lists, keeps_drives=drives, keep=keep, said_no=said_no)
    now = blocked(rows, made.chosen, rooms, made.unplaced, lists=lists, drives=drives)
    allowed = [
        [
            target
            for target in targets
            if no.get(row.vm.id) != target.host
            and not blocked([row], {row.vm.id: target}, rooms, lists=lists, drives=drives)
        ]
        for row in rows
    ]
    nowhere = {row.vm.id for row, hosts in zip(rows, allowed, strict=True) if not hosts}
    assert nowhere <= made.unplaced
    assert now <= made.unplaced <= now | set(no)
    assert all(made.chosen[row.vm.id] in hosts for row, hosts in zip(rows, allowed, strict=True)
               if row.vm.id not in made.unplaced)  # fmt: skip
    for ways in product(*((*hosts, None) for hosts in allowed)) if made.unplaced else ():
        where = {row.vm.id: target for row, target in zip(rows, ways, strict=True) if target is not None}
        if len(where) > len(rows) - len(made.unplaced):
            assert blocked(rows, where, rooms, lists=lists, drives=drives), f"{where} would take more"


def test_a_folder_that_makes_paths_too_long_is_no_place_to_go() -> None:
    """Windows opens no path so long: the host with the shorter folder takes it, and the reason says so."""
    deep = Destination(HV02, "D:\\" + "\\".join(["a-folder-with-a-long-name"] * 12))
    rooms = {HV02: room(HV02), HV03: room(HV03, free_gb=40)}
    made = placed([details(1)], [deep, THREE], rooms)
    assert made.chosen[vm_id(1)] == THREE
    assert "Not HV02: its path would be too long there." in made.why[vm_id(1)]
    move = planned_of(details(1), deep, rooms[HV02], lists=False, drives=False)
    codes = {one.code for one in preflight([move], {HV01: room(HV01, details(1)), **rooms}, {})}
    assert FindingCode.PATH_TOO_LONG in codes


def test_of_a_host_too_small_for_all_the_others_take_the_room() -> None:
    """Who fits nowhere is counted last: the plan names him, and nobody whom the placement gave his room."""
    rows = [details(1, gb=40), details(2, gb=25), details(3, gb=9)]
    rooms = {HV02: room(HV02, free_gb=45), HV03: room(HV03, of=facts(is_migration_enabled=False))}
    made = placed(rows, [TWO, THREE], rooms)
    assert made.unplaced == {vm_id(1)}
    assert blocked(rows, made.chosen, rooms, made.unplaced) == {vm_id(1)}


def test_every_way_is_tried_before_somebody_is_left_out() -> None:
    """Three hosts that only a few ways fill to the last gigabyte: neither longest first nor moving aside finds one."""
    sizes, rooms_gb = (39, 26, 45, 50, 29, 25), {HV02: 90, HV03: 74, HV04: 50}
    rows = [details(number, gb=gb) for number, gb in enumerate(sizes, 1)]
    rooms = {host: room(host, free_gb=gb + 5) for host, gb in rooms_gb.items()}
    assert placed(rows, [TWO, THREE, FOUR], rooms).unplaced == frozenset()


class _Recorded:
    """Notes which fields of a thing are read, and those of its ``vm`` with it."""

    def __init__(self, thing: object, read: set[str]) -> None:
        self._thing, self._read = thing, read

    def __getattr__(self, name: str) -> object:
        value: object = getattr(self._thing, name)
        if name == "vm":
            return _Recorded(value, self._read)
        self._read.add(name)
        return value


def test_vms_are_taken_for_alike_only_in_all_that_counts() -> None:
    """The filter asks once for VMs of one key: whatever the rules look at, the id aside, is in that key."""
    by_rules, by_key = set[str](), set[str]()
    strange = room(HV02, switches=(), of=facts(supported_versions=("8.0",)))
    assert [*fit_blockers(cast("VmDetails", _Recorded(details(1), by_rules)), strange)]
    fit_key(cast("VmDetails", _Recorded(details(1), by_key)))
    assert by_rules - by_key <= {"id", "name"}


def test_a_vm_of_a_source_that_moves_nothing_takes_no_room() -> None:
    """Live migration is off on its own host: it goes nowhere, and the others have all the room."""
    rows = [details(1, gb=40), details(2, gb=40)]
    rooms = {
        HV01: room(HV01, of=facts(is_migration_enabled=False)),
        HV02: room(HV02, free_gb=60),
        HV03: room(HV03, of=facts(live=0)),
        HV04: room(HV04, details(2, gb=40)),
    }
    homes = {vm_id(1): HV01, vm_id(2): HV04}
    made = placed(rows, [TWO, THREE], rooms, homes=homes)
    assert made.unplaced == {vm_id(1)}
    assert made.chosen[vm_id(2)] == TWO
    everything = rooms | {HV01: room(HV01, rows[0], of=facts(is_migration_enabled=False))}
    moves = [
        replace(planned_of(row, TWO, rooms[HV02], lists=False, drives=False), source=homes[row.vm.id]) for row in rows
    ]
    assert Plan(tuple(moves), preflight(moves, everything, {})).blocked_ids == {vm_id(1)}


def test_many_vms_find_the_room_that_is_just_enough() -> None:
    """More than every way can be tried for, and 1 % more room than they take: by time alone eight are left out."""
    random, hosts = Random(11), 6  # noqa: S311 (to be repeated)
    sizes = [
        (int(min(400, max(8, random.lognormvariate(3.7, 0.8)))), random.choice((2, 4, 8, 16, 32))) for _ in range(120)
    ]
    rows = [
        details(n, gb=disk, of=vm(n, memory_assigned_bytes=memory * GB)) for n, (disk, memory) in enumerate(sizes, 1)
    ]
    needs = [[0.0, 0.0] for _ in range(hosts)]
    for disk, memory in sizes:
        there = random.choice(needs)
        there[0], there[1] = there[0] + disk * 1.01, there[1] + memory * 1.01
    names = [HostName(f"HV{n:02d}") for n in range(11, 11 + hosts)]
    rooms = {
        name: room(name, free_gb=int(disk) + 5, memory_gb=int(memory) + 2)
        for name, (disk, memory) in zip(names, needs, strict=True)
    }
    assert placed(rows, [Destination(name, "D:\\VMs") for name in names], rooms).unplaced == frozenset()
