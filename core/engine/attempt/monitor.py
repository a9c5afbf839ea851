"""Monitors a move that a host shows: notes it, passes on a cancel, asks people when it makes no progress."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.attempt.cancellation import Answer, Unmet, is_told, pause, unmet
from core.domain.attempt.stall import stuck
from core.domain.model.events import EventKind, event
from core.domain.model.move import Move, MoveState, transit
from core.domain.planning.makespan import Speeds
from core.domain.planning.makespan import seconds as seconds_of
from core.engine.attempt.context import AttemptContext
from core.errors import HostError
from core.ports import HostGateway

log = logging.getLogger(__name__)

MISSES = 3
"""A job may show late: only so many times without one are worth a word."""


class CancelRequest:
    """Remembers of one move whether its cancel is wanted, and when to ask the host again."""

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
    """Remembers when the percent last rose and when people were last asked."""

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
    """Looks after one move while it runs."""

    def __init__(self, course: AttemptContext) -> None:
        self._course = course
        self._vigil = StallClock(course.attempt.started_at, course.rules.stuck_after)
        self._canceller = CancelRequest(course.hands.gateway, is_wanted=bool(course.move.cancel_by))

    def want_cancel(self) -> None:
        """Take a person's wish to cancel the move."""
        self._canceller.want()
        self._course.hands.board.news()

    async def look_after(self) -> None:
        """Do what is to be done for a move that a host shows at this moment."""
        if self._course.move.state in {MoveState.STARTING, MoveState.VERIFYING}:
            await self._confirm()
        await self._ask_if_stuck()
        await self._pass_on_cancel()

    async def _confirm(self) -> None:
        """Note that a host shows the move; people hear it once per attempt."""
        course, now = self._course, self._course.now()
        course.attempt = replace(course.attempt, confirmed_at=now)
        await course.record(
            lambda m: course.store.confirm_attempt(
                m,
                transit(m, MoveState.MOVING, hold=None),
                *([event(EventKind.MOVING, now, move=m)] if m.state is MoveState.STARTING else []),
                at=now,
            )
        )

    async def _ask_if_stuck(self) -> None:
        """Ask people, once in a while, about a move that stands still; nothing is done without their answer."""
        course, move, now = self._course, self._course.move, self._course.now()
        percent = course.hands.board.percents.get(move.vm_id)
        if not self._vigil.stands_still(percent, now):
            return
        speeds = Speeds(await course.store.speeds(), course.rules.assumed_bytes_per_s)
        text = self._vigil.question(now, seconds_of(move.size_bytes, move.source, move.destination, speeds))
        if text:
            await course.note(event(EventKind.STUCK, now, move=move, text=text, percent=percent))

    async def _pass_on_cancel(self) -> None:
        """Ask the host to cancel if a person wants that; tell once per wish why it has no effect."""
        course = self._course
        answer = await self._canceller.pass_on(course.move, course.steady_now())
        if answer is None:
            return
        now = course.now()

        async def tell(move: Move) -> Move:
            if is_told(await course.store.events(move.job_id), move, answer.code):
                return move
            told = event(EventKind.CANCEL_UNMET, now, move=move, code=answer.code, text=answer.text, hint=answer.hint)
            return await course.store.change_move(move, move, told)

        await course.record(tell)
