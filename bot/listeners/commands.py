"""The slash command: a mistake is answered in the acknowledgement itself, everything else after it.

Without anything behind it, it opens the form.
"""

from collections.abc import Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.commands.errors import CommandError
from bot.commands.model import Command, Stop
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import CommandHandler
from bot.handlers.form_handler import FormHandler
from bot.handlers.private_reply import PrivateReply, private
from bot.listeners.form import is_bare, open_form
from bot.listeners.payloads import read_asker_of_command
from bot.messages import replies
from bot.messages.blocks import Message


def asked_with(command: Command, typed: str = "") -> Asked:
    """Say for the audit log what a command does, and to what."""
    what, job, vm = type(command).__name__.lower(), str(getattr(command, "job", None) or ""), getattr(command, "vm", "")
    return Asked(what=what, job=job, vm=vm, text="" if typed.strip() == what else typed)


def register(
    app: AsyncApp, handler: CommandHandler, background: BackgroundTasks, forms: FormHandler, command: str
) -> None:
    """Listen to the command."""

    def bare(body: Mapping[str, Any], client: AsyncWebClient, respond: AsyncRespond) -> None:
        asker = read_asker_of_command(body)

        async def work() -> Message | None:
            await open_form(client, str(body.get("trigger_id") or ""), forms, asker)
            return None

        background.start(Asked(what="form"), work, PrivateReply(client, asker, respond))

    async def on_command(
        ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient, respond: AsyncRespond
    ) -> None:  # fmt: skip
        if is_bare(body):
            await ack()
            bare(body, client, respond)
            return
        typed, asker = str(body.get("text") or ""), read_asker_of_command(body)
        try:
            request = handler.read(typed)
        except CommandError as mistake:
            await ack(private(replies.unclear(mistake)))
            background.refuse(Asked(what="unclear", text=typed), asker, mistake)
            return
        at_once = handler.answer_at_once(request)
        await (ack(private(at_once)) if at_once else ack())
        asked, reply = asked_with(request, typed), PrivateReply(client, asker, respond)
        background.start(asked, lambda: handler.answer(request, asker), reply, is_open=isinstance(request, Stop))

    app.command(command)(on_command)
