"""GET /health, over a real socket."""

import socket

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import BotStatus
from bot.metrics import families as metric_families
from core.domain.model.move import MoveState
from core.errors import SettingsError
from lab.slack.server import SlackLab
from tests.bot.conftest import Opening
from tests.support.markdown_pages import read, rows


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


async def test_metrics_tell_the_same_in_numbers(office: Opening) -> None:
    """Prometheus' own reader takes them; every open state has its number, also when it is 0."""
    address = f"127.0.0.1:{free_port()}"
    async with office(slack={"health": address}) as here, aiohttp.ClientSession() as session:
        await here.ask()
        async with session.get(f"http://{address}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            families = {one.name: one for one in text_string_to_metric_families(await answer.text())}

        def values(name: str) -> dict[tuple[str, ...], float]:
            return {tuple(sample.labels.values()): sample.value for sample in families[name].samples}

        assert values("migrate_bot_slack_connected") == {(): 1}
        assert values("migrate_bot_stopped") == {(): 0}
        assert values("migrate_bot_jobs") == {("proposed",): 1, ("running",): 0}
        assert set(values("migrate_bot_moves")) == {(state.value,) for state in MoveState if not state.is_end}
        assert values("migrate_bot_host_reachable") == {("HV01",): 1, ("HV02",): 1}
        limits = values("migrate_bot_host_slots_limit")
        assert limits == {(host, kind): 2 for host in ("HV01", "HV02") for kind in ("live", "storage")}
        assert set(values("migrate_bot_host_slots_used")) == set(limits)
        assert all(age >= 0 for age in values("migrate_bot_host_snapshot_age_seconds").values())


def test_every_metric_is_explained() -> None:
    """docs/metrics.md has a row for each, with its labels, and no other."""
    standing = BotStatus(is_connected=True, stopped_by="", lengths={}, hosts=(), ages_s={})
    made = {family.name for family in metric_families(standing)}
    assert {cells[0].strip("`").partition("{")[0] for cells in rows(read("docs/metrics.md"))} == made
