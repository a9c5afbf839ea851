"""The form that changes a plan: opened from its card, searched, sent; the plan is made after the acknowledgement."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.handlers.background import BackgroundTasks, new_reference
from bot.handlers.command_handler import Asker, CommandHandler
from bot.handlers.edit_handler import EditHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.form_payloads import read_choices
from bot.listeners.pages import SHOW_PAUSE_S, show
from bot.listeners.payloads import read_asker_of_view, read_click, read_metadata
from bot.messages.blocks import EDIT, Block, Message
from bot.modals import plan_edit as pages
from bot.modals.plan_edit import EDIT_FORM, PICK_TO, PICK_VMS, TO, VMS
from bot.modals.plan_reference import PlanReference
from bot.slack.forms import open_view
from core.errors import MigrateBotError

log = logging.getLogger(__name__)

# A trigger_id lives 3 s (docs: modals): a check that takes longer must not cost the form; it is checked again anyway.
_CHECK_TIMEOUT_S = 1.0


def register(app: AsyncApp, handler: CommandHandler, edits: EditHandler, background: BackgroundTasks) -> None:
    """Listen to the button on the card, the form's menus, and the form."""
    _register_button(app, handler, edits, background)
    _register_menus(app, edits)
    _register_form(app, edits, background)


def _register_button(app: AsyncApp, handler: CommandHandler, edits: EditHandler, background: BackgroundTasks) -> None:
    async def on_click(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        click = read_click(body)
        about = PlanReference(click.job_id, click.plan_hash, click.asker.channel)

        async def work() -> Message | None:
            handler.check_database(click.job_id, click.database, is_proven=True)
            try:
                async with asyncio.timeout(_CHECK_TIMEOUT_S):
                    await edits.check_may_edit(click.job_id, click.asker)
            except TimeoutError:
                pass
            await open_view(client, click.trigger_id, await edits.form(about))
            return None

        background.start(Asked(what="edit_form", job=click.job_id), work, PrivateReply(client, click.asker))

    app.action(EDIT)(on_click)


def _register_menus(app: AsyncApp, edits: EditHandler) -> None:
    async def on_vms(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        about = PlanReference.unpack(read_metadata(body))
        typed = str(body.get("value") or "")
        await ack(options=await edits.offer_vms(about, typed, read_asker_of_view(body)) if about else [])

    async def on_hosts(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        about = PlanReference.unpack(read_metadata(body))
        typed = str(body.get("value") or "")
        await ack(options=await edits.offer_hosts(about, typed, read_asker_of_view(body)) if about else [])

    app.options(PICK_VMS)(on_vms)
    app.options(PICK_TO)(on_hosts)


def _register_form(app: AsyncApp, edits: EditHandler, background: BackgroundTasks) -> None:
    async def on_form(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        about = PlanReference.unpack(read_metadata(body))
        vms, to = read_choices(body, VMS, PICK_VMS), read_choices(body, TO, PICK_TO)
        missing = {block: "Choose one." for block, chosen in ((VMS, vms), (TO, to)) if not chosen}
        if about is None or missing:
            await ack(response_action="errors", errors=missing or {VMS: "This form is too old; open it again."})
            return
        token = secrets.token_hex(12)
        asker = read_asker_of_view(body, about.channel)
        await ack(response_action="update", view=pages.working(token, about.job_id))

        asked = Asked(what="edit", job=about.job_id, text=f"{len(vms)} VMs to {to[0]}")

        def refused(error: MigrateBotError) -> None:
            background.note_refusal(asked, asker, error)

        async def work() -> Message | None:
            making = _page(edits, token, about, vms, to[0], asker, refused=refused)
            page, _ = await asyncio.gather(making, asyncio.sleep(SHOW_PAUSE_S))
            await show(client, token, page)
            return None

        # Whoever may not change it reads so in the form.
        background.start(asked, work, PrivateReply(client, asker), is_open=True)

    app.view(EDIT_FORM)(on_form)


async def _page(  # noqa: PLR0917
    edits: EditHandler,
    token: str,
    about: PlanReference,
    vms: tuple[str, ...],
    to: str,
    asker: Asker,
    *,
    refused: Callable[[MigrateBotError], None],
) -> Block:
    try:
        return pages.changed(token, await edits.edit(about, vms, to, asker))
    except MigrateBotError as error:
        refused(error)
        return pages.refused(token, about.job_id, error)
    except Exception:
        # A bug. The person gets a sentence and a reference in the form, the log the trace.
        reference = new_reference()
        log.exception("%s could not be changed, reference %s", about.job_id, reference)
        return pages.broken(token, about.job_id, reference)
