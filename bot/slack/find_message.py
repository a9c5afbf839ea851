"""Looks in Slack for a message that may have been posted already, by the metadata each message of the bot carries.

``include_all_metadata`` is needed to see the payload (docs: metadata); ``channels:history`` to look at all.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api_errors import ask
from core.domain.model.events import Notice

EVENT_TYPE = "migrate_bot"
_PAGES = 50
_PAGE = 200
_CLOCK_DIFFERENCE = timedelta(days=1)
"""How far our clock may have been ahead of Slack's when the notice was made, and be right again now."""


def mark(notice: Notice, *others: Notice) -> dict[str, Any]:
    """Make the metadata of a message that says a notice, or several. Anyone in the workspace can read it: ids only."""
    payload = _payload(notice)
    if others:
        payload["also"] = [_payload(other) for other in others]
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def mark_about_card(job_id: str, what: str, card_ts: str) -> dict[str, Any]:
    """Make the metadata of a message about a job's card itself, such as the card that stands for a deleted one."""
    return {"event_type": EVENT_TYPE, "event_payload": {"job": job_id, what: card_ts}}


def _payload(notice: Notice) -> dict[str, Any]:
    # The time tells notices of two databases apart, which count from 1 both.
    return {"notice": notice.id, "job": str(notice.job.id), "at": notice.event.at.isoformat()}


async def find(client: AsyncWebClient, notice: Notice, channel: str, thread_ts: str = "") -> str | None:
    """Return the timestamp of the notice's message in a channel or thread, None when it is not there.

    A message bears Slack's time, the notice ours. Where Slack's answers show that ours is ahead, it is looked for anew
    from Slack's own time on.

    Raises:
        SlackRefused: the channel or thread cannot be read.
        NotifierError: Slack did not answer.

    """
    return await find_marked(client, mark(notice), channel, thread_ts, notice.event.at)


async def find_marked(
    client: AsyncWebClient, wanted: Mapping[str, Any], channel: str, thread_ts: str, since: datetime
) -> str | None:
    """Return the timestamp of a message by its metadata, as ``find`` does; it was not posted before ``since``."""
    found, slack_now = await _look(client, wanted, channel, thread_ts, since)
    if found is None and slack_now is not None and slack_now < since:
        found, _ = await _look(client, wanted, channel, thread_ts, slack_now)
    return found


async def _look(
    client: AsyncWebClient, wanted: Mapping[str, Any], channel: str, thread_ts: str, since: datetime
) -> tuple[str | None, datetime | None]:
    """Look through what was posted since then. Returns the message's timestamp, and the time that Slack says it is."""
    window: dict[str, Any] = {
        "channel": channel,
        "oldest": f"{(since - _CLOCK_DIFFERENCE).timestamp():.6f}",
        "limit": _PAGE,
        "include_all_metadata": True,
    }
    slack_now: datetime | None = None
    for _ in range(_PAGES):
        if thread_ts:
            reply = await ask(client.conversations_replies(ts=thread_ts, **window))
        else:
            reply = await ask(client.conversations_history(**window))
        slack_now = _date(reply.headers)
        for message in reply.get("messages") or ():
            if _is_it(message, wanted):
                return str(message["ts"]), slack_now
        window["cursor"] = str((reply.get("response_metadata") or {}).get("next_cursor") or "")
        if not window["cursor"]:
            break
    return None, slack_now


def _date(headers: Mapping[str, str]) -> datetime | None:
    """Read when an answer was given, by the clock of who gave it."""
    said = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _is_it(message: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != wanted["event_type"]:
        return False
    payload = dict(metadata.get("event_payload") or {})
    also = payload.pop("also", None) or ()
    return wanted["event_payload"] in (payload, *also)
