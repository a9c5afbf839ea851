"""Promises about estimates with links: nobody is faster than a link carries, and those on one link share it."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.model.inventory import HostName
from core.domain.planning.makespan import MANY, lower_bound, makespan
from core.domain.planning.speeds import OVERHEAD_S, Lines, LinkSpeed, Speeds, lines_of, seconds, shared_by
from core.domain.planning.work import Work
from core.domain.scheduling.freeze import parse_window
from core.domain.scheduling.links import Counts, Link, Links, LinkWindow, Place
from tests.support.builders import HV01, HV02, HV03, NOW, after, attempt

HV04 = HostName("HV04")
WIDE = dict.fromkeys((HV01, HV02, HV03, HV04), 9)


def rack(*, moves: int | None = None, carries: float | None = None, **changes: object) -> Link:
    return Link(name="rack-a", hosts=frozenset({HV01, HV02}), moves=moves, bytes_per_s=carries, **changes)  # type: ignore[arg-type]


def lines(*links: Link, pace: float = 100.0, now: datetime = NOW, **learned: LinkSpeed) -> Lines:
    return Lines(Speeds({}, pace, Links(links), {name.replace("_", "-"): one for name, one in learned.items()}), now)


# ---------------------------------------------------------------- speeds


def test_no_move_is_faster_than_its_link_carries() -> None:
    """``mb_s`` bounds what a pair has shown and what is assumed; a move beside the link is not bounded."""
    speeds = Speeds({(HV01, HV03): 900.0, (HV01, HV02): 900.0}, 300.0, Links((rack(carries=200.0),)))
    assert [speeds.of(*pair) for pair in ((HV01, HV03), (HV02, HV03), (HV01, HV02))] == [200.0, 200.0, 900.0]
    assert seconds(1000, HV01, HV03, speeds) == OVERHEAD_S + 5


def test_a_pair_that_was_never_seen_has_the_speed_of_others_on_its_link() -> None:
    """Learned of one move alone; what several carried together bounds, and the lower of that and ``mb_s`` counts."""
    links = Links((rack(carries=500.0),))
    speeds = Speeds({(HV01, HV03): 90.0}, 300.0, links, {"rack-a": LinkSpeed(alone=120.0, together=200.0)})
    assert (speeds.of(HV01, HV03), speeds.of(HV02, HV03), speeds.of(HV03, HV04)) == (90.0, 120.0, 300.0)
    assert speeds.carried_by(rack(carries=500.0)) == 200.0
    assert math.isinf(Speeds({}, 1.0).carried_by(rack()))


def test_without_links_there_are_no_lines() -> None:
    """Neutral: an estimate is made as if there were no such thing."""
    assert lines_of(Speeds({}, 1.0), NOW) is None


# ---------------------------------------------------------------- sharing


def test_two_moves_on_one_link_share_it() -> None:
    """Each has half of it while both are there; a third beside the link has its own pace."""
    two = [Work(HV01, HV03, 100), Work(HV02, HV04, 100)]
    assert makespan(two, WIDE, lines=lines(rack(carries=100.0))) == 200
    assert makespan([two[0], Work(HV02, HV04, 50)], WIDE, lines=lines(rack(carries=100.0))) == 150
    assert makespan(two, WIDE, lines=lines(rack(carries=200.0))) == 100
    assert makespan([two[0], Work(HV01, HV02, 110)], WIDE, lines=lines(rack(carries=100.0))) == 110
    assert makespan(two, WIDE, lines=lines(rack(), rack_a=LinkSpeed(together=100.0))) == 200


def test_a_link_carries_only_so_many_at_once() -> None:
    """By its number, whatever slots the hosts have; what is on two links needs room on both."""
    three = [Work(HV01, HV03, 100), Work(HV02, HV04, 100), Work(HV01, HV04, 100)]
    assert makespan(three, WIDE, lines=lines(rack(moves=1))) == 300
    assert makespan(three, WIDE, lines=lines(rack(moves=2))) == 200
    other = Link(name="b", hosts=frozenset({HV04}), moves=1)
    assert makespan(three, WIDE, lines=lines(rack(moves=2), other)) == 200
    assert makespan([Work(HV01, HV02, 100)] * 3, WIDE, lines=lines(rack(moves=1))) == 100


def test_a_number_changes_with_its_window() -> None:
    """Begins and ends are foreseen; what runs goes on."""
    window = (LinkWindow(parse_window("Mon 10:00-11:00"), 1),)
    now = datetime(2026, 1, 5, 9, 55, tzinfo=UTC)
    known = lines(rack(moves=2, windows=window), now=now)
    assert makespan([Work(HV01, HV03, 400)] * 4, WIDE, lines=known) == 400 + 2 * 400
    assert makespan([Work(HV01, HV03, 1000)] * 3, WIDE, lines=known) == 2000
    later = lines(rack(moves=2, windows=window), now=now + timedelta(minutes=5))
    assert makespan([Work(HV01, HV03, 1200)] * 6, WIDE, lines=later) == 3600 + 2400
    assert lower_bound([Work(HV01, HV03, 1200)] * 6, WIDE, lines=later) == 3600


def test_thousands_of_moves_are_estimated_by_the_busiest_link_with_its_windows() -> None:
    """What nobody shares out move by move: the link's number over the time, and its bytes; the hosts count besides."""
    many = [Work(HV01, HV03, 12.0)] * (MANY + 200)
    window = (LinkWindow(parse_window("Mon 10:00-11:00"), 1),)
    now = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    assert makespan(many, WIDE, lines=lines(rack(moves=2, windows=window), now=now)) == 3600 + (14400 - 3600) / 2
    assert makespan(many, WIDE, lines=lines(rack(carries=10.0), pace=100.0)) == pytest.approx(1200 * 7.0)
    assert makespan(many, {HV01: 1, HV03: 1}, lines=lines(rack(moves=2))) == 14400
    few = [Work(HV01, HV03, 12.0)] * MANY
    made = makespan(few, WIDE, lines=lines(rack(moves=2)))
    assert made == pytest.approx(makespan([*few, *few[:1]], WIDE, lines=lines(rack(moves=2))), rel=0.01)


