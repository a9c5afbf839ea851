"""Caches who is in which Slack user group, and for how long that may be believed.

``usergroups.users.list`` allows about 20 calls a minute (docs: rate-limits, tier 2), so answers are kept. An answer is
fresh for a minute; while Slack cannot be asked it is believed for a quarter of an hour, and afterwards nobody is in the
group any more: approvals fail closed.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.access import AskedMembers, Members
from bot.slack.api_errors import SlackRefused, SlackUnauthorized, ask
from core.errors import NotifierBusy, NotifierError
from core.ports import Clock

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=60)
BELIEVED = timedelta(minutes=15)
_PAUSE_S = 5.0


@dataclass(slots=True, kw_only=True)
class _Known:
    """The last answer about one group, and when Slack may be asked again."""

    members: frozenset[str] | None = None
    disabled: frozenset[str] = frozenset()
    """Who was in the group when it was disabled: they are not mentioned with it, and may not approve by it."""
    asked_at: datetime | None = None
    silent_until: datetime | None = None
    trouble: str = ""
    stays: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class UserGroups:
    """The members of user groups, cached."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def members(self, groups: Iterable[str]) -> Members:
        """Say who is in each of these groups; None for a group nobody can tell about now."""
        names = sorted(set(groups))
        found = AskedMembers(zip(names, await asyncio.gather(*(self._one(group) for group in names)), strict=True))
        found.stays = {group: self._known[group].stays for group in names if found[group] is None}
        return found

    async def trouble(self, group: str) -> str:
        """Ask anew and say why a group cannot be read; empty when it can."""
        known = self._known.setdefault(group, _Known())
        known.asked_at, known.silent_until = None, None
        await self._one(group)
        return known.trouble

    def disabled_members(self, group: str) -> frozenset[str]:
        """Return who is in a group that is disabled in Slack, as last told; nobody for any other."""
        return self._known[group].disabled if group in self._known else frozenset()

    async def _one(self, group: str) -> frozenset[str] | None:
        known = self._known.setdefault(group, _Known())
        async with known.lock:  # whoever comes while it is being asked gets the same answer
            now = self._clock.steady_now()
            is_fresh = known.asked_at is not None and now - known.asked_at < FRESH
            if not is_fresh and (known.silent_until is None or now >= known.silent_until):
                await self._ask(group, known)
            if known.asked_at is None or self._clock.steady_now() - known.asked_at > BELIEVED:
                return None
            return known.members

    async def _ask(self, group: str, known: _Known) -> None:
        asked_at = self._clock.steady_now()
        try:
            reply = await ask(self._client.usergroups_users_list(usergroup=group, include_disabled=False))
        except NotifierError as error:
            wait_s = error.retry_after_s if isinstance(error, NotifierBusy) else _PAUSE_S
            known.stays = error.sentence() if isinstance(error, SlackRefused | SlackUnauthorized) else ""
            known.trouble, known.silent_until = error.sentence(), asked_at + timedelta(seconds=wait_s)
            if isinstance(error, SlackRefused) and error.code == "no_such_subteam":
                # Slack says for certain that there is no such group: nobody is in it, whatever was known before.
                known.members, known.asked_at = frozenset(), asked_at
                await self._ask_whether_disabled(group, known)
            log.warning("user group %s cannot be read: %s", group, known.trouble)
        else:
            known.disabled = frozenset()
            known.members = frozenset(map(str, reply.get("users") or ()))
            known.asked_at, known.silent_until, known.trouble, known.stays = asked_at, None, "", ""

    async def _ask_whether_disabled(self, group: str, known: _Known) -> None:
        """Tell a disabled group from one that never was: Slack has the same word for both."""
        try:
            reply = await ask(self._client.usergroups_users_list(usergroup=group, include_disabled=True))
        except NotifierError:
            known.disabled = frozenset()
        else:
            known.disabled = frozenset(map(str, reply.get("users") or ()))
            known.trouble = "The user group is disabled in Slack. Enable it there, or name others."
