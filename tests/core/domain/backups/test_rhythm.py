"""Promises of learning when a VM is backed up."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.backups.rhythm import Rhythm, expected, learn
from core.domain.backups.runs import BackupRun, HostWatch
from tests.support.builders import HV01, vm_id

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)
LONG_AGO, FAR = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
ALWAYS = {HV01: (HostWatch(HV01, LONG_AGO, FAR),)}


def at(day: int, clock: str, zone: ZoneInfo = BERLIN) -> datetime:
    """Return a time of day so many days after Monday, 2 March 2026."""
    hour, minute = map(int, clock.split(":"))
    return datetime.combine(MONDAY + timedelta(days=day), time(hour, minute), zone).astimezone(UTC)


def backup(began: datetime, minutes: float = 40) -> BackupRun:
    look = timedelta(seconds=30)
    ended = began + timedelta(minutes=minutes)
    return BackupRun(
        vm_id=vm_id(1),
        host=HV01,
        started_at=began,
        started_after=began - look,
        ended_after=ended - look,
        ended_at=ended,
    )


def nightly(days: Sequence[int], clock: str = "22:00", minutes: float = 40) -> list[BackupRun]:
    return [backup(at(day, clock), minutes) for day in days]


def learned(runs: Sequence[BackupRun], day: int, watched: object = None) -> Rhythm:
    return learn(runs, watched or ALWAYS, BERLIN, at(day, "12:00"))  # type: ignore[arg-type]


def test_five_nights_make_a_rhythm() -> None:
    """It is said in words, and every night of the week is expected."""
    rhythm = learned(nightly(range(5)), 5)
    assert rhythm.text == "is backed up nightly about 22:00–22:40"  # noqa: RUF001
    assert [window.days for window in rhythm.windows] == [frozenset(range(7))]


def test_four_nights_and_none_at_all_are_no_rhythm() -> None:
    """Without data nothing is expected, and why is said."""
    assert learned(nightly(range(4)), 4) == Rhythm((), "was seen in backup on 4 days; 5 nights alike make a rhythm")
    assert learned([], 4).windows == ()


@pytest.mark.parametrize("odd", ["16:00", "23:20", "05:00"])
def test_one_odd_night_changes_nothing(odd: str) -> None:
    """A backup at another time, once, neither moves the window nor makes one."""
    usual = nightly([0, 1, 2, 4, 5, 6])
    rhythm = learned([*usual, backup(at(3, odd), 200)], 7)
    assert rhythm.text == "is backed up nightly about 22:00–22:40"  # noqa: RUF001


def test_one_long_night_changes_nothing() -> None:
    """One backup that took hours makes no long window."""
    rhythm = learned([*nightly([0, 1, 2, 4, 5]), backup(at(3, "22:00"), 300)], 6)
    assert [window.longest for window in rhythm.windows] == [40]


def test_one_night_without_a_backup_changes_nothing() -> None:
    """It failed once; it is expected every night."""
    assert learned(nightly([0, 1, 3, 4, 5]), 6).text.startswith("is backed up nightly")


def test_weekdays_only() -> None:
    """After two weekends without one, it is expected on weekdays."""
    rhythm = learned(nightly([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]), 14)
    assert rhythm.text == "is backed up on weekdays about 22:00–22:40"  # noqa: RUF001
    coming = expected(rhythm, BERLIN, at(12, "12:00"), at(16, "12:00"))
    assert [one.opens for one in coming] == [at(14, "22:00"), at(15, "22:00")]


def test_nights_in_which_nobody_looked_are_not_nights_without_a_backup() -> None:
    """The bot was off at the weekends: nobody knows that there is no backup then."""
    spans = tuple(HostWatch(HV01, at(monday, "06:00"), at(monday + 5, "06:00")) for monday in (0, 7))
    rhythm = learned(nightly([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]), 14, {HV01: spans})
    assert rhythm.text.startswith("is backed up nightly")


def test_a_full_backup_on_sundays_takes_longer() -> None:
    """The same start, another length: two windows."""
    nights = [d for d in range(21) if d % 7 != 6]
    rhythm = learned([*nightly(nights), *nightly([6, 13, 20], minutes=240)], 21)
    text = "is backed up nightly except on Sundays about 22:00–22:40 and on Sundays about 22:00–02:00"  # noqa: RUF001
    assert rhythm.text == text


def test_a_weekly_backup_beside_nothing_else() -> None:
    """Five Sundays make a rhythm, as five nights do."""
    rhythm = learned(nightly([6, 13, 20, 27, 34], "03:00", 90), 35)
    assert rhythm.text == "is backed up on Sundays about 03:00–04:30"  # noqa: RUF001


def test_a_backup_about_midnight_is_one() -> None:
    """It begins now before, now after midnight, and belongs to one night."""
    starts = ["23:50", "00:05", "23:55", "00:10", "23:58", "00:02"]
    runs = [backup(at(day + (clock < "12:00"), clock)) for day, clock in enumerate(starts)]
    (window,) = learned(runs, 8).windows
    assert window.latest - window.earliest <= 20
    (one, *_) = expected(learned(runs, 8), BERLIN, at(8, "12:00"), at(9, "06:00"))
    assert at(8, "23:40") <= one.earliest <= at(8, "23:55")
    assert at(9, "00:40") <= one.closes_latest <= at(9, "01:00")


def test_summer_time_changes_nothing_on_the_wall() -> None:
    """The clock went forward on 29 March: 22:00 is 22:00, an hour earlier in UTC."""
    rhythm = learned(nightly(range(20, 27)), 28)
    before, after = expected(rhythm, BERLIN, at(26, "12:00"), at(28, "12:00"))
    assert (before.opens, after.opens) == (at(26, "22:00"), at(27, "22:00"))
    assert after.opens - before.opens == timedelta(hours=23)
    assert learned(nightly(range(22, 31)), 31).text == "is backed up nightly about 22:00–22:40"  # noqa: RUF001


def test_a_backup_at_a_time_that_is_left_out_takes_as_long_as_ever() -> None:
    """On 29 March clocks went from 02:00 to 03:00: a backup at 02:30 begins then and is not over before."""
    rhythm = learned(nightly(range(19, 26), "02:30"), 26)
    (one,) = expected(rhythm, BERLIN, at(26, "12:00"), at(27, "12:00"))
    assert (one.earliest, one.opens) == (at(27, "03:00"), at(27, "03:00"))
    assert one.closes - one.opens == timedelta(minutes=40)
    assert one.closes_latest >= one.closes


def test_a_rhythm_that_ended_is_not_expected() -> None:
    """The schedule moved: the old time is dropped after a few nights, the new one learned."""
    runs = [*nightly(range(10)), *nightly(range(10, 18), "02:00")]
    assert learned(runs, 17).text == "is backed up nightly about 02:00–02:40"  # noqa: RUF001


def test_starts_all_over_the_night_are_no_rhythm() -> None:
    """What begins at any hour is not expected at one."""
    clocks = ["18:00", "18:40", "19:20", "20:00", "20:40", "21:20", "22:00", "22:40"]
    assert learned([backup(at(day, clock)) for day, clock in enumerate(clocks)], 9).windows == ()


def test_hourly_backups_are_many_windows() -> None:
    """Each is expected, and the words stay short."""
    runs = [backup(at(day, f"{hour:02}:00"), 5) for day in range(6) for hour in range(24)]
    rhythm = learned(runs, 6)
    assert len(rhythm.windows) == 24
    assert rhythm.text == "is backed up at 24 times of the day, the first about 00:00"


def test_an_end_that_nobody_saw_teaches_no_length() -> None:
    """The bot was down when it ended: the window is as long as on other nights."""
    unseen = backup(at(2, "22:00"), 600)
    unseen = BackupRun(vm_id=unseen.vm_id, host=HV01, started_at=unseen.started_at, started_after=unseen.started_after,
                       ended_after=unseen.started_at, ended_at=unseen.ended_at)  # fmt: skip
    rhythm = learned([*nightly([0, 1, 3, 4]), unseen], 5)
    assert [window.longest for window in rhythm.windows] == [40]


@given(
    start=st.integers(0, 24 * 60 - 1),
    minutes=st.integers(5, 300),
    jitter=st.integers(0, 15),
    nights=st.integers(5, 40),
    seed=st.integers(0, 1000),
)
def test_the_next_backup_is_always_expected(start: int, minutes: int, jitter: int, nights: int, seed: int) -> None:
    """Whatever the time of day, the length and the jitter: what comes the next night lies within what is expected."""
    rng = random.Random(seed)  # noqa: S311 (to be repeated)

    def begins(day: int) -> datetime:
        wall = datetime.combine(MONDAY + timedelta(days=day), time()) + timedelta(minutes=start)
        return wall.replace(tzinfo=BERLIN).astimezone(UTC)

    runs = [backup(begins(day) + timedelta(minutes=rng.uniform(-jitter, jitter)), minutes) for day in range(nights)]
    now = begins(nights) - timedelta(hours=3)
    rhythm = learn(runs, ALWAYS, BERLIN, now)
    coming = expected(rhythm, BERLIN, now, now + timedelta(days=1))
    assert any(abs(one.opens - begins(nights)) <= timedelta(minutes=jitter) for one in coming)
    for one in coming:
        assert one.earliest <= one.opens <= one.latest <= one.closes_latest
        assert one.opens <= one.closes


@given(st.lists(st.integers(0, 60 * 24 * 50), max_size=40), st.integers(1, 2000))
def test_any_history_is_taken(minutes: list[int], length: int) -> None:
    """No history of backups, however odd, breaks it, and fewer than five nights teach nothing."""
    runs = [backup(at(0, "00:00") + timedelta(minutes=m), length) for m in minutes]
    rhythm = learned(runs, 51)
    assert rhythm.text
    if len({run.started_at.astimezone(BERLIN).date() for run in runs}) < 5:
        assert rhythm.windows == ()
    expected(rhythm, BERLIN, at(51, "12:00"), at(53, "12:00"))
