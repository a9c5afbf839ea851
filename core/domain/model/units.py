"""Quantities in words: sizes, spans and times of day as people say them."""

from datetime import datetime, timedelta

_STEPS = (("TB", 2**40), ("GB", 2**30), ("MB", 2**20), ("KB", 2**10))


def size(count_bytes: float) -> str:
    """Say a number of bytes: ``1.5 TB``, ``40 GB``, ``312 MB``."""
    for unit, step in _STEPS:
        if count_bytes >= step:
            value = count_bytes / step
            text = f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"  # noqa: PLR2004
            return f"{text} {unit}"
    return f"{count_bytes:.0f} B"


def span(length: float | timedelta) -> str:
    """Say a length of time, in seconds or as timedelta: ``45 s``, ``12 min``, ``2 h 5 min``, ``3 d 4 h``."""
    total = round(length.total_seconds() if isinstance(length, timedelta) else length)
    if total < 60:  # noqa: PLR2004
        return f"{max(0, total)} s"
    minutes, seconds = divmod(total, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {seconds} s" if seconds and minutes < 5 else f"{minutes} min"  # noqa: PLR2004
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def zoned_time(at: datetime) -> str:
    """Say a day of the week and a time in its own zone, with the zone: ``Mon 18:00 CET``, ``Mon 18:00 UTC+03``."""
    zone = at.tzname() or "UTC"
    return f"{at:%a %H:%M} {f'UTC{zone}' if zone[0] in '+-' else zone}"
