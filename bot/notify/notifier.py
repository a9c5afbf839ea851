"""Tells people in Slack what happened: posts cards, thread lines and pages, and keeps cards up to date.

Nothing is tried twice here: whoever calls decides about trying again, and asks with ``maybe_said`` to look first. The
client it is given must not retry by itself, or a lost answer becomes a second message.
"""

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot import access
from bot.messages import insights_text, oncall_page, owner_words, poorer, thread_lines
from bot.messages.blocks import Message
from bot.messages.button_values import marked
from bot.messages.card import card
from bot.messages.card_parts import Look
from bot.messages.plain_words import plain
from bot.messages.stall_question import question
from bot.notify.attachments import Attachments, LookBack
from bot.notify.line_groups import LineGroups
from bot.notify.moved_cards import MovedCards
from bot.notify.open_questions import History, OpenQuestions
from bot.notify.people import People
from bot.notify.poster import Members, Place, Posted, Poster
from bot.notify.whispers import Whispers, is_direct
from bot.slack import find_message
from bot.slack.api_errors import SlackRefused, SlackUnclear, ask, is_refusal
from bot.slack.oncall import Called, whom_to_call
from bot.slack.rate_limit import CallBudget, ChannelSpacing
from bot.slack.refusals import CLOSED, GONE, About, Next, Refused, about, after
from bot.slack.table_form import TableForm
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.event_data import Digest, EventKind, OwnerHeld, OwnerTold
from core.domain.model.events import Event, Notice, Tone
from core.domain.model.job import Card, Job, JobId, JobState
from core.domain.model.views import JobView
from core.domain.reporting.paging import quoted
from core.errors import NotifierBusy, NotifierError, NotifierRefused
from core.ports import Clock
from core.tasks import compute

log = logging.getLogger(__name__)

CARD_GAP_S = 3.0
EDITS_PER_MINUTE = 40
EDITS_AT_ONCE = 10
_REMEMBERED = 2000
_FOR_CHANNELS = frozenset({Tone.CARD, Tone.MESSAGE})
"""What is told in channels only: no thread, and nobody's direct messages."""


