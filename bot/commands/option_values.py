"""Reads the values of a command's options: whole numbers, durations, yes or no, a time."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from core.domain.model.durations import parse_duration
from core.domain.model.wall_clock import first_at, next_at

_YES = frozenset({"yes", "y", "true", "on", "1"})
_NO = frozenset({"no", "n", "false", "off", "0"})
_WHOLE = re.compile(r"\d{1,6}", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{1,2}):(\d{2})(?::\d{2})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE
)
_LONGEST_WAIT = timedelta(days=7)
_FARTHEST = timedelta(days=366)
LIMITS = {"parallel": (1, 1000), "attempts": (1, 100)}


class BadValue(ValueError):
    """A value that does not fit its option; ``sentence`` says why, ``fix`` would do."""

    def __init__(self, sentence: str, fix: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix


def whole(name: str, text: str) -> int:
    """Read a whole number within the option's limits."""
    low, high = LIMITS[name]
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        raise BadValue(f"{name} needs a whole number from {low} to {high}, but says {shown(text)}.", "2")
    return int(text)


def is_flag_value(text: str) -> bool:
    """Whether a word is an answer to a yes-or-no option."""
    return text.casefold() in _YES | _NO


def flag(name: str, text: str) -> bool:
    """Read yes or no."""
    if not is_flag_value(text):
        raise BadValue(f"{name} is yes or no, but says {shown(text)}.", "yes")
    return text.casefold() in _YES


def wait_s(name: str, text: str) -> float:
    """Read a duration such as ``90s`` or ``1h30m``, in whole seconds."""
    try:
        value = parse_duration(text)
    except (ValueError, OverflowError):
        raise BadValue(f"{name} needs a duration such as 90s or 1h30m, but says {shown(text)}.", "1h30m") from None
    if value > _LONGEST_WAIT:
        raise BadValue(f"{name} may be 7 days at most, but says {shown(text)}.", "1h30m")
    return float(round(value.total_seconds()))


def is_date(text: str) -> bool:
    """Whether a word is a day without a time, so that the time is the next word."""
    return _DATE.fullmatch(text) is not None


def is_clock(text: str) -> bool:
    """Whether a word is a time of day, without a day."""
    return _TIME.fullmatch(text) is not None


def moment(text: str, now: datetime, name: str = "at") -> datetime:
    """Read a time to come, in the zone of ``now`` unless it says its own; ``22:00`` is the next one. Returns UTC."""
    tomorrow = f"{now + timedelta(days=1):%Y-%m-%d}T22:00"
    try:
        at = _read_moment(text, now)
    except (ValueError, OverflowError):
        raise BadValue(f"{name} needs a time such as 22:00 or {tomorrow}, but says {shown(text)}.", "22:00") from None
    if at <= now:
        raise BadValue(f"{name} needs a time to come, but {text} is over.", tomorrow)
    if at - now > _FARTHEST:
        raise BadValue(f"{name} needs a time within a year, but {text} is farther away.", tomorrow)
    return at


def _read_moment(text: str, now: datetime) -> datetime:
    if clock := _TIME.fullmatch(text):
        now = now.astimezone(_zone(clock[3])) if clock[3] else now
        return next_at(now, time(int(clock[1]), int(clock[2])))
    if found := _MOMENT.fullmatch(text):
        year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
        zone = _zone(found[6]) if found[6] else now.tzinfo
        return first_at(date(year, month, day), time(hour, minute), zone or UTC)
    raise ValueError(text)


def _zone(offset: str) -> tzinfo | None:
    return datetime.fromisoformat(f"2000-01-01T00:00{offset.upper()}").tzinfo


def has_zone(text: str) -> bool:
    """Whether a time says its own zone, so that it means the same for everybody."""
    found = _TIME.fullmatch(text) or _MOMENT.fullmatch(text)
    return found is not None and bool(found[found.re.groups])


def zoned_example(text: str) -> str:
    """Write a time with a zone behind it, as an example."""
    return f"{text.replace(' ', 'T')}+02:00, or {text.replace(' ', 'T')}Z for UTC"


def shown(text: str) -> str:
    """Quote what was typed, shortened."""
    return f'"{text}"' if len(text) <= 40 else f'"{text[:39]}…"'  # noqa: PLR2004 - fits a phone's line
