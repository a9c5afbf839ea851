"""Freeze windows."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.scheduling.freeze import freezes, frozen_until, parse_window

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "ends"),
    [
        ("Mon-Fri 08:00-18:00", "2026-01-05T08:00", "2026-01-05T18:00"),
        ("Mon-Fri 08:00-18:00", "2026-01-05T07:59", None),
        ("Mon-Fri 08:00-18:00", "2026-01-05T18:00", None),
        ("Mon-Fri 08:00-18:00", "2026-01-10T12:00", None),
        ("fri 22:00-06:00", "2026-01-09T23:00", "2026-01-10T06:00"),
        ("fri 22:00-06:00", "2026-01-10T05:59", "2026-01-10T06:00"),
        ("Sat-Mon 00:00-12:00", "2026-01-11T11:00", "2026-01-11T12:00"),
        ("2026-12-24 .. 2027-01-02", "2026-12-31T23:00", "2027-01-03T00:00"),
        ("2026-12-24", "2026-12-24T00:00", "2026-12-25T00:00"),
        ("2026-12-24", "2026-12-25T00:00", None),
    ],
)
def test_a_window_holds_from_its_start_until_its_end(window: str, now: str, ends: str | None) -> None:
    """Weekly hours, over midnight too, and whole days."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    expected = datetime.fromisoformat(ends).replace(tzinfo=UTC) if ends else None
    assert frozen_until(moment, (parse_window(window),), UTC) == expected


def test_windows_that_touch_are_one_freeze() -> None:
    """Nobody is told "until 12:00" when the next window begins then."""
    windows = (parse_window("Mon 08:00-12:00"), parse_window("Mon 12:00-18:00"))
    assert frozen_until(MONDAY + timedelta(hours=1), windows, UTC) == datetime(2026, 1, 5, 18, 0, tzinfo=UTC)


def test_a_freeze_from_a_time_that_is_left_out_begins_when_clocks_are_put_on() -> None:
    """On 29 March 2026 clocks in Berlin went from 02:00 to 03:00: of 02:30 to 03:10 ten minutes are left."""
    windows = (parse_window("Sun 02:30-03:10"),)
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert frozen_until(change - timedelta(minutes=1), windows, BERLIN) is None
    assert frozen_until(change, windows, BERLIN) == change + timedelta(minutes=10)
    begin, end = next(freezes(change - timedelta(hours=3), windows, BERLIN))
    assert (begin.astimezone(UTC), end.astimezone(UTC)) == (change, change + timedelta(minutes=10))


def test_a_window_is_meant_in_its_own_time_zone() -> None:
    """08:00 in Berlin is 07:00 UTC in winter."""
    until = frozen_until(MONDAY, (parse_window("Mon 08:00-18:00"),), BERLIN)
    assert until == datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
    assert until is not None
    assert f"{until:%H:%M}" == "18:00"


@pytest.mark.parametrize(
    "text", ["", "Mon", "Mon-Fri", "Mon 8-18", "2026-13-01", "2027-01-02 .. 2026-12-24", "25:00-26:00"]
)
def test_what_is_no_window_is_refused_with_an_example(text: str) -> None:
    """A typo in the calendar is found when the settings are read."""
    with pytest.raises(ValueError, match=r"."):
        parse_window(text)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_freeze_always_ends_later_than_now(now: datetime) -> None:
    """An end in the past would make the loop spin."""
    windows = tuple(map(parse_window, ("Mon-Fri 08:00-18:00", "Sun 22:00-04:00", "2026-12-20 .. 2026-12-31")))
    until = frozen_until(now, windows, BERLIN)
    assert until is None or until > now


def spans(*windows: str, since: datetime = MONDAY, zone: tzinfo = UTC) -> list[tuple[str, str]]:
    found = islice(freezes(since, tuple(map(parse_window, windows)), zone), 3)
    return [(f"{begin:%a %d %H:%M}", f"{end:%a %d %H:%M}") for begin, end in found]


def test_the_freezes_to_come_are_known() -> None:
    """One that holds begins now; weekly ones go on for ever, days are over one day, touching ones are one."""
    assert spans() == []
    assert spans("Mon 07:00-12:00") == [
        ("Mon 05 07:30", "Mon 05 12:00"),
        ("Mon 12 07:00", "Mon 12 12:00"),
        ("Mon 19 07:00", "Mon 19 12:00"),
    ]
    assert spans("Mon 06:00-07:00")[0] == ("Mon 12 06:00", "Mon 12 07:00")
    assert spans("2026-01-09", "2026-01-02") == [("Fri 09 00:00", "Sat 10 00:00")]
    assert spans("Tue 12:00-18:00", "Tue 08:00-12:00")[0] == ("Tue 06 08:00", "Tue 06 18:00")
    assert spans("Mon 09:00-10:00", zone=BERLIN)[0] == ("Mon 05 09:00", "Mon 05 10:00")
    assert len(spans("Mon-Sun 00:00-00:00")) == 1


@given(minutes=st.integers(0, 7 * 24 * 60), hour=st.integers(0, 23), length=st.integers(1, 23))
def test_a_freeze_to_come_is_one_when_it_comes(minutes: int, hour: int, length: int) -> None:
    """What is foreseen is what holds then, and nothing holds before it."""
    windows = (parse_window(f"Mon-Wed {hour:02}:00-{(hour + length) % 24:02}:00"), parse_window("2026-01-08"))
    now = MONDAY + timedelta(minutes=minutes)
    begin, end = next(freezes(now, windows, UTC))
    assert frozen_until(begin, windows, UTC) == end
    assert frozen_until(end, windows, UTC) is None
    assert begin == now or frozen_until(begin - timedelta(minutes=1), windows, UTC) is None
