"""Judges the past: what moved, what was slow, who failed and why, what was waited for. Ranks only what is enough."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from core.domain.model.move import Fault, MoveState
from core.domain.model.views import EstimateError
from core.domain.reporting.estimates import FEW_JOBS, FEW_MOVES, error_of
from core.domain.reporting.past import FaultTally, PairTally, Past, WaitTally

FEW = 10
"""With fewer moves than this nothing is ranked: one odd VM would be the whole picture."""
PAIR_MOVES = 3
"""A pair of hosts that moved fewer VMs says nothing of its speed."""
SHOWN = 5
"""So many of each ranking."""
OFTEN = 2
"""Who failed less often than this is not ranked: that happens to everybody."""
REASONS = 3
"""So many reasons of each host or VM."""

FREE = frozenset({Fault.CANCELLED, Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED, Fault.NO_ROOM})
"""These attempts cost nothing, or people ended them: no failures of a host or a VM."""
_OF_DESTINATION = frozenset({Fault.HOST})
_OF_NO_HOST = frozenset({Fault.VM, Fault.BOT})


@dataclass(frozen=True, slots=True)
class Why:
    """A reason for failures: its class, the code of the diagnosis, and how many attempts it cost."""

    fault: Fault
    code: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Culprit:
    """A host or a VM with its failed attempts, the most frequent reasons first."""

    name: str
    attempts: int
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    """The judgement. ``too_few``: why nothing is ranked; then there are no rankings, and no share of first attempts.

    ``first_try``: the share of the moves that were tried and got done at their first attempt.
    """

    since: datetime
    until: datetime
    jobs: int
    done: int
    size_bytes: int
    not_done: int
    too_few: str = ""
    first_try: float | None = None
    slowest: tuple[PairTally, ...] = ()
    hosts: tuple[Culprit, ...] = ()
    vms: tuple[Culprit, ...] = ()
    waits: tuple[WaitTally, ...] = ()
    pages: int = 0
    pages_taken: int = 0
    taken_s: float | None = None
    """The median time until a page was taken; None when none was."""
    jobs_off: EstimateError | None = None
    moves_off: EstimateError | None = None
    """How far off the newest estimates were; None: too few."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened at all."""
        return not (self.jobs or self.done or self.not_done or self.pages)


def insights(past: Past) -> Insights:
    """Judge what the store knows of a length of time."""
    done = past.ends.get(MoveState.DONE, 0)
    not_done = sum(count for state, count in past.ends.items() if state is not MoveState.DONE)
    tried = done + not_done - past.ends.get(MoveState.CANCELLED, 0)
    is_few = tried < FEW
    return Insights(
        since=past.since,
        until=past.until,
        jobs=past.jobs,
        done=done,
        size_bytes=sum(pair.size_bytes for pair in past.pairs),
        not_done=not_done,
        too_few=f"{tried} {'move' if tried == 1 else 'moves'}: too few to rank" if is_few else "",
        first_try=None if is_few else past.first_try / tried,
        slowest=() if is_few else _slowest(past.pairs),
        hosts=() if is_few else _worst(_of_hosts(past.faults)),
        vms=() if is_few else _worst((one.vm_name, Why(one.fault, one.code, one.attempts)) for one in past.vm_faults),
        waits=tuple(sorted((one for one in past.waits if one.seconds >= 1), key=lambda one: -one.seconds)),
        pages=past.pages,
        pages_taken=len(past.taken_s),
        taken_s=median(past.taken_s) if past.taken_s else None,
        jobs_off=error_of(past.job_estimates, FEW_JOBS),
        moves_off=error_of(past.move_estimates, FEW_MOVES),
    )


def _slowest(pairs: Iterable[PairTally]) -> tuple[PairTally, ...]:
    """Rank what has shown its speed; of a single pair nobody can say that it is slow."""
    shown = [pair for pair in pairs if pair.moves >= PAIR_MOVES and pair.bytes_per_s]
    return tuple(sorted(shown, key=lambda pair: pair.bytes_per_s)[:SHOWN]) if len(shown) > 1 else ()


def _of_hosts(faults: Iterable[FaultTally]) -> Iterator[tuple[str, Why]]:
    """Say whose each failure is: the destination's own, of both hosts, or of none because it was the VM's."""
    for one in faults:
        if one.fault in _OF_NO_HOST:
            continue
        blamed = (one.destination,) if one.fault in _OF_DESTINATION else (one.source, one.destination)
        for host in blamed:
            yield host, Why(one.fault, one.code, one.attempts)


def _worst(found: Iterable[tuple[str, Why]]) -> tuple[Culprit, ...]:
    counts: dict[str, Counter[tuple[Fault, str]]] = {}
    for name, why in found:
        if why.fault not in FREE:
            counts.setdefault(name, Counter())[why.fault, why.code] += why.attempts
    culprits = (
        Culprit(name, reasons.total(), tuple(Why(*reason, count) for reason, count in reasons.most_common(REASONS)))
        for name, reasons in counts.items()
        if reasons.total() >= OFTEN
    )
    return tuple(sorted(culprits, key=lambda one: (-one.attempts, one.name))[:SHOWN])
