"""Caches people's time zones, so that ``at 22:00`` means their 22:00 (docs: users.info)."""

import logging
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api_errors import ask
from core.errors import NotifierError

log = logging.getLogger(__name__)


class TimeZones:
    """People's time zones, asked once each. Somebody Slack does not tell about is taken to be in UTC."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._zones: dict[str, tzinfo] = {}

    async def of(self, user: str) -> tzinfo:
        """Return the time zone of a user."""
        if user not in self._zones:
            try:
                reply = await ask(self._client.users_info(user=user))
            except NotifierError as error:
                log.warning("the time zone of %s is not known: %s", user, error.message)
                return UTC
            self._zones[user] = _zone(reply.get("user") or {})
        return self._zones[user]


def _zone(user: dict[str, object]) -> tzinfo:
    name, offset_s = user.get("tz"), user.get("tz_offset")
    try:
        return ZoneInfo(str(name)) if name else UTC
    except (OSError, ValueError):  # no such zone on this machine
        return timezone(timedelta(seconds=offset_s)) if isinstance(offset_s, int) else UTC
