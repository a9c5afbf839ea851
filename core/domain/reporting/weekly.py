"""Decides when the weekly digest is due: once a week, late rather than never, not for a time before it was wanted."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from core.domain.model.wall_clock import first_at

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TEXT = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+(?:at\s+)?(\d{1,2})(?::(\d{2}))?\s*h?", re.IGNORECASE)
WEEK = timedelta(days=7)
AT_LEAST = timedelta(days=6)
"""So long after the last one the next is due at the soonest: somebody may have chosen another day meanwhile."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """A time of each week (0 is Monday), in the time zone it is meant in."""

    day: int
    at: time
    zone: tzinfo

    def last(self, now: datetime) -> datetime:
        """Return when it was that time last, in UTC."""
        here = now.astimezone(self.zone)
        # As clocks show it: where they are put on or back, a week is an hour shorter or longer.
        days_ago = (here.weekday() - self.day) % 7
        day = here.date() - timedelta(days=days_ago)
        found = first_at(day, self.at, self.zone)
        return found if found <= now else first_at(day - WEEK, self.at, self.zone)


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that is due: of which time."""

    since: datetime
    until: datetime


def parse_weekly(text: str, zone: tzinfo) -> Weekly:
    """Read ``Mon 09:00``, ``monday at 9``.

    Raises:
        ValueError: it is no time of the week.

    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time of the week; write for example Mon 09:00")
    try:
        at = time(int(found[2]), int(found[3] or 0))
    except ValueError:
        raise ValueError(f"{text!r} is no time of day; write for example Mon 09:00") from None
    return Weekly(_DAYS.index(found[1].casefold()), at, zone)


def due(weekly: Weekly, now: datetime, told: datetime | None) -> Digest | None:
    """Say which digest is due. ``told``: until when the last one told; None: nobody wanted any so far, so none is."""
    until = weekly.last(now)
    if told is None or until - told < AT_LEAST:
        return None
    return Digest(until - WEEK, until)
