"""What one person's page is told: exactly what that person sees, as data, and each change at once."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.browser.screen import Screen
from lab.slack.server import SlackLab
from tests.support.eventually import PATIENCE_S
from tests.support.lab_blocks import section


def screen(lab: SlackLab, name: str) -> dict[str, Any]:
    return Screen(lab.workspace, lab.person(name)).everything()


def said(everything: dict[str, Any], channel: str) -> list[str]:
    return [one["text"] for place in everything["channels"] if place["name"] == channel for one in place["messages"]]


async def test_a_page_shows_the_places_and_the_private_answers_of_its_person(
    lab: SlackLab, client: AsyncWebClient
) -> None:
    """Mallory sees neither a private channel nor what was said to alice alone."""
    await client.chat_postEphemeral(channel="C0MIGRATE", user="U0ALICE", text="for alice")
    alice, mallory = screen(lab, "alice"), screen(lab, "mallory")
    assert said(alice, "migrations") == ["for alice"]
    assert said(mallory, "migrations") == []
    assert {one["name"] for one in alice["channels"]} - {one["name"] for one in mallory["channels"]} == {
        "private-ops",
        "old-migrations",
    }


async def test_texts_come_read_and_with_names_in_the_place_of_ids(lab: SlackLab, client: AsyncWebClient) -> None:
    """The page need not know mrkdwn; a mention says whether it means who looks, alone or in a group."""
    text = "*now* <@U0BOB> and <!subteam^S0APPROVE> at <!date^1700000000^{time}|then> &lt;b&gt;"
    await client.chat_postMessage(channel="C0MIGRATE", text=text, blocks=[section(text)])
    (message,) = next(one for one in screen(lab, "bob")["channels"] if one["name"] == "migrations")["messages"]
    elements = message["blocks"][0]["text"]["rich"][0]["elements"]
    assert elements[0] == {"type": "text", "text": "now", "style": {"bold": True}}
    assert [one["text"] for one in elements if one["type"] == "mention" and one["is_me"]] == ["@bob", "@vm-approvers"]
    assert [one["timestamp"] for one in elements if one["type"] == "date"] == [1700000000]
    assert elements[-1]["text"] == " <b>"
    assert message["mentions_me"]
    other = next(one for one in screen(lab, "alice")["channels"] if one["name"] == "migrations")["messages"][0]
    assert not other["mentions_me"]


async def test_an_open_page_is_told_first_everything_and_then_each_change(
    lab: SlackLab, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    """A message, its edit and its end come as they happen; an answer to somebody else does not come at all."""
    async with http.get(f"{lab.base_url}/screen?as=bob") as response, asyncio.timeout(PATIENCE_S):

        async def event() -> tuple[str, Any]:
            name = (await response.content.readline()).decode().removeprefix("event: ").strip()
            data = json.loads((await response.content.readline()).decode().removeprefix("data: "))
            await response.content.readline()
            return name, data

        assert (await event())[0] == "everything"
        await client.chat_postEphemeral(channel="C0MIGRATE", user="U0ALICE", text="for alice")
        ts = (await client.chat_postMessage(channel="C0MIGRATE", text="first"))["ts"]
        name, message = await event()
        assert (name, message["text"], message["ts"]) == ("message", "first", ts)
        await client.chat_update(channel="C0MIGRATE", ts=ts, text="second")
        name, message = await event()
        assert (name, message["text"], message["is_edited"]) == ("message", "second", True)
        await client.chat_delete(channel="C0MIGRATE", ts=ts)
        assert await event() == ("gone", {"channel_id": "C0MIGRATE", "ts": ts})


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/layout.css"])
async def test_the_page_may_run_and_fetch_only_what_this_server_has(
    lab: SlackLab, http: aiohttp.ClientSession, path: str
) -> None:
    """A mistake in drawing a text would still run nothing: the policy forbids scripts and places that are not ours."""
    async with http.get(f"{lab.base_url}{path}") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_another_page_cannot_act_here(lab: SlackLab, http: aiohttp.ClientSession) -> None:
    """What a foreign web page sends to the lab is refused, whatever it is."""
    order = {"user": "alice", "channel": "migrations", "text": "not alice"}
    for origin, status in (("http://evil.example", 403), (lab.base_url, 200)):
        async with http.post(f"{lab.control_url}say", json=order, headers={"Origin": origin}) as response:
            assert response.status == status
    assert said(screen(lab, "alice"), "migrations") == ["not alice"]


async def test_a_picture_is_shown_and_anything_else_is_text(
    lab: SlackLab, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    """An uploaded page of HTML does not become a page of this server."""
    for content, kind in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"<script>1</script>", "text/plain")):
        told = await client.files_upload_v2(channel="C0MIGRATE", filename="x", content=content)
        async with http.get(f"{lab.base_url}/screen/file/{told['file']['id']}") as response:
            assert response.content_type == kind
            assert response.headers["X-Content-Type-Options"] == "nosniff"
