"""Translates what went wrong with a call to Slack into the notifier's errors.

``ratelimited`` and ``rate_limited`` mean the same; after ``internal_error`` and ``fatal_error`` the call may have
succeeded (docs: chat.postMessage); a lost answer says nothing about what Slack did.
"""

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from core.errors import NotifierBusy, NotifierDown, NotifierError, NotifierRefused

TRANSPORT_ERRORS = (aiohttp.ClientError, TimeoutError, OSError, SlackClientError)
"""What the SDK raises when there was no proper answer. SlackApiError is one of them: catch it first."""

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_MAYBE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_DEFAULT_WAIT_S = 30.0
_SERVER_ERROR = 500

UNPOSTABLE = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel"}
    | {"restricted_action_thread_only_channel", "restricted_action_non_threadable_channel", "messages_tab_disabled"}
)
"""The bot cannot post in that channel; another one may do."""

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


def code_of(error: SlackApiError) -> str:
    """Return Slack's error code, empty when the answer had none."""
    try:
        return str(error.response["error"] or "")
    except (KeyError, TypeError, AttributeError):
        return ""


def hint_of(code: str) -> str:
    """Say what to do about an error code."""
    return _HINTS.get(code, "")


def retry_after_s(error: SlackApiError) -> float | None:
    """Return how long Slack asks to wait, None when it does not."""
    if code_of(error) not in _BUSY and getattr(error.response, "status_code", 0) != 429:  # noqa: PLR2004 - HTTP
        return None
    headers = getattr(error.response, "headers", None) or {}
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        return max(1.0, float(said)) if said is not None else _DEFAULT_WAIT_S
    except ValueError:
        return _DEFAULT_WAIT_S


def notifier_error(error: Exception) -> NotifierError:
    """Say what a failed call means for who wanted something said."""
    if not isinstance(error, SlackApiError):
        return NotifierDown(f"Slack did not answer ({type(error).__name__}).")
    wait_s = retry_after_s(error)
    if wait_s is not None:
        return NotifierBusy("Slack asks to wait.", retry_after_s=wait_s)
    code = code_of(error)
    if code in _MAYBE or not code or getattr(error.response, "status_code", 200) >= _SERVER_ERROR:
        return NotifierDown(f"Slack failed ({code or 'no reason given'}).")
    return NotifierRefused(f"Slack refused the message ({code}).", hint=hint_of(code))
