"""The buttons of a card. Every click is answered: by its effect, or privately by the reason why it has none."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit_log import Asked
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import CommandHandler
from bot.handlers.private_reply import PrivateReply
from bot.listeners.payloads import Click, read_click
from bot.messages.blocks import (
    ACKNOWLEDGE,
    ALL,
    ALL_BACK,
    ALL_NEXT,
    ALL_TABLE,
    APPROVE,
    CANCEL,
    REJECT,
    RELEASE,
    RETRY,
    STUCK_CANCEL,
    STUCK_PAGE,
    STUCK_WAIT,
    Message,
)
from bot.modals.plan_reference import PlanReference
from bot.modals.reject_form import reject_form
from bot.slack.api_errors import SlackRefused, ask
from bot.slack.forms import open_view
from core.errors import NotAllowed

# A trigger_id lives 3 s (docs: modals): a check that takes longer must not cost the form; it is checked again anyway.
_CHECK_TIMEOUT_S = 1.0

_PROVEN = frozenset({APPROVE, REJECT, ALL, ALL_BACK, ALL_NEXT, ALL_TABLE})
"""Buttons that carry the plan's hash, or only show something."""

Work = Callable[[Click, AsyncWebClient], Awaitable[Message | None]]


def register(app: AsyncApp, handler: CommandHandler, background: BackgroundTasks) -> None:
    """Listen to the buttons."""
    for action_id, work in (_on_the_card(handler) | _in_the_thread(handler)).items():
        app.action(action_id)(_listener(action_id, _checked(action_id, work, handler), background))


def _on_the_card(handler: CommandHandler) -> dict[str, Work]:
    async def approve(click: Click, _: AsyncWebClient) -> Message | None:
        return await handler.approve(click.job_id, click.plan_hash, click.asker)

    async def reject(click: Click, client: AsyncWebClient) -> Message | None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT_S):
                permission = await handler.may_reject(click.job_id, click.asker)
            if not permission.is_allowed:
                raise NotAllowed(permission.reason)
        except TimeoutError:
            pass
        about = PlanReference(click.job_id, click.plan_hash, click.asker.channel)
        await open_view(client, click.trigger_id, reject_form(about))
        return None

    async def cancel(click: Click, _: AsyncWebClient) -> Message | None:
        return await handler.cancel(click.job_id, click.asker)

    async def show_all(click: Click, client: AsyncWebClient) -> Message | None:
        form = await handler.list_vms(click.job_id, click.number, click.asker)
        if click.view_id:
            await ask(client.views_update(view_id=click.view_id, view=form))
        else:
            await open_view(client, click.trigger_id, form)
        return None

    async def tabulate(click: Click, client: AsyncWebClient) -> Message | None:
        form, message = await handler.tabulate_vms(click.job_id, click.number, click.asker)
        with suppress(SlackRefused):  # closed meanwhile: the message comes all the same
            await ask(client.views_update(view_id=click.view_id, view=form))
        return message

    pages = dict.fromkeys((ALL, ALL_BACK, ALL_NEXT), show_all)
    return {APPROVE: approve, REJECT: reject, CANCEL: cancel, ALL_TABLE: tabulate, **pages}


def _in_the_thread(handler: CommandHandler) -> dict[str, Work]:
    async def retry(click: Click, _: AsyncWebClient) -> Message | None:
        return await handler.retry(click.job_id, click.asker, click.number)

    async def acknowledge(click: Click, _: AsyncWebClient) -> Message | None:
        await handler.acknowledge(click.job_id, click.number, click.asker)
        return None

    async def release(click: Click, _: AsyncWebClient) -> Message | None:
        return await handler.release(click.job_id, click.asker)

    def stuck(answer: str) -> Work:
        async def decide(click: Click, _: AsyncWebClient) -> Message | None:
            await handler.answer_stuck(click.job_id, click.number, answer, click.asker)
            return None

        return decide

    stuck_works = {STUCK_WAIT: stuck("wait"), STUCK_CANCEL: stuck("cancel"), STUCK_PAGE: stuck("page")}
    return {RETRY: retry, RELEASE: release, ACKNOWLEDGE: acknowledge, **stuck_works}


def _checked(action_id: str, work: Work, handler: CommandHandler) -> Work:
    """Let a click act only on the database its button is of; one that carries a plan's hash proves itself."""

    async def check(click: Click, client: AsyncWebClient) -> Message | None:
        handler.check_database(click.job_id, click.database, is_proven=action_id in _PROVEN)
        return await work(click, client)

    return check


def _listener(action_id: str, work: Work, background: BackgroundTasks) -> Callable[..., Awaitable[None]]:
    # The button opens the form that asks why; what is sent with it is the act.
    what = "reject_form" if action_id == REJECT else action_id.removeprefix("migrate_")

    async def on_click(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        click = read_click(body)
        reply = PrivateReply(client, click.asker)
        asked = Asked(what=what, job=click.job_id)
        background.start(asked, lambda: work(click, client), reply)

    return on_click
