"""Decides what to start now and why everything else waits, in three phases over all open moves: filter, order, fit."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.domain.model.move import HoldCode, MoveState
from core.domain.scheduling.decisions import Decision, End, Held
from core.domain.scheduling.fail_fast import FailedJobs
from core.domain.scheduling.filter import StartFilter, ready_or_decided
from core.domain.scheduling.fit import SlotFit
from core.domain.scheduling.order import in_order
from core.domain.scheduling.situation import LESSON, Situation, lessons, wait_timeout
from core.domain.scheduling.slots import loads

LOOK_AGAIN = timedelta(seconds=5)
"""How soon to decide again about a VM of which it is not clear where it is: hosts that show the same are no news."""


def decide(situation: Situation) -> list[Decision]:
    """Decide for every queued move, in starting order: starts first come from the oldest job, others fill gaps."""
    failed = FailedJobs(situation)
    queued = [move for move in situation.moves if move.state is MoveState.QUEUED]
    ready, decisions = ready_or_decided(queued, StartFilter(situation, failed))
    for decision in decisions:
        if isinstance(decision, End):
            failed.note(decision)
    usage = {host: loads(snapshot) for host, snapshot in situation.snapshots.items()}
    fit = SlotFit(situation, failed, usage)
    ordered = in_order(ready, situation.jobs.values(), situation.moves, usage)
    return decisions + [fit.place(move, verdict) for move, verdict in ordered]


def next_change(decisions: Sequence[Decision], situation: Situation) -> timedelta | None:
    """Return in how long time alone will change a decision: a start time comes, a delay ends, a timeout is over."""
    named, measured = next_times(decisions, situation)
    left = [*(at - situation.wall for at in named), *(at - situation.now for at in measured)]
    return min(left, default=None)


def next_times(decisions: Sequence[Decision], situation: Situation) -> tuple[list[datetime], list[datetime]]:
    """Return the next times on the wall, and the steady ones."""
    named: list[datetime] = [situation.frozen_until] if situation.frozen_until else []
    named += [attempt.ended_at + LESSON for attempt in lessons(situation) if attempt.ended_at]
    times: list[datetime] = []
    for decision in decisions:
        if not isinstance(decision, Held):
            continue
        move, options = decision.known, situation.jobs[decision.known.job_id].plan.options
        match decision.hold.code:
            case HoldCode.RETRY if move.not_before is not None:
                times.append(move.not_before)
            case HoldCode.START_TIME if options.start_at is not None:
                named.append(options.start_at)
            case (HoldCode.BACKUP | HoldCode.BUSY) as code if move.busy_since is not None:
                times.append(move.busy_since + wait_timeout(code, options, situation.policy))
            case HoldCode.UNCLEAR:
                times.append(situation.now + LOOK_AGAIN)
    return named, times
