"""Works out what a job's timeline shows: each VM's tries as bars, each host's slots as steps. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.model.inventory import HostName
from core.domain.model.move import Attempt, Fault, Move, MoveState

ROWS = 80
"""More VMs than a picture can name."""


class BarOutcome(StrEnum):
    """How a try ended, or what a VM did between tries; the values are the words of the legend."""

    MOVED = "moved"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "must be looked at"
    GOES_ON = "goes on"
    FREE = "withdrawn, cost nothing"
    WAITED = "waited"


_FREE = frozenset({Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED})


@dataclass(frozen=True, slots=True)
class Bar:
    """One try of one VM."""

    begins: datetime
    ends: datetime
    outcome: BarOutcome
    number: int = 0


@dataclass(frozen=True, slots=True)
class Track:
    """One VM: its tries, oldest first, and when it began to wait."""

    name: str
    bars: tuple[Bar, ...]
    waits_from: datetime | None
    ends: datetime
    state: MoveState


@dataclass(frozen=True, slots=True)
class Slots:
    """How many moves a host took part in, from each moment to the next, and how many it allows."""

    host: HostName
    steps: tuple[tuple[datetime, int], ...]
    limit: int

    @property
    def most(self) -> int:
        """The most at once."""
        return max((count for _, count in self.steps), default=0)


def tracks(moves: Sequence[Move], attempts: Iterable[Attempt], until: datetime) -> list[Track]:
    """Make a track of each VM that was tried, in the order they began; those that were not come last."""
    tries: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        tries.setdefault(attempt.move_id, []).append(attempt)
    made = [_track(move, tries.get(move.id, []), until) for move in moves]
    return sorted(made, key=lambda track: (not track.bars, track.bars[0].begins if track.bars else track.ends))


def worth_showing(made: Sequence[Track], rows: int = ROWS) -> list[Track]:
    """Choose the tracks that fit, in their order: those with trouble first, then the longest."""
    if len(made) <= rows:
        return list(made)
    ranked = sorted(made, key=lambda track: (track.state is MoveState.DONE, -_length_s(track)))
    chosen = {id(track) for track in ranked[:rows]}
    return [track for track in made if id(track) in chosen]


def slots(host: HostName, attempts: Iterable[Attempt], limit: int, until: datetime) -> Slots:
    """Count the tries that a host took part in, whatever their job, from step to step."""
    changes: dict[datetime, int] = {}
    for attempt in attempts:
        if host in {attempt.source, attempt.destination}:
            changes[attempt.started_at] = changes.get(attempt.started_at, 0) + 1
            ends = attempt.ended_at or until
            changes[ends] = changes.get(ends, 0) - 1
    count, steps = 0, []
    for at in sorted(changes):
        count += changes[at]
        steps.append((at, count))
    return Slots(host, tuple(steps), limit)


def _track(move: Move, tries: Sequence[Attempt], until: datetime) -> Track:
    ordered = sorted(tries, key=lambda attempt: attempt.started_at)
    bars = tuple(_bar(move, attempt, until, is_last=attempt is ordered[-1]) for attempt in ordered)
    ends = move.ended_at or until
    return Track(move.vm_name, bars, move.queued_at, bars[-1].ends if bars else ends, move.state)


def _bar(move: Move, attempt: Attempt, until: datetime, *, is_last: bool) -> Bar:
    outcome = BarOutcome.MOVED
    if attempt.ended_at is None:
        outcome = BarOutcome.GOES_ON
    elif is_last and move.state is MoveState.LOST:
        outcome = BarOutcome.LOST
    elif attempt.fault is Fault.CANCELLED:
        outcome = BarOutcome.CANCELLED
    elif attempt.fault in _FREE:
        outcome = BarOutcome.FREE
    elif attempt.fault is not None:
        outcome = BarOutcome.FAILED
    return Bar(attempt.started_at, max(attempt.ended_at or until, attempt.started_at), outcome, attempt.number)


def _length_s(track: Track) -> float:
    return sum((bar.ends - bar.begins).total_seconds() for bar in track.bars)
