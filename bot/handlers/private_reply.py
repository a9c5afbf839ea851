"""Answers one person privately, by the first way that works: the command's response_url, an ephemeral message, a DM.

A response_url serves five times within 30 minutes (docs: handling-user-interaction); an ephemeral message reaches only
members of the channel who are there.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookResponse

from bot.handlers.command_handler import Asker
from bot.messages.blocks import Message
from bot.slack.api_errors import TRANSPORT_ERRORS, ask
from core.errors import NotifierError

log = logging.getLogger(__name__)

Respond = Callable[..., Awaitable[WebhookResponse]]
_OK = 200


def private(message: Message) -> dict[str, Any]:
    """Shape a message as the private answer to a slash command."""
    return {"response_type": "ephemeral", "text": message.text, "blocks": list(message.blocks)}


class PrivateReply:
    """The ways to answer one person privately, best first."""

    def __init__(self, client: AsyncWebClient, asker: Asker, respond: Respond | None = None) -> None:
        self._client = client
        self.asker = asker
        self._respond = respond

    async def say(self, message: Message) -> None:
        """Say it. When no way works, the log has it: there is nobody left to tell."""
        if self._respond and await self._by_response_url(self._respond, message):
            return
        body: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks)}
        thread: dict[str, Any] = {"thread_ts": self.asker.thread_ts} if self.asker.thread_ts else {}
        if self.asker.channel and await self._try(
            "an ephemeral message",
            self._client.chat_postEphemeral(channel=self.asker.channel, user=self.asker.user, **body, **thread),
        ):
            return
        if not await self._try("a direct message", self._client.chat_postMessage(channel=self.asker.user, **body)):
            log.error("%s could not be told: %s", self.asker.user, message.text)

    async def _by_response_url(self, respond: Respond, message: Message) -> bool:
        try:
            answer = await respond(**private(message), replace_original=False)
        except TRANSPORT_ERRORS as error:
            log.warning("the response_url did not answer: %s", type(error).__name__)
            return False
        if answer.status_code != _OK:
            log.warning("the response_url answered %s: %s", answer.status_code, answer.body)
        return answer.status_code == _OK

    async def _try(self, way: str, call: Awaitable[Any]) -> bool:
        try:
            await ask(call)
        except NotifierError as error:
            log.warning("%s could not get %s: %s", self.asker.user, way, error.message)
            return False
        return True
