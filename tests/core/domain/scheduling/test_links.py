"""Promises about links: which moves are on one, how many it carries, and that no start brings it above its number."""

import heapq
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Attempt, HoldCode, Move, MoveId, MoveState
from core.domain.scheduling.decisions import Held, Start
from core.domain.scheduling.freeze import overlap, parse_window
from core.domain.scheduling.links import (
    NO_LINKS,
    Counts,
    Link,
    Links,
    LinkUsage,
    LinkWindow,
    carried,
    refused_by_link,
    usages,
)
from core.domain.scheduling.schedule import Scheduler, decide, next_change
from core.domain.scheduling.situation import Situation
from tests.support.builders import (
    GB,
    HV01,
    HV02,
    HV03,
    POLICY,
    attempt,
    facts,
    host_job,
    job,
    move,
    situation,
    snapshot,
    vm,
    vm_id,
)
from tests.support.decisions import kept, started

HV04 = HostName("HV04")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)


def link(*hosts: HostName, name: str = "rack-a", moves: int | None = 1, **changes: object) -> Link:
    made = Link(name=name, hosts=frozenset(hosts), moves=moves)
    return replace(made, **changes)  # type: ignore[arg-type]


def window(text: str, moves: int) -> LinkWindow:
    return LinkWindow(parse_window(text), moves)


def at(moves: list[Move], *links: Link, reservations: list[Attempt] | None = None, **changes: object) -> Situation:
    hosts = {host for one in moves for host in (one.source, one.destination)} | {HV01, HV02, HV03, HV04}
    shots = [snapshot(host, *(vm(one.id) for one in moves if one.source == host), of=facts(live=9, storage=9))
             for host in sorted(hosts)]  # fmt: skip
    policy = replace(POLICY, links=Links(links))
    return situation(moves, *shots, policy=policy, reservations=reservations or (), **changes)  # type: ignore[arg-type]


# ---------------------------------------------------------------- which moves are on a link


@pytest.mark.parametrize(
    ("source", "destination", "crosses", "shares"),
    [(HV01, HV03, True, True), (HV03, HV02, True, True), (HV01, HV02, False, True), (HV03, HV04, False, False)],
)
def test_an_uplink_counts_what_leaves_its_hosts_and_a_segment_all_of_theirs(
    source: HostName, destination: HostName, crosses: bool, shares: bool
) -> None:
    """``crossing``: exactly one host behind the link. ``any``: one or both."""
    assert link(HV01, HV02).carries(source, destination) is crosses
    assert link(HV01, HV02, counts=Counts.ANY).carries(source, destination) is shares


def test_a_move_is_on_every_link_that_carries_it() -> None:
    """Two uplinks lie between two racks, and both count it."""
    a, b = link(HV01, HV02), link(HV03, HV04, name="rack-b")
    links = Links((a, b))
    assert links.of(HV01, HV03) == (a, b)
    assert links.of(HV01, HV02) == ()
    assert NO_LINKS.of(HV01, HV03) == ()


# ---------------------------------------------------------------- its number


def test_in_a_window_its_number_counts() -> None:
    """In the link's own time zone; before and after it the link's usual number does."""
    one = link(HV01, moves=4, windows=(window("Mon-Fri 08:00-18:00", 1),), zone=BERLIN)
    assert [one.limit_at(MONDAY + timedelta(hours=hours)) for hours in (-1, 0, 9, 10)] == [4, 1, 1, 4]
    assert one.next_change(MONDAY) == datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
    assert one.next_change(MONDAY + timedelta(hours=10)) == datetime(2026, 1, 6, 7, 0, tzinfo=UTC)
    assert one.most == 4
    assert link(HV01, moves=None, windows=one.windows).most is None
    assert link(HV01, moves=2).next_change(MONDAY) is None


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [
        ("Mon-Fri 08:00-18:00", "Wed 17:59-20:00", True),
        ("Mon-Fri 08:00-18:00", "Mon-Fri 18:00-20:00", False),
        ("Mon-Fri 08:00-18:00", "Sat-Sun 00:00-24:00".replace("24:00", "00:00"), False),
        ("Sun 22:00-06:00", "Mon 05:00-07:00", True),
        ("Sun 22:00-06:00", "Mon 06:00-07:00", False),
        ("Mon-Sun 22:00-06:00", "Mon-Sun 06:00-22:00", False),
        ("2026-12-24 .. 2027-01-02", "2027-01-02", True),
        ("2026-12-24 .. 2027-01-02", "2027-01-03", False),
        ("2026-12-24 .. 2027-01-02", "Sun 10:00-11:00", True),
        ("2026-12-24", "Fri 10:00-11:00", False),
        ("2026-12-24", "Wed 22:00-02:00", True),
        ("2026-12-24", "Thu 10:00-11:00", True),
    ],
)
def test_it_is_known_which_windows_overlap(one: str, other: str, meets: bool) -> None:
    """Over midnight, over the end of a week, and between weekly hours and days of a year; in both orders."""
    assert overlap(parse_window(one), parse_window(other)) is meets
    assert overlap(parse_window(other), parse_window(one)) is meets


