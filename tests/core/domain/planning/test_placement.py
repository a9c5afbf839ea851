"""Promises of core.domain.planning.placement: nobody where he cannot go, the work spread, and the reason said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.domain.model.inventory import Adapter, Disk, HostName, Inspection, VmDetails, VmId
from core.domain.planning.assignment import Problem
from core.domain.planning.destinations import Destination
from core.domain.planning.placement import Conditions, Placement, place
from core.domain.planning.placement_reasons import Reasons
from core.domain.planning.speeds import Speeds
from core.domain.planning.work import Work
from core.domain.scheduling.links import Links
from tests.support.builders import GB, HV01, HV02, HV03, details, facts, lying, room, vm, vm_id

HV04 = HostName("HV04")
TWO, THREE, FOUR = (Destination(host, "D:\\VMs") for host in (HV02, HV03, HV04))
SPEED = 10**8


def placed(
    rows: Sequence[VmDetails], targets: Sequence[Destination], rooms: Mapping[HostName, Inspection], **changes: Any
) -> Placement:
    at = Conditions(
        homes={row.vm.id: HV01 for row in rows},
        slots=dict.fromkeys((HV01, *(target.host for target in targets)), 2),
        speeds=Speeds({}, SPEED),
        own_folders=True,
    )
    return place(rows, targets, rooms, replace(at, **changes))


def hosts(made: Placement) -> dict[VmId, HostName]:
    return {vm: target.host for vm, target in made.chosen.items()}


def named(number: int, name: str) -> VmDetails:
    return details(number, of=vm(number, name=name))


def test_one_destination_takes_all() -> None:
    """With one destination nothing is chosen, not even for want of room: preflight says so."""
    rows = [details(1, gb=9), details(2, gb=9)]
    made = placed(rows, [TWO], {HV02: room(HV02, free_gb=1)})
    assert (made.chosen, made.why) == ({vm_id(1): TWO, vm_id(2): TWO}, {})


def test_the_work_is_spread_by_slots() -> None:
    """Equal VMs go where they are done soonest: twice as many to a host with twice the slots."""
    rows = [details(number) for number in range(1, 7)]
    made = placed(rows, [TWO, THREE], {HV02: room(HV02), HV03: room(HV03)}, slots={HV01: 6, HV02: 2, HV03: 4})
    assert Counter(hosts(made).values()) == {HV02: 2, HV03: 4}


def test_the_work_is_spread_by_speed() -> None:
    """A pair that was learned to be three times as fast gets three times the bytes."""
    rows = [details(number) for number in range(1, 9)]
    speeds = Speeds({(HV01, HV02): SPEED, (HV01, HV03): 3 * SPEED}, SPEED)
    slots = {HV01: 8, HV02: 1, HV03: 1}
    made = placed(rows, [TWO, THREE], {HV02: room(HV02), HV03: room(HV03)}, speeds=speeds, slots=slots)
    assert Counter(hosts(made).values()) == {HV02: 2, HV03: 6}


def test_what_others_move_counts() -> None:
    """A host that is busy with other jobs for long gets nothing while another is free."""
    rows = [details(1), details(2)]
    others = [Work(HostName("HV09"), HV02, 9000.0, is_running=True)] * 2
    made = placed(rows, [TWO, THREE], {HV02: room(HV02), HV03: room(HV03)}, others=others)
    assert set(hosts(made).values()) == {HV03}


def test_where_time_is_the_same_room_stays_in_proportion() -> None:
    """One source lets one VM go at a time: then nothing is gained by either host, and the emptier one is chosen."""
    rooms = {HV02: room(HV02, free_gb=60), HV03: room(HV03, free_gb=500)}
    made = placed([details(n) for n in range(1, 5)], [TWO, THREE], rooms, slots={HV01: 1, HV02: 4, HV03: 4})
    assert Counter(hosts(made).values())[HV03] > 2


REFUSALS: dict[str, dict[str, Any]] = {
    "live migration off": {"of": facts(is_migration_enabled=False)},
    "limit 0": {"of": facts(live=0)},
    "no switch": {"switches": ("WAN",)},
    "version": {"of": facts(supported_versions=("8.0",))},
    "same id": {"vms": [vm(1)]},
    "no drive": {"roots": ("C:\\",)},
    "no space": {"free_gb": 12},
    "no memory": {"memory_gb": 2},
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_nobody_goes_where_preflight_would_stop_him(refusal: str) -> None:
    """A host with a blocker gets no VM while another takes it, however much room and speed it has; and it is said."""
    bad: dict[str, Any] = {"free_gb": 100_000, "memory_gb": 9000, **REFUSALS[refusal]}
    rooms = {HV02: room(HV02, **bad), HV03: room(HV03, free_gb=40, memory_gb=8)}
    fast = Speeds({(HV01, HV02): 100 * SPEED}, SPEED)
    made = placed([details(1)], [TWO, THREE], rooms, speeds=fast)
    assert made.chosen[vm_id(1)] == THREE
    assert "HV02" in made.why[vm_id(1)]


def test_a_silent_host_comes_last() -> None:
    """A destination that was not inspected is chosen only when it is the only one."""
    assert placed([details(1)], [TWO, THREE], {HV03: room(HV03)}).chosen[vm_id(1)] == THREE


def test_two_disks_of_one_name_go_to_two_hosts() -> None:
    """Without a folder for each VM, two files of one name would collide: there is a second host."""
    rows = [
        details(1, of=vm(1, name="a"), disks=(Disk(path="D:\\a\\disk.vhdx", file_bytes=GB),)),
        details(2, of=vm(2, name="b"), disks=(Disk(path="D:\\b\\DISK.VHDX", file_bytes=GB),)),
    ]
    rooms = {HV02: room(HV02, free_gb=1000), HV03: room(HV03, free_gb=20)}
    made = placed(rows, [TWO, THREE], rooms, own_folders=False, slots={HV01: 1, HV02: 9, HV03: 1})
    assert set(hosts(made).values()) == {HV02, HV03}


def test_a_host_that_has_a_file_of_that_name_is_not_chosen() -> None:
    """What lies at the destination already counts when hosts are chosen, not only afterwards."""
    taken = lying(HV02, "D:\\VMs\\Virtual Hard Disks\\vm01.vhdx")
    rooms = {HV02: room(HV02, free_gb=9000), HV03: room(HV03, free_gb=20)}
    assert placed([details(1)], [TWO, THREE], rooms, own_folders=False, taken=taken).chosen[vm_id(1)] == THREE


def test_others_move_aside_to_make_room() -> None:
    """A VM for which only one host has the switch gets in, though others were placed there first."""
    rows = [details(1, gb=30), details(2, gb=30), details(3, gb=10, adapters=(Adapter("net", "DMZ"),))]
    rooms = {HV02: room(HV02, free_gb=40, switches=("LAN", "DMZ")), HV03: room(HV03, free_gb=70)}
    made = hosts(placed(rows, [TWO, THREE], rooms))
    assert made == {vm_id(1): HV03, vm_id(2): HV03, vm_id(3): HV02}


def test_a_vm_that_cannot_move_anyway_takes_no_room() -> None:
    """A clustered VM, or one in another job, is placed too, but nobody is turned away for it."""
    stays = details(1, gb=80, of=vm(1, is_clustered=True))
    rooms = {HV02: room(HV02, free_gb=90), HV03: room(HV03, of=facts(is_migration_enabled=False))}
    made = placed([stays, details(2, gb=80), details(3, gb=9)], [TWO, THREE], rooms, settled=frozenset({vm_id(3)}))
    assert hosts(made) == {vm_id(1): HV02, vm_id(2): HV02, vm_id(3): HV02}


def test_on_a_new_plan_vms_stay_where_the_old_one_had_them() -> None:
    """Only those move to another host that cannot stay."""
    rows = [details(number) for number in range(1, 5)]
    rooms = {HV02: room(HV02), HV03: room(HV03), HV04: room(HV04, of=facts(is_migration_enabled=False))}
    keep = {vm_id(1): HV02, vm_id(2): HV02, vm_id(3): HV02, vm_id(4): HV04}
    made = placed(rows, [TWO, THREE, FOUR], rooms, keep=keep)
    assert hosts(made) == {vm_id(1): HV02, vm_id(2): HV02, vm_id(3): HV02, vm_id(4): HV03}
    assert made.why[vm_id(1)].startswith("Stays with HV02")


def test_apart_keeps_vms_of_one_role_on_different_hosts() -> None:
    """``apart=dc*``: though one host is far better, and one that has another of them already is avoided."""
    rows = [named(1, "dc01"), named(2, "DC02"), named(3, "web01")]
    rooms = {HV02: room(HV02), HV03: room(HV03), HV04: room(HV04, vms=[vm(9, name="dc09")])}
    fast = Speeds({(HV01, HV02): 50 * SPEED, (HV01, HV04): 50 * SPEED}, SPEED)
    made = hosts(placed(rows, [TWO, THREE, FOUR], rooms, apart=("dc*",), speeds=fast))
    assert {made[vm_id(1)], made[vm_id(2)]} == {HV02, HV03}


def test_a_reason_names_this_host_and_the_others() -> None:
    """Why this host, why not the others: those that refuse with what they lack, the rest with what they would take."""
    rooms = {HV02: room(HV02), HV03: room(HV03), HV04: room(HV04, switches=())}
    made = placed([details(1), details(2), details(3)], [TWO, THREE, FOUR], rooms, slots={HV01: 9, HV02: 2, HV03: 1})
    why = made.why[vm_id(1)]
    assert made.chosen[vm_id(1)].host in why.split(" has room")[0]
    assert "Not HV04: has no virtual switch LAN." in why
    assert "HV03" in why
    assert "HV02" in why


def test_hosts_of_one_reason_are_named_together() -> None:
    """An approver reads one sentence about two full hosts, not two."""
    rooms = {HV02: room(HV02, free_gb=60), HV03: room(HV03, free_gb=60), HV04: room(HV04, free_gb=60)}
    made = placed([details(n, gb=50) for n in (1, 2, 3)], [TWO, THREE, FOUR], rooms)
    where = {row: made.chosen[row].host for row in made.chosen}
    for row, host in where.items():
        first, second = sorted({HV02, HV03, HV04} - {host})
        assert f"; {first} and {second} have no room left." in made.why[row]


def test_whom_no_host_takes_is_shown_with_one_that_takes_others() -> None:
    """Not with the host that is off: its blocker would stand on a plan that sends nobody there."""
    rooms = {HV02: room(HV02, of=facts(is_migration_enabled=False)), HV03: room(HV03, free_gb=60, switches=())}
    made = placed([details(1)], [TWO, THREE], rooms)
    assert made.unplaced == {vm_id(1)}
    assert made.chosen[vm_id(1)].host == HV03
    assert made.why[vm_id(1)] == "No host takes it. Not HV02: live migration is switched off."


def test_whom_nothing_moves_is_not_told_about_hosts() -> None:
    """What keeps a VM where it is stands among the blockers; which host is off is beside the point."""
    rooms = {HV02: room(HV02), HV03: room(HV03, of=facts(is_migration_enabled=False))}
    made = placed([details(1, of=vm(1, is_clustered=True)), details(2)], [TWO, THREE], rooms)
    assert made.why[vm_id(1)] == ""
    assert made.why[vm_id(2)].startswith("Only HV02 takes it. Not HV03")


def test_the_same_fleet_gets_the_same_plan() -> None:
    """Chance is seeded: a preview and the plan that follows it agree."""
    rows = [details(number, gb=number * 7 % 50 + 1) for number in range(1, 25)]
    rooms = {HV02: room(HV02, free_gb=900), HV03: room(HV03, free_gb=700), HV04: room(HV04)}
    slots = {HV01: 9, HV02: 1, HV03: 2, HV04: 4}
    first = placed(rows, [TWO, THREE, FOUR], rooms, slots=slots)
    assert placed(rows, [TWO, THREE, FOUR], rooms, slots=slots) == first


@pytest.mark.parametrize(
    ("source_slots", "said"),
    [
        (1, "HV03 would take less even with it, but the plan would hardly be shorter."),
        (9, "HV03 would take less even with it."),
    ],
    ids=["the source takes as long anyway", "the plan would be shorter"],
)
def test_a_host_that_would_be_done_sooner_is_not_called_as_good(source_slots: int, said: str) -> None:
    """All times are until a host has all that goes there; whoever would need less is told apart from the whole plan."""
    problem = Problem(
        seconds=[{0: 100.0, 1: 100.0}, {0: 10.0, 1: 10.0}, {0: 90.0, 1: 90.0}],
        sources=[0, 0, 0],
        source_slots=[source_slots],
        host_slots=[1, 1],
        host_busy=[(), ()],
        needs=lambda _vm, _host: (),
        room={},
    )
    words = Reasons([TWO, THREE], problem, {0: 0, 1: 0, 2: 1}, [{}, {}, {}], Links(), tells_who_stays=False)
    assert words.of(1, 0) == f"HV02 has room and would take 1 min 50 s for all that goes there; {said}"
    assert words.of(0, 0).endswith("; HV03 would take 3 min 10 s with it.")
