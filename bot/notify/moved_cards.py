"""Posts a card again that somebody deleted, once, and keeps where every card is now."""

import asyncio
import logging
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.messages.blocks import Message, section
from bot.messages.card import card
from bot.messages.card_parts import Look
from bot.messages.mrkdwn import code
from bot.notify.poster import Place, Poster
from bot.slack import find_message
from bot.slack.api_errors import SlackRefused, SlackUnclear, is_refusal
from core.domain.model.job import Card, Job, JobId
from core.domain.model.views import JobView
from core.errors import NotifierError
from core.ports import Clock

log = logging.getLogger(__name__)

REFUSALS = 5
"""So often the end of a job is tried on its card before a line below it says that the card is out of date."""
_WINDOW = timedelta(hours=1)


class MovedCards:
    """The cards that stand for deleted ones, and those that can no longer be edited."""

    def __init__(self, client: AsyncWebClient, poster: Poster, clock: Clock) -> None:
        self._client = client
        self._poster = poster
        self._clock = clock
        self._moved: dict[Card, Card] = {}
        self._again: set[JobId] = set()
        self._refusals: dict[JobId, int] = {}
        self._lock = asyncio.Lock()

    def newest(self, place: Card) -> Card:
        """Return where a card is now; the store may not know yet."""
        while place in self._moved:
            place = self._moved[place]
        return place

    def note_moved(self, before: Card, after: Card) -> None:
        """Note that Slack gave the channel another id."""
        log.warning("the card at %s is at %s now", before, after)
        self._moved[before] = after

    async def post_again(self, view: JobView, look: Look) -> Card | None:
        """Post the card that somebody deleted, once, and say why below it. Returns its place; None: not again.

        Raises NotifierError when Slack takes nothing now.
        """
        job, before = view.job, view.job.card
        if before is None:
            return None
        async with self._lock:
            if (known := self.newest(before)) != before:
                return known
            if job.is_card_again or job.id in self._again:
                return None
            posted = await self._post_again(view, look, before)
            if posted is None:
                return None
            self._again.add(job.id)
            self._moved[before] = posted
        return posted

    async def _post_again(self, view: JobView, look: Look, before: Card) -> Card | None:
        job, mark = view.job, find_message.mark_about_card(view.job.id, "instead_of", before.ts)
        found = await self._find(mark, before.channel)
        if found is None:
            try:
                found = (await self._poster.post(Place(before.channel), card(view, look), mark, {})).card
            except (SlackRefused, SlackUnclear) as error:
                log.warning("the card of %s was deleted and cannot be posted again: %s", job.id, error.message)
                return None
            log.warning("the card of %s was deleted; it is posted again", job.id)
        words = f"🗑 Somebody deleted the card of {job.id}. This is it again; what was said below the first one is in "
        await self._below(found, f"{words}{code(f'{look.command} history {job.id}')}.", job, "card_again")
        return found

    async def _find(self, mark: dict[str, object], channel: str) -> Card | None:
        try:
            ts = await find_message.find_marked(self._client, mark, channel, "", self._clock.now() - _WINDOW)
        except NotifierError as error:
            if not is_refusal(error):
                raise
            log.warning("cannot look for a card in %s: %s", channel, error.message)
            return None
        return Card(channel, ts) if ts else None

    async def note_refusal(self, job: Job, place: Card, command: str) -> None:
        """Count a refusal of a card's last state; when there were enough, say below the card that it is out of date.

        Raises SlackRefused while it is to be tried again.
        """
        self._refusals[job.id] = self._refusals.get(job.id, 0) + 1
        if self._refusals[job.id] < REFUSALS:
            raise SlackRefused("cant_update_message")
        words = f"⚠️ The card above is out of date: Slack does not let me change it. {job.id} is over: "
        if not await self._below(place, f"{words}{code(f'{command} status {job.id}')}.", job, "out_of_date"):
            raise SlackRefused("cant_update_message")

    async def _below(self, place: Card, text: str, job: Job, what: str) -> bool:
        mark = find_message.mark_about_card(job.id, what, place.ts)
        message = Message(text, (section(text),))
        try:
            await self._poster.post(Place(place.channel, place.ts), message, mark, {})
        except NotifierError as error:
            log.warning("nothing can be said below the card of %s: %s", job.id, error.message)
            return False
        return True
