"""Watches over a move that a host shows: notes it, passes on a wish to cancel it, asks people when it stands still."""

from dataclasses import replace

from core.domain.cancelling import is_told
from core.domain.eta import Speeds
from core.domain.eta import seconds as seconds_of
from core.domain.job import EventKind, Move, MoveState, event, transit
from core.engine.canceller import Canceller
from core.engine.course import Course
from core.engine.vigil import Vigil


class Watch:
    """Looks after one move while it runs."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._vigil = Vigil(course.attempt.started_at, course.rules.stuck_after)
        self._canceller = Canceller(course.hands.gateway, is_wanted=bool(course.move.cancel_by))

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
