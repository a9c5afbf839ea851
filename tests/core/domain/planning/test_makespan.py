"""Promises of core.domain.planning.makespan."""

import time
from dataclasses import replace
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.model.inventory import HostName
from core.domain.planning.duration import Duration, duration
from core.domain.planning.makespan import lower_bound, makespan
from core.domain.planning.speeds import OVERHEAD_S, Speeds, seconds
from core.domain.planning.work import Pause, Work
from tests.support.builders import HV01, HV02, HV03


def works(*lengths: float, to: HostName = HV02) -> list[Work]:
    return [Work(HV01, to, length) for length in lengths]


def test_a_pair_is_as_fast_as_it_showed() -> None:
    """Learned speed for a pair that has one, the assumed speed for others; direction matters."""
    speeds = Speeds({(HV01, HV02): 200.0, (HV02, HV01): 50.0}, 100.0)
    assert seconds(1000, HV01, HV02, speeds) == OVERHEAD_S + 5
    assert seconds(1000, HV02, HV01, speeds) == OVERHEAD_S + 20
    assert seconds(1000, HV01, HV03, speeds) == OVERHEAD_S + 10


@pytest.mark.parametrize(
    ("lengths", "slots", "expected"),
    [((), 1, 0), ((10, 20), 1, 30), ((10, 20), 2, 20), ((10, 10, 20), 2, 20), ((10, 10, 10), 2, 20)],
)
def test_moves_share_the_slots(lengths: tuple[float, ...], slots: int, expected: float) -> None:
    """Longest first, as soon as both hosts have a slot."""
    assert makespan(works(*lengths), {HV01: slots, HV02: slots}) == expected


def test_moves_between_other_hosts_do_not_wait() -> None:
    """The slots of each host count by themselves."""
    assert makespan([*works(10), Work(HV03, HostName("HV04"), 10)], {}) == 10
    assert makespan([*works(10), *works(10, to=HV03)], {HV01: 2}) == 10
    assert makespan([*works(10), *works(10, to=HV03)], {HV01: 1}) == 20


def test_running_moves_hold_their_slots() -> None:
    """What runs already needs its time first, also on a host whose limit was lowered meanwhile."""
    running = [Work(HV01, HV02, 10, is_running=True)] * 2
    assert makespan([*running, *works(5)], {HV01: 1, HV02: 1}) == 15


def test_a_host_nobody_has_seen_counts_as_having_one_slot() -> None:
    """A silent host's moves are part of the estimate."""
    assert makespan(works(10, 20), {}) == 30
    assert makespan(works(10, 20), {HV01: 0, HV02: 0}) == 30


def test_the_bound_is_the_busiest_host() -> None:
    """Nothing can be quicker than the longest move, or a host's whole work over its slots."""
    assert lower_bound(works(10, 10, 10), {HV01: 3, HV02: 1}) == 30
    assert lower_bound(works(40, 1), {HV01: 2, HV02: 2}) == 40
    assert lower_bound([], {}) == 0


def test_nothing_starts_in_a_pause() -> None:
    """What runs goes on; what waits starts at the pause's end; pauses may go on for ever."""
    one = {HV01: 1, HV02: 1}
    assert makespan(works(10, 10), one, [(5, 100)]) == 110
    assert makespan(works(10, 10), one, [(0, 3)]) == 23
    assert makespan(works(10), one, [(5, 100)]) == 10
    assert makespan(works(10, 10), one, [(0, 3), (3, 50), (55, 80)]) == 90
    assert makespan([Work(HV01, HV02, 10, is_running=True)], one, [(0, 100)]) == 10
    assert makespan(works(3, 3, 3), one, ((10 * n, 10 * n + 9) for n in count())) == 32


def test_the_bound_knows_the_next_pause() -> None:
    """What cannot have started before it begins ends after it."""
    one = {HV01: 1, HV02: 1}
    assert lower_bound(works(10, 10), one, (0, 100)) == 120
    assert lower_bound([Work(HV01, HV02, 10, is_running=True)], one, (0, 100)) == 10
    assert lower_bound(works(10, 10, 10), one, (5, 100)) == 110
    assert lower_bound(works(10, 10), one, (15, 100)) == 20
    assert lower_bound([*works(10, 10), Work(HV03, HostName("HV04"), 1)], one, (2, 100)) == 101


def test_only_so_many_move_at_once() -> None:
    """However many slots the hosts have, other pairs' too."""
    elsewhere = Work(HV03, HostName("HV04"), 10)
    assert makespan(works(10, 10, 10), {HV01: 3, HV02: 3}, at_once=1) == 30
    assert makespan([*works(10), elsewhere, elsewhere], {}, at_once=1) == 30
    assert lower_bound([*works(10), elsewhere], {}, at_once=1) == 20
    assert lower_bound([*works(10), elsewhere], {}) == 10


