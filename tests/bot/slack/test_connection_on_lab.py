"""Wrong tokens are said at once; a dead connection is replaced; HTTP mode answers signed requests only."""

from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.slack.credentials import check_credentials, forget_proxy_on_loopback, web_client
from bot.slack.http_listener import HttpListener
from bot.slack.socket import SocketConnection
from core.errors import SettingsError
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import Opening, slack_settings
from tests.support.bot_harness import CHANNEL


@pytest.mark.parametrize(
    ("secret", "value", "says"),
    [
        ("slack_bot_token", "xoxb-wrong", "SLACK_BOT_TOKEN (invalid_auth)"),
        ("slack_app_token", "xapp-wrong", "SLACK_APP_TOKEN (invalid_auth)"),
        ("slack_app_token", "xoxb-lab-migrate-bot", "SLACK_APP_TOKEN"),
        ("slack_bot_token", "", "SLACK_BOT_TOKEN is not set"),
        ("slack_app_token", "", "SLACK_APP_TOKEN is not set"),
    ],
)
async def test_a_wrong_token_is_said_at_the_start(slack: SlackLab, secret: str, value: str, says: str) -> None:
    """The start fails with a sentence that names the token and never shows it."""
    settings = slack_settings(slack, **{secret: value})
    with pytest.raises(SettingsError) as caught:
        await check_credentials(web_client(settings), settings)
    assert says in caught.value.message
    assert "wrong" not in caught.value.sentence()


async def test_slack_being_away_is_no_obstacle(slack: SlackLab) -> None:
    """A bot that starts before Slack answers goes on and keeps trying."""
    settings = slack_settings(slack, slack={"api_url": "http://127.0.0.1:9/api/"})
    await check_credentials(web_client(settings), settings)


async def test_http_mode_needs_the_signing_secret(slack: SlackLab) -> None:
    """An empty secret would only fail at the first request, so it is refused at the start."""
    settings = slack_settings(slack, slack={"mode": "http"}, slack_signing_secret="")
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is not set"):
        await check_credentials(web_client(settings), settings)


async def test_a_dead_connection_is_replaced_at_the_second_look(office: Opening, slack: SlackLab) -> None:
    """When Slack stops answering twice in a row, a new handler asks for a new address, and commands arrive again."""
    async with office() as here:
        connection = here.bot.connection
        assert isinstance(connection, SocketConnection)
        assert await connection.check(0) == 0
        slack.faults.add(FaultKind.UNAVAILABLE, "auth.test", times=2)
        opened = slack.call_log.counts["apps.connections.open"]
        failures = await connection.check(0)
        assert failures == 1
        assert await connection.check(failures) == 0
        assert slack.call_log.counts["apps.connections.open"] > opened
        await here.until(lambda: slack.sockets.connections)
        await slack.person("alice").slash(CHANNEL, "/migrate jobs")
        await here.whisper("alice", "There are no jobs")


async def test_a_cut_socket_is_reopened(office: Opening, slack: SlackLab) -> None:
    """Slack's refresh of a connection loses nothing that is asked afterwards."""
    async with office() as here:
        opened = slack.call_log.counts["apps.connections.open"]
        for connection in list(slack.sockets.connections):
            slack.sockets.refresh(connection)
        await here.until(lambda: slack.call_log.counts["apps.connections.open"] > opened)
        await here.until(lambda: len(slack.sockets.connections) == 1)
        await slack.person("alice").slash(CHANNEL, "/migrate jobs")
        await here.whisper("alice", "There are no jobs")


async def test_http_mode_serves_signed_requests_only(tmp_path: Path) -> None:
    """Over HTTP the same bot answers Slack; a request without a signature gets 401 and no effect."""
    from tests.support.bot_harness import Office  # noqa: PLC0415 - the other tests use the fixture

    port = _free_port()
    async with SlackLab(request_url=f"http://127.0.0.1:{port}/slack/events") as slack:
        settings = slack_settings(slack, slack={"mode": "http", "listen": f"127.0.0.1:{port}"})
        async with Office.open(slack, settings, tmp_path) as here:
            assert isinstance(here.bot.connection, HttpListener)
            await slack.person("alice").slash(CHANNEL, "/migrate hosts")
            await here.whisper("alice", "hosts")
            card = await here.ask()
            await slack.person("bob").click(card, "migrate_approve")
            await here.replied(card, "approved J1")
            async with (
                aiohttp.ClientSession() as session,
                session.post(
                    f"http://127.0.0.1:{port}/slack/events", data={"command": "/migrate", "text": "stop"}
                ) as answer,
            ):
                assert answer.status == 401
            assert slack.call_log.violations == []
            assert slack.call_log.failures == []


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:x"])
async def test_a_malformed_address_is_said_in_words(slack: SlackLab, listen: str) -> None:
    """A wrong [slack] listen is a settings error."""
    from slack_bolt.async_app import AsyncApp  # noqa: PLC0415 - only here

    app = AsyncApp(client=AsyncWebClient(token="x"), signing_secret="x")
    with pytest.raises(SettingsError, match="listen"):
        await HttpListener(app, listen, "x", SystemClock()).start()


def test_proxies_are_forgotten_on_loopback_only() -> None:
    """The SDK ignores NO_PROXY: for a Slack on this machine the proxy variables go, for the real one they stay."""
    environment = {"HTTPS_PROXY": "http://proxy", "http_proxy": "http://proxy", "PATH": "/bin"}
    forget_proxy_on_loopback("https://slack.com/api/", environment)
    assert len(environment) == 3
    forget_proxy_on_loopback("http://127.0.0.1:3000/api/", environment)
    assert environment == {"PATH": "/bin"}


def _free_port() -> int:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