def test_running_moves_are_on_their_links() -> None:
    """They hold them, also more than the number, and share what these carry."""
    running = [Work(HV01, HV03, 100, is_running=True)] * 2
    assert makespan([*running, Work(HV01, HV03, 10)], WIDE, lines=lines(rack(moves=1))) == 110
    assert makespan(running, WIDE, lines=lines(rack(moves=1, carries=100.0))) == 200


def test_the_bound_knows_links() -> None:
    """A link's work over its number, and its bytes over what it carries."""
    works = [Work(HV01, HV03, 105), Work(HV02, HV04, 105)]
    assert lower_bound(works, WIDE, lines=lines(rack(moves=1))) == 210
    assert lower_bound(works, WIDE, lines=lines(rack(carries=50.0, counts=Counts.ANY), pace=50.0)) == 200
    assert lower_bound(works, WIDE, lines=lines(rack())) == 105


HOSTS = [HV01, HV02, HV03, HV04]
PAIRS = [(a, b) for a in HOSTS for b in HOSTS if a != b]
WORKS = st.lists(
    st.builds(
        lambda pair, length, running: Work(pair[0], pair[1], length, is_running=running),
        st.sampled_from(PAIRS),
        st.integers(1, 50).map(float),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=9,
)
LINKS = st.lists(
    st.builds(
        lambda hosts, moves, carries, counts: (hosts, moves, carries, counts),
        st.frozensets(st.sampled_from(HOSTS), min_size=1, max_size=3),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, 30.0, 100.0, 150.0]),
        st.sampled_from(Counts),
    ),
    max_size=3,
).map(
    lambda rows: tuple(
        Link(name=f"l{n}", hosts=h, moves=m, bytes_per_s=c, counts=k) for n, (h, m, c, k) in enumerate(rows)
    )
)


