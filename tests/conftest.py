"""What holds for all tests: a time limit that ends each, one line about what was skipped, and no database left."""

import signal
from collections import Counter
from collections.abc import Generator
from types import FrameType
from typing import Any

import pytest
from _pytest.outcomes import Failed
from _pytest.terminal import TerminalReporter

from tests.support.databases import drop_databases


class TimeIsUp(Failed, SystemExit):
    """The limit of a test's time. As a SystemExit, since asyncio keeps whatever else a task raises, and goes on."""


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(settings: Any) -> Generator[None, bool, bool]:
    """Let a test's limit out of every event loop, and strike again while the loop waits for what it cancelled."""
    is_set = yield
    limit = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    if callable(limit):

        def end(number: int, frame: FrameType | None) -> None:
            try:
                limit(number, frame)
            except Failed as error:
                raise TimeIsUp(error.msg) from None

        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, settings.timeout)
    return is_set


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
