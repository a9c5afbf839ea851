"""Measures how close to the shortest possible time a batch gets between racks with one uplink each."""

from dataclasses import dataclass

from benchmarks.bound import alone, bound_s
from benchmarks.fleets import Case, Shape, Speed, rack_case
from benchmarks.makespan import IDLE_S, side_by_side
from benchmarks.play import Stay, with_engine
from benchmarks.report import Section, Size, Table, mean, percentile
from benchmarks.schedule import makespan_s

SHAPES = (Shape.RACKS, Shape.RACK_OUT)


@dataclass(frozen=True, slots=True)
class Carried:
    """One fleet, carried out with everything real: over the bound, and the most a link ever had over its number."""

    shape: Shape
    speed: Speed
    ratio: float
    most_over: int


def scheduled(shape: Shape, seed: int, vms: int) -> float:
    """Return the makespan over the bound when the engine's decisions carry out a made-up fleet."""
    one = rack_case(shape, Speed.STREAM, seed, vms)
    moves = alone(one)
    return makespan_s(one, moves, idle_s=IDLE_S) / bound_s(one, moves)


def carried_out(shape: Shape, speed: Speed, seed: int, vms: int) -> Carried:
    """Play one fleet with the whole engine."""
    one = rack_case(shape, speed, seed, vms)
    played = with_engine(one)
    return Carried(shape, speed, played.makespan_s / bound_s(one, alone(one)), most_over(one, played.stays))


def most_over(case: Case, stays: tuple[Stay, ...]) -> int:
    """Return by how many moves a link was above its number at the worst instant: none, or a promise is broken."""
    worst = -(10**6)
    for link in case.links.all:
        mine = [stay for stay in stays if link.carries(stay.source, stay.destination)]
        for stay in mine:
            at_once = sum(other.started_s <= stay.started_s < other.ended_s for other in mine)
            worst = max(worst, at_once - (link.moves or at_once))
    return worst


def run(size: Size) -> Section:
    """Measure the decisions over many fleets, and the whole engine on a few."""
    return Section("links", "Racks with one uplink each", _text(size), (_many(size), _few(size)))


def _many(size: Size) -> Table:
    seeds, vms = (3, 12) if size.is_quick else (200, 60)
    rows = []
    for shape in SHAPES:
        ratios = side_by_side(scheduled, [(shape, seed, vms) for seed in range(seeds)], size)
        over = sum(ratio > 1.05 for ratio in ratios)  # noqa: PLR2004 (the aim)
        told = (f"{mean(ratios):.4f}", f"{percentile(ratios, 0.95):.4f}", f"{max(ratios):.4f}", f"{over}")
        rows.append((f"{shape}", f"{seeds}", *told))
    return Table(("fleets (own speed)", "seeds", "mean", "p95", "worst", "above 1.05"), tuple(rows))


def _few(size: Size) -> Table:
    seeds, vms = (1, 6) if size.is_quick else (3, 24)
    wanted = [(shape, speed, seed, vms) for shape in SHAPES for speed in Speed for seed in range(seeds)]
    found = side_by_side(carried_out, wanted, size)
    rows = []
    for shape in SHAPES:
        for speed in Speed:
            mine = [one for one in found if (one.shape, one.speed) == (shape, speed)]
            ratios = [one.ratio for one in mine]
            told = (f"{mean(ratios):.4f}", f"{max(ratios):.4f}", f"{max(one.most_over for one in mine)}")
            rows.append((f"{shape}, {_SPEEDS[speed]}", f"{len(mine)} of {vms} VMs", *told))
    return Table(("fleets", "played", "mean", "worst", "most moves over a link's number"), tuple(rows))


_SPEEDS = {Speed.STREAM: "own speed", Speed.NETWORK: "moves share the uplinks' bandwidth"}


def _text(size: Size) -> str:
    vms = 12 if size.is_quick else 60
    return (
        f"{vms} VMs of 12 to 200 GB between two to four racks of two to four hosts. Hosts allow 1, 2 or 4 moves at "
        "once, a rack's uplink 1, 2, 3, 4 or 6; sizes are known to 30 %. *Any to any*: a third of the moves stay "
        "within their rack. *One rack to the others*: all VMs leave it. A move goes at 250 MB/s by itself; in the "
        "last lines an uplink also has the bandwidth of as many moves as it allows, or of half as many. The bound is "
        "the largest of the bounds of hosts above and, for each uplink, its moves' times alone over its number, two "
        "of its k + 1 longest moves, and their bytes over its bandwidth; and all work of the hosts behind it over how "
        "many moves they can have at once, over it and among them. It need not be reachable: a move needs three "
        f"or four places at once. First the engine's decisions alone, {IDLE_S:.0f} s of idleness charged after each "
        "move; then the whole engine on the simulated hosts. Aim: mean within 1.05 of the bound, and at no instant "
        "more than an uplink's number."
    )
