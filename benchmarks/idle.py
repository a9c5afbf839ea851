"""Measures how long a slot stays idle between two moves while there is something that could use it."""

from collections.abc import Mapping

from benchmarks.makespan import Pairing, pairings
from benchmarks.play import Played, Stay
from benchmarks.report import Section, Size, Table, percentile
from core.domain.model.inventory import HostName
from lab.hyperv.remoting.shells import SessionPrices

PRICES = SessionPrices()


def gaps_s(stays: tuple[Stay, ...], slots: Mapping[HostName, int]) -> list[float]:
    """Return, for each move that had to wait for another's end, the time from when both hosts had a slot to its start.

    A move had both slots from the last moment at which one of its hosts was full. Before that it could not start; and
    whoever was queued for these two hosts could from then on. A slot that another move took meanwhile was not its own.
    """
    gaps = []
    for stay in stays:
        ends = [
            other.ended_s
            for other in stays
            if other.ended_s <= stay.started_s
            and any(
                host in {other.source, other.destination} and _is_full(host, other, stays, slots, stay)
                for host in (stay.source, stay.destination)
            )
        ]
        if ends:
            gaps.append(stay.started_s - max(ends))
    return gaps


def _is_full(
    host: HostName, ending: Stay, stays: tuple[Stay, ...], slots: Mapping[HostName, int], coming: Stay
) -> bool:
    """Whether a host was full for the coming move until this one ended: those that start before it count, too."""
    running = sum(
        host in {other.source, other.destination}
        and other.started_s < coming.started_s
        and ending.ended_s <= other.ended_s
        for other in stays
    )
    return running >= slots[host]


def run(size: Size) -> Section:
    """Measure idle slots only."""
    return section(pairings(size))


def section(played: list[Pairing]) -> Section:
    """Write down what the world's ledger shows between an end and the next start."""
    ours = [gap for one in played for gap in gaps_s(one.ours.stays, one.slots)]
    each = [gap for one in played for gap in gaps_s(one.each.stays, one.slots)]
    theirs = [gap for one in played for gap in gaps_s(one.theirs.stays, one.slots)]
    kept, own = [one.ours for one in played], [one.each for one in played]
    rows = (
        ("engine", *_times(ours, each), *_sessions(kept)),
        ("engine, a session for each move", *_times(each, each), *_sessions(own)),
        ("predecessor", *_times(theirs, each), "", "", ""),
    )
    return Section(
        "idle",
        "A slot between two moves",
        "From the moment both hosts of a move had a free slot to its start, as the simulated hosts' own ledger has it. "
        f"A remote call takes 0.2 s there, the logon of a new session {PRICES.logon_s:g} s and its first command "
        f"{PRICES.first_command_s:g} s more; an end is heard of up to 1 s late. Between two moves the engine needs two "
        "calls in a row: both hosts show where the VM is (and both are inspected for the next meanwhile); the start "
        "itself. The second line is the same engine without sessions that wait. The predecessor pays for no session "
        "here. Aim: median below 1 s, longest below 2 s, and no start over a limit.",
        (
            Table(
                (
                    "",
                    "moves that waited",
                    "median",
                    "p95",
                    "longest",
                    "ratio of medians",
                    "sessions opened",
                    "most at once on a host",
                    "refused starts",
                ),
                rows,
            ),
        ),
    )


def _times(gaps: list[float], beside: list[float]) -> tuple[str, ...]:
    median = percentile(gaps, 0.5)
    figures = (median, percentile(gaps, 0.95), max(gaps))
    return f"{len(gaps)}", *(f"{figure:.2f} s" for figure in figures), f"{median / percentile(beside, 0.5):.2f}"


def _sessions(runs: list[Played]) -> tuple[str, ...]:
    opened, most = sum(one.sessions for one in runs), max(one.most_sessions for one in runs)
    return f"{opened}", f"{most}", f"{sum(one.refused for one in runs)}"
