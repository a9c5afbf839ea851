"""The form that asks for a migration: opened at once, checked before the acknowledgement, planned after it."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.commands.model import Migrate, write
from bot.handlers.background import BackgroundTasks, new_reference
from bot.handlers.command_handler import Asker
from bot.handlers.form_handler import FormHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.form_payloads import read_about, read_form_values, read_source
from bot.listeners.pages import SHOW_PAUSE_S, show
from bot.listeners.payloads import Body, read_asker_of_view, read_metadata
from bot.messages.blocks import OPEN_FORM, Block, Message
from bot.modals import plan_preview as form_pages
from bot.modals.plan_preview import PLAN
from bot.modals.request_form import FORM, PICK_DESTINATIONS, PICK_SOURCE, PICK_VMS, About
from bot.slack.api_errors import ask
from bot.slack.forms import open_view
from core.errors import MigrateBotError

log = logging.getLogger(__name__)


async def open_form(client: AsyncWebClient, trigger_id: str, forms: FormHandler, asker: Asker) -> None:
    """Open the form for somebody who may ask. Raises NotAllowed, NotifierError."""
    await forms.check_may_request(asker)
    await open_view(client, trigger_id, forms.form(About(asker.channel)))


def register(app: AsyncApp, forms: FormHandler, background: BackgroundTasks) -> None:
    """Listen to the form, and to the ways to open it but the bare command."""
    _register_openings(app, forms, background)
    _register_menus(app, forms)
    _register_pages(app, forms, background)


def _register_openings(app: AsyncApp, forms: FormHandler, background: BackgroundTasks) -> None:
    async def on_open(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        asker = read_asker_of_view(body)

        async def work() -> Message | None:
            await open_form(client, str(body.get("trigger_id") or ""), forms, asker)
            return None

        background.start(Asked(what="form"), work, PrivateReply(client, asker))

    app.shortcut(FORM)(on_open)
    app.action(OPEN_FORM)(on_open)


def _register_menus(app: AsyncApp, forms: FormHandler) -> None:
    async def on_vms(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        typed = str(body.get("value") or "")
        await ack(options=await forms.offer_vms(read_source(body), typed, read_asker_of_view(body)))

    async def on_hosts(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack(options=await forms.offer_hosts(str(body.get("value") or ""), read_asker_of_view(body)))

    async def on_source(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        view = body.get("view") or {}
        shown = forms.form(read_about(body))
        try:
            await ask(client.views_update(view_id=view.get("id"), hash=view.get("hash"), view=shown))
        except MigrateBotError as error:
            # The VMs' field asks for the host of the state anyway; only VMs chosen before stay chosen.
            log.warning("the form could not follow its source: %s", error.message)

    app.options(PICK_VMS)(on_vms)
    for action_id in (PICK_SOURCE, PICK_DESTINATIONS):
        app.options(action_id)(on_hosts)
    app.action(PICK_SOURCE)(on_source)


def _register_pages(app: AsyncApp, forms: FormHandler, background: BackgroundTasks) -> None:
    async def on_form(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        command = forms.read(read_form_values(body))
        if not isinstance(command, Migrate):
            await ack(response_action="errors", errors=command)
            return
        token = secrets.token_hex(12)
        asker = read_asker_of_view(body, read_about(body).channel)
        await ack(response_action="push", view=form_pages.looking(token))

        asked = Asked(what="plan", text=write(command))

        def refused(error: MigrateBotError) -> None:
            background.note_refusal(asked, asker, error)

        async def work() -> Message | None:
            making = _plan_page(forms, token, command, asker, refused=refused)
            page, _ = await asyncio.gather(making, asyncio.sleep(SHOW_PAUSE_S))
            await show(client, token, page)
            return None

        # Whoever may not ask reads so in the form.
        background.start(asked, work, PrivateReply(client, asker), is_open=True)

    async def on_plan(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        asker = read_asker_of_view(body)
        draft = forms.take(read_metadata(body), asker.user)
        if draft is None:
            await ack(response_action="update", view=forms.gone())
            return
        await ack(response_action="clear")
        asker = replace(asker, channel=draft.request.channel)
        asked = Asked(what="migrate", text=draft.request.text)
        background.start(asked, lambda: forms.send(draft, asker), PrivateReply(client, asker))

    app.view(FORM)(on_form)
    app.view(PLAN)(on_plan)


async def _plan_page(
    forms: FormHandler, token: str, command: Migrate, asker: Asker, *, refused: Callable[[MigrateBotError], None]
) -> Block:
    try:
        return form_pages.preview(token, await forms.make(token, command, asker))
    except MigrateBotError as error:
        refused(error)
        return form_pages.refused(token, error)
    except Exception:
        # A bug. The person gets a sentence and a reference in the form, the log the trace.
        reference = new_reference()
        log.exception("no plan for %s, reference %s", asker.user, reference)
        return form_pages.broken(token, reference)


def is_bare(body: Body) -> bool:
    """Whether the command was typed without anything behind it."""
    return not str(body.get("text") or "").strip()
