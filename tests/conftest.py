"""What holds for all tests: one line about what was skipped, and no database left."""

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

from tests.support.databases import drop_databases


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
