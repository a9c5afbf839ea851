"""Reads the length of time behind ``insights``, as people say it: ``30d``, ``2 weeks``, ``last month``."""

import re
from datetime import timedelta

from core.domain.model.durations import LONGEST

USUAL = timedelta(days=30)
_DAYS = {"h": 1 / 24, "hour": 1 / 24, "d": 1, "day": 1, "w": 7, "week": 7, "m": 30, "mo": 30, "month": 30}
_DAYS |= {"q": 91, "quarter": 91, "y": 365, "year": 365}
_FILLERS = frozenset({"last", "past", "the", "for", "of", "in", "since", "previous", "this"})
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "twelve": 12}
_NAMES = {"today": 1.0, "yesterday": 2.0, "fortnight": 14.0, "all": 3650.0, "ever": 3650.0, "everything": 3650.0}
_PIECE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)?\s*([a-z]*)", re.ASCII)
SHORTEST = timedelta(hours=1)


def read_period(text: str) -> timedelta | None:
    """Read a length of time; None when it is none. A bare number is days; too long or too short becomes the limit."""
    words = [_NUMBERS.get(word, word) for word in text.casefold().replace("-", " ").split() if word not in _FILLERS]
    folded = " ".join(map(str, words))
    if not folded:
        return USUAL
    if folded in _NAMES:
        return timedelta(days=_NAMES[folded])
    found = _PIECE.fullmatch(folded)
    if found is None:
        return None
    number, unit = found[1], found[2]
    days = 1.0 if not unit else _DAYS.get(unit) or _DAYS.get(unit.removesuffix("s"))
    if days is None:
        return None
    return min(LONGEST, max(SHORTEST, timedelta(days=days * float(number or 1))))


def write_period(period: timedelta) -> str:
    """Write it so that reading it gives the same, to the hour."""
    hours = round(period.total_seconds() / 3600)
    return f"{hours}h" if hours % 24 else f"{hours // 24}d"
