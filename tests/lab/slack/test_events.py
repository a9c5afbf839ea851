"""What an app hears of a channel once its manifest subscribes to messages."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.changes import Change
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.manifest import DEFAULT_MANIFEST, parse_manifest


@pytest.fixture
async def lab(clock: ManualClock) -> AsyncIterator[SlackLab]:
    document = yaml.safe_load(DEFAULT_MANIFEST.read_text(encoding="utf-8"))
    document["settings"]["event_subscriptions"]["bot_events"] += ["message.channels", "reaction_added"]
    document["oauth_config"]["scopes"]["bot"].append("reactions:read")
    async with SlackLab(clock=clock, manifest=parse_manifest(document)) as lab:
        yield lab


def events(lab: SlackLab) -> list[dict[str, object]]:
    return [waiting.envelope.payload["event"] for waiting in lab.delivery._unheard]


async def test_own_messages_come_back(lab: SlackLab, client: AsyncWebClient) -> None:
    """Posting, editing and deleting raise message, message_changed and message_deleted, marked as the app's own."""
    ts = (await client.chat_postMessage(channel="C0MIGRATE", text="one"))["ts"]
    await client.chat_update(channel="C0MIGRATE", ts=ts, text="two")
    await client.chat_delete(channel="C0MIGRATE", ts=ts)
    await client.chat_postMessage(channel="C0OTHER", text="not a member there")

    posted, changed, deleted = events(lab)
    assert (posted["type"], posted["channel_type"], posted["bot_id"]) == ("message", "channel", "B0MIGRATE")
    assert changed["subtype"] == "message_changed"
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("two", "one")  # type: ignore[index]
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_a_reaction_is_told(lab: SlackLab) -> None:
    """reaction_added names the reaction and the message."""
    said = await lab.person("alice").say("#migrations", "look")
    lab.person("bob").react(said, "eyes")

    reaction = events(lab)[-1]
    assert (reaction["type"], reaction["reaction"], reaction["user"]) == ("reaction_added", "eyes", "U0BOB")


async def test_waiting_needs_no_polling(lab: SlackLab) -> None:
    """Changes stream to whoever listens, and a wait that fails says what happened meanwhile."""
    stream = lab.workspace.changes.stream()
    with pytest.raises(TimeoutError, match="last changes: nothing"):
        await lab.workspace.changes.wait_for(lambda: None, timeout_s=0.001)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    said = await lab.person("alice").say("#migrations", "hello")

    assert await waiting == Change("message.posted", "C0MIGRATE", said.ts, "U0ALICE")
    await stream.aclose()
