"""``pytest tests/scenarios --update-transcripts`` writes the transcripts anew: read what changed, then commit."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-transcripts", action="store_true", help="write the scenarios' transcripts anew")


@pytest.fixture
def is_updating(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-transcripts", default=False))
