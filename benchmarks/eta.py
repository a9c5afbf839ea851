"""Measures how far off estimates are: weeks of made-up fleets are carried out, and each job is estimated before it.

Hosts are unlike, so are pairs; moves that meet on a host share it; by day it is busier; some moves take far longer.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.report import Section, Size, Table, percentile
from core.domain.model.inventory import HostName
from core.domain.planning.makespan import makespan
from core.domain.planning.speeds import WEIGHT, SharedSpeed, Speeds, learn_shared, lines_of, seconds
from core.domain.planning.work import Work

ASSUMED = 110e6
Pair = tuple[HostName, HostName]
_DAY_S = 86_400.0
_MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
_FIRST = 5
"""So many jobs of each fleet are not judged: nothing is known yet."""


@dataclass(slots=True, eq=False)
class _Move:
    pair: Pair
    size_bytes: int
    setup_s: float
    left: float
    """Bytes, as far as they are still to be copied: more than its size where it takes far longer."""
    expected_s: float = 0.0
    met: Counter[HostName] = field(default_factory=Counter)
    """Seconds times moves at each of its hosts, itself included."""
    is_running: bool = False
    began_s: float = 0.0
    ended_s: float = 0.0


@dataclass(slots=True)
class _Fleet:
    slots: dict[HostName, int]
    carries: dict[HostName, float]
    of_pair: dict[Pair, float]
    by_day: float
    is_shared: bool
    jobs: list[tuple[float, list[_Move]]]

    def rate(self, move: _Move, at_s: float, at_once: Counter[HostName]) -> float:
        """Bytes a second of a move now: of what the tighter host has for each of its moves."""
        share = min(self.carries[host] / (at_once[host] if self.is_shared else 1) for host in move.pair)
        return share * self.of_pair[move.pair] * (self.by_day if _is_day(at_s) else 1.0)


def _is_day(at_s: float) -> bool:
    return int(at_s // _DAY_S) % 7 < 5 and 8 <= at_s / 3600 % 24 < 18  # noqa: PLR2004 - a working week


def _fleet(seed: int, days: int, is_shared: bool) -> _Fleet:  # noqa: FBT001
    dice = random.Random(seed)  # noqa: S311 - no secret
    hosts = [HostName(f"HV{number:02}") for number in range(dice.randint(4, 10))]
    overhead, noise = dice.choice((6, 12, 20, 35, 60)), dice.uniform(0.05, 0.15)
    made = _Fleet(
        slots={host: dice.choice((2, 2, 3, 4)) for host in hosts},
        carries={host: dice.choice((110e6, 110e6, 220e6, 450e6, 900e6)) * dice.uniform(0.6, 1) for host in hosts},
        of_pair={(a, b): min(1.0, math.exp(dice.gauss(-0.15, 0.3))) for a in hosts for b in hosts if a != b},
        by_day=dice.uniform(0.4, 0.8),
        is_shared=is_shared,
        jobs=[],
    )
    at_s = 0.0
    while at_s < days * _DAY_S:
        at_s += dice.expovariate(4 / _DAY_S)
        ends = dice.sample(hosts, 4)
        moves = []
        for _ in range(min(60, max(1, int(dice.lognormvariate(1.6, 0.9))))):
            size = int(min(2e12, dice.lognormvariate(math.log(60e9), 1.0)))
            far_longer = dice.uniform(2, 6) if dice.random() < 0.04 else 1.0  # noqa: PLR2004
            pair = dice.choice(ends[:2]), dice.choice(ends[2:])
            setup = overhead * math.exp(dice.gauss(0, 0.2))
            moves.append(_Move(pair, size, setup, size * math.exp(dice.gauss(0, noise)) * far_longer))
        made.jobs.append((at_s, moves))
    return made


@dataclass
class _Bot:
    """What the bot knows: each pair's moving average, as the store keeps it."""

    way: "Way"
    learned: dict[Pair, float] = field(default_factory=dict)
    shared: dict[Pair, SharedSpeed] = field(default_factory=dict)

    def expect(self, moves: Sequence[_Move], others: Sequence[_Move], slots: dict[HostName, int]) -> float:
        """Estimate a job, and each of its moves."""
        speeds = self.way.speeds(self.learned, ASSUMED, shared=self.shared if self.way.sharing else {})
        for move in moves:
            move.expected_s = seconds(move.size_bytes, *move.pair, speeds)
        speeds = speeds.of_schedule()
        works = [Work(*one.pair, seconds(one.size_bytes, *one.pair, speeds)) for one in moves]
        for one in others if self.way.others else ():
            left = min(1.0, one.left / one.size_bytes) * seconds(one.size_bytes, *one.pair, speeds)
            works.append(Work(*one.pair, left, is_running=one.is_running, is_other=True))
        return makespan(works, slots, lines=lines_of(speeds, _MIDNIGHT))

    def learn(self, move: _Move) -> None:
        """Fold in how fast a move was."""
        took = move.ended_s - move.began_s
        shown, known = move.size_bytes / took, self.learned.get(move.pair)
        met = max(move.met.values()) / took
        self.shared[move.pair] = learn_shared(self.shared.get(move.pair), known, shown, met)
        self.learned[move.pair] = shown if known is None else known + WEIGHT * (shown - known)


