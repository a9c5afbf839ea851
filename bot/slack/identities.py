"""Finds out who somebody is and what time it is for them (docs: users.info), and keeps it for a while.

Slack is asked, nothing is guessed: somebody it does not tell about is let in nowhere, and their 22:00 is no time.
"""

import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_sdk.web.async_client import AsyncWebClient

from bot import access
from bot.access import Identity, Profile, Workplace
from bot.slack.api_errors import SlackRefused, ask
from core.config import Settings
from core.domain.model.ownership import Found, Person
from core.errors import NotAllowed, NotifierError
from core.ports import Clock

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=5)
BELIEVED = timedelta(hours=1)
"""How long an answer holds while Slack cannot be asked."""
_NOT_FOUND = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
_KEPT = 2000
_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class _Known:
    """What Slack told about a person, and when. ``zone`` is None when it did not say."""

    profile: Profile
    zone: tzinfo | None
    at: datetime


class Unidentified(NotAllowed):
    """Nobody can tell now who somebody is."""


class Identities:
    """The people who use the bot: who they are, and their time zones."""

    def __init__(self, client: AsyncWebClient, settings: Settings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._workplace: Workplace | None = None
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def admit(self, user: str, team: str = "", *, trusted: Collection[str] = ()) -> Identity:
        """Say who somebody is. ``team`` is the workspace that Slack named with what they did, if it named one.

        ``trusted``: the ids that are enough by themselves while Slack does not tell who anybody is.

        Raises:
            Unidentified: nobody can tell now who they are.
            NotAllowed: they may do nothing here.

        """
        try:
            here = await self._here()
            known = await self._about(user)
        except NotifierError as error:
            log.warning("nobody can tell who %s is: %s", user, error.message)
            if user in trusted:
                return Identity(user=user, ids=frozenset({user}))
            raise Unidentified(f"I cannot find out now who you are, so I do nothing. {error.sentence()}") from error
        identity = access.identify(known.profile, here, team)
        permission = access.may_enter(identity, self._settings.access, self._settings.slack.oncall)
        if not permission.is_allowed:
            raise NotAllowed(permission.reason)
        return identity

    async def zone(self, user: str) -> tzinfo | None:
        """Return the time zone of a user; None when nobody can tell."""
        try:
            return (await self._about(user)).zone
        except NotifierError as error:
            log.warning("the time zone of %s is not known: %s", user, error.message)
            return None

    async def look_up(self, named: str) -> Person:
        """Say whom a mail address or member id names. Raises NotifierError when Slack does not say.

        Of a mail address Slack finds nobody who was deactivated (docs: users.lookupByEmail).
        """
        by_address = "@" in named
        here = await self._here()
        try:
            asked = self._client.users_lookupByEmail(email=named) if by_address else self._client.users_info(user=named)
            reply = await ask(asked)
        except SlackRefused as error:
            if error.code in _NOT_FOUND:
                return Person(Found.UNKNOWN)
            raise
        told = reply.get("user") or {}
        profile = read_profile("" if by_address else named, told)
        if not profile.id:
            return Person(Found.UNKNOWN)
        for is_so, found in (
            (profile.is_deactivated, Found.LEFT),
            (profile.is_bot, Found.BOT),
            (profile.is_guest, Found.GUEST),
            (bool(access.identify(profile, here).outsider), Found.OUTSIDER),
        ):
            if is_so:
                return Person(found, profile.id)
        return Person(Found.KNOWN, profile.id)

    async def _here(self) -> Workplace:
        if self._workplace is None:
            reply = await ask(self._client.auth_test())
            self._workplace = Workplace(str(reply.get("team_id") or ""), str(reply.get("enterprise_id") or ""))
        return self._workplace

    async def _about(self, user: str) -> _Known:
        """Return what Slack tells about somebody. Raises NotifierError when it tells nothing and never did lately."""
        now, known = self._clock.now(), self._known.get(user)
        if known is not None and now - known.at < FRESH:
            return known
        try:
            reply = await ask(self._client.users_info(user=user))
        except SlackRefused as error:
            if error.code in {"user_not_found", "user_not_visible"}:
                return _Known(Profile(id=user, is_stranger=True), None, now)
            raise
        except NotifierError:
            if known is not None and now - known.at < BELIEVED:
                return known
            raise
        told = reply.get("user") or {}
        self._known[user] = _Known(read_profile(user, told), read_zone(told), now)
        self._known.move_to_end(user)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return self._known[user]


def read_profile(user: str, told: Mapping[str, Any]) -> Profile:
    """Read the user object of Slack, in which anything may be missing or null."""
    organisation = told.get("enterprise_user") or {}
    return Profile(
        id=str(told.get("id") or user),
        team=str(told.get("team_id") or ""),
        organisation=str(organisation.get("enterprise_id") or ""),
        organisation_id=str(organisation.get("id") or ""),
        is_deactivated=bool(told.get("deleted")),
        is_bot=bool(told.get("is_bot") or told.get("is_workflow_bot")) or user == "USLACKBOT",
        is_guest=bool(told.get("is_restricted") or told.get("is_ultra_restricted")),
        is_stranger=bool(told.get("is_stranger")),
    )


def read_zone(told: Mapping[str, Any]) -> tzinfo | None:
    """Read a user's time zone: by name, else by the offset of now; None when neither says anything."""
    name, offset_s = told.get("tz"), told.get("tz_offset")
    if isinstance(name, str) and name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            log.warning("this machine does not know the time zone %s; the offset that Slack tells is taken", name)
    if isinstance(offset_s, int) and not isinstance(offset_s, bool) and abs(offset_s) < _DAY_S:
        return timezone(timedelta(seconds=offset_s))
    return None
