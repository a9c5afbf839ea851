"""Looks in Slack for a message that may have been posted already, by the metadata each message of the bot carries.

``include_all_metadata`` is needed to see the payload (docs: metadata); ``channels:history`` to look at all.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api_errors import ask
from core.domain.model.events import Notice

EVENT_TYPE = "migrate_bot"
_PAGES = 10
_PAGE = 200
_CLOCK_DIFFERENCE = timedelta(hours=1)


def mark(notice: Notice, *others: Notice) -> dict[str, Any]:
    """Make the metadata of a message that says a notice, or several. Anyone in the workspace can read it: ids only."""
    payload = _payload(notice)
    if others:
        payload["also"] = [_payload(other) for other in others]
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _payload(notice: Notice) -> dict[str, Any]:
    # The time tells notices of two databases apart, which count from 1 both.
    return {"notice": notice.id, "job": str(notice.job.id), "at": notice.event.at.isoformat()}


async def find(client: AsyncWebClient, notice: Notice, channel: str, thread_ts: str = "") -> str | None:
    """Return the timestamp of the notice's message in a channel or thread, None when it is not there.

    Raises:
        SlackRefused: the channel or thread cannot be read.
        NotifierError: Slack did not answer.

    """
    window: dict[str, Any] = {
        "channel": channel,
        "oldest": f"{(notice.event.at - _CLOCK_DIFFERENCE).timestamp():.6f}",
        "limit": _PAGE,
        "include_all_metadata": True,
    }
    for _ in range(_PAGES):
        if thread_ts:
            reply = await ask(client.conversations_replies(ts=thread_ts, **window))
        else:
            reply = await ask(client.conversations_history(**window))
        for message in reply.get("messages") or ():
            if _is_it(message, notice):
                return str(message["ts"])
        window["cursor"] = str((reply.get("response_metadata") or {}).get("next_cursor") or "")
        if not window["cursor"]:
            return None
    return None


def _is_it(message: Mapping[str, Any], notice: Notice) -> bool:
    metadata = message.get("metadata") or {}
    payload = dict(metadata.get("event_payload") or {})
    also = payload.pop("also", None) or ()
    return metadata.get("event_type") == EVENT_TYPE and _payload(notice) in (payload, *also)
