"""Says in one line at the end what was skipped and why; nobody reads fifty."""

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[words.removeprefix("Skipped: ")] += 1
    if reasons:
        told = "; ".join(f"{count} {why}" for why, count in reasons.most_common())
        terminalreporter.write_line(f"{reasons.total()} skipped: {told}")
