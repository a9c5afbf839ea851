"""Promises of core.domain.planning.other_moves."""

from dataclasses import replace

import pytest

from core.domain.model.hyperv_enums import HostJobState
from core.domain.model.inventory import HostJob
from core.domain.model.move import Hold, HoldCode, MoveState
from core.domain.planning.other_moves import in_the_way, other_moves
from core.domain.planning.speeds import OVERHEAD_S, Speeds
from core.domain.planning.work import Work
from tests.support.builders import GB, HV01, HV02, NOW, after, attempt, move, snapshot, vm_id

SPEEDS = Speeds({}, GB / 10)


def test_what_runs_is_over_by_how_far_it_is() -> None:
    """By its percent; without one by the time it should take. What waits has all before it."""
    one = move()
    running = attempt()
    waits = Work(HV01, HV02, 100 + OVERHEAD_S, is_other=True)
    assert other_moves([one], [], {}, SPEEDS, NOW) == [waits]
    (seen,) = other_moves([one], [running], {}, SPEEDS, after(60))
    assert seen == Work(HV01, HV02, 40 + OVERHEAD_S, is_running=True, is_other=True)
    (seen,) = other_moves([one], [running], {}, SPEEDS, after(60), percents={one.vm_id: 20})
    assert seen.seconds == 240


@pytest.mark.parametrize(
    ("code", "stands"),
    [(HoldCode.SLOT, True), (HoldCode.LINK, True), (HoldCode.PAUSED, False), (HoldCode.START_TIME, False)],
)
def test_only_what_waits_for_room_stands_before_others(code: HoldCode, stands: bool) -> None:
    """What waits for people or a time is not ahead of anybody."""
    waits = replace(move(), hold=Hold(code, "because", NOW))
    assert bool(in_the_way([waits])) is stands
    assert in_the_way([replace(waits, state=MoveState.MOVING)])
    assert in_the_way([replace(waits, hold=None)])
    assert not in_the_way([replace(waits, state=MoveState.CLEANING)])


def test_a_migration_of_somebody_else_that_both_hosts_show_is_one() -> None:
    """From where it is shown with its way; one that only its destination shows comes from elsewhere."""
    theirs = HostJob(vm_id=vm_id(7), state=HostJobState.RUNNING, percent=50, destination=HV02, started_at=NOW)
    at = {HV01: snapshot(HV01, jobs=(theirs,)), HV02: snapshot(HV02, jobs=(theirs,))}
    both = Work(HV01, HV02, 100, is_running=True, is_other=True)
    assert other_moves([], [], at, SPEEDS, after(100)) == [both]
    (only,) = other_moves([], [], {HV02: at[HV02]}, SPEEDS, after(100))
    assert (only.source.startswith("elsewhere"), only.destination) == (True, HV02)
    unknown = snapshot(HV01, jobs=(replace(theirs, destination=""),))
    (only,) = other_moves([], [], {HV01: unknown}, SPEEDS, after(100))
    assert (only.source, only.destination.startswith("elsewhere")) == (HV01, True)
