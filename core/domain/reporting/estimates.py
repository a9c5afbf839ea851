"""Compares estimates with what came true: how far off they were, as soon as there are enough of them to say."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from core.domain.model.views import EstimateError

JOBS = 30
"""So many jobs are looked back at."""
FEW_JOBS, FEW_MOVES = 5, 20
"""Of fewer nothing is said."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """A number of seconds that was estimated at the approval, and how many it took."""

    expected_s: float
    took_s: float


def error_of(estimated: Iterable[Estimated], at_least: int) -> EstimateError | None:
    """Judge estimates, each by what it was off; None: too few. What took no time at all says nothing."""
    off = [abs(one.expected_s - one.took_s) / one.took_s for one in estimated if one.expected_s > 0 and one.took_s > 1]
    return EstimateError(round(100 * median(off)), len(off)) if len(off) >= at_least else None
