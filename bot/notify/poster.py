"""Posts one message in one place, in the best form Slack takes there, and says what Slack really did."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.messages import poorer
from bot.messages.blocks import Message
from bot.messages.button_values import marked
from bot.slack.api_errors import SlackRefused, SlackUnclear, ask
from bot.slack.rate_limit import ChannelSpacing
from bot.slack.refusals import Next, Refused, after, is_about_form
from bot.slack.table_form import TableForm
from core.domain.model.job import Card
from core.ports import Clock

log = logging.getLogger(__name__)

POST_GAP_S = 1.2
"""A little more than the second Slack asks for: two posts may travel at different speeds."""

Members = Mapping[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, or a thread in it, or a person."""

    channel: str
    thread_ts: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """What Slack did with a post. ``is_poorer``: it took a poorer form only."""

    card: Card
    thread_ts: str
    is_poorer: bool = False

    def left_its_thread(self, place: Place) -> bool:
        """Whether the thread is gone: Slack answers ``ok`` and posts at the root (slack-go#1571)."""
        return bool(place.thread_ts) and self.thread_ts != place.thread_ts


class Poster:
    """Posts, paced per channel; every button says which database its numbers are of."""

    def __init__(
        self, client: AsyncWebClient, clock: Clock, database: Callable[[], str], tables: TableForm | None = None
    ) -> None:
        self._client = client
        self._tables = tables
        self._database = database
        self._turns: ChannelSpacing[str] = ChannelSpacing(clock, POST_GAP_S)

    async def post(
        self, place: Place, message: Message, metadata: Mapping[str, Any], members: Members, *, is_loud: bool = False
    ) -> Posted:
        """Post it as a table if it has that form and Slack takes it, else in lines, in a poorer form if need be.

        ``is_loud``: a reply that the channel sees too.

        Raises:
            SlackRefused, SlackUnclear: it cannot be posted here.
            NotifierError: it cannot be posted now.

        """
        forms = (*self._as_table(message), *poorer.forms(message, members))
        for number, form in enumerate(forms):
            try:
                return await self._once(place, form, metadata, is_loud=is_loud, is_poorer=number > 0)
            except (SlackRefused, SlackUnclear) as error:
                refused = Refused(
                    error.code,
                    is_in_thread=bool(place.thread_ts),
                    mentions_group=poorer.mentions_group(form),
                    has_poorer_form=number + 1 < len(forms),
                )
                if after(refused) is not Next.POORER:
                    raise
                if self._tables and form.blocks == message.as_table and is_about_form(error.code):
                    self._tables.refused(error.code)
                # Better plain words than silence; Slack has certainly not taken the first message.
                log.warning("Slack refused %s in %s (%s): trying less", metadata, place.channel, error.code)
        raise AssertionError("the last form is posted or refused")

    def _as_table(self, message: Message) -> tuple[Message, ...]:
        is_wanted = self._tables is not None and self._tables.is_wanted and message.as_table
        return (Message(message.text, message.as_table),) if is_wanted else ()

    async def _once(
        self, place: Place, message: Message, metadata: Mapping[str, Any], *, is_loud: bool, is_poorer: bool
    ) -> Posted:
        message = marked(message, self._database())
        arguments: dict[str, Any] = {
            "channel": place.channel,
            "text": message.text,
            "metadata": metadata,
            "parse": "none",
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if message.blocks:
            arguments["blocks"] = list(message.blocks)
        if place.thread_ts:
            arguments |= {"thread_ts": place.thread_ts, "reply_broadcast": is_loud}
        await self._turns.turn(place.channel)
        reply = await ask(self._client.chat_postMessage(**arguments))
        thread_ts = str((reply.get("message") or {}).get("thread_ts") or "")
        return Posted(Card(str(reply["channel"]), str(reply["ts"])), thread_ts, is_poorer)
