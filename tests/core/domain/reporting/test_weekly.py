"""When the weekly digest is due: once a week, at that time of day where people are, late rather than never."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.reporting.weekly import WEEK, Digest, due, parse_weekly

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_9 = parse_weekly("Mon 09:00", BERLIN)


@pytest.mark.parametrize("text", ["Mon 09:00", "mon 9:00", "Monday 9", "MONDAY at 09:00", " mon.  09:00 ", "Mon, 9h"])
def test_a_time_of_the_week_is_read_as_people_write_it(text: str) -> None:
    """Day and time, in any case."""
    assert parse_weekly(text, BERLIN) == MONDAY_9


@pytest.mark.parametrize("text", ["daily", "09:00", "Mon", "Mon 25:00", "Mon 09:61", "1 09:00"])
def test_what_is_none_says_what_would_be(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="Mon 09:00"):
        parse_weekly(text, BERLIN)


def test_the_last_time_is_where_people_are() -> None:
    """9:00 in Berlin, in summer and in winter; at that very moment it is now."""
    assert MONDAY_9.last(datetime(2026, 7, 8, tzinfo=UTC)) == datetime(2026, 7, 6, 7, tzinfo=UTC)
    assert MONDAY_9.last(datetime(2026, 1, 12, 8, tzinfo=UTC)) == datetime(2026, 1, 12, 8, tzinfo=UTC)
    assert MONDAY_9.last(datetime(2026, 1, 12, 7, 59, tzinfo=UTC)) == datetime(2026, 1, 5, 8, tzinfo=UTC)


def test_it_is_due_once_and_late_rather_than_never() -> None:
    """Not before anybody wanted it, not again after it was told, and after days away for the week it was for."""
    monday = datetime(2026, 1, 12, 8, tzinfo=UTC)
    assert due(MONDAY_9, monday, None) is None
    assert due(MONDAY_9, monday, monday - WEEK) == Digest(monday - WEEK, monday)
    assert due(MONDAY_9, monday + timedelta(days=3), monday - WEEK) == Digest(monday - WEEK, monday)
    assert due(MONDAY_9, monday + timedelta(days=3), monday) is None


def test_another_day_does_not_make_a_second_one_of_a_week() -> None:
    """Who changes Monday to Wednesday waits for the Wednesday after."""
    monday = datetime(2026, 1, 12, 8, tzinfo=UTC)
    wednesday = parse_weekly("Wed 09:00", BERLIN)
    assert due(wednesday, monday + timedelta(days=3), monday) is None
    assert due(wednesday, monday + timedelta(days=10), monday) == Digest(
        monday + timedelta(days=2), monday + timedelta(days=9)
    )


@given(st.integers(0, 24 * 3650), st.integers(0, 6))
@example(1608, 6)  # three weeks later, on a Sunday, 02:30 is left out in Berlin
def test_every_week_has_one(first_hour: int, day: int) -> None:
    """Whoever looks every hour tells one in each week, clock changes or not, and none of a time that is to come."""
    weekly = parse_weekly(f"{['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][day]} 02:30", BERLIN)
    begin = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=first_hour)
    told, found = weekly.last(begin), []
    for hour in range(24 * 21 + 2):
        now = begin + timedelta(hours=hour)
        digest = due(weekly, now, told)
        if digest:
            assert digest.until <= now
            told = digest.until
            found.append(told)
    assert 3 <= len(found) <= 4
    assert all(abs(later - earlier - WEEK) <= timedelta(hours=1) for earlier, later in pairwise(found))
