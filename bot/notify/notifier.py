"""Tells people in Slack what happened: posts cards, thread lines and pages, and keeps cards up to date.

Nothing is tried twice here: whoever calls decides about trying again, and asks with ``maybe_said`` to look first. The
client it is given must not retry by itself, or a lost answer becomes a second message.
"""

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot import access
from bot.messages import oncall_page, thread_lines
from bot.messages.blocks import Message
from bot.messages.card import card
from bot.messages.card_parts import Look
from bot.messages.mrkdwn import channel_link
from bot.messages.stall_question import question
from bot.notify.attachments import Attachments
from bot.notify.open_questions import History, OpenQuestions
from bot.slack import find_message
from bot.slack.api_errors import BAD_BLOCKS, THREAD_GONE, UNPOSTABLE, SlackRefused, ask
from bot.slack.rate_limit import CallBudget, ChannelSpacing
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event, Notice, Tone
from core.domain.model.job import Card, Job, JobId, JobState
from core.domain.model.views import JobView
from core.domain.reporting.paging import quoted
from core.errors import NotifierBusy, NotifierError, NotifierRefused
from core.ports import Clock

log = logging.getLogger(__name__)

CARD_GAP_S = 3.0
POST_GAP_S = 1.2
"""A little more than the second Slack asks for: two posts may travel at different speeds."""
EDITS_PER_MINUTE = 40
EDITS_AT_ONCE = 10
_REMEMBERED = 2000


@dataclass(slots=True)
class _Shown:
    """The state of one card: what it shows, and what it should show."""

    newest: JobView
    digest: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Place:
    """A channel, or a thread in it, where a notice may go."""

    channel: str
    thread_ts: str = ""


