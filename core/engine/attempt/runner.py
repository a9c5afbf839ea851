"""One move from its reservation to its end: look again, give the order, settle where the VM really is, clean up."""

from dataclasses import replace
from datetime import timedelta

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.verification import AttemptResult
from core.domain.model.host_calls import MoveReport
from core.domain.model.move import Attempt, Fault, Move, MoveId, MoveState
from core.engine.attempt.completion import AttemptCompletion
from core.engine.attempt.context import AttemptContext, EngineServices
from core.engine.attempt.monitor import MoveMonitor
from core.engine.attempt.move_call import MoveCall
from core.engine.attempt.start_check import StartCheck
from core.engine.attempt.verify import settle
from core.errors import HostError

CANCELLED_FIRST = Diagnosis("cancelled", Fault.CANCELLED, "", "cancelled before the host was asked")


class AttemptRunner:
    """The shepherd of one move's attempt."""

    def __init__(self, hands: EngineServices, move: Move, attempt: Attempt, attempts_allowed: int) -> None:
        self.id: MoveId = move.id
        self._course = AttemptContext(hands, move, attempt)
        self._watch = MoveMonitor(self._course)
        self._ends = AttemptCompletion(self._course, attempts_allowed)

    async def carry_out(self) -> None:
        """Run the attempt that was reserved: a last look, the move, and what comes after."""
        course, rules = self._course, self._course.rules
        lookout = StartCheck(course.hands.gateway, course.store, rules.address)
        look = await lookout.last_look(course.move, course.attempt)
        if isinstance(look, Diagnosis):
            await self._ends.not_started(look, timedelta(seconds=rules.poll_s))
            return
        before = look.before
        await course.record(lambda m: course.store.change_move(m, replace(m, before=before)))
        if course.move.cancel_by:
            await self._ends.not_started(CANCELLED_FIRST, rules.retry_delay)
            return
        report, error = await MoveCall(course, self._watch).give(look.order)
        await self._settle(report, error)

    async def go_on(self) -> None:
        """Go on with a move that went on without us: settle it, or finish its clean-up."""
        course = self._course
        if course.move.state is MoveState.CLEANING:
            await self._ends.finish()
        elif course.move.state.holds_slots:
            course.note_order(course.now())
            await self._settle(None, None)

    async def take_up_again(self) -> None:
        """Go on after an error nobody foresaw, from what is written down."""
        self._course.move = await self._course.store.move(self.id)
        await self.go_on()

    def ask_cancel(self) -> None:
        """Pass on that a person wants this move cancelled."""
        self._watch.want_cancel()

    async def _settle(self, report: MoveReport | None, error: HostError | None) -> None:
        verdict = await settle(self._course, self._watch, report)
        match verdict.outcome:
            case AttemptResult.MOVED:
                await self._ends.moved()
            case AttemptResult.NOT_MOVED | AttemptResult.NEVER_STARTED:
                await self._ends.not_moved(verdict, error)
            case _:
                await self._ends.lost(verdict.reason)
