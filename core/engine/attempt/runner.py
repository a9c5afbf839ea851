"""Runs one attempt from its reservation to its end: check, call Move-VM, verify where the VM is, complete."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.verification import AttemptResult
from core.domain.model.move import Attempt, Fault, Move, MoveId, MoveState
from core.engine.attempt.completion import AttemptCompletion
from core.engine.attempt.context import AttemptContext, EngineServices
from core.engine.attempt.monitor import MoveMonitor
from core.engine.attempt.move_call import MoveCall
from core.engine.attempt.start_check import StartCheck
from core.engine.attempt.verify import settle
from core.errors import HostError, OrderWithdrawn

if TYPE_CHECKING:
    from core.domain.model.host_calls import MoveReport


class AttemptRunner:
    """The runner of one attempt."""

    def __init__(self, services: EngineServices, move: Move, attempt: Attempt, attempts_allowed: int) -> None:
        self.id: MoveId = move.id
        self._context = AttemptContext(services, move, attempt)
        self._monitor = MoveMonitor(self._context)
        self._completion = AttemptCompletion(self._context, attempts_allowed)
        self._returned: tuple[MoveReport | None, HostError | None] = (None, None)
        """What the command said: kept until it is written down, whatever breaks meanwhile."""

    async def carry_out(self) -> None:
        """Run the attempt that was reserved: a last look, the move, and what comes after."""
        context, policy = self._context, self._context.policy
        services = context.services
        start_check = StartCheck(
            services.gateway,
            services.machines,
            context.store,
            policy.address,
            services.look_ahead,
            replans=policy.replans,
        )
        look = await start_check.last_look(context.move, context.attempt)
        if isinstance(look, Diagnosis):
            await self._completion.not_started(look, timedelta(seconds=policy.poll_s))
            return
        before = look.before
        await context.record(lambda m: context.change(m, replace(m, before=before)))
        try:
            self._returned = await MoveCall(context, self._monitor).give(look.order)
        except OrderWithdrawn as withdrawn:
            said = withdrawn.message
            diagnosis = Diagnosis("withdrawn", Fault.NEVER_STARTED, said, said)
            await self._completion.not_started(diagnosis, timedelta(seconds=policy.poll_s))
            return
        services.look_ahead.begin(context.move)
        await self._settle()

    async def go_on(self) -> None:
        """Go on with a move that went on without us: settle it, or finish its clean-up."""
        context = self._context
        if context.move.state is MoveState.CLEANING:
            await self._completion.finish()
        elif context.move.state.holds_slots:
            context.note_order()
            await self._settle()

    async def take_up_again(self) -> None:
        """Go on after an error nobody foresaw, from what is written down."""
        self._context.move = await self._context.store.move(self.id)
        await self.go_on()

    async def leave(self) -> None:
        """Let go of an attempt that is over or another's; only its clean-up is still to be seen to."""
        context = self._context
        context.attempt = replace(context.attempt, ended_at=context.attempt.ended_at or context.now())
        context.move = await context.store.move(self.id)
        if context.move.state is MoveState.CLEANING:
            await self._completion.finish()

    def ask_cancel(self) -> None:
        """Pass on that a person wants this move cancelled."""
        self._monitor.want_cancel()

    async def _settle(self) -> None:
        report, error = self._returned
        verdict = await settle(self._context, self._monitor, report)
        match verdict.outcome:
            case AttemptResult.MOVED:
                await self._completion.moved()
            case AttemptResult.NOT_MOVED | AttemptResult.NEVER_STARTED:
                await self._completion.not_moved(verdict, error)
            case _:
                await self._completion.lost(verdict.reason)
