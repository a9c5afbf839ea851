"""Learns from a VM's past backups when they come: at which time of the wall's clock, on which days, for how long.

One odd night teaches nothing: the value that is farthest from the others is left out. Times are those of a time zone:
22:00 stays 22:00 when summer time ends. A night in which nobody looked is no night without a backup.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from statistics import median

from core.domain.backups.day_words import backup_name, days_text
from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.inventory import HostName
from core.domain.model.wall_clock import first_at

NIGHTS = 5
"""So many nights with a backup at the same time make a rhythm."""
REMEMBERED = timedelta(days=56)
"""Older backups say nothing about the next one."""
NEWEST = 21
"""So many of the newest nights say when a backup begins and how long it takes."""
TOGETHER_MIN = 45
"""Starts with a longer gap between them, in minutes of the day, belong to different backups."""
WIDEST_MIN = 180
"""Starts that vary by more have no rhythm."""
MARGIN = timedelta(minutes=5)
"""So much earlier or later than ever a backup is still expected."""
_DAY_MIN = 24 * 60
_WEEK = frozenset(range(7))
_FEW_LENGTHS = 3
_SHOWN = 4
_MOST = 0.6
_LONG, _LONG_MIN = 1.5, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A backup that comes again and again. Times are minutes after the midnight with which its day begins.

    ``days``: 0 is Monday. ``earliest`` may lie before that midnight, ``latest`` and the end after the next one.
    """

    days: frozenset[int]
    earliest: float
    opens: float
    latest: float
    minutes: float
    longest: float

    def text(self) -> str:
        """Say on which days and from when to when it comes."""
        return f"{days_text(self.days, self.opens)} about {clock(self.opens)}–{clock(self.opens + self.minutes)}"  # noqa: RUF001 - a span of time


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The windows in which a VM is backed up, and the reason in words."""

    windows: tuple[Window, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One backup to come: when it may begin at the earliest and at the latest, and when it is over, in UTC.

    ``opens`` and ``closes`` are the usual times, ``name`` and ``after`` are for people, in the zone of the settings.
    """

    earliest: datetime
    opens: datetime
    latest: datetime
    closes: datetime
    closes_latest: datetime
    name: str
    after: str


@dataclass(slots=True)
class _Night:
    """The backup of one night: when it began, in minutes after its midnight, and how long it took."""

    start: float
    minutes: float | None


NEUTRAL = Rhythm((), "no backup of it was seen")


def learn(
    runs: Iterable[BackupRun], watched: Mapping[HostName, Sequence[HostWatch]], zone: tzinfo, now: datetime
) -> Rhythm:
    """Learn the rhythm of one VM's backups. ``watched``: when its hosts were looked at, in order of time."""
    known = sorted((run for run in runs if run.started_at >= now - REMEMBERED), key=lambda run: run.started_at)
    if not known:
        return NEUTRAL
    windows = list[Window]()
    for starts in _clusters([run for run in known if run.is_start_known], zone):
        windows += _windows(_nights(starts, zone), _Looks(known, watched, zone, now))
    windows.sort(key=lambda window: (window.opens, min(window.days)))
    if windows:
        return Rhythm(tuple(windows), f"is backed up {_when(windows)}")
    nights = len({run.started_at.astimezone(zone).date() for run in known})
    return Rhythm((), f"was seen in backup on {_days(nights)}; {NIGHTS} nights alike make a rhythm")


