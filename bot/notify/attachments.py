"""Uploads files into a card's thread, once each: the whole of a long plan, and the timeline of a job.

A courtesy: it has its own tasks, tries a few times, and whatever goes wrong disturbs nothing else. After a restart it
looks for the files that the process before may have left out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.messages import insights_image, insights_text
from bot.messages.plan_text import LONG, plan_text
from bot.messages.timeline_image import timeline
from bot.slack.api_errors import SlackRefused, ask
from core.backoff import fixed, retry
from core.domain.model.event_data import Digest, EventKind
from core.domain.model.events import Notice
from core.domain.model.inventory import HostName
from core.domain.model.job import Card, Job, JobId, JobState
from core.domain.model.move import Attempt
from core.domain.model.views import JobView
from core.domain.reporting.insights import Insights
from core.errors import MigrateBotError
from core.ports import Clock
from core.tasks import TaskSet

log = logging.getLogger(__name__)

DELAYS_S = (5.0, 30.0, 120.0)
RECENT = timedelta(days=1)
"""Files of jobs that ended longer ago are not looked for after a restart."""
AFTERLIFE_S = 15.0
"""How long an upload of a process that died may still be on its way: a look before that could miss it."""
_NEW_PLANS = frozenset({EventKind.PROPOSED, EventKind.EDITED})
_PAUSE_S = 2.0
_TIMEOUT_S = 60.0
_PAGES = 10
_PAGE = 200
_ALT_LIMIT = 1000  # docs.slack.dev: files.getUploadURLExternal, alt_txt


def _has_whole_plan(job: Job) -> bool:
    """Whether the whole plan belongs into the thread: it is long, and says by now what its hosts said of it."""
    return len(job.plan.moves) > LONG and job.plan.is_checked


@dataclass(frozen=True, slots=True)
class TimelineInputs:
    """The data of a job's timeline: the job, every attempt of its time, and what its hosts allow."""

    view: JobView
    attempts: Sequence[Attempt]
    limits: Mapping[HostName, int]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file to be uploaded."""

    name: str
    title: str
    content: bytes
    alt_text: str = ""
    """What a picture shows, for who cannot see it."""


LookBack = Callable[[Digest], Awaitable[Insights]]
Make = Callable[[Job], Awaitable[Attachment | None]]


class Attachments:
    """The uploads under way, each begun once by this process."""

    def __init__(
        self,
        client: AsyncWebClient,
        timeline_inputs: Callable[[JobId], Awaitable[TimelineInputs]],
        clock: Clock,
        *,
        past: LookBack | None = None,
    ) -> None:
        self._client = client
        self._timeline_inputs = timeline_inputs
        self._clock = clock
        self._past = past
        self._uploads = TaskSet()
        self._begun: set[tuple[JobId, str, Make]] = set()

    def add(self, notice: Notice, card: Card | None) -> None:
        """Put in what belongs to this notice, if anything; the thread is the card's."""
        if card is None:
            return
        if isinstance(notice.event.data, Digest) and self._past is not None:
            self._start(self._illustrate(notice.event.data, card, self._past), "picture of the week")
        elif notice.event.kind is EventKind.FINISHED:
            self._start(self._once(notice.job, card, self._picture), f"picture for {notice.job.id}")
        elif notice.event.kind in _NEW_PLANS and _has_whole_plan(notice.job):
            self._start(self._once(notice.job, card, self._plan), f"plan for {notice.job.id}")

    def hand_over(self, person: str, found: Insights) -> None:
        """Put the picture of the past into somebody's direct messages: they asked in private, no channel is to see."""
        self._start(self._hand_over(person, found), f"picture of the past for {person}")

    async def _illustrate(self, digest: Digest, card: Card, past: LookBack) -> None:
        """Put the picture of a week below its digest, once; whoever cannot has the digest's words."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                found = await past(digest)
                await self._put(card, await _insights(found) if insights_image.is_worth_drawing(found) else None)
        except (MigrateBotError, TimeoutError) as error:
            log.warning("the picture of the week could not be uploaded: %s", error)
        except Exception:  # a file nobody waits for must not end in an unseen task
            log.exception("the picture of the week could not be made")

    async def _hand_over(self, person: str, found: Insights) -> None:
        try:
            attachment = await _insights(found)
            async with asyncio.timeout(_TIMEOUT_S):
                opened = await ask(self._client.conversations_open(users=person))
                channel = str((opened.get("channel") or {}).get("id") or "")
                await ask(self._upload(attachment, channel))
        except (MigrateBotError, TimeoutError) as error:
            log.warning("%s could not get the picture of the past: %s", person, error)
        except Exception:  # a file nobody waits for must not end in an unseen task
            log.exception("the picture of the past for %s could not be made", person)

    def catch_up(self, newest: Callable[[], Awaitable[Sequence[Job]]]) -> None:
        """Put in what an earlier process told of but did not get to put in, for the newest jobs."""
        self._start(self._catch_up(newest), "files of an earlier process")

    async def close(self) -> None:
        """Give up what is under way."""
        await self._uploads.cancel()

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        self._uploads.start(work, name)

    async def _catch_up(self, newest: Callable[[], Awaitable[Sequence[Job]]]) -> None:
        began = self._clock.now()
        await self._clock.sleep(AFTERLIFE_S)
        try:
            jobs = await newest()
        except MigrateBotError as error:
            log.warning("files of an earlier process are not looked for: %s", error)
            return
        since = self._clock.now() - RECENT
        for job in jobs:
            if job.card is None:
                continue
            if _has_whole_plan(job) and since < job.created_at <= began:
                await self._once(job, job.card, self._plan)
            if job.state is JobState.FINISHED and job.finished_at is not None and since < job.finished_at <= began:
                await self._once(job, job.card, self._picture)
            await self._clock.sleep(_PAUSE_S)

    async def _once(self, job: Job, card: Card, make: Make) -> None:
        if (job.id, job.plan.hash, make) not in self._begun:
            self._begun.add((job.id, job.plan.hash, make))
            await self._patiently(job, card, make)

    async def _patiently(self, job: Job, card: Card, make: Make) -> None:
        async def once() -> None:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    await self._put(card, await make(job))
            except (MigrateBotError, TimeoutError) as error:
                log.warning("a file for %s could not be uploaded: %s", job.id, error)
                if not isinstance(error, SlackRefused):
                    raise

        wait, tries = fixed(*DELAYS_S), len(DELAYS_S) + 1
        try:
            await retry(once, MigrateBotError, TimeoutError, wait=wait, tries=tries, sleep=self._clock.sleep)
        except (MigrateBotError, TimeoutError):
            return  # every try has said why already
        except Exception:  # a file nobody waits for must not end in an unseen task
            log.exception("a file for %s could not be made", job.id)

    async def _put(self, card: Card, attachment: Attachment | None) -> None:
        if attachment is None or not attachment.content or await self._is_there(card, attachment.name):
            return
        await ask(self._upload(attachment, card.channel, thread_ts=card.ts))

    def _upload(self, attachment: Attachment, channel: str, thread_ts: str | None = None) -> Awaitable[Any]:
        return self._client.files_upload_v2(
            filename=attachment.name,
            title=attachment.title,
            content=attachment.content,
            alt_txt=attachment.alt_text[:_ALT_LIMIT] or None,
            channel=channel,
            thread_ts=thread_ts,
        )

    async def _is_there(self, card: Card, name: str) -> bool:
        """Look through the thread: an upload whose answer was lost, or of an earlier process, is not repeated."""
        cursor = ""
        for _ in range(_PAGES):
            reply = await ask(
                self._client.conversations_replies(channel=card.channel, ts=card.ts, limit=_PAGE, cursor=cursor or None)
            )
            for message in reply.get("messages") or ():
                if any(file.get("name") == name for file in message.get("files") or ()):
                    return True
            cursor = str((reply.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return False

    async def _plan(self, job: Job) -> Attachment:
        title = f"The whole plan of {job.id}: {len(job.plan.moves)} VMs"
        changed = f"-{job.plan.hash[:6]}" if job.plan.edits else ""
        return Attachment(f"{job.id}-plan{changed}.txt", title, plan_text(job).encode())

    async def _picture(self, job: Job) -> Attachment | None:
        inputs = await self._timeline_inputs(job.id)
        moves = [row.move for row in inputs.view.moves]
        until = inputs.view.job.finished_at or inputs.view.at
        png = await asyncio.to_thread(timeline, inputs.view.job, moves, inputs.attempts, inputs.limits, until)
        return Attachment(f"{job.id}-timeline.png", f"How {job.id} went", png) if png else None


async def _insights(found: Insights) -> Attachment:
    png = await asyncio.to_thread(insights_image.picture, found)
    name, title = f"insights-{found.until:%Y-%m-%d}.png", insights_text.period_words(found.until - found.since)
    return Attachment(name, title, png, insights_image.alt_text(found))
