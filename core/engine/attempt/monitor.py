"""Monitors a move that a host shows: notes it, passes on a cancel, asks people when it makes no progress."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.attempt.cancellation import Answer, Unmet, is_told, pause, unmet
from core.domain.attempt.stall import stuck
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.move import Move, MoveState, transit
from core.domain.planning.speeds import seconds as seconds_of
from core.engine.attempt.context import AttemptContext
from core.engine.known_speeds import known_speeds
from core.errors import HostError
from core.ports import HostGateway

log = logging.getLogger(__name__)

MISSES = 3
"""A job may show late: only so many times without one are worth a word."""


class CancelRequest:
    """A person's wish to cancel one move: whether it is open, and when to ask the host again."""

    def __init__(self, gateway: HostGateway, *, is_wanted: bool) -> None:
        self._gateway = gateway
        self._is_open = is_wanted
        self._tries = 0
        self._again_at: datetime | None = None

    def want(self) -> None:
        """Take a wish, perhaps a renewed one: it is passed on at once."""
        self._is_open, self._tries, self._again_at = True, 0, None

    async def pass_on(self, move: Move, now: datetime) -> Answer | None:
        """Ask the host if that is wanted and due. Returns what people may have to hear; a wish is met in silence."""
        if not self._is_open or (self._again_at is not None and now < self._again_at):
            return None
        try:
            answer = unmet(await self._gateway.cancel(move.source, move.vm_id))
        except HostError as error:
            answer = unmet(error)
        log.info("asked %s to cancel %s: %s", move.source, move.vm_name, answer.text if answer else "accepted")
        self._tries += 1
        self._is_open, self._again_at = answer is not None, now + pause(self._tries)
        if answer is not None and answer.code is Unmet.NO_JOB and self._tries < MISSES:
            return None
        return answer


class StallClock:
    """The clock of a standstill: when the percent last rose, and when people were last asked."""

    def __init__(self, started_at: datetime, quiet: timedelta) -> None:
        self._started_at = started_at
        self._quiet = quiet
        self._percent: int | None = None
        self._progress_at: datetime | None = None
        self._asked_at: datetime | None = None

    def stands_still(self, percent: int | None, now: datetime) -> bool:
        """Note the percent. Returns whether it rose long ago, and nobody was asked about this standstill of late."""
        if self._progress_at is None or (percent is not None and percent != self._percent):
            self._percent, self._progress_at, self._asked_at = percent, now, None
        if self._asked_at is not None and now - self._asked_at < 3 * self._quiet:
            return False
        return now - self._progress_at >= self._quiet

    def question(self, now: datetime, expected_s: float) -> str:
        """Say why the move that stands still is thought to be stuck; empty when its size explains it."""
        text = stuck(
            now=now,
            started_at=self._started_at,
            progress_at=self._progress_at or now,
            percent=self._percent,
            expected_s=expected_s,
            quiet=self._quiet,
        )
        if text:
            self._asked_at = now
        return text


class MoveMonitor:
    """The monitor of one move while it runs."""

    def __init__(self, context: AttemptContext) -> None:
        self._context = context
        self._stall_clock = StallClock(context.began, context.policy.stuck_after)
        self._cancel_request = CancelRequest(context.services.gateway, is_wanted=bool(context.move.cancel_by))

    def want_cancel(self) -> None:
        """Take a person's wish to cancel the move."""
        self._cancel_request.want()
        self._context.services.snapshot_cache.wake()

    async def look_after(self) -> None:
        """Do what is to be done for a move that a host shows at this moment."""
        if self._context.move.state in {MoveState.STARTING, MoveState.VERIFYING}:
            await self._confirm()
        await self._ask_if_stuck()
        await self._pass_on_cancel()

    async def _confirm(self) -> None:
        """Note that a host shows the move; people hear it once per attempt."""
        context, now = self._context, self._context.now()
        # Compared with the times of snapshots, so a steady one, too.
        confirmed_at = context.steady_now()
        await context.record(
            lambda m: context.store.confirm_attempt(
                context.attempt,
                m,
                transit(m, MoveState.MOVING, hold=None),
                *([event(event_data.Moving(), now, move=m)] if m.state is MoveState.STARTING else []),
                at=confirmed_at,
            )
        )
        context.attempt = replace(context.attempt, confirmed_at=context.attempt.confirmed_at or confirmed_at)

    async def _ask_if_stuck(self) -> None:
        """Ask people, once in a while, about a move that stands still; nothing is done without their answer."""
        context, move, now = self._context, self._context.move, self._context.steady_now()
        percent = context.services.snapshot_cache.percents.get(move.vm_id)
        if not self._stall_clock.stands_still(percent, now):
            return
        policy = context.policy
        speeds = await known_speeds(context.store, policy.links, policy.assumed_bytes_per_s)
        text = self._stall_clock.question(now, seconds_of(move.size_bytes, move.source, move.destination, speeds))
        if text:
            await context.note(event(event_data.Stuck(text=text, percent=percent), context.now(), move=move))

    async def _pass_on_cancel(self) -> None:
        """Ask the host to cancel if a person wants that; tell once per wish why it has no effect."""
        context = self._context
        answer = await self._cancel_request.pass_on(context.move, context.steady_now())
        if answer is None:
            return
        now = context.now()

        async def tell(move: Move) -> Move:
            if is_told(await context.store.events(move.job_id), move, answer.code):
                return move
            told = event(event_data.CancelUnmet(code=answer.code, text=answer.text, hint=answer.hint), now, move=move)
            return await context.change(move, move, told)

        await context.record(tell)
