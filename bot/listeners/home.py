"""The Home tab: shown when it is opened, with the button that stops every start. Others belong to cards and form."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.commands.model import Command, Resume, Stop
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import Asker, CommandHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.commands import asked_with
from bot.listeners.payloads import read_asker_of_view
from bot.messages.blocks import Message
from bot.messages.home_tab import RESUME, STOP
from bot.notify.home_tabs import HomeTabs


def register(app: AsyncApp, handler: CommandHandler, home_tabs: HomeTabs, background: BackgroundTasks) -> None:
    """Listen to the Home tab."""

    async def on_opened(body: Mapping[str, Any], client: AsyncWebClient) -> None:
        event = body.get("event") or {}
        user = str(event.get("user") or "")
        if event.get("tab") != "home" or not user:
            return

        async def work() -> Message | None:
            await home_tabs.opened(user)
            return None

        background.start(Asked(what="home"), work, PrivateReply(client, Asker(user, "")), is_open=True)

    def switch(command: Command) -> Callable[..., Awaitable[None]]:
        async def on_switch(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
            await ack()
            asker = read_asker_of_view(body)

            async def work() -> Message | None:
                try:
                    return await handler.answer(command, asker)
                finally:
                    home_tabs.wake()

            reply = PrivateReply(client, asker)
            background.start(asked_with(command), work, reply, is_open=isinstance(command, Stop))

        return on_switch

    app.event("app_home_opened")(on_opened)
    app.action(STOP)(switch(Stop()))
    app.action(RESUME)(switch(Resume()))
