"""Hears of every call that Slack refused or did not answer, whoever made it; nothing is tried again because of it."""

from collections.abc import Callable

from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.slack.refusals import About, about

UNANSWERED = "unanswered"
_TOO_MANY, _SERVER_ERROR = 429, 500


class RefusalWatch(AsyncRetryHandler):
    """A retry handler that only watches: the one place that Bolt's copies of the client share with it.

    ``refused`` is called with what each refusal is about, by the name of ``About``, or ``UNANSWERED``.
    """

    def __init__(self, refused: Callable[[str], None]) -> None:
        super().__init__(max_retry_count=0)
        self._refused = refused

    async def can_retry_async(
        self,
        *,
        state: RetryState,  # noqa: ARG002 - Slack's signature
        request: HttpRequest,  # noqa: ARG002
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        """Note a refusal; never try again."""
        if kind := _kind(response, error):
            self._refused(kind)
        return False


def _kind(response: HttpResponse | None, error: Exception | None) -> str:
    if error is not None or response is None:
        return UNANSWERED
    if response.status_code == _TOO_MANY:
        return About.BUSY.name.lower()
    if response.status_code >= _SERVER_ERROR:
        return UNANSWERED
    body = response.body if isinstance(response.body, dict) else {}
    return "" if body.get("ok", True) else about(str(body.get("error") or "")).name.lower()
