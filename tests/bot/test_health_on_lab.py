"""GET /health, over a real socket."""

import socket

import aiohttp
import pytest

from core.errors import SettingsError
from lab.slack.server import SlackLab
from tests.bot.conftest import Opening


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_health_tells_of_slack_hosts_and_queues(office: Opening, slack: SlackLab) -> None:
    """200 with ages and lengths while the socket is open, 503 when it is gone."""
    address = f"127.0.0.1:{free_port()}"
    async with office(slack={"health": address}) as here, aiohttp.ClientSession() as session:
        await here.ask()
        async with session.get(f"http://{address}/health") as answer:
            told = await answer.json()
            assert answer.status == 200
        assert told["slack"] == {"mode": "socket", "connected": True}
        assert set(told["snapshot_age_s"]) == {"HV01", "HV02"}
        assert told["queue"] == {"proposed": 1}
        assert told["stopped_by"] == ""
        async with session.get(f"http://{address}/") as answer:
            assert answer.status == 404
        await here.bot.connection.stop()
        async with session.get(f"http://{address}/health") as answer:
            assert answer.status == 503
            assert (await answer.json())["slack"]["connected"] is False


async def test_without_an_address_nothing_listens(office: Opening) -> None:
    """The default opens no port; a malformed address is refused at the start."""
    async with office():
        pass
    with pytest.raises(SettingsError, match="health"):
        async with office(slack={"health": "8080x"}):
            pass
