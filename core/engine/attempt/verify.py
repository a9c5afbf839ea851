"""Verifies where a VM is after its attempt: polls both hosts until it is clear, or cannot become clear."""

import asyncio
from dataclasses import replace

from core.domain.attempt.verification import AttemptResult, Verification, judge
from core.domain.model.host_calls import MoveReport
from core.domain.model.units import span
from core.engine.attempt.context import AttemptContext
from core.engine.attempt.monitor import MoveMonitor

TWICE_SEEN = 3
"""How many looks in a row must agree before a VM on both hosts, or on neither, is called lost."""


async def settle(context: AttemptContext, monitor: MoveMonitor, report: MoveReport | None) -> Verification:
    """Return what became of the attempt; a move that still runs is followed to its end.

    The verdict is unknown when a host could not be looked at for too long.
    """
    agreeing, silent_since = 0, context.steady_now()
    last: AttemptResult | None = None
    while True:
        verdict = await _look(context, report)
        agreeing = agreeing + 1 if verdict.outcome is last else 1
        last = verdict.outcome
        match verdict.outcome:
            case AttemptResult.RUNNING:
                if verdict.percent is not None:
                    context.services.snapshot_cache.progress(context.move.vm_id, verdict.percent)
                await monitor.look_after()
            case AttemptResult.UNKNOWN:
                timeout = context.policy.silence_timeout
                if context.steady_now() - silent_since >= timeout:
                    return replace(verdict, reason=f"{verdict.reason}; the bot waited {span(timeout)}")
            case AttemptResult.BOTH | AttemptResult.NEITHER:
                # In the switch-over both, or neither, may show for a moment.
                if agreeing >= TWICE_SEEN:
                    return verdict
            case _:
                return verdict
        if verdict.outcome is not AttemptResult.UNKNOWN:
            silent_since = context.steady_now()
        # News of others do not make this one's looks more frequent than the polls.
        await context.services.clock.sleep(context.policy.poll_s)


async def _look(context: AttemptContext, report: MoveReport | None) -> Verification:
    source, destination = await asyncio.gather(
        context.services.fresh(context.move.source), context.services.fresh(context.move.destination)
    )
    return judge(
        context.attempt,
        source,
        destination,
        report=report,
        now=context.steady_now(),
        confirm_start=context.policy.confirm_start,
        ordered_at=context.ordered_at,
        standing=context.services.snapshot_cache.standing,
    )
