"""Says what was measured, where and on what, as one page of Markdown."""

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "benchmarks" / "results.md"

_FOREWORD = """# Benchmarks

What `make bench` measured last. One benchmark alone: `python -m benchmarks makespan`; all of them small, in a minute:
`python -m benchmarks --quick` (this page is then left alone).

Figures are medians of several runs, and ratios come from runs side by side. Everything about makespans, idle slots and
calls runs on virtual time and is the same on any machine; the rest depends on the machine and on what else it does.
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to measure."""

    is_quick: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A head and rows of ready text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def lines(self) -> list[str]:
        """Return it as Markdown."""
        return [_row(self.head), _row("---" for _ in self.head), *(_row(row) for row in self.rows)]


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's result."""

    name: str
    title: str
    text: str
    tables: tuple[Table, ...]

    def markdown(self) -> str:
        """Return it as Markdown."""
        tables = "\n\n".join("\n".join(table.lines()) for table in self.tables)
        return f"## {self.title}\n\n{self.text}\n\n{tables}\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page(sections: Sequence[Section]) -> str:
    """Return the whole page."""
    return "\n".join((_FOREWORD, machine(), "", *(section.markdown() for section in sections)))


def machine() -> str:
    """Describe the machine and the code; name neither host nor folder."""
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    noise = " Others were using it: times below are longer than they need be." if load > cores else ""
    return (
        f"Measured on {cores} cores ({platform.system()} {platform.machine()}), Python "
        f"{'.'.join(map(str, sys.version_info[:3]))}, commit `{_commit()}`, load {load:.1f}.{noise}"
    )


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607 (the git at hand)
        return done.stdout.strip()

    changed = "+" if git("status", "--porcelain", "core", "lab") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return statistics.fmean(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
