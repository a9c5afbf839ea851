"""Estimates how long a plan takes, and says what the clock and the calendar have against it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.domain.model.inventory import HostName, Snapshot, VmId
from core.domain.model.plan import Finding, FindingCode, Options, Plan, Severity
from core.domain.model.units import zoned_time
from core.domain.planning.duration import duration
from core.domain.planning.forecast import Conditions, forecast, slots_of
from core.domain.planning.other_moves import in_the_way, other_moves
from core.domain.planning.speeds import Speeds, lines_of, seconds
from core.domain.planning.work import Work
from core.domain.scheduling.freeze import Calendar
from core.engine.backup_outlooks import BackupOutlooks, Spans, seconds_from
from core.engine.best_effort import best_effort
from core.engine.known_speeds import known_speeds
from core.ports import Clock, Store
from core.tasks import compute

_OF_TIME = frozenset({FindingCode.TOO_LATE, FindingCode.FROZEN})
_SOON = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What an estimate is made from besides the plan."""

    now: datetime
    snapshots: Mapping[HostName, Snapshot]
    speeds: Speeds
    others: Sequence[Work]
    avoided: Mapping[VmId, Spans]


class PlanEstimates:
    """The estimates of plans. ``max_parallel``: how many moves of a job run at once if its plan does not say."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        calendar: Calendar,
        backups: BackupOutlooks,
        *,
        assumed_bytes_per_s: float,
        max_parallel: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._calendar = calendar
        self._backups = backups
        self._links = backups.links
        self._assumed_bytes_per_s = assumed_bytes_per_s
        self._max_parallel = max_parallel

    async def estimated(self, plan: Plan, snapshots: Mapping[HostName, Snapshot]) -> Plan:
        """Return a plan with its estimate in place of an earlier one; without one if it breaks. Raises StoreError."""
        now = self._clock.now()
        return await best_effort("the estimate of a plan", self._estimate(plan, snapshots, now), self._bare(plan, now))

    def _bare(self, plan: Plan, now: datetime) -> Plan:
        """Return a plan without an estimate, and with what the calendar alone has against it."""
        return replace(
            plan,
            expected_s=None,
            backups_s=0.0,
            others_s=0.0,
            findings=(*_not_of_time(plan), *self._freezes(plan.options, max(now, plan.options.start_at or now))),
        )

    async def _estimate(self, plan: Plan, snapshots: Mapping[HostName, Snapshot], now: datetime) -> Plan:
        movable = [move for move in plan.moves if move.vm_id not in plan.blocked_ids]
        speeds = await known_speeds(self._store, self._links, self._assumed_bytes_per_s)
        speeds = speeds.of_schedule()
        open_moves = in_the_way(await self._store.moves(open_only=True))
        attempts = await self._store.attempts(open_only=True)
        known = _Known(
            now=now,
            snapshots=snapshots,
            speeds=speeds,
            others=other_moves(open_moves, attempts, snapshots, speeds, now),
            avoided=await self._backups.avoided(movable, plan.options, now, self._heeded(plan.options)),
        )
        return await compute(len(movable) + len(known.others), self._with_times, plan, known)

    def _heeded(self, options: Options) -> Calendar | None:
        return None if options.override else self._calendar

    def _with_times(self, plan: Plan, known: _Known) -> Plan:
        options, now = plan.options, known.now
        at_once = options.parallel or self._max_parallel
        asked = begins = max(now, options.start_at or now)
        if (calendar := self._heeded(options)) is not None:
            begins = calendar.frozen_until(asked) or asked
        # What others do now says little about later.
        others = known.others if begins - now < _SOON else ()
        takes = duration(
            [*_works(plan, known, begins), *others],
            slots_of(known.snapshots),
            at_once=at_once,
            lines=lines_of(known.speeds, begins),
        )
        return replace(
            plan,
            expected_s=(takes.soonest_s, takes.likely_s),
            backups_s=takes.backups_s,
            others_s=takes.others_s,
            findings=(*_not_of_time(plan), *self._times(plan, [*_works(plan, known, now), *others], known, asked)),
        )

    def _times(self, plan: Plan, works: Sequence[Work], known: _Known, begins: datetime) -> list[Finding]:
        """Find what the clock and the calendar say against the plan."""
        options = plan.options
        found = self._freezes(options, begins)
        expected = forecast(
            works,
            Conditions(
                now=known.now,
                snapshots=known.snapshots,
                calendar=self._heeded(options),
                start_at=options.start_at,
                at_once=options.parallel or self._max_parallel,
                lines=lines_of(known.speeds, known.now),
            ),
        )
        if expected.eta and expected.eta.frozen and not found:
            begin, until = expected.eta.frozen
            text = (
                f"Moves are frozen from {zoned_time(begin)} until {zoned_time(until)}: "
                "what has not started by then waits."
            )
            found.append(Finding(severity=Severity.WARNING, code=FindingCode.FROZEN, text=text))
        if options.until is not None and expected.soonest > options.until:
            late, by = _moments(expected.soonest, options.until)
            text = f"Not before {late} UTC can this be over; it should be by {by} UTC."
            found.append(Finding(severity=Severity.WARNING, code=FindingCode.TOO_LATE, text=text))
        return found

    def _freezes(self, options: Options, begins: datetime) -> list[Finding]:
        """Find that the plan would begin in a freeze."""
        until = self._calendar.frozen_until(begins)
        if until is None:
            return []
        over = f"; this plan overrides it: {options.override}" if options.override else ", nothing starts before"
        text = f"Moves are frozen until {zoned_time(until)}{over}."
        return [Finding(severity=Severity.WARNING, code=FindingCode.FROZEN, text=text)]


def _not_of_time(plan: Plan) -> Iterator[Finding]:
    return (finding for finding in plan.findings if finding.code not in _OF_TIME)


def _works(plan: Plan, known: _Known, start: datetime) -> list[Work]:
    """Return how long each move takes by itself, of those that can move; when it does not start, from a moment on."""
    blocked_ids = plan.blocked_ids
    return [
        Work(
            m.source,
            m.destination,
            seconds(m.size_bytes, m.source, m.destination, known.speeds),
            avoids=seconds_from(known.avoided.get(m.vm_id, ()), start),
        )
        for m in plan.moves
        if m.vm_id not in blocked_ids
    ]


def _moments(late: datetime, by: datetime) -> tuple[str, str]:
    """Show two times in UTC, with their days when these differ."""
    late, by = late.astimezone(UTC), by.astimezone(UTC)
    form = "%H:%M" if late.date() == by.date() else "%a %H:%M"
    return format(late, form), format(by, form)
