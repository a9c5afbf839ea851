"""Changes a plan that waits for approval: who may, which VMs there are, and the plan made again."""

import asyncio
from collections.abc import Sequence

from bot import access
from bot.access import Identity
from bot.handlers.command_handler import Asker
from bot.messages.blocks import Block
from bot.modals.plan_edit import edit_form, meant, offer_places, offer_planned, place_of
from bot.modals.plan_reference import PlanReference
from bot.slack.identities import Identities
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.plan import Plan
from core.engine.engine import Engine
from core.errors import NotAllowed, RequestError, UnknownJob

_MENU_TIMEOUT_S = 2.0
"""Slack waits 3 s for what a menu offers."""


class EditHandler:
    """The handler of the form that changes a plan: its suggestions, and the change itself."""

    def __init__(self, engine: Engine, settings: Settings, groups: UserGroups, people: Identities) -> None:
        self._engine = engine
        self._settings = settings
        self._groups = groups
        self._people = people

    async def check_may_edit(self, job_id: JobId, asker: Asker) -> Identity:
        """Say who somebody is that may change this plan. Raises NotAllowed, UnknownJob."""
        who = await self._people.admit(asker.user, asker.team)
        job = (await self._engine.queries.job(job_id)).job
        rules = self._settings.access
        members = await self._groups.members(access.groups_in(rules.approvers))
        permission = access.may_edit(who, job.requester, rules, members)
        if not permission.is_allowed:
            raise NotAllowed(permission.reason)
        if job.state is not JobState.PROPOSED:
            raise NotAllowed(f"{job.id} no longer waits for approval: it cannot be changed.")
        return who

    async def form(self, about: PlanReference) -> Block:
        """Make the form. The hosts offered are those of the settings that no VM of the plan is on now."""
        plan = await self._plan(about.job_id)
        if plan.hash != about.plan_hash:
            raise NotAllowed(
                f"This card does not show the plan of {about.job_id} as it is now.", hint="Look at its newest card."
            )
        return edit_form(about, self._places(plan))

    async def offer_vms(self, about: PlanReference, typed: str, asker: Asker) -> list[Block]:
        """Offer VMs of the plan; nothing to somebody who may do nothing here, or of a plan that is gone."""
        plan = await self._plan_for(about.job_id, asker)
        return offer_planned(typed, plan) if plan else []

    async def offer_hosts(self, about: PlanReference, typed: str, asker: Asker) -> list[Block]:
        """Offer hosts, where they are too many to be listed."""
        plan = await self._plan_for(about.job_id, asker)
        return offer_places(typed, self._places(plan)) if plan else []

    async def edit(self, about: PlanReference, chosen: Sequence[str], to: str, asker: Asker) -> Job:
        """Change the plan. Raises MigrateBotError with a sentence when it cannot be; then nothing was changed."""
        who = await self.check_may_edit(about.job_id, asker)
        vms = meant(chosen, await self._plan(about.job_id))
        if not vms:
            raise RequestError("None of these VMs is in this plan any more.", hint="Look at the card and choose again.")
        changes = dict.fromkeys(vms, place_of(to))
        return await self._engine.requests.edit(about.job_id, about.plan_hash, changes, who.user)

    async def _plan(self, job_id: JobId) -> Plan:
        return (await self._engine.queries.job(job_id)).job.plan

    async def _plan_for(self, job_id: JobId, asker: Asker) -> Plan | None:
        try:
            async with asyncio.timeout(_MENU_TIMEOUT_S):
                await self._people.admit(asker.user, asker.team)
                return await self._plan(job_id)
        except (NotAllowed, UnknownJob, TimeoutError):
            return None

    def _places(self, plan: Plan) -> list[str]:
        sources = {move.source for move in plan.moves}
        own = dict.fromkeys(move.destination for move in plan.moves)
        return [*own, *(host for host in self._settings.hosts if host not in own and host not in sources)]
