"""How far off estimates were: the median, and nothing of a few."""

import pytest

from core.domain.model.views import EstimateError
from core.domain.reporting.estimates import FEW_JOBS, Estimated, error_of


def test_half_of_them_were_no_farther_off() -> None:
    """Too long and too short count alike; one that was far off changes little."""
    off = [Estimated(100 + by, 100) for by in (0, 10, -12, 20, 900)]
    assert error_of(off, FEW_JOBS) == EstimateError(12, 5)


@pytest.mark.parametrize("odd", [Estimated(0, 100), Estimated(100, 0), Estimated(100, 0.5)])
def test_nothing_is_said_of_a_few(odd: Estimated) -> None:
    """What was not estimated, or took no time, does not count."""
    assert error_of([Estimated(110, 100)] * (FEW_JOBS - 1), FEW_JOBS) is None
    assert error_of([odd, *[Estimated(110, 100)] * (FEW_JOBS - 1)], FEW_JOBS) is None
    assert error_of([Estimated(110, 100)] * FEW_JOBS, FEW_JOBS) == EstimateError(10, FEW_JOBS)
