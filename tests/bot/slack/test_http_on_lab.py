"""HTTP mode: the same bot behind a request URL; only what Slack signed, and lately, is heard."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from core.domain.model.job import JobId, JobState
from lab.slack.server import SlackLab
from lab.slack.transport.http_mode import signature
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import Opening, slack_settings
from tests.bot.listeners import test_app_on_lab as app_tests
from tests.bot.listeners import test_form_on_lab as form_tests
from tests.bot.notify import test_home_tabs_on_lab as home_tests
from tests.bot.test_health_on_lab import free_port
from tests.support.bot_harness import CHANNEL, Office, read


@pytest.fixture
async def port() -> int:
    return free_port()


@pytest.fixture
async def slack(port: int) -> AsyncIterator[SlackLab]:
    async with SlackLab(request_url=f"http://127.0.0.1:{port}/slack/events") as slack:
        yield slack


@pytest.fixture
def office(slack: SlackLab, port: int, tmp_path: Path) -> Opening:
    """Opens the bot in HTTP mode."""

    def open_office(**sections: object) -> object:
        here = {"mode": "http", "listen": f"127.0.0.1:{port}"} | sections.pop("slack", {})  # type: ignore[operator]
        return Office.open(slack, slack_settings(slack, slack=here, **sections), tmp_path)

    return open_office  # type: ignore[return-value]


@pytest.mark.parametrize(
    "promise",
    [
        app_tests.test_a_request_is_approved_carried_out_and_told,
        app_tests.test_who_may_not_approve_is_told_why,
        app_tests.test_two_clicks_at_once_decide_once,
        app_tests.test_a_double_delivered_click_counts_once,
        app_tests.test_a_rejection_asks_why_and_shows_it,
        app_tests.test_a_click_on_an_old_card_does_nothing,
        app_tests.test_looking_is_private_and_complete,
        app_tests.test_the_big_red_stop_holds_and_lets_go,
        app_tests.test_a_mention_points_to_the_command,
        form_tests.test_the_bare_command_opens_the_form_and_it_becomes_a_card,
        form_tests.test_every_way_opens_the_form,
        form_tests.test_mistakes_are_told_at_their_fields_and_nothing_typed_is_lost,
        form_tests.test_another_source_forgets_the_vms_chosen_before,
        home_tests.test_a_home_follows_the_jobs_and_decides,
        home_tests.test_the_switch_of_the_home_stops_and_lets_go,
    ],
    ids=lambda promise: promise.__name__.removeprefix("test_"),
)
async def test_what_holds_in_socket_mode_holds_here(promise: object, office: Opening, slack: SlackLab) -> None:
    """The same promise, by HTTP."""
    await promise(office, slack)  # type: ignore[operator]


async def test_slack_can_verify_the_address(office: Opening, slack: SlackLab) -> None:
    """The challenge is answered."""
    async with office():
        assert slack.webhooks is not None
        await slack.webhooks.verify_url()


@asynccontextmanager
async def posted(slack: SlackLab, port: int, *, age_s: int = 0, secret: str = "", signed: bool = True) -> AsyncIterator[
    aiohttp.ClientResponse
]:  # fmt: skip
    """Send a click of bob on J1 as somebody else than Slack might."""
    job = {"actions": [{"action_id": "migrate_cancel", "block_id": "b", "type": "button", "value": "J1"}]}
    who = {"type": "block_actions", "user": {"id": "U0BOB"}, "channel": {"id": "C0MIGRATE"}, "trigger_id": "1.2"}
    team = {"team": {"id": "T0"}, "api_app_id": "A0", "container": {"type": "message"}, "token": "t"}
    body = urlencode({"payload": json.dumps(job | who | team)}).encode()
    at = str(int(time.time()) - age_s)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signed:
        headers |= {"X-Slack-Request-Timestamp": at}
        headers |= {"X-Slack-Signature": signature(secret or slack.signing_secret, at, body)}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/slack/events", data=body, headers=headers) as answer,
    ):
        yield answer


async def test_what_slack_did_not_sign_is_refused(office: Opening, slack: SlackLab, port: int) -> None:
    """Unsigned, wrongly signed, six minutes old: 401 and no effect; the same click well signed has one."""
    async with office() as here:
        await here.ask()
        wrongs: tuple[dict[str, Any], ...] = (
            {"signed": False},
            {"secret": "not-the-secret"},
            {"age_s": 360},
            {"age_s": -360},
        )
        for wrong in wrongs:
            async with posted(slack, port, **wrong) as answer:
                assert answer.status == 401, wrong
        assert (await here.bot.engine.queries.job(JobId("J1"))).job.state is JobState.PROPOSED
        async with posted(slack, port) as answer:
            assert answer.status == 200
        async for _ in here.looking():
            if (await here.bot.engine.queries.job(JobId("J1"))).job.state is JobState.CANCELLED:
                break


async def test_an_event_delivered_again_is_taken_once(office: Opening, slack: SlackLab) -> None:
    """A duplicate by HTTP answers once."""
    async with office() as here:
        slack.faults.add(FaultKind.DUPLICATE_EVENT, "app_mention")
        await slack.person("alice").say(CHANNEL, "@migrate-bot hello")
        await here.whisper("alice", "I listen to /migrate")
        await slack.person("alice").slash(CHANNEL, "/migrate jobs")
        await here.whisper("alice", "There are no jobs")
        seen = [read(one) for one in slack.person("alice").sees(CHANNEL) if one.ephemeral_to]
        assert sum("I listen to" in one for one in seen) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"age_s": 420}, "clock of this machine is 7 min ahead"),
        ({"secret": "not-the-secret"}, "another secret"),
        ({"signed": False}, "not sign"),
    ],
)
async def test_what_is_refused_is_said_once(  # noqa: PLR0917 - fixtures and cases
    office: Opening, slack: SlackLab, port: int, wrong: dict[str, Any], words: str, caplog: Any
) -> None:
    """One line tells a wrong clock from a wrong secret and from rubbish, and never what the request held (case 18)."""
    async with office() as here:
        for _ in range(3):
            async with posted(slack, port, **wrong) as answer:
                assert answer.status == 401
        assert caplog.text.count(words) == 1
        assert "migrate_cancel" not in caplog.text
        assert words in here.bot.connection.trouble
        async with posted(slack, port):
            assert here.bot.connection.trouble == ""


ODD = {
    "no JSON": ("application/json", b"{"),
    "no object": ("application/json", b"[1]"),
    "no text": ("application/json", b"\xff\xfe\x00"),
    "a form with broken JSON": ("application/x-www-form-urlencoded", b"payload=%7B"),
    "a form with a number": ("application/x-www-form-urlencoded", b"payload=7"),
    "nothing": ("application/x-www-form-urlencoded", b""),
    "an unknown kind": ("application/json", b'{"type": "of_tomorrow", "team_id": null}'),
    "nulls": (
        "application/json",
        b'{"type": "event_callback", "event": null, "team_id": null, "api_app_id": null}',
    ),
}


@pytest.mark.parametrize("odd", ODD)
async def test_odd_but_signed_payloads_leave_no_trace(
    office: Opening, slack: SlackLab, port: int, odd: str, caplog: Any
) -> None:
    """What nobody can read is answered in the 200s or 400s, without a traceback, and the bot goes on."""
    kind, body = ODD[odd]
    at = str(int(time.time()))
    headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": at}
    headers |= {"X-Slack-Signature": signature(slack.signing_secret, at, body)}
    url = f"http://127.0.0.1:{port}/slack/events"
    async with office(), aiohttp.ClientSession() as session:
        async with session.post(url, data=body, headers=headers) as answer:
            assert answer.status in {200, 400, 404}, await answer.text()
        assert "Traceback" not in caplog.text
