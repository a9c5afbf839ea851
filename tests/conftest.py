"""What holds for all tests: which ones measure coverage, one line about what was skipped, and no database left."""

from collections import Counter
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.support.databases import drop_databases

_TESTS = Path(__file__).parent
# Measuring doubles the time of a test. These say what a line of core does; the others go through the public doors.
_MEASURED = (_TESTS / "core", _TESTS / "contracts")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not any(item.path.is_relative_to(folder) for folder in _MEASURED):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[words.removeprefix("Skipped: ")] += 1
    if reasons:
        told = "; ".join(f"{count} {why}" for why, count in reasons.most_common())
        terminalreporter.write_line(f"{reasons.total()} skipped: {told}")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    drop_databases()
