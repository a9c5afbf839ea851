"""Answers one person privately, by the first way that works: the command's response_url, an ephemeral message, a DM.

A response_url serves five times within 30 minutes (docs: handling-user-interaction); an ephemeral message reaches only
members of the channel who are there.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookResponse

from bot.handlers.command_handler import Asker
from bot.messages.blocks import Message
from bot.slack.api_errors import TRANSPORT_ERRORS, SlackUnclear, ask
from bot.slack.refusals import is_about_form
from bot.slack.table_form import TableForm
from core.errors import NotifierDown, NotifierError

log = logging.getLogger(__name__)

Respond = Callable[..., Awaitable[WebhookResponse]]
_OK = 200


def private(message: Message) -> dict[str, Any]:
    """Shape a message as the private answer to a slash command."""
    return {"response_type": "ephemeral", "text": message.text, "blocks": list(message.blocks)}


class _Answer(Enum):
    """What became of one form of a message."""

    SAID = "said"
    REFUSED = "the form was refused"
    NOT_SAID = "Slack answered, and it was not said"
    NO_ANSWER = "no answer, or no such way"


class PrivateReply:
    """The ways to answer one person privately, best first."""

    def __init__(self, client: AsyncWebClient, asker: Asker, respond: Respond | None = None) -> None:
        self._client = client
        self.asker = asker
        self._respond = respond

    async def say(self, message: Message, tables: TableForm | None = None) -> None:
        """Say it, as a table if it has that form and Slack takes it; else in lines, unless nothing at all is answered.

        When no way works, the log has it: there is nobody left to tell.
        """
        if tables and tables.is_wanted and message.as_table:
            table = Message(message.text, message.as_table)
            if await self._first_way(table, tables) is not _Answer.REFUSED:
                return
        if await self._first_way(message) is not _Answer.SAID:
            log.error("%s could not be told: %s", self.asker.user, message.text)

    async def _first_way(self, message: Message, tables: TableForm | None = None) -> _Answer:
        """Go the ways until one works. With ``tables`` it ends where Slack refuses the form, which is remembered."""
        is_answered = False
        for way in (self._by_response_url, self._as_ephemeral, self._as_direct_message):
            answer, why = await way(message)
            if answer is _Answer.SAID:
                return answer
            if answer is _Answer.REFUSED and tables:
                tables.refused(why)
                return answer
            is_answered |= answer is _Answer.NOT_SAID
        if tables and is_answered:
            return _Answer.REFUSED  # perhaps because of its form: in lines it is tried once more
        return _Answer.NOT_SAID

    async def _by_response_url(self, message: Message) -> tuple[_Answer, str]:
        if self._respond is None:
            return _Answer.NO_ANSWER, ""
        try:
            answer = await self._respond(**private(message), replace_original=False)
        except TRANSPORT_ERRORS as error:
            log.warning("the response_url did not answer: %s", type(error).__name__)
            return _Answer.NO_ANSWER, ""
        if answer.status_code == _OK:
            return _Answer.SAID, ""
        log.warning("the response_url answered %s: %s", answer.status_code, answer.body)
        codes = re.findall(r"[a-z_]+", answer.body or "")
        why = next((code for code in codes if is_about_form(code)), "")
        return (_Answer.REFUSED if why else _Answer.NOT_SAID), why

    async def _as_ephemeral(self, message: Message) -> tuple[_Answer, str]:
        if not self.asker.channel:
            return _Answer.NO_ANSWER, ""
        thread: dict[str, Any] = {"thread_ts": self.asker.thread_ts} if self.asker.thread_ts else {}
        return await self._try(
            "an ephemeral message",
            self._client.chat_postEphemeral(
                channel=self.asker.channel, user=self.asker.user, **_body(message), **thread
            ),
        )

    async def _as_direct_message(self, message: Message) -> tuple[_Answer, str]:
        posted = self._client.chat_postMessage(channel=self.asker.user, **_body(message))
        return await self._try("a direct message", posted)

    async def _try(self, way: str, call: Awaitable[Any]) -> tuple[_Answer, str]:
        try:
            await ask(call)
        except NotifierError as error:
            log.warning("%s could not get %s: %s", self.asker.user, way, error.message)
            why = str(getattr(error, "code", ""))
            if isinstance(error, NotifierDown) and not isinstance(error, SlackUnclear):
                return _Answer.NO_ANSWER, ""
            return (_Answer.REFUSED if is_about_form(why) else _Answer.NOT_SAID), why
        return _Answer.SAID, ""


def _body(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}
