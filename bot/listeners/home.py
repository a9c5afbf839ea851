"""The Home tab: shown when it is opened, and its big red switch. Its other buttons belong to cards and the form."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.model import Command, Resume, Stop
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import Asker, CommandHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.payloads import read_user_of_view
from bot.messages.blocks import Message
from bot.messages.home_tab import RESUME, STOP
from bot.notify.home_tabs import HomeTabs


def register(app: AsyncApp, desk: CommandHandler, homes: HomeTabs, errands: BackgroundTasks) -> None:
    """Listen to the Home tab."""

    async def on_opened(body: Mapping[str, Any], client: AsyncWebClient) -> None:
        event = body.get("event") or {}
        user = str(event.get("user") or "")
        if event.get("tab") != "home" or not user:
            return

        async def work() -> Message | None:
            await homes.opened(user)
            return None

        errands.start(f"home of {user}", work, PrivateReply(client, Asker(user, "")))

    def switch(command: Command) -> Callable[..., Awaitable[None]]:
        async def on_switch(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
            await ack()
            asker = Asker(read_user_of_view(body), "")

            async def work() -> Message | None:
                try:
                    return await desk.answer(command, asker)
                finally:
                    homes.touch()

            errands.start(f"{command} by {asker.user}", work, PrivateReply(client, asker))

        return on_switch

    app.event("app_home_opened")(on_opened)
    app.action(STOP)(switch(Stop()))
    app.action(RESUME)(switch(Resume()))
