"""GET /health, over a real socket."""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.health import ask
from core.domain.model.move import MoveState
from core.errors import SettingsError
from lab.gateway import LabGateway
from lab.slack.server import SlackLab
from tests.bot.conftest import Opening, slack_settings
from tests.support.bot_harness import Office


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
        quiet = {"trouble": "", "takes_nothing": "", "takes_nothing_since": ""}
        assert told["slack"] == {"mode": "socket", "connected": True} | quiet
        assert told["notices"]["given_up"] == 0
        assert set(told["snapshot_age_s"]) == {"HV01", "HV02"}
        assert told["queue"] == {"proposed": 1}
        assert told["stopped_by"] == ""
        async with session.get(f"http://{address}/") as answer:
            assert answer.status == 404
        await here.bot.connection.stop()
        async with session.get(f"http://{address}/health") as answer:
            assert answer.status == 503
            assert (await answer.json())["slack"]["connected"] is False


async def test_a_running_bot_can_be_asked(office: Opening) -> None:
    """``migrate-bot health``: well while Slack reaches the bot, not well without Slack, nobody there afterwards."""
    port = free_port()
    async with office(slack={"health": f"127.0.0.1:{port}"}) as here:
        assert await ask(f"127.0.0.1:{port}") == (True, "The bot runs and Slack reaches it.")
        assert await ask(f"0.0.0.0:{port}") == (True, "The bot runs and Slack reaches it.")
        await here.bot.connection.stop()
        assert await ask(f":{port}") == (False, "The bot runs, but has no connection to Slack.")
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/live") as answer:
            assert answer.status == 200, "a restart of the bot would not bring Slack back"
    assert await ask(f"127.0.0.1:{port}") == (False, f"No bot answers at 127.0.0.1:{port}.")
    with pytest.raises(SettingsError, match="8080x"):
        await ask("8080x")


async def test_health_says_that_slack_takes_nothing(office: Opening, slack: SlackLab) -> None:
    """The token is revoked while something is to be said: 503 with the reason, and well again when it is over."""
    address = f"127.0.0.1:{free_port()}"
    async with office(slack={"health": address}) as here, aiohttp.ClientSession() as session:
        card = await here.ask()
        trouble = slack.faults.refuse("token_revoked", "chat.*")
        await slack.person("bob").click(card, "migrate_approve")
        async for _ in here.looking():
            is_well, told = await ask(address)
            if not is_well:
                break
        assert "takes nothing" in told
        assert "token_revoked" in told
        async with session.get(f"http://{address}/metrics") as answer:
            numbers = await answer.text()
        assert "migrate_bot_slack_accepts 0.0" in numbers
        async with session.get(f"http://{address}/health") as answer:
            assert (await answer.json())["notices"]["waiting"] > 0
        slack.faults.end(trouble)
        await here.replied(card, "approved J1")
        async for _ in here.looking():
            if (await ask(address))[0]:
                break


async def test_somebody_elses_answer_is_not_health(slack: SlackLab) -> None:
    """Another program at the address is not taken for a bot."""
    address = urlsplit(slack.api_url).netloc
    is_well, told = await ask(address)
    assert not is_well
    assert told == f"Something that is no migrate-bot answers at {address}: HTTP 404."


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


async def test_a_dead_loop_is_told_to_whoever_watches(office: Opening) -> None:
    """A dispatcher that hangs: /health, /live and /ready are 503, and metrics say which loop it is."""
    address = f"127.0.0.1:{free_port()}"
    async with office(slack={"health": address}) as here, aiohttp.ClientSession() as session:

        async def statuses() -> list[int]:
            found = []
            for path in ("health", "live", "ready"):
                async with session.get(f"http://{address}/{path}") as answer:
                    found.append(answer.status)
            return found

        assert await statuses() == [200, 200, 200]
        supervisor = here.bot.engine.supervisor
        async with session.get(f"http://{address}/health") as answer:
            told = (await answer.json())["loops"]
        assert {"dispatcher", "outbox", "cards", "poll HV01", "home tabs", "connection to Slack"} <= set(told)
        assert all(loop["alive"] and loop["restarts"] == 0 for loop in told.values())
        await supervisor.stop("dispatcher")
        supervisor.start("dispatcher", asyncio.Event().wait, patience_s=0.0)
        async for _ in here.looking():
            if await statuses() == [503, 503, 503]:
                break
        is_well, words = await ask(address)
        assert not is_well
        assert words == "The bot runs, but these loops of it do not: dispatcher. Restart it, and look at its log."
        async with session.get(f"http://{address}/metrics") as answer:
            text = await answer.text()
        assert 'migrate_bot_loop_alive{loop="dispatcher"} 0.0' in text
        assert 'migrate_bot_loop_alive{loop="outbox"} 1.0' in text
        assert 'migrate_bot_loop_restarts_total{loop="outbox"} 0.0' in text
        await here.bot.connection.stop()
        await supervisor.stop("dispatcher")
        assert await statuses() == [503, 200, 503]


@pytest.mark.parametrize("key", ["health", "listen"])
async def test_a_taken_address_is_found_before_any_login(
    slack: SlackLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Settings that make a start fail cost no login: started again and again, the bot locks no account."""
    calls: list[str] = []
    monkeypatch.setattr(LabGateway, "observe", lambda _, host: calls.append(host))
    monkeypatch.setattr(LabGateway, "probe", lambda _, host: calls.append(host), raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = slack_settings(slack, slack={key: address, "mode": "http" if key == "listen" else "socket"})
        with pytest.raises(SettingsError, match="Cannot listen on"):
            async with Office.open(slack, settings, tmp_path):
                pass
    assert calls == []
