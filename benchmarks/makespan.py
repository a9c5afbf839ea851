"""Measures how close to the shortest possible time a batch gets, beside the predecessor on the same fleets."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar

from benchmarks import own_placement
from benchmarks.bound import alone, bound_s
from benchmarks.fleets import PLAIN, Shape, Speed, case
from benchmarks.play import Played, with_engine, with_predecessor
from benchmarks.report import Section, Size, Table, mean, percentile
from benchmarks.schedule import makespan_s
from core.domain.model.inventory import HostName

T = TypeVar("T")

WORKERS = 2
IDLE_S = 2.0
"""What the decisions alone are charged for noticing an end and starting the next move."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One fleet: the bound, what the engine did and what the predecessor did."""

    shape: Shape
    speed: Speed
    vms: int
    slots: dict[HostName, int]
    bound_s: float
    ours: Played
    theirs: Played
    each: Played
    """What the engine did with a session of its own for each move."""


def scheduled(shape: Shape, seed: int, vms: int, off_share: float) -> float:
    """Return the makespan over the bound when the engine's decisions carry out a made-up fleet."""
    one = case(shape, Speed.STREAM, seed, vms, off_share=off_share)
    moves = alone(one)
    return makespan_s(one, moves, idle_s=IDLE_S) / bound_s(one, moves)


def paired(shape: Shape, speed: Speed, seed: int, vms: int) -> Pairing:
    """Play one fleet with the engine, with the predecessor, and with an engine that keeps no sessions."""
    one = case(shape, speed, seed, vms)
    played = with_engine(one), with_predecessor(one), with_engine(one, spare_sessions=0)
    return Pairing(shape, speed, vms, one.slots(), bound_s(one, alone(one)), *played)


def pairings(size: Size) -> list[Pairing]:
    """Play a few fleets of each kind with everything real."""
    seeds, vms = (1, 6) if size.is_quick else (2, 20)
    wanted: list[tuple[Any, ...]] = [
        (shape, speed, seed, vms)
        for speed in Speed
        for shape in PLAIN
        for seed in range(1, seeds + 1)
        if not size.is_quick or (speed is Speed.STREAM and shape is not Shape.ANY)
    ]
    return side_by_side(paired, wanted, size)


def side_by_side(measure: Callable[..., T], wanted: list[tuple[Any, ...]], size: Size) -> list[T]:
    """Measure everything wanted, in as many processes as a small machine has cores."""
    if size.is_quick:
        return [measure(*one) for one in wanted]
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        return list(pool.map(measure, *zip(*wanted, strict=True), chunksize=1 + len(wanted) // 50))


def run(size: Size) -> Section:
    """Measure makespans only."""
    return section(size, pairings(size))


def section(size: Size, played: list[Pairing]) -> Section:
    """Write down makespans."""
    tables = (_many(size), _placed(size), _few(played))
    return Section("makespan", "Makespan over the lower bound", _text(size), tables)


def _many(size: Size) -> Table:
    seeds, vms = (3, 12) if size.is_quick else (200, 40)
    rows = []
    for off_share in (0.0, 0.2):
        for shape in PLAIN:
            ratios = side_by_side(scheduled, [(shape, seed, vms, off_share) for seed in range(seeds)], size)
            rows.append(
                (
                    f"{shape}{', a fifth powered off' if off_share else ''}",
                    f"{seeds}",
                    f"{mean(ratios):.4f}",
                    f"{percentile(ratios, 0.95):.4f}",
                    f"{max(ratios):.4f}",
                )
            )
    return Table(("fleets (own speed)", "seeds", "mean", "p95", "worst"), tuple(rows))


def _placed(size: Size) -> Table:
    """Let the bot choose the destinations too, beside chance."""
    seeds, vms = (3, 12) if size.is_quick else (200, 40)
    found = side_by_side(own_placement.ratios, [(seed, vms) for seed in range(seeds)], size)
    rows = tuple(
        (name, f"{seeds}", f"{mean(ratios):.3f}", f"{percentile(ratios, 0.95):.3f}", f"{max(ratios):.3f}")
        for name, ratios in (
            ("placed by the bot", [mine for mine, _ in found]),
            ("placed by chance", [chance for _, chance in found]),
        )
    )
    return Table(("one wide host to many, over the bound of any placement", "seeds", "mean", "p95", "worst"), rows)


def _few(played: list[Pairing]) -> Table:
    rows = []
    for speed in Speed:
        for shape in PLAIN:
            mine = [one for one in played if one.speed is speed and one.shape is shape]
            if not mine:
                continue
            ours = mean([one.ours.makespan_s / one.bound_s for one in mine])
            theirs = mean([one.theirs.makespan_s / one.bound_s for one in mine])
            rows.append(
                (
                    f"{shape}, {speed}",
                    f"{len(mine)} of {mine[0].vms} VMs",
                    f"{ours:.4f}",
                    f"{theirs:.3f}",
                    f"{theirs / ours:.2f}",
                    f"{sum(one.ours.refused for one in mine)} : {sum(one.theirs.refused for one in mine)}",
                    f"{mean([one.theirs.runs for one in mine]):.0f}",
                )
            )
    head = ("fleets", "played", "engine", "predecessor", "ratio", "refused starts", "predecessor's runs")
    return Table(head, tuple(rows))


def _text(size: Size) -> str:
    vms = 12 if size.is_quick else 40
    return (
        f"{vms} VMs of 12 to 200 GB; hosts allow 1, 2 or 4 moves at once; the plan's sizes are wrong by up to 30 % "
        "either way. *Own speed*: every move goes at 250 MB/s. *Shared network*: the moves of a host share 1 or 10 "
        "Gb/s equally, and the slower end decides. The bound is the largest of what holds for every schedule: the "
        "longest move; a host's work over its slots; two of the k + 1 longest moves of a host with k slots; the "
        "work inside a "
        "group of hosts over half the group's slots; on a shared network also a host's bytes over its bandwidth. It "
        "grants nothing for remote calls and knows the true sizes (`benchmarks/bound.py`). It need not be reachable: "
        "on a shared network a move whose other end is slower leaves some of its share unused.\n\n"
        "Where the bot places them itself, one host that allows as many moves as all others together empties itself "
        "onto these, by sizes that are as wrong; the bound there holds for every placement.\n\n"
        f"First the engine's decisions alone, driven event by event, {IDLE_S:.0f} s of idleness charged after "
        "each move; "
        "then the whole engine with SQLite against the predecessor's loop (`benchmarks/predecessor.py`) on the same "
        "fleets. The predecessor serves one pair of hosts per run: all pairs run at once here, and each is started "
        "again the moment it gives up or breaks off. Aim: mean 1.01, p95 1.04. Powered-off VMs go last by promise; the "
        "bound does not know that."
    )
