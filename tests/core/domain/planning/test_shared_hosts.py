"""Promises about speed that moves at one host share, or do not: it is learned, and only schedules use it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.inventory import HostName
from core.domain.planning.makespan import MANY, lower_bound, makespan
from core.domain.planning.speeds import (
    WEIGHT,
    Lines,
    SharedSpeed,
    Speeds,
    learn_shared,
    lines_of,
    met_at_hosts,
)
from core.domain.planning.work import Pair, Work
from tests.support.builders import HV01, HV02, HV03, NOW, after, attempt

HV04 = HostName("HV04")
WIDE = dict.fromkeys((HV01, HV02, HV03, HV04), 9)
AWAY, OTHER = (HV01, HV02), (HV01, HV03)


def taught(*moves: tuple[float, float], pair: Pair = AWAY) -> Speeds:
    """Learn from moves as the store does: each with its bytes per second, and how many were at its busier host."""
    learned: dict[Pair, float] = {}
    shared: dict[Pair, SharedSpeed] = {}
    for speed, met in moves:
        known = learned.get(pair)
        shared[pair] = learn_shared(shared.get(pair), known, speed, met)
        learned[pair] = speed if known is None else known + WEIGHT * (speed - known)
    return Speeds(learned, 300.0, shared=shared)


def test_that_moves_share_a_host_is_learned_from_what_foretells_better() -> None:
    """Half as fast in twos: they share. As fast in twos as alone: they do not. Of too few nothing is said."""
    sharing, equal = taught((100, 1), (50, 2), (100, 1), (33, 3)), taught((100, 1), (100, 2), (100, 1), (100, 3))
    assert sharing.of_schedule().hosts_share
    assert sharing.of_schedule().of(*AWAY) == pytest.approx(100, rel=0.01)
    assert equal.of_schedule() is equal
    assert taught((100, 1)).of_schedule().hosts_share is False
    assert taught((50, 2)).of_schedule().hosts_share is False
    assert taught((100, 1), (90, 1), (110, 1)).of_schedule().hosts_share is False


def test_only_a_schedule_sees_the_speed_of_a_move_alone() -> None:
    """Everybody else goes on with what moves showed: who looks at one move does not know who is beside it."""
    speeds = taught((50, 2), (50, 2), (100, 1), (50, 2))
    assert speeds.of(*AWAY) < 80
    assert speeds.share(*AWAY, {HV01: 4}) == 1
    assert lines_of(speeds, NOW) is None


def test_a_move_has_its_part_of_the_busier_of_its_hosts() -> None:
    """Whoever else is there: links come on top."""
    speeds = Speeds({AWAY: 100.0}, 100.0, hosts_share=True)
    assert speeds.share(*AWAY, {HV01: 4, HV02: 2}) == 0.25
    assert speeds.share(*AWAY, {}) == 1


def shared() -> Lines:
    made = lines_of(Speeds({}, 100.0, hosts_share=True), NOW)
    assert made is not None
    return made


def test_an_estimate_shares_out_each_host_anew_at_every_start_and_end() -> None:
    """Two at one host take as long as one after the other; elsewhere nobody notices; a short one leaves early."""
    long, short, far = Work(HV01, HV02, 100), Work(HV01, HV03, 50), Work(HV03, HV04, 100)
    assert makespan([long, long], WIDE, lines=shared()) == 200
    assert makespan([long, short], WIDE, lines=shared()) == 150
    assert makespan([long, far], WIDE, lines=shared()) == 100
    other = Work(HV01, HV04, 500, is_running=True, is_other=True)
    assert makespan([long, other], WIDE, lines=shared()) == 200
    assert lower_bound([long, long], WIDE, lines=shared()) == 100
    assert makespan([short] * (MANY + 1), WIDE, lines=shared()) >= 50 * (MANY + 1)


HOSTS = (HV01, HV02, HV03, HV04)


@given(
    moves=st.lists(
        st.tuples(st.permutations(HOSTS), st.sampled_from((10.0, 20.0)), st.booleans(), st.booleans()), max_size=12
    ),
    slots=st.dictionaries(st.sampled_from(HOSTS), st.integers(1, 3)),
)
def test_moves_of_one_size_end_in_one_instant_and_each_ends_once(
    moves: list[tuple[list[HostName], float, bool, bool]], slots: dict[HostName, int]
) -> None:
    """While ends and starts fall together a share comes, goes and comes again; all is never longer than in a row."""
    works = [
        Work(pair[0], pair[1], seconds, is_running=is_running, is_other=is_running and is_other)
        for pair, seconds, is_running, is_other in moves
    ]
    made = makespan(works, slots, lines=shared())
    own = [work for work in works if not work.is_other]
    assert lower_bound(own, slots, lines=shared()) <= made + 1e-6
    assert made <= sum(work.seconds for work in works) + 1e-6


def test_how_many_met_counts_the_busier_host_and_the_time_beside() -> None:
    """Itself included; who left halfway counts half; who only shares a moment or no host counts nothing."""
    mine = attempt(1, *AWAY, ended_at=after(100))
    others = [
        mine,
        attempt(2, *OTHER, started_at=after(-50), ended_at=after(50)),
        attempt(3, HV03, HV02, started_at=after(75), ended_at=None),
        attempt(4, HV03, HV04, ended_at=after(100)),
        attempt(5, *AWAY, started_at=after(-50), ended_at=NOW),
    ]
    assert met_at_hosts(mine, others, after(100)) == 1.5
    assert met_at_hosts(mine, others, NOW) == 1.0
