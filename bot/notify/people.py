"""Writes to people directly when no channel takes what they must hear, or a page could mention nobody."""

import logging
from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.access import is_group
from bot.messages import poorer
from bot.messages.blocks import Message
from bot.messages.mrkdwn import is_user
from bot.notify.poster import Members, Place, Poster
from bot.slack import find_message
from bot.slack.api_errors import SlackRefused, SlackUnclear, ask, is_refusal
from bot.slack.oncall import Called
from core.domain.model.events import Notice
from core.domain.model.job import Card
from core.errors import NotifierError, NotifierRefused

log = logging.getLogger(__name__)

_REMEMBERED = 2000


class People:
    """The people who are written to: on-call of a page, and who asked."""

    def __init__(self, client: AsyncWebClient, poster: Poster) -> None:
        self._client = client
        self._poster = poster
        self._reached: dict[tuple[int, str], Card] = {}

    async def tell(
        self, notice: Notice, message: Message, called: Called, members: Members, refused: NotifierError
    ) -> Card:
        """Write to each of them, each once; one of them is enough. Raises ``refused`` when none can be written to."""
        duty = _people(called, members)
        asked = [notice.job.requester] if is_user(notice.job.requester) else []
        reached = await self._write(notice, message, members, list(dict.fromkeys([*duty, *asked])))
        on_duty = [card for who, card in reached.items() if who in duty or not duty]
        if not on_duty:
            raise refused
        return on_duty[0]

    async def tell_one(self, notice: Notice, message: Message, person: str) -> Card:
        """Write to one person. Raises NotifierRefused when Slack takes nothing for them."""
        reached = await self._write(notice, message, {}, [person], adds_job=False)
        if person not in reached:
            raise NotifierRefused(f"Slack takes no direct message for {person}.")
        return reached[person]

    async def wake(self, notice: Notice, message: Message, called: Called, members: Members) -> None:
        """Write to on-call besides a page that could not mention their group; the page stands, so no error counts."""
        try:
            await self._write(notice, message, members, _people(called, members))
        except NotifierError as error:
            log.warning("on-call could not be written to about %s: %s", notice.job.id, error.message)

    async def _write(
        self, notice: Notice, message: Message, members: Members, people: Sequence[str], *, adds_job: bool = True
    ) -> dict[str, Card]:
        words = poorer.without_groups(message, members)
        words = poorer.elsewhere(words, notice.job.id) if adds_job else words
        reached: dict[str, Card] = {}
        for person in people:
            before = self._reached.get((notice.id, person))
            if before is not None:
                reached[person] = before
                continue
            try:
                found = await self._find(notice, person) if notice.maybe_said else None
                posted = found or await self._post(notice, person, words, members)
            except (SlackRefused, SlackUnclear) as error:
                if isinstance(error, SlackUnclear) and not error.is_refusal:
                    raise
                log.warning("%s could not be written to about %s: %s", person, notice.job.id, error.message)
                continue
            reached[person] = self._reached[notice.id, person] = posted
            if len(self._reached) > _REMEMBERED:
                del self._reached[next(iter(self._reached))]
        return reached

    async def _post(self, notice: Notice, person: str, words: Message, members: Members) -> Card:
        return (await self._poster.post(Place(person), words, find_message.mark(notice), members)).card

    async def _find(self, notice: Notice, person: str) -> Card | None:
        """Look whether a process that died has written to somebody already; a message's place is their conversation."""
        try:
            opened = await ask(self._client.conversations_open(users=person))
            channel = str((opened.get("channel") or {}).get("id") or "")
            ts = await find_message.find(self._client, notice, channel)
        except NotifierError as error:
            if not is_refusal(error):
                raise
            # Reading may be forbidden where posting is not.
            log.warning("cannot look for notice %s in what %s was written: %s", notice.id, person, error.message)
            return None
        return Card(channel, ts) if ts else None


def _people(called: Called, members: Members) -> list[str]:
    people = [sorted(members.get(who) or ()) if is_group(who) else [who] for who in called.ids]
    return list(dict.fromkeys(one for some in people for one in some))
