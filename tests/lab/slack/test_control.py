import json
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.rate_limit import Strictness
from tests.support.lab_blocks import actions, button


class Remote:
    def __init__(self, lab: SlackLab, http: aiohttp.ClientSession) -> None:
        self.url = lab.control_url
        self.http = http

    async def order(self, name: str, *, status: int = 200, **body: Any) -> Any:
        async with self.http.post(self.url + name, json=body) as response:
            answer = await response.json()
            assert response.status == status, answer
            return answer

    async def look(self, name: str) -> Any:
        async with self.http.get(self.url + name) as response:
            assert response.status == 200
            return await (response.json() if response.content_type == "application/json" else response.text())


@pytest.fixture
def remote(lab: SlackLab, http: aiohttp.ClientSession) -> Remote:
    return Remote(lab, http)


async def test_people_act_over_http(remote: Remote, lab: SlackLab, app: AsyncApp) -> None:
    """A command, a click, a message and the reading of it all, by curl."""

    @app.command("/migrate")
    async def migrate(ack: Any, say: Any) -> None:
        await ack()
        await say(text="card", blocks=[actions(button("approve", text="Approve"))])

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], say: Any) -> None:
        await ack()
        await say(text=f"approved by <@{body['user']['id']}>", thread_ts=body["message"]["ts"])

    assert (await remote.order("slash", user="alice", channel="migrations", line="/migrate web01"))["error"] == ""
    channel = lab.workspace.channel("#migrations")
    await lab.workspace.changes.wait_for(lambda: channel.messages)
    await remote.order("click", user="bob", channel="migrations", action_id="approve")
    await lab.workspace.changes.wait_for(lambda: channel.replies(next(iter(channel.messages))))
    await remote.order("say", user="bob", channel="migrations", text="done")

    assert (await remote.look("transcript/migrations?as=bob")).splitlines() == [
        "migrate-bot:",
        "  [Approve]",
        "  ↳ migrate-bot: approved by @bob",
        "bob: done",
    ]
    assert (await remote.look("ledger"))["failures"] == []
    assert len(await remote.look("messages/migrations?as=bob")) == 3
    assert "POST slash" in await remote.look("")


async def test_misfortune_is_switched_over_http(remote: Remote, lab: SlackLab) -> None:
    """Faults and rate limits can be switched on and off."""
    await remote.order("faults", kind="lost_reply", target="chat.*", times=2)
    await remote.order("rate-limits", strictness="strict")
    assert [fault.kind for fault in lab.faults.active] == [FaultKind.LOST_REPLY]
    assert lab.limiter.strictness is Strictness.STRICT
    async with remote.http.delete(f"{remote.url}faults"):
        assert await remote.look("faults") == []


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("slash", {"user": "alice", "channel": "migrations", "line": "no slash"}, 400),
        ("slash", {"user": "alice", "channel": "migrations", "line": "/migrate", "colour": "red"}, 400),
        ("say", {"user": "nobody", "channel": "migrations", "text": "x"}, 404),
        ("say", {"user": "bob", "channel": "other", "text": "x"}, 404),
        ("click", {"user": "bob", "channel": "migrations", "action_id": "x"}, 404),
        ("submit", {"user": "bob"}, 404),
    ],
)
async def test_wrong_orders_are_explained(remote: Remote, name: str, body: dict[str, Any], status: int) -> None:
    """A wrong order is a sentence and changes nothing."""
    assert (await remote.order(name, status=status, **body))["error"]


async def test_orders_must_be_json(remote: Remote) -> None:
    """A form post, which any web page could send, is refused."""
    async with remote.http.post(f"{remote.url}say", data={"user": "alice"}) as response:
        assert response.status == 415


async def test_changes_can_be_watched(remote: Remote, lab: SlackLab) -> None:
    """The stream of changes tells of a message as it is posted."""
    async with remote.http.get(f"{remote.url}changes") as stream:
        await lab.person("alice").say("#migrations", "hello")
        assert await stream.content.readline() == b"event: change\n"
        data = json.loads((await stream.content.readline()).removeprefix(b"data: "))

    assert (data["kind"], data["channel_id"]) == ("message.posted", "C0MIGRATE")
