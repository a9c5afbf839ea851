"""Promises of placement about links: work goes around a full one where there is a way, and the reason names it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.model.inventory import HostName, VmDetails
from core.domain.planning.destinations import Destination
from core.domain.planning.placement import Conditions, Placement, place
from core.domain.planning.speeds import Speeds
from core.domain.planning.work import Work
from core.domain.scheduling.freeze import parse_window
from core.domain.scheduling.links import Link, Links, LinkWindow
from tests.support.builders import HV01, HV02, HV03, details, room, vm_id

SPEED = 10**8
NEAR, FAR = Destination(HV02, "D:\\VMs"), Destination(HV03, "D:\\VMs")
RACK = Link(name="rack-a", hosts=frozenset({HV01, HV02}), moves=1)
NIGHT = datetime(2026, 1, 6, 2, 0, tzinfo=UTC)


def placed(rows: Sequence[VmDetails], *links: Link, **changes: Any) -> Placement:
    """Place VMs of HV01 on HV02, in its rack, or HV03, outside of it; each host has room for four moves at once."""
    at = Conditions(
        homes={row.vm.id: HV01 for row in rows},
        slots={HV01: 8, HV02: 4, HV03: 4},
        speeds=Speeds({}, SPEED, Links(links)),
        own_folders=True,
    )
    rooms = {host: room(host, free_gb=100_000, memory_gb=10_000) for host in (HV02, HV03)}
    return place(rows, [NEAR, FAR], rooms, replace(at, **changes))


def counts(made: Placement) -> dict[HostName, int]:
    return dict(Counter(target.host for target in made.chosen.values()))


def test_most_work_stays_behind_a_narrow_uplink() -> None:
    """Of ten equal VMs the uplink, one at a time, is done with two when four slots within the rack are with eight."""
    rows = [details(number) for number in range(1, 11)]
    assert counts(placed(rows)) == {HV02: 5, HV03: 5}
    made = placed(rows, RACK)
    assert counts(made) == {HV02: 8, HV03: 2}
    near = next(vm_id(n) for n in range(1, 11) if made.chosen[vm_id(n)] == NEAR)
    assert "would take" in made.why[near]
    assert made.why[near].endswith("with it, over link rack-a.")


def test_bytes_count_as_moves_do() -> None:
    """An uplink that carries as much as one move sends takes as long as one that carries one move."""
    rows = [details(number) for number in range(1, 11)]
    assert counts(placed(rows, replace(RACK, moves=None, bytes_per_s=float(SPEED)))) == {HV02: 8, HV03: 2}
    assert counts(placed(rows, replace(RACK, moves=None, bytes_per_s=8.0 * SPEED))) == {HV02: 5, HV03: 5}


def test_the_number_of_this_time_counts() -> None:
    """In its window the uplink carries one; at night as many as the hosts."""
    rows = [details(number) for number in range(1, 11)]
    link = replace(RACK, moves=None, windows=(LinkWindow(parse_window("Mon-Sun 08:00-18:00"), 1),))
    assert counts(placed(rows, link, now=NIGHT)) == {HV02: 5, HV03: 5}
    assert counts(placed(rows, link, now=NIGHT + timedelta(hours=8))) == {HV02: 8, HV03: 2}


def test_what_others_have_on_a_link_counts() -> None:
    """An uplink that is taken for long gets nothing."""
    rows = [details(number) for number in range(1, 5)]
    others = [Work(HV02, HostName("HV09"), 9000.0, is_running=True)]
    assert counts(placed(rows, RACK, others=others)) == {HV02: 4}


def test_many_vms_are_placed_by_links_too() -> None:
    """More than are played one by one."""
    rows = [details(number) for number in range(1, 601)]
    made = counts(placed(rows, RACK))
    assert made[HV02] > 3 * made[HV03]
