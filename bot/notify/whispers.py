"""Tells who asked, directly, what no thread can tell them about their card. Courtesy: no error of it counts."""

import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.messages.mrkdwn import channel_link
from bot.slack.api_errors import ask
from core.domain.model.job import Card, Job
from core.errors import NotifierError

log = logging.getLogger(__name__)


def is_direct(channel: str) -> bool:
    """Whether a channel is a direct message."""
    return channel.startswith("D")


class Whispers:
    """Direct messages to who asked about the card itself."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def say_where(self, job: Job, posted: Card) -> None:
        """Say where the card is when it could not go where they typed."""
        if posted.channel == job.channel:
            return
        where = f"The card of {job.id} is in {channel_link(posted.channel)}: "
        if is_direct(job.channel):
            await self._whisper(job, f"{where}in a direct message nobody else could approve it.")
            return
        await self._whisper(
            job,
            f"{where}I cannot post in {channel_link(job.channel)}. Invite me there if you want cards in that channel.",
        )

    async def confess(self, job: Job) -> None:
        """Say that there is no card, anywhere."""
        await self._whisper(
            job,
            f"I cannot post the card of {job.id} anywhere, so nobody can approve it. Invite me to the "
            "channel and ask again, or have [slack] channel set in my settings.",
        )

    async def _whisper(self, job: Job, text: str) -> None:
        try:
            await ask(self._client.chat_postMessage(channel=job.requester, text=text, parse="none"))
        except NotifierError as error:
            log.warning("%s could not be told about %s: %s", job.requester, job.id, error.message)
