"""Times of day as clocks show them where people are, on days when clocks are put on or back too.

Python compares two datetimes of one zone as the wall shows them, as if none came twice, and takes a time that is left
out for one an hour later (PEP 495). So whoever compares or subtracts such times has them from here, in UTC.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo


def first_at(day: date, at: time, zone: tzinfo) -> datetime:
    """Return when clocks first show this time of this day, in UTC; where they leave it out: when they are put on."""
    wall = datetime.combine(day, at)
    # What is left out is read with the offset that holds before the change, and then with the one after it.
    later, earlier = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if later <= earlier:  # it comes once, or twice
        return later
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            earlier = middle
        else:
            later = middle
    return later.replace(microsecond=0)


def next_at(now: datetime, at: time) -> datetime:
    """Return when clocks in the zone of ``now`` show this time of day next, the second time of two too, in UTC."""
    zone, today = now.tzinfo or UTC, now.date()
    first = first_at(today, at, zone)
    again = datetime.combine(today, at, zone).replace(fold=1).astimezone(UTC)
    moments = first, max(first, again), first_at(today + timedelta(days=1), at, zone)
    return next(moment for moment in moments if moment > now)
