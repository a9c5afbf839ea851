"""Checks the tokens against Slack at the start, so that a wrong one is said at once and clearly.

Bolt would show a wrong bot token only at the first event, and retries a wrong app token for ever.
"""

import logging
import os
from collections.abc import Callable, MutableMapping
from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api_errors import SlackRefused, SlackUnauthorized, ask
from bot.slack.refusal_watch import RefusalWatch
from core.config import Settings
from core.errors import NotifierBusy, NotifierDown, SettingsError

log = logging.getLogger(__name__)

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT_S = 15


def web_client(settings: Settings, *, refused: Callable[[str], None] | None = None) -> AsyncWebClient:
    """Make the client. It retries nothing by itself: a lost answer must not become a second message.

    ``refused`` hears what each refusal is about.
    """
    return AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack.api_url,
        timeout=_TIMEOUT_S,
        retry_handlers=[RefusalWatch(refused)] if refused else [],
    )


def forget_proxy_on_loopback(api_url: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """Drop the proxy settings when Slack is on this machine: the SDK reads them and ignores NO_PROXY."""
    if urlsplit(api_url).hostname not in _LOOPBACK:
        return
    for name in [name for name in environment if name.lower() in {"http_proxy", "https_proxy"}]:
        del environment[name]


def missing_secrets(settings: Settings) -> list[str]:
    """Name the secrets this mode needs and does not have."""
    needed = {"SLACK_BOT_TOKEN": settings.slack_bot_token}
    if settings.slack.mode == "socket":
        needed["SLACK_APP_TOKEN"] = settings.slack_app_token
    else:
        needed["SLACK_SIGNING_SECRET"] = settings.slack_signing_secret
    return [name for name, secret in needed.items() if not secret.get_secret_value()]


async def check_bot_token(client: AsyncWebClient) -> None:
    """Ask Slack who the bot token belongs to.

    Raises:
        SettingsError: Slack does not accept it.
        NotifierError: Slack did not answer.

    """
    try:
        await ask(client.auth_test())
    except (SlackRefused, SlackUnauthorized) as error:
        raise SettingsError(f"Slack does not accept SLACK_BOT_TOKEN ({error.code}).", hint=BOT_HINT) from error


async def check_app_token(client: AsyncWebClient, app_token: str) -> None:
    """Ask Slack for a connection with the app token.

    Raises:
        SettingsError: Slack does not accept it.
        NotifierError: Slack did not answer.

    """
    try:
        await ask(client.apps_connections_open(app_token=app_token))
    except (SlackRefused, SlackUnauthorized) as error:
        raise SettingsError(f"Slack does not accept SLACK_APP_TOKEN ({error.code}).", hint=_APP_HINT) from error


async def check_credentials(client: AsyncWebClient, settings: Settings) -> None:
    """Check everything a start needs. Slack being away is no obstacle: the bot may start before it.

    Raises:
        SettingsError: a secret is missing or Slack does not accept it.

    """
    missing = missing_secrets(settings)
    if missing:
        raise SettingsError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            hint="Set it in the environment, or name a file with it in the variable of the same name plus _FILE.",
        )
    try:
        await check_bot_token(client)
        if settings.slack.mode == "socket":
            await check_app_token(client, settings.slack_app_token.get_secret_value())
    except (NotifierDown, NotifierBusy) as error:
        log.warning("Slack cannot be asked about the tokens yet: %s", error.message)


BOT_HINT = "It is the xoxb- token under OAuth & Permissions of the app."
_APP_HINT = "It is the xapp- token with connections:write under Basic Information of the app."
