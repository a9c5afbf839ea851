"""When a running move is thought to be stuck."""

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.attempt.stall import stuck

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
QUIET = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("runs_min", "still_min", "expected_min", "is_stuck"),
    [
        (60, 11, 10, True),
        (60, 9, 10, False),  # it moved nine minutes ago
        (60, 11, 30, False),  # a large one: three times its length is not over
        (29, 29, 10, False),
        (31, 31, 10, True),
    ],
)
def test_only_a_standstill_past_the_size_scaled_deadline_counts(
    runs_min: int, still_min: int, expected_min: int, *, is_stuck: bool
) -> None:
    """Both must hold: no progress for a while, and later than its size explains."""
    now = START + timedelta(minutes=runs_min)
    text = stuck(
        now=now,
        started_at=START,
        progress_at=now - timedelta(minutes=still_min),
        percent=60,
        expected_s=expected_min * 60.0,
        quiet=QUIET,
    )
    assert bool(text) is is_stuck
    assert not text or "at 60 %" in text
