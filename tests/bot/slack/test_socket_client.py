"""Why Slack ends a connection is said, and nobody storms Slack because of it."""

import asyncio
import logging

import pytest

from bot.slack import socket_client
from bot.slack.socket import SocketConnection
from bot.slack.socket_client import REASONS, ROUTINE, YOUNG_S, ConnectionLog
from lab.slack.server import SlackLab
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL


class Seconds:
    """A clock of seconds that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pauses_grow_until_a_connection_lives() -> None:
    """None before the first, doubling to a minute; a connection that lived long starts anew."""
    seconds = Seconds()
    found = ConnectionLog(seconds)
    assert [found.pause_s() for _ in range(10)] == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    found.opened()
    seconds.now += YOUNG_S - 1
    assert found.pause_s() == 60
    found.opened()
    seconds.now += YOUNG_S
    assert [found.pause_s() for _ in range(3)] == [0, 0, 1]


@pytest.mark.parametrize("reason", [*REASONS, "invalid_auth", "of_tomorrow"])
def test_a_reason_is_said_once_and_taken_back(reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """With its code, however often it comes; and once that it is over."""
    found = ConnectionLog()
    for _ in range(3):
        found.ended(reason)
    assert reason in found.trouble
    found.opened()
    assert found.trouble == ""
    warned = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(warned) == 2
    assert reason in warned[0]


@pytest.mark.parametrize("reason", sorted(ROUTINE))
def test_what_happens_every_few_hours_is_no_trouble(reason: str) -> None:
    """Slack renews connections."""
    found = ConnectionLog()
    found.ended(reason)
    assert found.trouble == ""


@pytest.mark.parametrize("reason", sorted(REASONS))
async def test_a_slack_that_turns_the_bot_away_is_not_stormed(
    office: Opening,
    slack: SlackLab,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A few tries in some seconds, the reason in health and log; commands arrive again when it is over (case 17)."""
    monkeypatch.setattr(socket_client, "PING_S", 1.0)  # how often Slack's client looks whether it is connected
    async with office() as here:
        connection = here.bot.connection
        assert isinstance(connection, SocketConnection)
        opened = slack.call_log.counts["apps.connections.open"]
        if reason == "link_disabled":
            slack.sockets.is_enabled = False
        else:
            slack.sockets.most_connections = 0
        for one in tuple(slack.sockets.connections):
            one.abort()
        async with asyncio.timeout(60):
            while reason not in connection.trouble:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await asyncio.sleep(3)
        assert slack.call_log.counts["apps.connections.open"] - opened < 20
        assert caplog.text.count(REASONS[reason]) == 1
        slack.sockets.is_enabled, slack.sockets.most_connections = True, 10
        await here.until(lambda: slack.sockets.connections)
        await slack.person("alice").slash(CHANNEL, "/migrate jobs")
        await here.whisper("alice", "There are no jobs")
        assert connection.trouble == ""
