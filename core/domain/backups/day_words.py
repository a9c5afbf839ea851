"""Says on which days of the week something happens."""

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = frozenset(range(7))
_WORKDAYS = frozenset(range(5))
_FEW = 3
_EVENING, _MORNING = 18 * 60, 6 * 60


def days_text(days: frozenset[int], minute: float) -> str:
    """Say on which days (0 is Monday) something happens that begins at this minute of the day."""
    if days == _WEEK:
        return _each(minute)
    if days == _WORKDAYS:
        return "on weekdays"
    if len(days) <= _FEW:
        return f"on {_listed(days)}"
    return f"{_each(minute)} except on {_listed(_WEEK - days)}"


def backup_name(days: frozenset[int], minute: float) -> str:
    """Name a VM's backup that comes on these days at this minute of the day."""
    return "its weekly backup" if len(days) == 1 else f"its {_each(minute)} backup"


def _each(minute: float) -> str:
    return "nightly" if minute >= _EVENING or minute < _MORNING else "daily"


def _listed(days: frozenset[int]) -> str:
    *first, last = [f"{_NAMES[day]}s" for day in sorted(days)]
    return f"{', '.join(first)} and {last}" if first else last