@dataclass(slots=True)
class _Shown:
    """The state of one card: what it shows, and what it should show."""

    newest: JobView
    digest: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


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
        past: LookBack | None = None,
        database: Callable[[], str] = str,
        tables: TableForm | None = None,
    ) -> None:
        self._client = client
        self._attachments = attachments
        self._past = past
        self._database = database
        self._settings = settings
        self._groups = groups
        self._clock = clock
        self._poster = Poster(client, clock, database, tables)
        self._cards = MovedCards(client, self._poster, clock)
        self._people = People(client, self._poster)
        self._whispers = Whispers(client)
        self._edits: ChannelSpacing[JobId] = ChannelSpacing(clock, CARD_GAP_S)
        self._budget = CallBudget(clock, EDITS_PER_MINUTE, EDITS_AT_ONCE)
        self._shown: dict[JobId, _Shown] = {}
        self._questions = OpenQuestions(history)
        self._groups_of_lines = LineGroups()
        self._said: OrderedDict[tuple[int, str, str], Card] = OrderedDict()

    # ------------------------------------------------------------------ telling

    async def tell(self, notice: Notice) -> Card | None:
        """Say one event once. Returns the card's place when the notice was the card itself, or the card has moved."""
        told_of = notice.job.card
        if notice.job.card is not None:
            notice = replace(notice, job=replace(notice.job, card=self._cards.newest(notice.job.card)))
        posted = self._said.get(_key(notice)) or await self._tell(notice)
        self._said[_key(notice)] = posted
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if notice.event.tone is Tone.DIRECT:
            return None
        if notice.event.tone is Tone.MESSAGE:
            if self._attachments is not None:
                self._attachments.add(notice, posted)
            return None
        card = posted if notice.event.tone is Tone.CARD else notice.job.card and self._cards.newest(notice.job.card)
        if self._attachments is not None:
            self._attachments.add(notice, card)
        return card if notice.event.tone is Tone.CARD or card != told_of else None

    async def _tell(self, notice: Notice) -> Card:
        if isinstance(notice.event.data, OwnerTold):
            words = await (self._plain(notice) if notice.is_plain else self._message(notice))
            return await self._people.tell_one(notice, words, notice.event.data.person)
        if notice.is_plain:
            return await self._said_before(notice) or await self._say(notice, await self._plain(notice))
        await self._settle(notice)
        revised = await self._revise(notice)
        if revised is not None and notice.event.tone is not Tone.PAGE:
            return revised  # the message it is about says it now
        said = await self._said_before(notice) or await self._join(notice)
        return said or await self._say(notice, await self._message(notice))

    async def _join(self, notice: Notice) -> Card | None:
        """Put a quiet line of a large job into the message of those like it; None: it has to stand alone."""
        group = self._groups_of_lines.joined(notice)
        if group is None:
            return None
        await self._budget.turn()
        try:
            await self._edit(group.place, group.message, metadata=find_message.mark(*group.notices))
        except (SlackRefused, SlackUnclear) as error:
            if isinstance(error, SlackUnclear) and not error.is_refusal:
                raise  # it may have been done
            log.warning("notice %s stands alone, the message before it cannot be edited: %s", notice.id, error.code)
            return None
        self._groups_of_lines.shown(group)
        return group.place

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
            await self._edit(place, await self._revised(earlier, notice.event))
        except SlackRefused as error:
            log.warning("notice %s can no longer be edited: %s", about.id, error.code)
            return None
        return place

    async def _revised(self, earlier: Notice, by: Event) -> Message:
        if earlier.event.kind is EventKind.STUCK:
            return question(earlier, by)
        return await self._page(earlier, taken=by)

    async def _page(self, notice: Notice, *, taken: Event | None = None) -> Message:
        called = await self._whom_to_call(notice)
        return oncall_page.page(notice, called.ids, self._settings.slack.command, taken=taken, remark=called.remark)

    async def _whom_to_call(self, notice: Notice) -> Called:
        others = (*self._settings.access.approvers, notice.job.requester)
        return await whom_to_call(self._settings.slack.oncall, others, self._groups)

    def _places(self, notice: Notice) -> list[Place]:
        """List where a notice may go, best first."""
        job, fallback = notice.job, self._settings.slack.channel
        if notice.event.tone is Tone.MESSAGE:
            return [Place(fallback)] if fallback else []
        # In a direct message nobody else could approve; two people's own the bot cannot even see.
        channels = [fallback, job.channel] if is_direct(job.channel) else [job.channel, fallback]
        places = [Place(channel) for channel in dict.fromkeys(filter(None, channels))]
        if notice.event.tone is not Tone.CARD and job.card:
            places = [Place(job.card.channel, job.card.ts), Place(job.card.channel), *places]
        return list(dict.fromkeys(places))

    async def _said_before(self, notice: Notice) -> Card | None:
        return await self._find(notice, self._places(notice)) if notice.maybe_said else None

    async def _find(self, notice: Notice, places: Sequence[Place]) -> Card | None:
        for place in places:
            try:
                ts = await find_message.find(self._client, notice, place.channel, place.thread_ts)
            except NotifierError as error:
                if not is_refusal(error):
                    raise
                # Reading may be forbidden where posting is not.
                log.warning("cannot look for notice %s in %s: %s", notice.id, place.channel, error.message)
                continue
            if ts:
                return Card(place.channel, ts)
            if place.thread_ts:
                return None  # the thread is there and does not hold it: nothing was said elsewhere
        return None

    async def _say(self, notice: Notice, message: Message) -> Card:
        called = await self._whom_to_call(notice) if notice.event.tone is Tone.PAGE else Called(())
        members = await self._groups.members(access.groups_in(self._settings.slack.oncall, called.ids))
        refused: NotifierError = NotifierRefused("There is no channel to say it in.", hint="Set [slack] channel.")
        closed: set[str] = set()
        for place in self._places(notice):
            if place.channel in closed:
                continue
            try:
                posted = await self._post(notice, place, message, members)
            except (SlackRefused, SlackUnclear) as error:
                if isinstance(error, SlackUnclear) and not error.is_refusal:
                    raise  # a failure of Slack's own: it may have been done
                refused = error
                if after(Refused(error.code, is_in_thread=bool(place.thread_ts))) is Next.STOP:
                    break
                if error.code in CLOSED:
                    closed.add(place.channel)
                continue
            await self._said_in(notice, place, posted)
            if posted.is_poorer and notice.event.tone is Tone.PAGE and poorer.mentions_group(message):
                await self._people.wake(notice, message, called, members)
            self._groups_of_lines.began(notice, posted.card)
            return posted.card
        else:
            if notice.event.tone not in _FOR_CHANNELS:
                return await self._people.tell(notice, message, called, members, refused)
        if isinstance(refused, NotifierRefused) and notice.event.tone is Tone.CARD:
            await self._whispers.confess(notice.job)
        raise refused

    async def _post(self, notice: Notice, place: Place, message: Message, members: Members) -> Posted:
        is_elsewhere = notice.event.tone not in _FOR_CHANNELS and not place.thread_ts
        shown = poorer.elsewhere(message, notice.job.id) if is_elsewhere else message
        is_loud = notice.event.tone in {Tone.BROADCAST, Tone.PAGE}
        return await self._poster.post(place, shown, find_message.mark(notice), members, is_loud=is_loud)

    async def _said_in(self, notice: Notice, place: Place, posted: Posted) -> None:
        """Compare what Slack did with what was asked, and see to it that people find it all the same."""
        if posted.left_its_thread(place):
            await self._cards.post_again(self._shown_view(notice.job), await self._look_of(notice.job))
        elif place.thread_ts and posted.card.channel != place.channel:
            self._cards.note_moved(Card(place.channel, place.thread_ts), Card(posted.card.channel, place.thread_ts))
        if notice.event.tone is Tone.CARD:
            await self._whispers.say_where(notice.job, posted.card)

    def _shown_view(self, job: Job) -> JobView:
        shown = self._shown.get(job.id)
        view = shown.newest if shown else JobView(job=job, moves=(), at=self._clock.now())
        return replace(view, job=replace(view.job, card=job.card))

    async def _message(self, notice: Notice) -> Message:
        try:
            return await self._full_message(notice)
        except (KeyError, TypeError, ValueError, AttributeError, LookupError):
            # A bug in the words must not become silence.
            log.exception("the words of notice %s could not be made", notice.id)
            return await self._plain(notice)

    async def _plain(self, notice: Notice) -> Message:
        return plain(notice, (await self._whom_to_call(notice)).ids, self._settings.slack.command)

    async def _full_message(self, notice: Notice) -> Message:
        match notice.event.tone:
            case Tone.CARD:
                view = JobView(job=notice.job, moves=(), at=notice.event.at)
                return card(view, await self._look_of(notice.job))
            case Tone.PAGE:
                return await self._page(notice)
            case Tone.MESSAGE if self._past is not None and isinstance(notice.event.data, Digest):
                told = insights_text.digest(await self._past(notice.event.data))
                # Perhaps the table is what Slack failed over: it is not asked for twice.
                return replace(told, as_table=()) if notice.maybe_said else told
            case Tone.DIRECT:
                return owner_words.to_owner(notice)
            case _ if isinstance(notice.event.data, OwnerHeld):
                text = thread_lines.sentence(notice.event, notice.job, notice.move)
                return owner_words.held_line(text, notice.event.data, notice.job)
            case _ if notice.event.kind is EventKind.STUCK:
                return question(notice)
            case _:
                return thread_lines.line(notice)

    # ------------------------------------------------------------------ showing

    async def show(self, view: JobView) -> Card | None:
        """Bring the job's card up to date; returns when this view or a newer one is on it, with its place if it moved.

        Calls for one card queue up; the first that gets its turn shows the newest view, the others find it done.
        """
        if view.job.card is None:
            return None
        shown = self._shown.setdefault(view.job.id, _Shown(view))
        if view.number >= shown.newest.number:
            shown.newest = view
        moved: Card | None = None
        async with shown.lock:
            newest = shown.newest
            message = await self._card_of(newest)
            if _digest(message) == shown.digest:
                return None
            await self._edits.turn(view.job.id)
            await self._budget.turn()
            if newest is not shown.newest:  # a newer one came while this one waited
                newest = shown.newest
                message = await self._card_of(newest)
            place = self._cards.newest(newest.job.card or view.job.card)
            try:
                await self._edit_at_last(place, message, newest)
            except SlackRefused as error:
                if error.code not in GONE:
                    raise
                moved = await self._cards.post_again(
                    replace(newest, job=replace(newest.job, card=place)), await self._look_of(newest.job)
                )
                if moved is None:
                    raise
            shown.digest = _digest(message)
        if view.is_over and self._shown.get(view.job.id) is shown:
            del self._shown[view.job.id]
        return moved

    async def _edit_at_last(self, place: Card, message: Message, view: JobView) -> None:
        """Edit a card; its last state, when Slack refuses it, as text alone, and in the end as a line below it."""
        try:
            await self._edit(place, message)
        except (SlackRefused, SlackUnclear) as error:
            if not view.is_over or error.code in GONE or about(error.code) not in {About.MESSAGE, About.UNKNOWN}:
                raise
            log.warning("the end of %s is shown as text alone: %s", view.job.id, error.message)
            try:
                await self._edit(place, replace(message, blocks=()))
            except (SlackRefused, SlackUnclear):
                await self._cards.note_refusal(view.job, place, self._settings.slack.command)

    async def _edit(self, place: Card, message: Message, *, metadata: dict[str, Any] | None = None) -> None:
        message = marked(message, self._database())
        known: dict[str, Any] = {"metadata": metadata} if metadata else {}
        edit = self._client.chat_update(
            channel=place.channel, ts=place.ts, text=message.text, blocks=list(message.blocks), parse="none", **known
        )  # without blocks the text takes their place
        try:
            await ask(edit)
        except NotifierBusy as error:
            self._budget.block(error.retry_after_s)
            raise

    async def _card_of(self, view: JobView) -> Message:
        return await compute(len(view.moves), card, view, await self._look_of(view.job))

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
