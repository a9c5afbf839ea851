"""Events: a mention gets a pointer to the command. Slack delivers events again, so each is taken once."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.handlers.background import BackgroundTasks
from bot.handlers.private_reply import PrivateReply
from bot.listeners.payloads import read_asker_of_event
from bot.messages.blocks import Message, section
from bot.messages.help import overview

_REMEMBERED = 1000


class Once:
    """The ids of the newest thousand events, so that a delivery that is repeated is taken once."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def is_new(self, event_id: str) -> bool:
        """Whether an event comes for the first time."""
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True


def register(app: AsyncApp, background: BackgroundTasks, command: str) -> None:
    """Listen to the events the manifest subscribes to."""
    once = Once()

    async def on_mention(body: Mapping[str, Any], client: AsyncWebClient) -> None:
        event = body.get("event") or {}
        if not once.is_new(str(body.get("event_id") or "")) or event.get("bot_id"):
            return  # two bots that answer each other's mentions never end
        asker = read_asker_of_event(event)
        text = overview(command)[0]

        async def work() -> Message | None:
            return Message(f"I listen to {command}", (section(f"I listen to `{command}`, not to mentions.\n{text}"),))

        background.start(Asked(what="mention"), work, PrivateReply(client, asker))

    app.event("app_mention")(on_mention)
