"""Promises of core.domain.model.units."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.units import size, span


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (2**10, "1 KB"),
        (312 * 2**20, "312 MB"),
        (40 * 2**30, "40 GB"),
        (1.5 * 2**40, "1.5 TB"),
        (1.98 * 2**40, "2 TB"),
        (12.6 * 2**30, "13 GB"),
    ],
)
def test_sizes_read_like_people_say_them(count: float, text: str) -> None:
    """One decimal where it matters, none where it does not, and never a trailing zero."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),
        (299, "4 min 59 s"),
        (310, "5 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (86400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_spans_read_like_people_say_them(seconds: float, text: str) -> None:
    """Two units at most, the small one only where it matters; seconds and timedeltas alike."""
    assert span(seconds) == text
    assert span(timedelta(seconds=seconds)) == text


@given(st.integers(0, 10**16))
def test_a_size_is_within_a_tenth_of_the_truth(count: int) -> None:
    """A size in words is never far from the number it stands for."""
    number, unit = size(count).split()
    said = float(number) * {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}[unit]
    assert abs(said - count) <= 0.06 * max(count, 1)
