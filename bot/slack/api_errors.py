"""Calls Slack once and translates what went wrong into the notifier's errors.

``ratelimited`` and ``rate_limited`` mean the same; after ``internal_error`` and ``fatal_error`` the call may have
succeeded (docs: chat.postMessage); a lost answer says nothing about what Slack did.
"""

import logging
from collections.abc import Awaitable, Mapping

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.errors import NotifierBusy, NotifierDown, NotifierError, NotifierRefused

log = logging.getLogger(__name__)

TRANSPORT_ERRORS = (aiohttp.ClientError, OSError, SlackClientError)
"""What the SDK raises when there was no proper answer; a timeout is an OSError."""

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_MAYBE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_DEFAULT_WAIT_S = 30.0
_TOO_MANY = 429
_SERVER_ERROR = 500

UNPOSTABLE = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel"}
    | {"restricted_action_thread_only_channel", "restricted_action_non_threadable_channel", "messages_tab_disabled"}
)
"""The bot cannot post in that channel; another one may do."""

THREAD_GONE = frozenset({"cannot_reply_to_message", "message_not_found", "thread_not_found"})
BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch"})

_HINTS = {
    "invalid_auth": "Check SLACK_BOT_TOKEN.",
    "not_authed": "Set SLACK_BOT_TOKEN.",
    "account_inactive": "The app was removed from the workspace; install it again.",
    "token_revoked": "The token was revoked; install the app again.",
    "missing_scope": "Install the app again from manifest.yml.",
    "channel_not_found": "Invite the bot to the channel, or check [slack] channel.",
    "not_in_channel": "Invite the bot to the channel.",
    "is_archived": "The channel is archived; choose another [slack] channel.",
    "no_such_subteam": "There is no such user group; check the id in the settings.",
    "plan_upgrade_required": "User groups need a paid plan; name users instead.",
}


class SlackRefused(NotifierRefused):
    """An error of Slack's that will stay. ``code`` is Slack's own."""

    def __init__(self, code: str, *, needed: str = "") -> None:
        hint = f"The scope {needed} is missing. {_HINTS['missing_scope']}" if needed else _HINTS.get(code, "")
        super().__init__(f"Slack refused ({code}).", hint=hint)
        self.code = code


async def ask(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Make one call.

    Raises:
        NotifierBusy: Slack asks to wait.
        NotifierDown: there was no proper answer; it may have been done.
        SlackRefused: it was not done and never will be.

    """
    try:
        return await call
    except SlackApiError as error:
        raise _meaning(error) from error
    except TRANSPORT_ERRORS as error:
        raise NotifierDown(f"Slack did not answer ({type(error).__name__}).") from error
    except (AttributeError, TypeError, ValueError) as error:
        # The SDK trips over answers that are no JSON object, such as a proxy's own page.
        log.exception("an answer from Slack could not be read")
        raise NotifierDown("Slack's answer could not be read.") from error


def _meaning(error: SlackApiError) -> NotifierError:
    answer = error.response
    status = int(getattr(answer, "status_code", 0) or getattr(answer, "status", 0) or 0)
    data = getattr(answer, "data", answer)
    data = data if isinstance(data, dict) else {}
    code = str(data.get("error") or "")
    if code in _BUSY or status == _TOO_MANY:
        return NotifierBusy("Slack asks to wait.", retry_after_s=_wait_s(getattr(answer, "headers", None) or {}))
    if code in _MAYBE or not code or status >= _SERVER_ERROR:
        return NotifierDown(f"Slack failed ({code or f'status {status}'}).")
    return SlackRefused(code, needed=str(data.get("needed") or "") if code == "missing_scope" else "")


def _wait_s(headers: Mapping[str, str]) -> float:
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        return max(1.0, float(said)) if said is not None else _DEFAULT_WAIT_S
    except ValueError:
        return _DEFAULT_WAIT_S
