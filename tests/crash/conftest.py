"""Adds ``--all-crash-points``: without it only a handful of crash points is played."""

import pytest

from tests.crash.points import QUICK, Point

OPTION = "--all-crash-points"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="let the bot die at every crash point (many minutes)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption(OPTION, default=False):
        return
    rare = [item for item in items if _is_rare(item)]
    config.hook.pytest_deselected(items=rare)
    items[:] = [item for item in items if item not in rare]


def _is_rare(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or "tests/crash" not in item.nodeid:
        return False
    if not hasattr(item, "callspec"):
        return True
    point = item.callspec.params.get("point")
    return not (isinstance(point, Point) and (point.story, str(point)) in QUICK)
