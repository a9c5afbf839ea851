"""Serves the request form, and keeps the plans it has shown until they are sent: each once, by who asked for it.

They live in memory only. After a restart of the bot the person is told to look again; nothing was promised before.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from bot import access
from bot.access import Identity
from bot.commands.model import Migrate
from bot.handlers.command_handler import Asker
from bot.handlers.personal_limit import PersonalLimit
from bot.messages import replies
from bot.messages.blocks import Block, Message
from bot.messages.card_parts import Look
from bot.modals import plan_preview as form_pages
from bot.modals.request_form import About, request_form
from bot.modals.request_values import Errors, FormValues, check_form
from bot.modals.suggestions import offer_hosts, offer_vms
from bot.slack.identities import Identities
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.inventory import HostName
from core.domain.model.plan import Plan, Request
from core.engine.engine import Engine
from core.errors import NotAllowed
from core.ports import Clock

_KEPT = 200
_MENU_TIMEOUT_S = 2.0
"""Slack waits 3 s for what a menu offers."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A request and the plan that answers it."""

    request: Request
    plan: Plan
    typed_by: str
    """The id under which Slack shows who made it: the only one that may send it."""


class FormHandler:
    """The handler of the request form: its suggestions, its check, its plan, and sending it."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        groups: UserGroups,
        people: Identities,
        clock: Clock,
        *,
        limit: PersonalLimit,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._groups = groups
        self._people = people
        self._clock = clock
        self._limit = limit
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    def form(self, about: About) -> Block:
        """Show the form."""
        return request_form(self._settings, about)

    async def offer_vms(self, source: str, typed: str, asker: Asker) -> list[Block]:
        """Offer VMs of a host, as last seen; nothing to somebody who may do nothing here."""
        if not await self._is_admitted(asker):
            return []
        return offer_vms(typed, self._engine.queries.inventory(HostName(source)))

    async def offer_hosts(self, typed: str, asker: Asker) -> list[Block]:
        """Offer hosts; nothing to somebody who may do nothing here."""
        if not await self._is_admitted(asker):
            return []
        return offer_hosts(typed, self._settings.hosts)

    def read(self, values: FormValues) -> Migrate | Errors:
        """Read a filled-in form, at once and without asking anybody."""
        inventory = self._engine.queries.inventory(HostName(values.source))
        return check_form(values, self._settings, inventory, self._clock.now())

    def gone(self) -> Block:
        """Show that there is nothing to send any more."""
        return form_pages.gone(self._settings.slack.command)

    async def make(self, token: str, command: Migrate, asker: Asker) -> Plan:
        """Make the plan and keep it for ``take``.

        Raises:
            MigrateBotError: there is no plan; the error says why.

        """
        who = await self.check_may_request(asker)
        self._limit.note(asker.user)
        request = command.request(requester=who.user, channel=asker.channel)
        plan = await self._engine.requests.preview(request)
        self._drafts[token] = Draft(request, plan, asker.user)
        while len(self._drafts) > _KEPT:
            self._drafts.popitem(last=False)
        return plan

    def take(self, token: str, user: str) -> Draft | None:
        """Take a plan to send it: once, and only by who asked for it."""
        draft = self._drafts.get(token)
        if draft is None or draft.typed_by != user:
            return None
        return self._drafts.pop(token)

    async def send(self, draft: Draft, asker: Asker) -> Message:
        """Put the card of exactly this plan on the way.

        Raises:
            MigrateBotError: it cannot be asked; the error says why.

        """
        await self.check_may_request(asker)
        job = await self._engine.requests.propose_plan(draft.request, draft.plan)
        return replies.planned(job, Look(command=self._settings.slack.command))

    async def check_may_request(self, asker: Asker) -> Identity:
        """Say who somebody is who may ask. Raises NotAllowed."""
        who = await self._people.admit(asker.user, asker.team)
        rules = self._settings.access
        permission = access.may_request(who, rules, await self._groups.members(access.groups_in(rules.requesters)))
        if not permission.is_allowed:
            raise NotAllowed(permission.reason)
        return who

    async def _is_admitted(self, asker: Asker) -> bool:
        try:
            async with asyncio.timeout(_MENU_TIMEOUT_S):
                await self.check_may_request(asker)
        except (NotAllowed, TimeoutError):
            return False
        return True
