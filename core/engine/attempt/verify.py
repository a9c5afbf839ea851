"""Establishes where a VM is after its attempt: looks at both hosts until it is clear, or cannot become clear."""

import asyncio
from dataclasses import replace

from core.domain.attempt.verification import AttemptResult, Verification, judge
from core.domain.model.host_calls import MoveReport
from core.domain.model.units import span
from core.engine.attempt.context import AttemptContext
from core.engine.attempt.monitor import MoveMonitor

TWICE_SEEN = 3
"""How many looks in a row must agree before a VM on both hosts, or on neither, is called lost."""


async def settle(course: AttemptContext, watch: MoveMonitor, report: MoveReport | None) -> Verification:
    """Return what became of the attempt; a move that still runs is followed to its end.

    The verdict is unknown when a host could not be looked at for too long.
    """
    agreeing, silent_since = 0, course.steady_now()
    last: AttemptResult | None = None
    while True:
        verdict = await _look(course, report)
        agreeing = agreeing + 1 if verdict.outcome is last else 1
        last = verdict.outcome
        match verdict.outcome:
            case AttemptResult.RUNNING:
                if verdict.percent is not None:
                    course.hands.board.progress(course.move.vm_id, verdict.percent)
                await watch.look_after()
            case AttemptResult.UNKNOWN:
                patience = course.rules.silence_patience
                if course.steady_now() - silent_since >= patience:
                    return replace(verdict, reason=f"{verdict.reason}; the bot waited {span(patience)}")
            case AttemptResult.BOTH | AttemptResult.NEITHER:
                # In the switch-over both, or neither, may show for a moment.
                if agreeing >= TWICE_SEEN:
                    return verdict
            case _:
                return verdict
        if verdict.outcome is not AttemptResult.UNKNOWN:
            silent_since = course.steady_now()
        # News of others do not make this one's looks more frequent than the polls.
        await course.hands.clock.sleep(course.rules.poll_s)


async def _look(course: AttemptContext, report: MoveReport | None) -> Verification:
    source, destination = await asyncio.gather(
        course.hands.fresh(course.move.source), course.hands.fresh(course.move.destination)
    )
    return judge(
        course.attempt,
        source,
        destination,
        report=report,
        now=course.steady_now(),
        confirm_start=course.rules.confirm_start,
        ordered_at=course.ordered_at,
        standing=course.hands.board.standing,
    )
