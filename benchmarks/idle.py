"""Measures how long a slot stays idle between two moves while there is something that could use it."""

from collections.abc import Mapping

from benchmarks.makespan import Pairing, pairings
from benchmarks.play import Stay
from benchmarks.report import Section, Size, Table, percentile
from core.domain.model.inventory import HostName


def gaps_s(stays: tuple[Stay, ...], slots: Mapping[HostName, int]) -> list[float]:
    """Return, for each move that had to wait for another's end, the time from when both hosts had a slot to its start.

    A move had both slots from the last moment at which one of its hosts was full. Before that it could not start; and
    whoever was queued for these two hosts could from then on.
    """
    gaps = []
    for stay in stays:
        ends = [
            other.ended_s
            for other in stays
            if other.ended_s <= stay.started_s
            and any(
                host in {other.source, other.destination} and _is_full(host, other, stays, slots)
                for host in (stay.source, stay.destination)
            )
        ]
        if ends:
            gaps.append(stay.started_s - max(ends))
    return gaps


def _is_full(host: HostName, ending: Stay, stays: tuple[Stay, ...], slots: Mapping[HostName, int]) -> bool:
    """Whether a host was full until this move ended."""
    running = sum(
        host in {other.source, other.destination} and other.started_s < ending.ended_s <= other.ended_s
        for other in stays
    )
    return running >= slots[host]


def run(size: Size) -> Section:
    """Measure idle slots only."""
    return section(pairings(size))


def section(played: list[Pairing]) -> Section:
    """Write down what the world's ledger shows between an end and the next start."""
    rows = []
    for name, gaps in (
        ("engine", [gap for one in played for gap in gaps_s(one.ours.stays, one.slots)]),
        ("predecessor", [gap for one in played for gap in gaps_s(one.theirs.stays, one.slots)]),
    ):
        rows.append(
            (
                name,
                f"{len(gaps)}",
                f"{percentile(gaps, 0.5):.2f} s",
                f"{percentile(gaps, 0.95):.2f} s",
                f"{max(gaps):.2f} s",
            )
        )
    return Section(
        "idle",
        "A slot between two moves",
        "From the moment both hosts of a move had a free slot to its start, as the simulated hosts' own ledger has it. "
        "A remote call takes 0.2 s there; between two moves the engine needs four in a row (both hosts show where the "
        "VM is; both are inspected for the next; the start itself) and hears of an end up to 1 s late. Aim: below 2 s.",
        (Table(("", "moves that waited", "median", "p95", "longest"), tuple(rows)),),
    )
