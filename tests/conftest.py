"""What holds for all tests: their order, databases and time limit, and one line about what was skipped."""

import gc
import signal
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from _pytest.outcomes import Failed
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.support.databases import KINDS, STORE, drop_databases

# One commit, one result: what a test tries is the same each time. `make storm` tries other and more examples each time;
# what it finds becomes an @example. A loaded machine is slow, not wrong: no deadline.
_PATIENT = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("same", _PATIENT, derandomize=True)
hypothesis_settings.register_profile("other", _PATIENT, max_examples=1000, print_blob=True)
hypothesis_settings.load_profile("same")

HERE = Path(__file__).parent
_ONE_WORKER = ("powershell", "browser")
"""Each file of these shares what takes long to start: one worker plays it."""
_FIRST = (*_ONE_WORKER, "crash", "takeover", "e2e", "soak", "scenarios")
"""These take long and wait much: begun first, they wait beside all others, and nobody waits for them at the end."""


@pytest.fixture(params=KINDS)
def each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play the test on each kind of database; on PostgreSQL it is skipped where there is no server."""
    monkeypatch.setenv(STORE, request.param)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while all modules are read, nor later among what they made: a third of it would be that."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _folder(item) in _ONE_WORKER:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(HERE))))
    items.sort(key=lambda item: _FIRST.index(_folder(item)) if _folder(item) in _FIRST else len(_FIRST))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""


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
