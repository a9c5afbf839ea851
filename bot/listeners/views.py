"""Submitted forms: what can be checked here is checked before the acknowledgement, the rest after it."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import CommandHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.payloads import read_asker_of_view, read_field, read_metadata
from bot.messages.blocks import Message
from bot.modals.plan_reference import PlanReference
from bot.modals.reject_form import REASON_BLOCK, REASON_FIELD, REJECT_FORM


def register(app: AsyncApp, handler: CommandHandler, background: BackgroundTasks) -> None:
    """Listen to the form that asks why."""

    async def on_reason(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        about = PlanReference.unpack(read_metadata(body))
        reason = read_field(body, REASON_BLOCK, REASON_FIELD)
        if about is None or not reason:
            await ack(response_action="errors", errors={REASON_BLOCK: "Say in a few words why."})
            return
        await ack()
        asker = read_asker_of_view(body, about.channel)

        async def work() -> Message | None:
            await handler.reject(about.job_id, about.plan_hash, asker, reason)
            return None

        background.start(Asked(what="reject", job=about.job_id, text=reason), work, PrivateReply(client, asker))

    app.view(REJECT_FORM)(on_reason)
