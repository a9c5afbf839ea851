"""What holds for all tests: which database, one line about what was skipped, and the long ones first."""

import gc
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.support.databases import KINDS, STORE, drop_databases

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
    return item.path.relative_to(HERE).parts[0]


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