HOSTS = [HostName(f"H{number}") for number in range(4)]
PAIRS = [(a, b) for a in HOSTS for b in HOSTS if a != b]
WORKS = st.lists(
    st.builds(
        lambda pair, length, running: Work(pair[0], pair[1], length, is_running=running),
        st.sampled_from(PAIRS),
        st.integers(1, 50).map(float),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=15,
)


PAUSES = st.lists(st.integers(0, 200), min_size=2, max_size=6, unique=True).map(
    lambda times: list(pairwise(map(float, sorted(times))))[::2]
)


def simple(todo: list[Work], slots: dict[HostName, int], pauses: list[Pause], at_once: int = 0) -> float:
    """Schedule the same, in the plainest way: at every end look at everything that waits."""
    nobody = HostName("")
    free = {nobody: 0} | {host: max(1, slots.get(host, 1)) for host in HOSTS}
    ends: list[tuple[float, Work]] = []
    queue: list[Work] = []
    for work in sorted(todo, key=lambda work: (-work.seconds, work.source, work.destination)):
        if work.is_running:
            free[work.source] -= 1
            free[work.destination] -= 1
            ends.append((work.seconds, work))
        else:
            queue.append(work)
    clock = 0.0
    while queue or ends:
        paused_until = next((end for begin, end in pauses if begin <= clock < end), None)
        if queue and paused_until is not None:
            ends.append((paused_until, Work(nobody, nobody, 0)))
        for work in list(queue) if paused_until is None else []:
            running = sum(end[1].source != nobody for end in ends)
            if min(free[work.source], free[work.destination]) > 0 and (not at_once or running < at_once):
                queue.remove(work)
                free[work.source] -= 1
                free[work.destination] -= 1
                ends.append((clock + work.seconds, work))
        ends.sort(key=lambda end: (end[0], end[1].source, end[1].destination))
        clock, done = ends.pop(0)
        free[done.source] += 1
        free[done.destination] += 1
    return clock


@settings(max_examples=150)
@given(todo=WORKS, slots=st.dictionaries(st.sampled_from(HOSTS), st.integers(0, 3)), pauses=PAUSES)
def test_the_quick_schedule_is_the_plain_one(todo: list[Work], slots: dict[HostName, int], pauses: list[Pause]) -> None:
    """Looking only at the lines of hosts that got free changes nothing; and nothing beats the bound."""
    assert makespan(todo, slots) == simple(todo, slots, [])
    assert makespan(todo, slots, pauses) == simple(todo, slots, pauses)
    assert lower_bound(todo, slots) <= makespan(todo, slots) + 1e-9
    assert makespan(todo, slots, pauses, at_once=2) == simple(todo, slots, pauses, 2)
    assert lower_bound(todo, slots, pauses[0], at_once=2) <= makespan(todo, slots, pauses, at_once=2) + 1e-9
    assert lower_bound(todo, slots, pauses[0]) <= makespan(todo, slots, pauses) + 1e-9


def test_a_large_fleet_is_estimated_quickly() -> None:
    """Weakness 20: ten thousand moves on four hundred hosts are estimated in a moment: every card shows an estimate."""
    hosts = [HostName(f"H{number}") for number in range(400)]
    many = [Work(hosts[n % 200], hosts[200 + n * 7 % 200], 10.0 + n % 97) for n in range(10_000)]
    before = time.process_time()
    assert makespan(many, dict.fromkeys(hosts, 2)) > 0
    assert time.process_time() - before < 3


def test_hosts_that_have_not_met_are_known_by_what_they_did_with_others() -> None:
    """The slower of both, each at its best; while one of them has shown nothing, as the settings say."""
    hv04 = HostName("HV04")
    speeds = Speeds({(HV01, HV02): 200.0, (HV03, HV02): 50.0, (HV01, HV03): 80.0}, 100.0)
    assert speeds.of(HV02, HV01) == 200.0
    assert speeds.of(HV02, HV03) == 80.0
    assert speeds.of(hv04, HV01) == 100.0
    assert Speeds({}, 100.0).of(HV01, HV02) == 100.0


def test_a_move_that_avoids_a_time_starts_after_it_and_others_use_the_slot() -> None:
    """Its own time only; what has started goes on; it is asked again at each time that it avoids."""
    one = {HV01: 1, HV02: 1}
    shy = Work(HV01, HV02, 10, avoids=((0, 60), (65, 100)))
    assert makespan([shy], one) == 70
    assert makespan([shy, *works(30)], one) == 70
    assert makespan([replace(shy, avoids=((5, 60),))], one) == 10
    assert makespan([replace(shy, avoids=((0, 60), (60, 100)))], one) == 110
    assert makespan([shy, *works(67)], one) == 110
    assert makespan([shy], one, [(0, 62)]) == 72


def test_moves_of_others_have_their_room_first_and_their_end_does_not_count() -> None:
    """Running ones and those that wait before; they are none of the job's own moves at once."""
    one = {HV01: 1, HV02: 1, HV03: 1}
    other = Work(HV01, HV02, 50, is_running=True, is_other=True)
    assert makespan([*works(10), other], one) == 60
    assert makespan([*works(10), replace(other, is_running=False)], one) == 60
    assert makespan([*works(10), replace(other, source=HV03, destination=HostName("HV04"))], one) == 10
    assert makespan([*works(10), other], {HV01: 2, HV02: 2}, at_once=1) == 10


def test_a_plan_says_what_of_its_time_is_waiting() -> None:
    """For backups, and for moves of others; what nothing can beat knows neither."""
    one, other = {HV01: 1, HV02: 1}, Work(HV01, HV02, 50, is_running=True, is_other=True)
    shy = Work(HV01, HV02, 10, avoids=((0, 200),))
    assert duration(works(10), one) == Duration(10, 10)
    assert duration([*works(10), other], one) == Duration(10, 60, 0, 50)
    assert duration([shy, *works(10), other], one) == Duration(20, 210, 140, 50)
    assert duration([replace(shy, avoids=((300, 400),))], one) == Duration(10, 10)
