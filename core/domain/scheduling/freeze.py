"""Freeze windows: spans of time in which no move starts, written the way calendars are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from core.domain.model.wall_clock import first_at

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(
    r"(?P<first>mon|tue|wed|thu|fri|sat|sun)(?:\s*-\s*(?P<last>mon|tue|wed|thu|fri|sat|sun))?"
    r"\s+(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})",
    re.IGNORECASE,
)
_DATES = re.compile(r"(?P<start>\d{4}-\d{2}-\d{2})(?:\s*(?:-|\.\.|to)\s*(?P<end>\d{4}-\d{2}-\d{2}))?", re.IGNORECASE)
_WEEK = 7
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Weekly:
    """A weekly freeze: on these days (0 is Monday) from one time of day to another, over midnight if need be."""

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Dates:
    """A freeze of whole days, from the first to the last."""

    first: date
    last: date


Window = Weekly | Dates


@dataclass(frozen=True, slots=True)
class Calendar:
    """Freeze windows, and the time zone they are meant in."""

    windows: tuple[Window, ...]
    zone: tzinfo

    def frozen_until(self, now: datetime) -> datetime | None:
        """Return when the freeze that holds now ends, or None."""
        return frozen_until(now, self.windows, self.zone)

    def freezes(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Return when each freeze begins and ends, from the one that holds or comes next; they may go on for ever."""
        return freezes(since, self.windows, self.zone)


def parse_window(text: str) -> Window:
    """Read ``Mon-Fri 08:00-18:00`` or ``2026-12-24 .. 2027-01-02``.

    Raises:
        ValueError: it is neither.

    """
    weekly = _WEEKLY.fullmatch(text.strip())
    if weekly:
        first = _DAYS.index(weekly["first"].lower())
        last = _DAYS.index((weekly["last"] or weekly["first"]).lower())
        days = frozenset((first + step) % _WEEK for step in range((last - first) % _WEEK + 1))
        return Weekly(days, time.fromisoformat(weekly["start"].zfill(5)), time.fromisoformat(weekly["end"].zfill(5)))
    dates = _DATES.fullmatch(text.strip())
    if dates:
        first_day = date.fromisoformat(dates["start"])
        last_day = date.fromisoformat(dates["end"] or dates["start"])
        if last_day >= first_day:
            return Dates(first_day, last_day)
    raise ValueError(f"{text!r} is no freeze window; write Mon-Fri 08:00-18:00 or 2026-12-24 .. 2027-01-02")


def frozen_until(now: datetime, windows: tuple[Window, ...], zone: tzinfo) -> datetime | None:
    """Return when the freeze that holds now ends, in this zone, or None. Windows that touch count as one."""
    until: datetime | None = None
    moment = now.astimezone(zone)
    # Two times of one zone are compared as the wall shows them, as if none came twice: so all compare in UTC.
    # Each pass follows one window to its end; a calendar that never thaws stops after a year's worth of them.
    for _ in range(400):
        ends = [end for window in windows if (end := window_end(moment, window)) is not None]
        if not ends:
            return until
        until = moment = max(ends, key=_in_utc)
    return until


def freezes(since: datetime, windows: tuple[Window, ...], zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield the freezes from this moment on, as (begin, end) in this zone; one that holds already begins now."""
    moment: datetime | None = since.astimezone(zone)
    while moment is not None:
        begin = min(
            (at for window in windows if (at := window_begin(moment, window)) is not None), key=_in_utc, default=None
        )
        until = frozen_until(begin, windows, zone) if begin is not None else None
        if begin is None or until is None:
            return
        yield begin, until
        # A calendar that never thaws has no other freeze after this one.
        moment = until if frozen_until(until, windows, zone) is None else None


def overlap(one: Window, other: Window) -> bool:
    """Whether some moment, in whatever week or year, lies in both windows."""
    match one, other:
        case Dates(), Dates():
            return one.first <= other.last and other.first <= one.last
        case Weekly(), Weekly():
            return _meet(_of_week(one), list(_of_week(other)))
        case Weekly(), Dates():
            # After seven days everything weekly has come by.
            begin, days = other.first.weekday(), min(_WEEK, (other.last - other.first).days + 1)
            return _meet(_of_week(one), [(begin * _DAY, (begin + days) * _DAY)])
        case _:
            return overlap(other, one)


def _of_week(window: Weekly) -> Iterator[tuple[int, int]]:
    """Yield when a weekly window begins and ends, in minutes since the begin of a week."""
    for day in window.days:
        start, end = (at.hour * 60 + at.minute for at in (window.start, window.end))
        yield day * _DAY + start, day * _DAY + end + (_DAY if end <= start else 0)


def _meet(weekly: Iterator[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    spans = [(begin + turn, end + turn) for begin, end in weekly for turn in (-_WEEK * _DAY, 0, _WEEK * _DAY)]
    return any(begin < last and first < end for begin, end in spans for first, last in others)


def window_begin(moment: datetime, window: Window) -> datetime | None:
    """Return this moment if it lies in this window, else when the window opens next, or None: never again."""
    if window_end(moment, window) is not None:
        return moment
    if isinstance(window, Dates):
        starts = [_first_at(window.first, time(), moment)]
    else:
        days = (moment.date() + timedelta(days=step) for step in range(_WEEK + 1))
        starts = [_first_at(day, window.start, moment) for day in days if day.weekday() in window.days]
    return min((start for start in starts if _in_utc(start) > _in_utc(moment)), key=_in_utc, default=None)


def window_end(moment: datetime, window: Window) -> datetime | None:
    """Return when this window, if the moment lies in it, ends."""
    if isinstance(window, Dates):
        inside = window.first <= moment.date() <= window.last
        return _first_at(window.last + timedelta(days=1), time(), moment) if inside else None
    for day in (moment.date() - timedelta(days=1), moment.date()):
        if day.weekday() not in window.days:
            continue
        start = _first_at(day, window.start, moment)
        over_night = window.end <= window.start
        end = _first_at(day + timedelta(days=1) if over_night else day, window.end, moment)
        if _in_utc(start) <= _in_utc(moment) < _in_utc(end):
            return end
    return None


def _first_at(day: date, at: time, moment: datetime) -> datetime:
    """Return when clocks first show this time in the zone of ``moment``, in that zone."""
    zone = moment.tzinfo or UTC
    return first_at(day, at, zone).astimezone(zone)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
