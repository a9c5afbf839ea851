"""Plays virtual hours: ``python -m tests.soak --hours 10000``; one chain again: ``python -m tests.soak --seed 7``."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.soak.story import Told, tell

CHAIN_H = 250.0
"""Hours of one chain: long enough for retention, short enough to be played again."""


def main() -> int:
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order in which sets are gone through is part of the story
        again = [sys.executable, "-m", "tests.soak", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606  # ourselves
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=CHAIN_H, help="virtual hours in all")
    parser.add_argument("--chain", type=float, default=CHAIN_H, help="virtual hours of one chain")
    parser.add_argument("--seed", type=int, default=0, help="the first chain's seed")
    parser.add_argument("--at-once", type=int, default=2, help="chains side by side")
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + max(1, round(given.hours / given.chain)))
    began, told = time.monotonic(), list[Told]()
    with ProcessPoolExecutor(given.at_once) as pool:
        for playing in as_completed([pool.submit(tell, seed, given.chain) for seed in seeds]):
            one = playing.result()
            told.append(one)
            words = f"seed {one.seed}: {one.hours:.0f} h, {one.moves} moves"
            print(words, *(f"\n  BROKEN {line}" for line in one.broken), flush=True)  # noqa: T201
            if one.broken:
                print(f"  again: python -m tests.soak --seed {one.seed} --chain {given.chain:g}", flush=True)  # noqa: T201
    counts = sum((Counter(one.counts) for one in told), Counter[str]())
    print(*(f"{count:6} {name}" for name, count in sorted(counts.items())), sep="\n")  # noqa: T201
    hours, moves = sum(one.hours for one in told), sum(one.moves for one in told)
    print(f"{hours:.0f} virtual hours in {time.monotonic() - began:.0f} s, {moves} moves")  # noqa: T201
    return 1 if any(one.broken for one in told) else 0


if __name__ == "__main__":
    sys.exit(main())
