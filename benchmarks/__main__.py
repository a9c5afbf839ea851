"""Runs the benchmarks: all of them into ``benchmarks/results.md``, or those that are named, onto the screen."""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import ack, backups, calls, card, decisions, eta, idle, links, makespan, placement, restart, store, year
from benchmarks.report import PAGE, Section, Size, page

Part = Callable[[Size], list[Section]]


def _played(size: Size) -> list[Section]:
    """Measure makespan, idle slots and calls on the same runs."""
    played = makespan.pairings(size)
    return [makespan.section(size, played), idle.section(played), calls.section(played)]


ONE: dict[str, Callable[[Size], Section]] = {
    "makespan": makespan.run,
    "links": links.run,
    "eta": eta.run,
    "placement": placement.run,
    "backups": backups.run,
    "idle": idle.run,
    "calls": calls.run,
    "decisions": decisions.run,
    "restart": restart.run,
    "store": store.run,
    "year": year.run,
    "ack": ack.run,
    "card": card.run,
}
"""What can be asked for by name."""

ALL: tuple[Part, ...] = (
    _played,
    lambda size: [links.run(size)],
    lambda size: [eta.run(size)],
    lambda size: [placement.run(size)],
    lambda size: [backups.run(size)],
    lambda size: [decisions.run(size)],
    lambda size: [restart.run(size)],
    lambda size: [store.run(size)],
    lambda size: [year.run(size)],
    lambda size: [ack.run(size)],
    lambda size: [card.run(size)],
)


def main(arguments: Sequence[str]) -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one or more of {', '.join(ONE)}; none: all of them")
    parser.add_argument("--quick", action="store_true", help="small sizes, in a minute; nothing is written")
    asked = parser.parse_args(arguments)
    unknown = set(asked.names) - set(ONE)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    size = Size(is_quick=asked.quick)
    if asked.names:
        sections = [ONE[name](size) for name in asked.names]
    else:
        sections = [section for part in ALL for section in part(size)]
    told = page(sections)
    if asked.names or asked.quick:
        sys.stdout.write(told)
    else:
        PAGE.write_text(told, encoding="utf-8")
        sys.stdout.write(f"written to {PAGE.parent.name}/{PAGE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