# ---------------------------------------------------------------- who counts


def test_a_full_link_lets_nothing_start_and_says_so() -> None:
    """A move waits for its link, whatever slots its hosts have; one within the rack does not."""
    queued = [move(1, HV01, HV03), move(2, HV02, HV04), move(3, HV01, HV02)]
    decisions = decide(at(queued, link(HV01, HV02, moves=1)))
    assert set(started(decisions)) == {1, 3}
    (waits,) = [kept(one) for one in decisions if one.move.id == 2]
    assert (waits.code, waits.text) == (HoldCode.LINK, "waits for link rack-a (1 of 1 moves)")


def test_moves_of_other_jobs_and_adopted_ones_count() -> None:
    """An open attempt is on the link whoever opened it, and on whatever hosts behind the link."""
    theirs = move(1, HV02, HV04, job_number=1, state=MoveState.MOVING)
    decisions = decide(
        at([theirs, move(2, HV01, HV03, job_number=2)], link(HV01, HV02), reservations=[attempt(1, HV02, HV04)])
    )
    assert kept(decisions[0]).text == "waits for link rack-a (1 of 1 moves)"


def test_others_count_as_far_as_their_host_says_where_they_go() -> None:
    """A migration job of a host names its destination, short or full; a VM of ours among them counts once."""
    shots = {
        HV01: snapshot(HV01, jobs=[host_job(1, destination="hv03.contoso.com"), host_job(2, destination="")]),
        HV03: snapshot(HV03),
    }
    usage = usages(Links((link(HV01),)), shots)[link(HV01)]
    assert usage.others == {vm_id(1)}
    assert carried(usage, [attempt(1, HV01, HV03), attempt(3, HV04, HV01), attempt(4, HV03, HV04)]) == 2


def test_a_window_that_begins_lets_what_runs_go_on_and_starts_none() -> None:
    """With three under way and a number of one, nothing starts until one or none is left, or the window ends."""
    one = link(HV01, moves=3, windows=(window("Mon-Sun 00:00-23:00", 1),))
    running = [attempt(n, HV01, HV03) for n in (1, 2, 3)]
    decisions = decide(now := at([move(4, HV01, HV03)], one, reservations=running))
    assert kept(decisions[0]).text == "waits for link rack-a (3 of 1 moves until Sat 23:00 UTC)"
    assert next_change(decisions, now) == timedelta(hours=1)
    assert refused_by_link([LinkUsage(one)], running[:1], now.wall)
    assert refused_by_link([LinkUsage(one)], running[:1], now.wall + timedelta(hours=1)) is None


def test_what_waits_for_a_link_is_next_in_line_when_a_move_on_it_ends() -> None:
    """Its session is made ready, though both of its own hosts have free slots and the move that ends is elsewhere."""
    running, waits = move(1, HV02, HV04, state=MoveState.MOVING), move(2, HV01, HV03)
    scheduler = Scheduler()
    scheduler.decide(at([running, waits], link(HV01, HV02), reservations=[attempt(1, HV02, HV04)]))
    line = scheduler.next_in_line()
    assert [one.id for one in line.after(running)] == [2]
    assert line.after(move(3, HV01, HV02)) == ()
    assert line.sources() == {HV01: 1}


# ---------------------------------------------------------------- at no instant above its number

HOSTS = (HV01, HV02, HV03, HV04)
PAIRS = [(a, b) for a in HOSTS for b in HOSTS if a != b]
HOURS = ("Mon-Fri 08:00-18:00", "Sat-Sun 10:00-12:00", "Mon-Fri 18:00-08:00", "2026-01-06")


