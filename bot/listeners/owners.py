"""What owners of VMs click and submit: *Not now*, and its form."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import CommandHandler
from bot.handlers.owner_handler import OwnerHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.payloads import read_asker_of_view, read_click, read_field, read_metadata
from bot.messages.blocks import NOT_NOW, Message
from bot.modals.not_now_form import NOT_NOW_FORM, VMS_BLOCK, WORDS_BLOCK, WORDS_FIELD, chosen_moves
from bot.modals.plan_reference import PlanReference
from bot.slack.forms import open_view


def register(app: AsyncApp, handler: CommandHandler, owners: OwnerHandler, background: BackgroundTasks) -> None:
    """Listen to them."""

    async def on_click(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        click = read_click(body)

        async def work() -> Message | None:
            handler.check_database(click.job_id, click.database, is_proven=False)
            await open_view(client, click.trigger_id, await owners.form(click.job_id, click.asker))
            return None

        background.start(Asked(what="not_now_form", job=click.job_id), work, PrivateReply(client, click.asker))

    async def on_words(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        about = PlanReference.unpack(read_metadata(body))
        words = read_field(body, WORDS_BLOCK, WORDS_FIELD)
        moves = chosen_moves(body.get("view") or {}, about) if about else ()
        if about is None or not words:
            await ack(response_action="errors", errors={WORDS_BLOCK: "Say in a few words why."})
            return
        if not moves:
            await ack(response_action="errors", errors={VMS_BLOCK: "Choose a VM."})
            return
        await ack()
        asker = read_asker_of_view(body, about.channel)

        async def work() -> Message | None:
            return await owners.hold(about.job_id, moves, words, asker)

        background.start(Asked(what="not_now", job=about.job_id, text=words), work, PrivateReply(client, asker))

    app.action(NOT_NOW)(on_click)
    app.view(NOT_NOW_FORM)(on_words)
