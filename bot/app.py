"""Builds the Bolt app: its listeners, and what a person hears when one of them breaks before it could answer."""

import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.handlers.background import BackgroundTasks, new_reference
from bot.handlers.command_handler import CommandHandler
from bot.handlers.edit_handler import EditHandler
from bot.handlers.form_handler import FormHandler
from bot.handlers.owner_handler import OwnerHandler
from bot.listeners import actions, commands, edit, events, form, home, views
from bot.listeners import owners as owner_listeners
from bot.notify.home_tabs import HomeTabs
from core.config import Settings

log = logging.getLogger(__name__)


def build_app(
    settings: Settings,
    client: AsyncWebClient,
    handler: CommandHandler,
    background: BackgroundTasks,
    *,
    forms: FormHandler,
    edits: EditHandler,
    owners: OwnerHandler,
    home_tabs: HomeTabs,
) -> AsyncApp:
    """Build the app; nothing is connected yet."""
    secret = settings.slack_signing_secret.get_secret_value()
    app = AsyncApp(client=client, signing_secret=secret or None, name="migrate-bot")
    commands.register(app, handler, background, forms, settings.slack.command)
    form.register(app, forms, background)
    home.register(app, handler, home_tabs, background)
    actions.register(app, handler, background)
    views.register(app, handler, background)
    edit.register(app, handler, edits, background)
    owner_listeners.register(app, handler, owners, background)
    events.register(app, background, settings.slack.command)

    async def on_error(error: Exception, body: Mapping[str, Any]) -> BoltResponse:
        reference = new_reference()
        log.error("a listener failed, reference %s, payload %s", reference, body.get("type"), exc_info=error)
        # When the listener had not acknowledged, this becomes its acknowledgement, and the person sees it.
        return BoltResponse(status=200, body=f"Something went wrong inside me. My log has it as {reference}.")

    app.error(on_error)
    return app
