"""Estimates when a job is over, or says why nobody can, from its moves, the hosts' slots, the calendar, and orders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.views import Eta
from core.domain.planning.makespan import lower_bound, makespan
from core.domain.planning.speeds import Lines
from core.domain.planning.work import Pause, Work, heedless, own_of
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.slots import bar

CAREFUL = 1.5
"""The careful end of an estimate, over the likely one: so much longer the hosts may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The conditions of a job's moves: the time, the hosts, the calendar, the orders of people.

    ``halted`` says why nothing of the job starts until a person lets it; empty otherwise.
    """

    now: datetime
    snapshots: Mapping[HostName, Snapshot]
    calendar: Calendar | None = None
    """None: the job's plan overrides the freeze windows."""
    start_at: datetime | None = None
    halted: str = ""
    at_once: int = 0
    """How many of these moves may run at the same time; 0: as many as the hosts have slots for."""
    lines: Lines | None = None
    """The links between the hosts; None: there are none."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """An estimate or the reason for having none, and in any case what nothing can beat.

    ``soonest`` holds even if whatever stands in the way were put right this minute.
    """

    soonest: datetime
    eta: Eta | None = None
    why_none: str = ""


def forecast(works: Sequence[Work], conditions: Conditions) -> Forecast:
    """Estimate when all of these works are done that are not others'."""
    now, slots, at_once = conditions.now, slots_of(conditions.snapshots), conditions.at_once
    lines = conditions.lines
    pauses = _Pauses(conditions)
    bound = lower_bound(own_of(works), slots, pauses.first, at_once=at_once, lines=lines)
    why_none = _why_none(works, conditions)
    if why_none:
        return Forecast(now + timedelta(seconds=bound), None, why_none)
    working = makespan(heedless(works), slots, at_once=at_once, lines=lines)
    likely = makespan(works, slots, pauses if pauses.first else (), at_once=at_once, lines=lines)
    # What the hosts do may take longer than thought; what the clock and the calendar say will not.
    latest = likely + working * (CAREFUL - 1)
    is_frozen = pauses.freeze is not None and likely > makespan(
        works, slots, pauses.before_start, at_once=at_once, lines=lines
    )
    soonest, middle, late = (now + timedelta(seconds=s) for s in (min(bound, likely), likely, latest))
    return Forecast(soonest, Eta(soonest, middle, late, pauses.freeze if is_frozen else None))


def slots_of(snapshots: Mapping[HostName, Snapshot]) -> dict[HostName, int]:
    """Return how many moves each host allows at once; one takes a live and a storage migration."""
    return {host: min(seen.facts.live_limit, seen.facts.storage_limit) for host, seen in snapshots.items()}


def _why_none(works: Sequence[Work], conditions: Conditions) -> str:
    """Say why nobody can tell when the waiting works start; empty when there are none, or when it can be told."""
    waiting = [work for work in own_of(works) if not work.is_running]
    if waiting and conditions.halted:
        return conditions.halted
    hosts = dict.fromkeys(host for work in waiting for host in (work.source, work.destination))
    barred = (bar(conditions.snapshots[host]) for host in hosts if host in conditions.snapshots)
    return next(filter(None, barred), "")


class _Pauses:
    """The times in which nothing of the job starts, in seconds from now: before its start time, and in freezes."""

    def __init__(self, conditions: Conditions) -> None:
        self._now = conditions.now
        self._calendar = conditions.calendar
        self._begins = max(conditions.now, conditions.start_at or conditions.now)
        self.before_start: tuple[Pause, ...] = ((0.0, self._seconds(self._begins)),)
        self.freeze = next(self._freezes(), None)

    @property
    def first(self) -> Pause | None:
        """The pause that holds or comes next; a start time within a freeze is the end of that freeze."""
        if self._begins <= self._now:
            return self._span(self.freeze) if self.freeze else None
        until = self.freeze[1] if self.freeze and self.freeze[0] <= self._begins else self._begins
        return 0.0, self._seconds(until)

    def __iter__(self) -> Iterator[Pause]:
        yield from self.before_start
        yield from map(self._span, self._freezes())

    def _freezes(self) -> Iterator[tuple[datetime, datetime]]:
        return self._calendar.freezes(self._begins) if self._calendar else iter(())

    def _span(self, freeze: tuple[datetime, datetime]) -> Pause:
        return self._seconds(freeze[0]), self._seconds(freeze[1])

    def _seconds(self, at: datetime) -> float:
        return (at - self._now).total_seconds()
