"""Reads lengths of time as people write them in settings and commands."""

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.IGNORECASE)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = timedelta(days=3660)
"""Ten years: a longer duration is a slip, and one that means "for ever" leads beyond the end of all calendars."""


def parse_duration(value: object) -> timedelta:
    """Read ``90s``, ``1h30m``, ``2d``, or a number of seconds.

    Raises:
        ValueError: it is none of these, negative, or longer than ten years.

    """
    text = "" if isinstance(value, bool) else str(value).strip()
    if isinstance(value, timedelta):
        text = str(value.total_seconds())
    try:
        seconds = float(text)
    except ValueError:
        if not text or _DURATION.sub("", text).strip():
            raise ValueError(f"{text!r} is no duration; write for example 90s, 15m, 1h30m or 2d") from None
        seconds = sum(float(n) * _UNIT_S[unit.lower()] for n, unit in _DURATION.findall(text))
    if seconds < 0:
        raise ValueError("a duration cannot be negative")
    if not seconds <= LONGEST.total_seconds():
        raise ValueError(f"{text!r} is too long a duration; {LONGEST.days} days are the most")
    return timedelta(seconds=seconds)
