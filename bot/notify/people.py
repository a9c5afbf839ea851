"""Writes to people directly when no channel takes what they must hear, or a page could mention nobody."""

import logging
from collections.abc import Sequence

from bot.access import is_group
from bot.messages import poorer
from bot.messages.blocks import Message
from bot.messages.mrkdwn import is_user
from bot.notify.poster import Members, Place, Poster
from bot.slack import find_message
from bot.slack.api_errors import SlackRefused, SlackUnclear
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Card
from core.errors import NotifierError

log = logging.getLogger(__name__)

_REMEMBERED = 2000


class People:
    """The people who are written to: on-call of a page, and who asked."""

    def __init__(self, poster: Poster, oncall: Sequence[str]) -> None:
        self._poster = poster
        self._oncall = oncall
        self._reached: dict[tuple[int, str], Card] = {}

    async def tell(self, notice: Notice, message: Message, members: Members, refused: NotifierError) -> Card:
        """Write to each of them, each once; one of them is enough. Raises ``refused`` when none can be written to."""
        called = self._called(members) if notice.event.tone is Tone.PAGE else []
        asked = [notice.job.requester] if is_user(notice.job.requester) else []
        reached = await self._write(notice, message, members, list(dict.fromkeys([*called, *asked])))
        on_duty = [card for who, card in reached.items() if who in called or not called]
        if not on_duty:
            raise refused
        return on_duty[0]

    async def wake(self, notice: Notice, message: Message, members: Members) -> None:
        """Write to on-call besides a page that could not mention their group; the page stands, so no error counts."""
        try:
            await self._write(notice, message, members, self._called(members))
        except NotifierError as error:
            log.warning("on-call could not be written to about %s: %s", notice.job.id, error.message)

    def _called(self, members: Members) -> list[str]:
        people = [sorted(members.get(who) or ()) if is_group(who) else [who] for who in self._oncall]
        return list(dict.fromkeys(one for some in people for one in some))

    async def _write(
        self, notice: Notice, message: Message, members: Members, people: Sequence[str]
    ) -> dict[str, Card]:
        words = poorer.elsewhere(poorer.without_groups(message, members), notice.job.id)
        reached: dict[str, Card] = {}
        for person in people:
            before = self._reached.get((notice.id, person))
            if before is not None:
                reached[person] = before
                continue
            try:
                posted = await self._poster.post(Place(person), words, find_message.mark(notice), members)
            except (SlackRefused, SlackUnclear) as error:
                if isinstance(error, SlackUnclear) and not error.is_refusal:
                    raise
                log.warning("%s could not be written to about %s: %s", person, notice.job.id, error.message)
                continue
            reached[person] = self._reached[notice.id, person] = posted.card
            if len(self._reached) > _REMEMBERED:
                del self._reached[next(iter(self._reached))]
        return reached
