"""The data of a job's timeline: each VM's attempts as bars, each host's slots as steps. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.messages.visible import visible
from core.domain.model.inventory import HostName
from core.domain.model.move import Attempt, Fault, Move, MoveState

ROWS = 80
"""More VMs than a picture can name."""


class BarOutcome(StrEnum):
    """The end of an attempt, or what a VM did between attempts; the values are the words of the legend."""

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
    """One attempt of one VM."""

    begins: datetime
    ends: datetime
    outcome: BarOutcome
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VmTimeline:
    """One VM: its attempts, oldest first, and when it began to wait."""

    name: str
    bars: tuple[Bar, ...]
    waits_from: datetime | None
    ends: datetime
    state: MoveState


@dataclass(frozen=True, slots=True)
class HostTimeline:
    """The moves a host took part in, from each moment to the next, and how many it allows."""

    host: HostName
    steps: tuple[tuple[datetime, int], ...]
    limit: int

    @property
    def most(self) -> int:
        """The most at once."""
        return max((count for _, count in self.steps), default=0)


def vm_timelines(moves: Sequence[Move], attempts: Iterable[Attempt], until: datetime) -> list[VmTimeline]:
    """Make a vm of each VM that was tried, in the order they began; those that were not come last."""
    tries: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        tries.setdefault(attempt.move_id, []).append(attempt)
    made = [_vm_timeline(move, tries.get(move.id, []), until) for move in moves]
    return sorted(made, key=lambda vm: (not vm.bars, vm.bars[0].begins if vm.bars else vm.ends))


def worth_showing(made: Sequence[VmTimeline], rows: int = ROWS) -> list[VmTimeline]:
    """Choose the vm_timelines that fit, in their order: those with trouble first, then the longest."""
    if len(made) <= rows:
        return list(made)
    ranked = sorted(made, key=lambda vm: (vm.state is MoveState.DONE, -_length_s(vm)))
    chosen = {id(vm) for vm in ranked[:rows]}
    return [vm for vm in made if id(vm) in chosen]


def host_timeline(host: HostName, attempts: Iterable[Attempt], limit: int, until: datetime) -> HostTimeline:
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
    return HostTimeline(host, tuple(steps), limit)


def _vm_timeline(move: Move, tries: Sequence[Attempt], until: datetime) -> VmTimeline:
    ordered = sorted(tries, key=lambda attempt: attempt.started_at)
    bars = tuple(_bar(move, attempt, until, is_last=attempt is ordered[-1]) for attempt in ordered)
    ends = move.ended_at or until
    return VmTimeline(
        name=visible(move.vm_name),
        bars=bars,
        waits_from=move.queued_at,
        ends=bars[-1].ends if bars else ends,
        state=move.state,
    )


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


def _length_s(vm: VmTimeline) -> float:
    return sum((bar.ends - bar.begins).total_seconds() for bar in vm.bars)