class SlackNotifier:
    """The Notifier port over the Web API."""

    def __init__(
        self,
        client: AsyncWebClient,
        settings: Settings,
        groups: UserGroups,
        clock: Clock,
        *,
        attachments: Attachments | None = None,
        history: History | None = None,
    ) -> None:
        self._client = client
        self._attachments = attachments
        self._settings = settings
        self._groups = groups
        self._posts: ChannelSpacing[str] = ChannelSpacing(clock, POST_GAP_S)
        self._edits: ChannelSpacing[JobId] = ChannelSpacing(clock, CARD_GAP_S)
        self._budget = CallBudget(clock, EDITS_PER_MINUTE, EDITS_AT_ONCE)
        self._shown: dict[JobId, _Shown] = {}
        self._questions = OpenQuestions(history)
        self._said: OrderedDict[tuple[int, str, str], Card] = OrderedDict()

    # ------------------------------------------------------------------ telling

    async def tell(self, notice: Notice) -> Card | None:
        """Say one event once. Returns the card's place when the notice was the card itself."""
        posted = self._said.get(_key(notice)) or await self._tell(notice)
        self._said[_key(notice)] = posted
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if self._attachments is not None:
            self._attachments.add(notice, posted if notice.event.tone is Tone.CARD else notice.job.card)
        return posted if notice.event.tone is Tone.CARD else None

    async def _tell(self, notice: Notice) -> Card:
        await self._settle(notice)
        revised = await self._revise(notice)
        if revised is not None and notice.event.tone is not Tone.PAGE:
            return revised  # the message it is about says it now
        places = self._places(notice)
        found = await self._find(notice, places) if notice.maybe_said else None
        return found or await self._say(notice, places)

    async def _settle(self, notice: Notice) -> None:
        """Take the buttons off a question that a later event of its move made moot. Courtesy: no error of it counts."""
        asked = await self._questions.made_moot_by(notice)
        if asked is None:
            return
        earlier = replace(notice, id=asked.id, event=asked)
        try:
            place = self._said.get(_key(earlier)) or await self._find(earlier, self._places(earlier))
            if place is None:
                return
            await self._budget.turn()
            await self._edit(place, question(earlier, notice.event))
        except NotifierError as error:
            log.warning("question %s keeps its buttons: %s", asked.id, error.message)

    async def _revise(self, notice: Notice) -> Card | None:
        """Bring the message up to date that an answer or an acknowledgement is about; None: there is none."""
        about = quoted(notice.event)
        if about is None:
            return None
        earlier = replace(notice, id=about.id, event=about)
        place = self._said.get(_key(earlier)) or await self._find(earlier, self._places(earlier))
        if place is None:
            return None
        await self._budget.turn()
        try:
            await self._edit(place, self._revised(earlier, notice.event))
        except SlackRefused as error:
            log.warning("notice %s can no longer be edited: %s", about.id, error.code)
            return None
        return place

    def _revised(self, earlier: Notice, by: Event) -> Message:
        if earlier.event.kind is EventKind.STUCK:
            return question(earlier, by)
        return oncall_page.page(earlier, self._settings.slack.oncall, self._settings.slack.command, taken=by)

    def _places(self, notice: Notice) -> list[_Place]:
        """List where a notice may go, best first."""
        job, fallback = notice.job, self._settings.slack.channel
        channels = [job.channel, fallback]
        places = [_Place(channel) for channel in dict.fromkeys(filter(None, channels))]
        if notice.event.tone is not Tone.CARD and job.card:
            places = [_Place(job.card.channel, job.card.ts), _Place(job.card.channel), *places]
        return list(dict.fromkeys(places))

    async def _find(self, notice: Notice, places: Sequence[_Place]) -> Card | None:
        for place in places:
            try:
                ts = await find_message.find(self._client, notice, place.channel, place.thread_ts)
            except SlackRefused as error:
                log.warning("cannot look for notice %s in %s: %s", notice.id, place.channel, error.code)
                continue
            if ts:
                return Card(place.channel, ts)
            if place.thread_ts:
                return None  # the thread is there and does not hold it: nothing was said elsewhere
        return None

    async def _say(self, notice: Notice, places: Sequence[_Place]) -> Card:
        message = await self._message(notice)
        refused = NotifierRefused("There is no channel to say it in.", hint="Set [slack] channel.")
        for place in places:
            try:
                posted = await self._post(notice, place, message)
            except SlackRefused as error:
                refused = error
                if error.code in UNPOSTABLE or (error.code in THREAD_GONE and place.thread_ts):
                    continue
                break
            await self._say_where(notice, posted)
            return posted
        await self._confess(notice)
        raise refused

    async def _message(self, notice: Notice) -> Message:
        slack = self._settings.slack
        match notice.event.tone:
            case Tone.CARD:
                view = JobView(job=notice.job, moves=(), at=notice.event.at)
                return card(view, await self._look_of(notice.job))
            case Tone.PAGE:
                return oncall_page.page(notice, slack.oncall, slack.command)
            case _ if notice.event.kind is EventKind.STUCK:
                return question(notice)
            case _:
                return thread_lines.line(notice)

    async def _post(self, notice: Notice, place: _Place, message: Message) -> Card:
        arguments: dict[str, Any] = {
            "channel": place.channel,
            "text": message.text,
            "blocks": list(message.blocks),
            "metadata": find_message.mark(notice),
            "parse": "none",
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if place.thread_ts:
            arguments["thread_ts"] = place.thread_ts
            arguments["reply_broadcast"] = notice.event.tone in {Tone.BROADCAST, Tone.PAGE}
        await self._posts.turn(place.channel)
        try:
            reply = await ask(self._client.chat_postMessage(**arguments))
        except SlackRefused as error:
            if error.code not in BAD_BLOCKS:
                raise
            # Better plain words than silence; Slack has certainly not taken the first message.
            log.exception("Slack refused the blocks of notice %s", notice.id)
            del arguments["blocks"]
            reply = await ask(self._client.chat_postMessage(**arguments))
        return Card(str(reply["channel"]), str(reply["ts"]))

    async def _say_where(self, notice: Notice, posted: Card) -> None:
        """Tell who asked when the card could not go where they typed. Courtesy: no error of it counts."""
        job = notice.job
        if notice.event.tone is not Tone.CARD or posted.channel == job.channel:
            return
        await self._whisper(
            job,
            f"The card of {job.id} is in {channel_link(posted.channel)}: I cannot post in {channel_link(job.channel)}. "
            "Invite me there if you want cards in that channel.",
        )

    async def _confess(self, notice: Notice) -> None:
        if notice.event.tone is Tone.CARD:
            await self._whisper(
                notice.job,
                f"I cannot post the card of {notice.job.id} anywhere, so nobody can approve it. Invite me to the "
                "channel and ask again, or have [slack] channel set in my settings.",
            )

    async def _whisper(self, job: Job, text: str) -> None:
        try:
            await ask(self._client.chat_postMessage(channel=job.requester, text=text, parse="none"))
        except NotifierError as error:
            log.warning("%s could not be told about %s: %s", job.requester, job.id, error.message)

    # ------------------------------------------------------------------ showing

    async def show(self, view: JobView) -> None:
        """Bring the job's card up to date; returns when this view or a newer one is on it. Views are ordered by number.

        Calls for one card queue up; the first that gets its turn shows the newest view, the others find it done.
        """
        if view.job.card is None:
            return
        shown = self._shown.setdefault(view.job.id, _Shown(view))
        if view.number >= shown.newest.number:
            shown.newest = view
        async with shown.lock:
            message = card(shown.newest, await self._look_of(shown.newest.job))
            if _digest(message) == shown.digest:
                return
            await self._edits.turn(view.job.id)
            await self._budget.turn()
            newest = shown.newest  # a newer one may have come while this one waited
            message = card(newest, await self._look_of(newest.job))
            await self._edit(newest.job.card or view.job.card, message)
            shown.digest = _digest(message)
        if view.is_over and self._shown.get(view.job.id) is shown:
            del self._shown[view.job.id]

    async def _edit(self, place: Card, message: Message) -> None:
        edit = self._client.chat_update(
            channel=place.channel, ts=place.ts, text=message.text, blocks=list(message.blocks), parse="none"
        )
        try:
            await ask(edit)
        except NotifierBusy as error:
            self._budget.block(error.retry_after_s)
            raise

    async def _look_of(self, job: Job) -> Look:
        """Find out what the card needs to know besides the job, such as whether anybody can approve it."""
        rules = self._settings.access
        outlook = access.YES
        if job.state is JobState.PROPOSED:
            members = await self._groups.members(access.groups_in(rules.approvers))
            outlook = access.approval_outlook(job.requester, rules, members)
        return Look(outlook, rules.approvals_required, command=self._settings.slack.command)


def _key(notice: Notice) -> tuple[int, str, str]:
    return notice.id, str(notice.job.id), notice.event.at.isoformat()


def _digest(message: Message) -> str:
    return hashlib.sha256(json.dumps([message.text, message.blocks]).encode()).hexdigest()