def simple(todo: list[Work], slots: dict[HostName, int], known: Lines) -> float:
    """Schedule the same in the plainest way: at every end look at everything that waits, and share all anew."""
    queue = sorted((w for w in todo if not w.is_running), key=lambda w: (-w.seconds, w.source, w.destination))
    running = [w for w in todo if w.is_running]
    left = [w.seconds for w in running]
    clock = 0.0

    def on(link: Link) -> int:
        return sum(link.carries(w.source, w.destination) for w in running)

    def busy(host: HostName) -> int:
        return sum(host in {w.source, w.destination} for w in running)

    def rate(w: Work) -> float:
        links = known.of((w.source, w.destination))
        at_hosts: dict[Place, int] = {host: busy(host) for host in (w.source, w.destination)}
        return known.speeds.share(w.source, w.destination, at_hosts | {link: on(link) for link in links})

    while True:
        for work in list(queue):
            has_slots = all(busy(host) < max(1, slots.get(host, 1)) for host in (work.source, work.destination))
            if has_slots and all(on(x) < known.limit(x, clock) for x in known.of((work.source, work.destination))):
                queue.remove(work)
                running.append(work)
                left.append(work.seconds)
        if not running:
            return clock
        rates = [rate(w) for w in running]
        step = min(one / pace for one, pace in zip(left, rates, strict=True))
        clock += step
        left = [one - step * pace for one, pace in zip(left, rates, strict=True)]
        running = [w for w, one in zip(running, left, strict=True) if one > 1e-9]
        left = [one for one in left if one > 1e-9]


@settings(max_examples=150)
@given(
    todo=WORKS,
    links=LINKS,
    slots=st.dictionaries(st.sampled_from(HOSTS), st.integers(0, 3)),
    hosts_share=st.booleans(),
)
def test_the_quick_schedule_is_the_plain_one(
    todo: list[Work], links: tuple[Link, ...], slots: dict[HostName, int], *, hosts_share: bool
) -> None:
    """Sharing only among those at one place changes nothing; nothing beats the bound; no links is no change."""
    known = Lines(replace(lines(*links).speeds, hosts_share=hosts_share), NOW)
    made = makespan(todo, slots, lines=known)
    assert made == pytest.approx(simple(todo, slots, known), rel=1e-6)
    assert lower_bound(todo, slots, lines=known) <= made + 1e-6
    assert makespan(todo, slots, lines=lines()) == makespan(todo, slots)


# ---------------------------------------------------------------- what a move showed


def test_it_is_known_how_many_shared_a_link() -> None:
    """On average over the time of a move: one that was there for half of it is half a move."""
    mine = attempt(1, HV01, HV03, started_at=NOW)
    others = [
        mine,
        attempt(2, HV02, HV04, started_at=after(-50), ended_at=after(50)),
        attempt(3, HV02, HV03, started_at=after(75)),
        attempt(4, HV01, HV02, started_at=NOW),
    ]
    assert shared_by(mine, others, Links((rack(),)), after(100)) == {"rack-a": 1.75}
    assert shared_by(mine, others, Links((rack(),)), NOW) == {"rack-a": 1.0}
    assert shared_by(mine, others, Links(), after(100)) == {}


def test_a_move_that_comes_back_from_its_backup_finds_what_its_link_carries_then() -> None:
    """A window came and went while nobody waited for the link: two go at once again."""
    begins, ends = NOW + timedelta(minutes=10), NOW + timedelta(minutes=20)
    narrow = LinkWindow(parse_window(f"{begins:%a %H:%M}-{ends:%H:%M}"), 1)
    away = [Work(HV01, HV03, 100, avoids=((0, 5000),)), Work(HV02, HV04, 100, avoids=((0, 5000),))]
    assert makespan(away, WIDE, lines=lines(rack(moves=2, windows=(narrow,), zone=UTC))) == 5100
    assert makespan(away, WIDE, lines=lines(rack(moves=1))) == 5200
