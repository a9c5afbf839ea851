"""Puts a page in place of the one that says "looking", which the acknowledgement of a form has put there."""

import asyncio
import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.messages.blocks import Block
from bot.slack.api_errors import SlackRefused, ask
from core.errors import NotifierBusy, NotifierDown

log = logging.getLogger(__name__)

SHOW_PAUSE_S = 0.25
"""The page is made by the acknowledgement, which may travel slower than the plan takes."""
_TRIES = 8


async def show(client: AsyncWebClient, token: str, page: Block) -> None:
    """Show the page; who went back meanwhile does not need it any more."""
    for _ in range(_TRIES):
        try:
            await ask(client.views_update(external_id=token, view=page))
        except SlackRefused as error:
            if error.code != "not_found":
                raise
            await asyncio.sleep(SHOW_PAUSE_S)
        except NotifierBusy as error:
            await asyncio.sleep(error.retry_after_s)
        except NotifierDown:
            await asyncio.sleep(SHOW_PAUSE_S)
        else:
            return
    log.info("nobody waits for the page %s any more", token)
