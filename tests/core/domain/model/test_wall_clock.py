"""Promises of core.domain.model.wall_clock: a time of day is one moment of each day, whatever clocks do on it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.model.wall_clock import first_at, next_at

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"), UTC]


@pytest.mark.parametrize(
    ("day", "at", "found"),
    [
        (date(2026, 7, 6), time(9), datetime(2026, 7, 6, 7, tzinfo=UTC)),
        (date(2026, 1, 5), time(9), datetime(2026, 1, 5, 8, tzinfo=UTC)),
        # On 29 March 2020 clocks in Berlin went from 02:00 to 03:00, at 01:00 UTC.
        (date(2020, 3, 29), time(2), datetime(2020, 3, 29, 1, tzinfo=UTC)),
        (date(2020, 3, 29), time(2, 30), datetime(2020, 3, 29, 1, tzinfo=UTC)),
        (date(2020, 3, 29), time(3, 10), datetime(2020, 3, 29, 1, 10, tzinfo=UTC)),
        # On 25 October 2020 they showed 02:30 twice, first at 00:30 UTC.
        (date(2020, 10, 25), time(2, 30), datetime(2020, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2020, 10, 25), time(3), datetime(2020, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_is_its_first_moment(day: date, at: time, found: datetime) -> None:
    """Left out: when clocks are put on; shown twice: the first of them."""
    assert first_at(day, at, BERLIN) == found


@given(st.dates(date(1990, 1, 1), date(2035, 1, 1)), st.times(), st.times(), st.sampled_from(ZONES))
@example(date(2020, 3, 29), time(2, 30), time(3, 10), BERLIN)
@example(date(2020, 3, 29), time(1, 59), time(2, 1), BERLIN)
def test_later_on_the_clock_is_never_earlier(day: date, one: time, other: time, zone: ZoneInfo) -> None:
    """Who freezes from 02:30 to 03:10 never gets an end before its begin; and clocks then show that time, or later."""
    first, last = sorted((one, other))
    begin, end = first_at(day, first, zone), first_at(day, last, zone)
    assert begin <= end
    assert begin.astimezone(zone).replace(tzinfo=None) >= datetime.combine(day, first)
    assert begin.astimezone(zone).replace(tzinfo=None) - datetime.combine(day, first) <= timedelta(hours=1)


@given(st.integers(0, 45 * 366 * 24 * 60), st.integers(0, 24 * 60 - 1))
@example(16207245, 150)  # 25 October 2020, 00:45 UTC, 02:30
@example(15904845, 150)  # 29 March 2020, 00:45 UTC, 02:30
def test_the_next_time_is_to_come_and_within_a_day(minutes: int, of_day: int) -> None:
    """A day of 25 hours at the most."""
    here = (datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).astimezone(BERLIN)
    assert here < next_at(here, time(*divmod(of_day, 60))) <= here.astimezone(UTC) + timedelta(hours=25)
