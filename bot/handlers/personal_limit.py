"""Keeps one person, or a script in their name, from keeping the bot and its hosts busy for everybody."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from core.errors import NotAllowed
from core.ports import Clock

_WINDOW = timedelta(minutes=1)
_KEPT = 2000


class PersonalLimit:
    """How much each person asked for in the last minute."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        """Make it; 0 a minute is no limit."""
        self._per_minute = per_minute
        self._clock = clock
        self._lately: OrderedDict[str, deque[datetime]] = OrderedDict()

    def note(self, user: str) -> None:
        """Count one more command or click.

        Raises:
            NotAllowed: that is too many; it is not counted.

        """
        now = self._clock.steady_now()
        times = self._lately.setdefault(user, deque())
        while times and now - times[0] >= _WINDOW:
            times.popleft()
        if self._per_minute and len(times) >= self._per_minute:
            raise NotAllowed(
                f"That is more than {self._per_minute} commands and clicks in a minute, so I did not do it.",
                hint="Try again in a minute; stop always works.",
            )
        times.append(now)
        self._lately.move_to_end(user)
        while len(self._lately) > _KEPT:
            self._lately.popitem(last=False)
