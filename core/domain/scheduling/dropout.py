"""Decides which destinations dropped out of a job, and what waits for them that may go to another of its hosts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.domain.model.inventory import HostName
from core.domain.model.job import Job, JobId
from core.domain.model.move import Attempt, Fault, HoldCode, Move, MoveId, MoveState
from core.domain.scheduling.host_faces import why_silent
from core.domain.scheduling.situation import LESSON, Situation
from core.domain.scheduling.slots import bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """A destination that takes nothing more of a job now, why, and the moves that wait for it."""

    job_id: JobId
    host: HostName
    reason: str
    waiting: tuple[MoveId, ...]
    full: tuple[MoveId, ...] = ()
    """Those of them for which it has no room, as it showed itself: they do not get there by waiting."""


def approved_hosts(job: Job, moves: Iterable[Move]) -> frozenset[HostName]:
    """Return the destinations that were approved: of the plan's VMs that were to move, under their names of now.

    ``moves`` are all moves of the job; where a host is called otherwise in the settings since, they say so.
    """
    blocked = job.plan.blocked_ids
    planned = {one.destination for one in job.plan.moves if one.vm_id not in blocked}
    return frozenset(planned | {move.destination for move in moves if move.vm_id not in blocked})


def dropouts(situation: Situation) -> list[Dropout]:
    """Find them: off, with limit 0 or silent for ``replan_after``; full at once, for it was looked at for a start.

    A host that has not been looked at since the bot started is none yet, however long moves have waited for it. Only
    moves count that have not begun: no order for one of them ever went out.
    """
    patience = situation.policy.replan_after
    if patience is None:
        return []
    by_job = defaultdict[JobId, list[Move]](list)
    for move in situation.moves:
        by_job[move.job_id].append(move)
    faults = _faults(situation)
    found = list[Dropout]()
    for job_id, moves in by_job.items():
        job = situation.jobs[job_id]
        if len(approved_hosts(job, moves)) < 2:  # noqa: PLR2004 (another one)
            continue
        waiting = defaultdict[HostName, list[Move]](list)
        for move in moves:
            if has_not_begun(move, faults.get(move.id, ())):
                waiting[move.destination].append(move)
        found += [
            one for host, its in waiting.items() if (one := _dropout(job, host, its, faults, situation, patience))
        ]
    return found


def out_of_room(situation: Situation) -> dict[tuple[JobId, HostName], Attempt]:
    """Return the destinations that had no room for a VM of a job a moment ago, while that VM still waits for them.

    Another place is being looked for then, which takes all that waits there; after ``LESSON`` they count no more.
    """
    faults = _faults(situation)
    found = dict[tuple[JobId, HostName], Attempt]()
    for move in situation.moves:
        tries = faults.get(move.id, ())
        last = _last(tries)
        if last is None or last.ended_at is None or not _is_full(last, move.destination):
            continue
        is_fresh = timedelta(0) <= situation.wall - last.ended_at < LESSON
        if is_fresh and has_not_begun(move, tries):
            found[move.job_id, move.destination] = last
    return found


def has_not_begun(move: Move, tries: Sequence[Attempt]) -> bool:
    """Whether a move waits and nothing of it was ever ordered; ``tries`` are its attempts that ended with a fault."""
    is_waiting = move.state is MoveState.QUEUED and not move.cancel_by and not move.attempts
    return is_waiting and not any(attempt.ordered_at for attempt in tries)


def _faults(situation: Situation) -> Mapping[MoveId, list[Attempt]]:
    by_move = defaultdict[MoveId, list[Attempt]](list)
    for attempt in situation.faults:
        by_move[attempt.move_id].append(attempt)
    return by_move


def _dropout(  # noqa: PLR0917
    job: Job,
    host: HostName,
    waiting: Sequence[Move],
    faults: Mapping[MoveId, Sequence[Attempt]],
    situation: Situation,
    patience: timedelta,
) -> Dropout | None:
    snapshot = situation.snapshots.get(host)
    if snapshot is None and host not in situation.trouble:
        # The bot has just started: what kept this host out before may be over. It is being looked at.
        return None
    ids = tuple(move.id for move in waiting)
    why = why_silent(host, situation) or (bar(snapshot) if snapshot else "")
    if why:
        holds = (move.hold for move in waiting if move.hold and move.hold.code is HoldCode.HOST)
        is_due = any(situation.wall - hold.since >= patience for hold in holds)
        return Dropout(job_id=job.id, host=host, reason=why, waiting=ids) if is_due else None
    full = {move.id: last for move in waiting if (last := _last(faults.get(move.id, ()))) and _is_full(last, host)}
    if not full:
        return None
    reason = next(iter(full.values())).host_words
    return Dropout(job_id=job.id, host=host, reason=reason, waiting=ids, full=tuple(full))


def _last(tries: Sequence[Attempt]) -> Attempt | None:
    return max(tries, key=lambda attempt: attempt.number, default=None)


def _is_full(attempt: Attempt, host: HostName) -> bool:
    return attempt.fault is Fault.NO_ROOM and attempt.destination == host