@st.composite
def made_up_links(draw: st.DrawFn) -> Links:
    """Up to three links with any hosts behind them, numbers from one to three, and windows that do not overlap."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        texts = draw(st.lists(st.sampled_from(HOURS), max_size=3, unique=True))
        apart = [t for n, t in enumerate(texts)
                 if not any(overlap(parse_window(t), parse_window(o)) for o in texts[:n])]  # fmt: skip
        found.append(
            Link(
                name=f"link{number}",
                hosts=draw(st.frozensets(st.sampled_from(HOSTS), min_size=1, max_size=3)),
                moves=draw(st.sampled_from([None, 1, 2, 3])),
                counts=draw(st.sampled_from(Counts)),
                windows=tuple(window(text, draw(st.integers(1, 3))) for text in apart),
                zone=draw(st.sampled_from([UTC, BERLIN])),
            )
        )
    return Links(tuple(found))


@dataclass
class Night:
    """Moves that start when the scheduler says so and end after their time, with a decision at every change."""

    links: Links
    moves: dict[MoveId, Move]
    lasts: dict[MoveId, timedelta]
    now: datetime
    running: dict[MoveId, Attempt] = field(default_factory=dict)
    scheduler: Scheduler = field(default_factory=Scheduler)

    def run(self) -> None:
        ends: list[tuple[datetime, MoveId]] = [(self.now + self.lasts[one], one) for one in self.running]
        for one in self.running:
            self.moves[one] = replace(self.moves[one], state=MoveState.MOVING)
        heapq.heapify(ends)
        for _ in range(200):
            decisions = self.scheduler.decide(situation := self._situation())
            assert decisions == decide(situation)
            for decision in decisions:
                if isinstance(decision, Held):
                    self.moves[decision.known.id] = decision.move
                if isinstance(decision, Start):
                    self._start(decision)
                    heapq.heappush(ends, (self.now + self.lasts[decision.move.id], decision.move.id))
            soonest = [self.now + wait] if (wait := next_change(decisions, situation)) is not None else []
            soonest += [ends[0][0]] if ends else []
            if not soonest:
                break
            self.now = max(self.now + timedelta(seconds=1), min(soonest))
            while ends and ends[0][0] <= self.now:
                _, ended = heapq.heappop(ends)
                del self.running[ended]
                self.moves[ended] = replace(self.moves[ended], state=MoveState.DONE)
        assert all(one.state is MoveState.DONE for one in self.moves.values())

    def _start(self, start: Start) -> None:
        one = start.move
        assert {usage.link for usage in start.on_links} == set(self.links.of(one.source, one.destination))
        # What the store asks again, with what is open by then.
        assert refused_by_link(start.on_links, list(self.running.values()), self.now) is None
        self.running[one.id] = attempt(one.id, one.source, one.destination)
        self.moves[one.id] = replace(one, state=MoveState.MOVING)
        for mine in self.links.all:
            count = sum(mine.carries(a.source, a.destination) for a in self.running.values())
            limit = mine.limit_at(self.now)
            if mine.carries(one.source, one.destination):
                assert limit is None or count <= limit, mine.name

    def _situation(self) -> Situation:
        shown = [one for one in self.moves.values() if one.state is not MoveState.DONE]
        shots: list[Snapshot] = [
            snapshot(host, *(vm(m.id) for m in shown if m.source == host), of=facts(live=2, storage=2), at=self.now)
            for host in HOSTS
        ]
        jobs = [job(number) for number in (1, 2)]
        policy = replace(POLICY, links=self.links)
        moves = list(self.moves.values())
        return situation(
            moves, *shots, jobs=jobs, reservations=list(self.running.values()), now=self.now, policy=policy
        )


@settings(max_examples=60)
@given(links=made_up_links(), data=st.data())
def test_no_start_brings_a_link_above_its_number_at_any_instant(links: Links, data: st.DataObject) -> None:
    """Whatever hosts are behind whatever links, whatever runs already, whenever windows begin: and all ends done."""
    moves, lasts, running = {}, {}, {}
    for number in range(1, data.draw(st.integers(1, 10), label="moves") + 1):
        source, destination = data.draw(st.sampled_from(PAIRS))
        one = move(number, source, destination, job_number=data.draw(st.integers(1, 2)), size_bytes=number * GB)
        moves[one.id] = one
        lasts[one.id] = timedelta(minutes=data.draw(st.integers(1, 2000)))
        if data.draw(st.booleans(), label="runs already") and number < 4:
            running[one.id] = attempt(number, source, destination)
    begin = MONDAY + timedelta(minutes=data.draw(st.integers(0, 7 * 24 * 60), label="begins"))
    Night(links, moves, lasts, begin, running).run()


def test_without_links_nothing_is_counted() -> None:
    """Neutral: the same decisions, and no start is on a link."""
    queued = [move(n, HV01, HV03) for n in range(1, 4)]
    decisions = decide(at(queued))
    assert Counter(type(one) for one in decisions) == {Start: 3}
    assert all(isinstance(one, Start) and one.on_links == () for one in decisions)
