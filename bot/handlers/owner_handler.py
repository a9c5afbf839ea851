"""Carries out what owners of VMs ask: the form of *Not now*, and the hold itself."""

from collections.abc import Collection

from bot.handlers.command_handler import Asker
from bot.messages import replies
from bot.messages.blocks import Block, Message
from bot.modals.not_now_form import not_now_form
from bot.modals.plan_reference import PlanReference
from bot.slack.identities import Identities
from core.domain.model.job import JobId
from core.domain.model.move import MoveId
from core.engine.engine import Engine


class OwnerHandler:
    """The handler of owners' buttons. That somebody owns a VM is all they need; they may do nothing else by it."""

    def __init__(self, engine: Engine, people: Identities) -> None:
        self._engine = engine
        self._people = people

    async def form(self, job_id: JobId, asker: Asker) -> Block:
        """Make the form. Raises NotAllowed when there is nothing of theirs that could be held, with why."""
        who = await self._people.admit(asker.user, asker.team)
        moves = await self._engine.owner_holds.holdable(job_id, who.ids)
        only = str(moves[0].id) if len(moves) == 1 else "0"
        return not_now_form(PlanReference(job_id, only, asker.channel), moves)

    async def hold(self, job_id: JobId, moves: Collection[MoveId], words: str, asker: Asker) -> Message:
        """Hold these VMs. Raises NotAllowed when they are moving by now, or not theirs."""
        who = await self._people.admit(asker.user, asker.team)
        sentence = await self._engine.owner_holds.hold(job_id, moves, who.ids, who.user, words)
        return replies.plainly(f"✋ {sentence}")