def _carry_out(fleet: _Fleet, bot: _Bot) -> list[tuple[float, float, Sequence[_Move]]]:
    """Play a fleet's weeks; returns of each job what was estimated, when it began, and its moves."""
    waiting, running, told = list[_Move](), list[_Move](), list[tuple[float, float, Sequence[_Move]]]()
    free, at_s, coming = dict(fleet.slots), 0.0, list(reversed(fleet.jobs))
    while coming or waiting or running:
        for move in list(waiting):
            if all(free[host] for host in move.pair):
                waiting.remove(move)
                running.append(move)
                move.began_s, move.is_running = at_s, True
                free.update({host: free[host] - 1 for host in move.pair})
        at_once = Counter(host for move in running if move.setup_s <= 0 for host in move.pair)
        pace = {id(move): fleet.rate(move, at_s, at_once) for move in running if move.setup_s <= 0}
        next_s = min(coming[-1][0] if coming else math.inf, (at_s // 3600 + 1) * 3600 if running else math.inf)
        ends = (move.setup_s if move.setup_s > 0 else move.left / pace[id(move)] for move in running)
        step = min(next_s - at_s, min(ends, default=math.inf))
        at_s += step
        there = Counter(host for move in running for host in move.pair)
        for move in list(running):
            move.met.update({host: there[host] * step for host in move.pair})
            if move.setup_s > 0:
                move.setup_s -= min(move.setup_s, step)
            else:
                move.left -= pace[id(move)] * step
            if move.setup_s <= 0 and move.left <= 1:
                running.remove(move)
                move.ended_s = at_s
                free.update({host: free[host] + 1 for host in move.pair})
                bot.learn(move)
        if coming and at_s >= coming[-1][0]:
            _, moves = coming.pop()
            told.append((bot.expect(moves, [*running, *waiting], fleet.slots), at_s, moves))
            waiting += sorted(moves, key=lambda move: -move.expected_s)
    return told


class _NoHosts(Speeds):
    """Speeds as they were: what a host did with others says nothing of a new pair."""

    __slots__ = ()

    def _of_hosts(self, source: HostName, destination: HostName) -> float:  # noqa: ARG002
        return self.assumed_bytes_per_s


@dataclass(frozen=True, slots=True)
class Way:
    """A way to estimate. ``sharing``: moves at one host may share its speed; ``others``: those of other jobs count."""

    speeds: type[Speeds]
    sharing: bool = False
    others: bool = False


BEFORE, HOSTS, NOW = Way(_NoHosts), Way(Speeds), Way(Speeds, sharing=True, others=True)


def measured(way: Way, seeds: range, days: int, *, is_shared: bool = True) -> tuple[list[float], ...]:
    """Return by which shares the estimates of jobs, of moves, and of moves between hosts that had not met were off.

    ``is_shared``: whether moves that meet at a host share it in truth.
    """
    jobs, moves, strangers = list[float](), list[float](), list[float]()
    for seed in seeds:
        met = set[Pair]()
        for number, (expected_s, began_s, its_moves) in enumerate(_carry_out(_fleet(seed, days, is_shared), _Bot(way))):
            took = [abs(move.expected_s / (move.ended_s - move.began_s) - 1) for move in its_moves]
            if number >= _FIRST:
                jobs.append(abs(expected_s / (max(move.ended_s for move in its_moves) - began_s) - 1))
                moves += took
                strangers += [off for off, move in zip(took, its_moves, strict=True) if move.pair not in met]
            met |= {move.pair for move in its_moves}
    return jobs, moves, strangers


def run(size: Size) -> Section:
    """Compare estimates before and now on the same weeks."""
    seeds, days = (range(2), 7) if size.is_quick else (range(4), 28)
    rows, counts = [], ""
    for what, is_shared in (("share it", True), ("do not", False)):
        for name, way in (("at first", BEFORE), ("before", HOSTS), ("now", NOW)):
            found = measured(way, seeds, days, is_shared=is_shared)
            shown = (f"{percentile(off, 0.5):.0%} (90 %: {percentile(off, 0.9):.0%})" if off else "-" for off in found)
            rows.append((what, name, *shown))
            counts = " / ".join(f"{len(off):,}" for off in found)
    return Section(
        "eta",
        "How far off estimates are",
        f"{len(seeds)} fleets of unlike hosts and pairs for {days} days: days are busier than nights, every 25th move "
        "takes two to six times as long. Each job is estimated when it is approved. Median of how far off, of the "
        "truth, and what nine of ten stay below. In one half of the fleets moves that meet at a host share what it "
        "carries, in the other each is as fast as alone; no estimate is told which. *At first*: two hosts that had "
        "not met had the speed of the settings; *before*: that of the slower of both, as each was with others at its "
        "best; *now*: whether moves at one host share its speed is learned, and the moves of other jobs that run or "
        "wait count. "
        f"Jobs / moves / moves between hosts that had not met: {counts}. Virtual time.",
        (Table(("moves at a host", "", "jobs", "moves", "moves between hosts that had not met"), tuple(rows)),),
    )
