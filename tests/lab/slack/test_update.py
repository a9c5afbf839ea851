from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab

DIVIDER = [{"type": "divider"}]
METADATA = {"event_type": "job_card", "event_payload": {"job": 7}}


@pytest.fixture
async def ts(client: AsyncWebClient) -> str:
    answer = await client.chat_postMessage(channel="C0MIGRATE", text="card", blocks=DIVIDER, metadata=METADATA)
    return str(answer["ts"])


async def update(client: AsyncWebClient, ts: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.api_call("chat.update", json={"channel": "C0MIGRATE", "ts": ts, **arguments})
    return dict(answer["message"])


async def test_text_alone_takes_the_blocks_away(client: AsyncWebClient, ts: str) -> None:
    """An update with text and no blocks leaves no blocks, and then shows (edited)."""
    message = await update(client, ts, text="bare")

    assert "blocks" not in message
    assert "edited" in message


async def test_blocks_stay_when_text_is_absent_too(client: AsyncWebClient, ts: str) -> None:
    """An update of the metadata alone leaves text and blocks."""
    message = await update(client, ts, metadata={})

    assert (message["text"], message["blocks"][0]["type"]) == ("card", "divider")


async def test_empty_blocks_remove_them(client: AsyncWebClient, ts: str) -> None:
    """`blocks: []` removes the blocks."""
    assert "blocks" not in await update(client, ts, text="bare", blocks=[])


async def test_a_block_edit_is_not_marked(client: AsyncWebClient, ts: str) -> None:
    """Edits with blocks show no "(edited)"."""
    assert "edited" not in await update(client, ts, text="card", blocks=DIVIDER)


async def test_metadata_stays_unless_given(client: AsyncWebClient, ts: str) -> None:
    """Omitted metadata is kept, `{}` removes it."""
    assert (await update(client, ts, text="a"))["metadata"] == METADATA
    assert "metadata" not in await update(client, ts, text="b", metadata={})


async def test_an_update_has_its_own_text_limit(client: AsyncWebClient, ts: str) -> None:
    """Above 4,000 characters an update is msg_too_long, unlike a post."""
    await update(client, ts, text="x" * 4000)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await update(client, ts, text="x" * 4001)


async def test_only_own_and_existing_messages_can_be_updated(lab: SlackLab, client: AsyncWebClient, ts: str) -> None:
    """Somebody else's message is cant_update_message, an unknown ts message_not_found."""
    said = await lab.person("alice").say("#migrations", "mine")

    with pytest.raises(SlackApiError, match="cant_update_message"):
        await update(client, said.ts, text="yours")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await update(client, "1.000001", text="nobody's")


async def test_edits_are_counted_and_earlier_versions_remembered(
    lab: SlackLab, client: AsyncWebClient, ts: str
) -> None:
    """The ledger counts edits per message; the message knows what it used to say."""
    await update(client, ts, text="one")
    await update(client, ts, text="two")

    message = lab.workspace.channel("#migrations").messages[ts]
    assert lab.call_log.edit_count("C0MIGRATE", ts) == 2
    assert [message.version(number).text for number in range(3)] == ["card", "one", "two"]


async def test_rich_text_cannot_become_something_else(client: AsyncWebClient) -> None:
    """block_mismatch: a message of rich text is not updated into other blocks."""
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
    blocks = [{"type": "rich_text", "elements": [rich]}]
    ts = (await client.chat_postMessage(channel="C0MIGRATE", text="x", blocks=blocks))["ts"]

    with pytest.raises(SlackApiError, match="block_mismatch"):
        await update(client, ts, text="x", blocks=DIVIDER)


async def test_delete_and_permalink(client: AsyncWebClient, ts: str) -> None:
    """A message has a link while it stands, and none after its deletion."""
    link = (await client.chat_getPermalink(channel="C0MIGRATE", message_ts=ts))["permalink"]
    assert link == f"https://contoso-lab.slack.com/archives/C0MIGRATE/p{ts.replace('.', '')}"

    await client.chat_delete(channel="C0MIGRATE", ts=ts)

    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_getPermalink(channel="C0MIGRATE", message_ts=ts)
