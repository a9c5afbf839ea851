"""The picture of how a job went: a bar per try, slots against limits, whatever the names and however many VMs."""

import io
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.messages.canvas import drawable
from bot.messages.timeline_data import ROWS, BarOutcome, host_timeline, vm_timelines, worth_showing
from bot.messages.timeline_image import _ticks, timeline
from core.domain.model.inventory import HostName
from core.domain.model.job import JobState
from core.domain.model.move import Attempt, Fault, Move, MoveId, MoveState
from tests.support.view_builders import NOW, job, move, vm_id

HV01, HV02 = HostName("HV01"), HostName("HV02")
LIMITS = {HV01: 2, HV02: 4}


def attempt(number: int, of: int, begins: int, ends: int | None, fault: Fault | None = None) -> Attempt:
    """A try of the VM ``of``, from and to minutes after NOW."""
    ended = None if ends is None else NOW + timedelta(minutes=ends)
    began = NOW + timedelta(minutes=begins)
    return Attempt(
        id=number,
        move_id=MoveId(of + 1),
        vm_id=vm_id(of),
        source=HV01,
        destination=HV02,
        number=number,
        started_at=began,
        confirmed_at=began,
        ended_at=ended,
        fault=fault,
    )


def moves(states: Sequence[MoveState], names: Sequence[str] = ()) -> list[Move]:
    return [
        move(index, names[index] if names else f"vm{index:03}", state, queued_at=NOW, ended_at=NOW)
        for index, state in enumerate(states)
    ]


def draw(made: Sequence[Move], tries: Sequence[Attempt]) -> Image.Image | None:
    about = job([one.vm_name for one in made], JobState.FINISHED)
    png = timeline(about, made, tries, LIMITS, NOW + timedelta(hours=2))
    return Image.open(io.BytesIO(png)) if png else None


def test_each_try_is_a_bar_that_says_how_it_ended() -> None:
    """Failed, then moved; withdrawn at no cost; cancelled; lost; still going on."""
    made = moves([MoveState.DONE, MoveState.DONE, MoveState.CANCELLED, MoveState.LOST, MoveState.MOVING])
    tries = [
        attempt(2, 0, 5, 9),
        attempt(1, 0, 1, 4, Fault.PASSING),
        attempt(1, 1, 1, 2, Fault.LIMIT),
        attempt(1, 2, 1, 2, Fault.CANCELLED),
        attempt(1, 3, 1, 2, Fault.UNKNOWN),
        attempt(1, 4, 1, None),
    ]
    found = {vm.name: [bar.outcome for bar in vm.bars] for vm in vm_timelines(made, tries, NOW)}
    assert found == {
        "vm000": [BarOutcome.FAILED, BarOutcome.MOVED],
        "vm001": [BarOutcome.FREE],
        "vm002": [BarOutcome.CANCELLED],
        "vm003": [BarOutcome.LOST],
        "vm004": [BarOutcome.GOES_ON],
    }


def test_slots_are_counted_at_every_step() -> None:
    """One that ends as another begins is one slot, not two; tries of other hosts do not count."""
    tries = [attempt(1, 0, 0, 5), attempt(1, 1, 2, 8), attempt(1, 2, 5, 9)]
    used = host_timeline(HV01, tries, 2, NOW)
    assert [count for _, count in used.steps] == [1, 2, 2, 1, 0]
    assert used.most == 2
    assert host_timeline(HostName("HV09"), tries, 2, NOW).most == 0


def test_when_there_are_too_many_vms_those_with_trouble_stay() -> None:
    """A picture of 500 VMs shows the failures and the longest."""
    states = [MoveState.FAILED if index % 100 == 7 else MoveState.DONE for index in range(500)]
    made = moves(states)
    shown = worth_showing(vm_timelines(made, [attempt(1, index, 0, index % 60) for index in range(500)], NOW))
    assert len(shown) == ROWS
    assert {vm.name for vm in shown if vm.state is MoveState.FAILED} == {
        f"vm{index:03}" for index in range(7, 500, 100)
    }


@pytest.mark.parametrize("count", [1, 12, 60, 500])
def test_a_picture_fits_a_screen(count: int) -> None:
    """It is as wide as ever and never endless, and has the colours of what happened."""
    states = [MoveState.FAILED if index % 25 == 4 else MoveState.DONE for index in range(count)]
    tries = [attempt(1, i, i, i + 3, Fault.UNKNOWN if states[i] is MoveState.FAILED else None) for i in range(count)]
    picture = draw(moves(states), tries)
    assert picture is not None
    assert picture.width == 2000
    assert picture.height <= 3200
    colors = {color for _, color in picture.convert("RGB").getcolors(2**24) or ()}
    assert (0, 114, 178) in colors
    assert ((213, 94, 0) in colors) or count == 1


def test_nothing_tried_is_no_picture() -> None:
    """When no move ever began there is nothing to draw."""
    assert draw(moves([MoveState.CANCELLED]), []) is None


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4), st.integers(0, 10**5))
def test_no_name_and_no_length_breaks_the_picture(names: list[str], minutes: int) -> None:
    """Whatever VMs are called and however long it took."""
    made = moves([MoveState.DONE] * len(names), names)
    assert draw(made, [attempt(1, index, 0, minutes) for index in range(len(names))]) is not None


def test_what_the_font_lacks_is_not_drawn_as_a_box() -> None:
    """Accents are taken off; what has no Latin letter becomes a question mark."""
    assert drawable("Büro-é→日") == "Buro-eto?"


@pytest.mark.parametrize("seconds", [5, 60, 3600, 86400, 86400 * 30, 86400 * 400])
def test_the_axis_has_a_few_round_times(seconds: int) -> None:
    """Neither none nor a crowd, from seconds to months."""
    ticks = _ticks(NOW, NOW + timedelta(seconds=seconds))
    assert 1 <= len(ticks) <= 10