def expected(rhythm: Rhythm, zone: tzinfo, since: datetime, until: datetime) -> tuple[Expected, ...]:
    """Return the backups that are over after ``since`` and may begin before ``until``, in order of time."""
    found = list[Expected]()
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    for window in rhythm.windows:
        margin_min = MARGIN.total_seconds() / 60
        # A window may belong to a day that is over, or begin before the midnight of its day.
        days_back = 2 + int((window.latest + window.longest) // _DAY_MIN)
        day = first - timedelta(days=days_back)
        while day <= last + timedelta(days=2):
            if day.weekday() in window.days:
                one = _expected(window, day, zone, margin_min)
                if one.closes_latest > since and one.earliest < until:
                    found.append(one)
            day += timedelta(days=1)
    return tuple(sorted(found, key=lambda one: one.earliest))


def clock(minutes: float) -> str:
    """Say a time of day, to five minutes."""
    hours, rest = divmod(5 * round(minutes / 5) % _DAY_MIN, 60)
    return f"{hours:02}:{rest:02}"


def _expected(window: Window, day: date, zone: tzinfo, margin_min: float) -> Expected:
    # Backups begin by the clock and then take their time, whatever clocks do meanwhile.
    opens, latest = _moment(day, window.opens, zone), _moment(day, window.latest + margin_min, zone)
    closes = opens + timedelta(minutes=window.minutes)
    return Expected(
        earliest=_moment(day, window.earliest - margin_min, zone),
        opens=opens,
        latest=latest,
        closes=closes,
        closes_latest=latest + timedelta(minutes=window.longest),
        name=f"{backup_name(window.days, window.opens)} at about {clock(window.opens)}",
        after=f"about {clock(_minute_of(closes, zone) + margin_min)}",
    )


def _moment(day: date, minutes: float, zone: tzinfo) -> datetime:
    at = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return first_at(at.date(), at.time(), zone)


# ------------------------------------------------------------------ which backups are the same one, night after night


def _minute_of(moment: datetime, zone: tzinfo) -> float:
    at = moment.astimezone(zone)
    return at.hour * 60 + at.minute + at.second / 60


def _clusters(runs: Sequence[BackupRun], zone: tzinfo) -> Iterator[list[tuple[float, BackupRun]]]:
    """Group backups by the time of day at which they began, cut at the gaps; midnight is no gap.

    Yields them with their minute, which goes on over midnight, so that those of one group can be compared.
    """
    marks = sorted(((_minute_of(run.started_at, zone), run) for run in runs), key=lambda mark: mark[0])
    if not marks:
        return
    minutes = [minute for minute, _ in marks]
    gaps = [later - earlier for earlier, later in pairwise([*minutes, minutes[0] + _DAY_MIN])]
    first = (gaps.index(max(gaps)) + 1) % len(marks)
    group = list[tuple[float, BackupRun]]()
    for step in range(len(marks)):
        at = (first + step) % len(marks)
        minute, run = marks[at]
        group.append((minute if at >= first else minute + _DAY_MIN, run))
        if gaps[at] > TOGETHER_MIN:
            yield group
            group = []
    if group:
        yield group


def _nights(group: Sequence[tuple[float, BackupRun]], zone: tzinfo) -> dict[date, _Night]:
    """Sort a group by nights. Each belongs to the day on which it usually begins; two in one night are one."""
    turns = median(minute for minute, _ in group) // _DAY_MIN
    nights: dict[date, _Night] = {}
    for minute, run in sorted(group, key=lambda mark: mark[1].started_at):
        start = minute - turns * _DAY_MIN
        wall = run.started_at.astimezone(zone).replace(tzinfo=None)
        # Half a day on, so that no rounding makes another day of midnight.
        day = (wall - timedelta(minutes=start) + timedelta(hours=12)).date()
        known = nights.get(day)
        if known is None:
            nights[day] = _Night(start, run.minutes)
        elif known.minutes is not None and run.minutes is not None:
            known.minutes = max(known.minutes, start + run.minutes - known.start)
    return nights


# ------------------------------------------------------------------ on which days, when, for how long


class _Looks:
    """Whether somebody looked at the VM's host at a time: it is taken to be where it was last seen in backup."""

    def __init__(
        self,
        runs: Sequence[BackupRun],
        watched: Mapping[HostName, Sequence[HostWatch]],
        zone: tzinfo,
        now: datetime,
    ) -> None:
        self._runs, self._watched, self._zone, self._now = runs, watched, zone, now

    def saw(self, day: date, opens: float, latest: float) -> bool:
        """Whether all of this day's time was looked at."""
        begins, ends = _moment(day, opens, self._zone), _moment(day, latest + 1, self._zone)
        if ends > self._now:
            return False
        before = (run.host for run in reversed(self._runs) if run.started_at <= begins)
        host = next(before, self._runs[0].host)
        return any(span.since <= begins and span.until >= ends for span in self._watched.get(host, ()))

    def last_day(self) -> date:
        return self._now.astimezone(self._zone).date()


def _windows(nights: dict[date, _Night], looks: _Looks) -> list[Window]:
    """Make the windows of one backup: two where it takes much longer on some days."""
    if len(nights) < NIGHTS:
        return []
    newest = sorted(nights)[-NEWEST:]
    starts = _without_odd([nights[day].start for day in newest])
    earliest, latest = min(starts), max(starts)
    if latest - earliest > WIDEST_MIN:
        return []
    days = _on_which_days(nights, looks, earliest, latest)
    lengths = {day: known for day in newest if (known := nights[day].minutes) is not None}
    if not days or len(lengths) < _FEW_LENGTHS:
        return []
    long = _long_days(lengths) & days
    made = list[Window]()
    for some in filter(None, (days - long, *(frozenset({day}) for day in sorted(long)))):
        own = [minutes for day, minutes in lengths.items() if day.weekday() in some] or list(lengths.values())
        usual = _without_odd(own)
        made.append(
            Window(
                days=some,
                earliest=earliest,
                opens=median(starts),
                latest=latest,
                minutes=median(usual),
                longest=max(usual),
            )
        )
    return made


def _on_which_days(nights: Mapping[date, _Night], looks: _Looks, earliest: float, latest: float) -> frozenset[int]:
    """Return the days of the week on which it comes; none if it comes too seldom, or no longer."""
    day, seen = min(nights), list[date]()
    while day <= looks.last_day():
        if day in nights or looks.saw(day, earliest, latest):
            seen.append(day)
        day += timedelta(days=1)
    if sum(day not in nights for day in seen) <= 1:
        return _WEEK
    came = Counter(day.weekday() for day in seen if day in nights)
    could = Counter(day.weekday() for day in seen)
    days = frozenset(day for day in _WEEK if could[day] and came[day] / could[day] >= _MOST)
    if days == frozenset(could):
        days = _WEEK
    lately = [day in nights for day in seen if day.weekday() in days][-NIGHTS:]
    is_steady = sum(came[day] for day in days) >= NIGHTS and sum(lately) / max(1, len(lately)) >= _MOST
    return days if is_steady else frozenset()


def _long_days(lengths: Mapping[date, float]) -> frozenset[int]:
    """Return the days of the week on which it took much longer than usual, more than once."""
    base = median(lengths.values())
    by_day = defaultdict[int, list[float]](list)
    for day, minutes in lengths.items():
        by_day[day.weekday()].append(minutes)
    return frozenset(
        day
        for day, own in by_day.items()
        if len(own) > 1 and sorted(own)[(len(own) - 1) // 2] > max(_LONG * base, base + _LONG_MIN)
    )


def _without_odd(values: Sequence[float]) -> list[float]:
    """Leave out the values that are farthest from the middle: one, or a tenth of many; none of a few."""
    if len(values) < NIGHTS:
        return list(values)
    middle = median(values)
    kept = sorted(values, key=lambda value: abs(value - middle))
    return kept[: len(kept) - max(1, len(kept) // 10)]


def _when(windows: Sequence[Window]) -> str:
    if len(windows) > _SHOWN:
        return f"at {len(windows)} times of the day, the first about {clock(windows[0].opens)}"
    return " and ".join(window.text() for window in windows)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
