"""Calls Slack once and translates what went wrong into the notifier's errors.

``ratelimited`` and ``rate_limited`` mean the same; after ``internal_error`` and ``fatal_error`` the call may have
succeeded (docs: chat.postMessage); a lost answer says nothing about what Slack did.
"""

import logging
from collections.abc import Awaitable, Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.refusals import HINTS, About, about
from core.errors import NotifierBusy, NotifierDown, NotifierError, NotifierRefused, NotifierUnauthorized

log = logging.getLogger(__name__)

TRANSPORT_ERRORS = (aiohttp.ClientError, OSError, SlackClientError)
"""What the SDK raises when there was no proper answer; a timeout is an OSError."""

_DEFAULT_WAIT_S = 30.0
_TOO_MANY = 429
_SERVER_ERROR = 500


class SlackRefused(NotifierRefused):
    """A refusal of one message or one place. ``code`` is Slack's own."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refused ({code}).", hint=HINTS.get(code, ""))
        self.code = code


class SlackUnauthorized(NotifierUnauthorized):
    """A refusal of the bot as a whole: its token, its scopes, its workspace."""

    def __init__(self, code: str, *, needed: str = "", said: str = "") -> None:
        hint = f"The scope {needed} is missing. {HINTS['missing_scope']}" if needed else HINTS.get(code, "")
        super().__init__(f"Slack refused ({code}{f': {said}' if said else ''}).", hint=hint)
        self.code = code


class SlackUnclear(NotifierDown):
    """A failure that Slack answered to one message, or a code nobody knows yet: it may pass, or be the message."""

    about_message = True

    def __init__(self, code: str, *, is_refusal: bool) -> None:
        verb = "refused" if is_refusal else "failed"
        super().__init__(f"Slack {verb} ({code}).")
        self.code = code
        self.is_refusal = is_refusal


def is_refusal(error: NotifierError) -> bool:
    """Whether Slack certainly did not do it, for whatever reason it said."""
    return isinstance(error, SlackRefused | SlackUnauthorized) or (isinstance(error, SlackUnclear) and error.is_refusal)


async def ask(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Make one call.

    Raises:
        NotifierBusy: Slack asks to wait.
        NotifierDown: there was no proper answer; it may have been done.
        SlackRefused: it was not done; another form or place may do.
        SlackUnauthorized: it was not done; nothing will be until somebody puts token, scopes or workspace right.

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
    meant = about(code)
    if meant is About.BUSY or status == _TOO_MANY:
        return NotifierBusy("Slack asks to wait.", retry_after_s=_wait_s(getattr(answer, "headers", None) or {}))
    if not code or status >= _SERVER_ERROR:
        return NotifierDown(f"Slack failed ({code or f'status {status}'}).")
    if meant is About.BOT:
        needed = str(data.get("needed") or "") if code == "missing_scope" else ""
        return SlackUnauthorized(code, needed=needed, said=_field_missing(data) if code == "missing_argument" else "")
    if meant in {About.MAYBE, About.UNKNOWN}:
        return SlackUnclear(code, is_refusal=meant is About.UNKNOWN)
    return SlackRefused(code)


def _field_missing(data: Mapping[str, Any]) -> str:
    messages = (data.get("response_metadata") or {}).get("messages") or ()
    return str(messages[0]).rpartition(":")[2].strip() if messages else ""


def _wait_s(headers: Mapping[str, str]) -> float:
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        return max(1.0, float(said)) if said is not None else _DEFAULT_WAIT_S
    except ValueError:
        return _DEFAULT_WAIT_S
