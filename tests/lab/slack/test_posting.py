from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.manifest import load_manifest


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE"}, "channel_not_found"),
        ({"channel": "C0PRIVATE"}, "channel_not_found"),
        ({"channel": "C0ARCHIVE"}, "is_archived"),
        ({"text": "  "}, "no_text"),
        ({"blocks": "{broken"}, "invalid_blocks_format"),
        ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
        ({"markdown_text": "**x**"}, "markdown_text_conflict"),
        ({"metadata": "nonsense"}, "invalid_metadata_format"),
        ({"metadata": {"event_type": "job"}}, "invalid_metadata_schema"),
        ({"metadata": {"event_type": "job", "event_payload": {"x": "y" * 20_000}}}, "metadata_too_large"),
        ({"username": "somebody else"}, "missing_scope"),
    ],
)
async def test_what_slack_refuses_is_refused(client: AsyncWebClient, arguments: dict[str, Any], error: str) -> None:
    """chat.postMessage answers each mistake with the documented error."""
    call = client.api_call("chat.postMessage", json={"channel": "C0MIGRATE", "text": "hello", **arguments})

    assert await refused(call) == error


async def test_a_public_channel_needs_no_membership_with_the_public_scope(
    lab: SlackLab, client: AsyncWebClient
) -> None:
    """chat:write.public posts to public channels the app has not joined."""
    await client.chat_postMessage(channel="C0OTHER", text="hello")

    assert lab.transcript("C0OTHER") == "migrate-bot: hello"


async def test_without_the_public_scope_membership_is_needed() -> None:
    """Without chat:write.public a channel the app is not in refuses with not_in_channel."""
    manifest = load_manifest()
    scopes = tuple(one for one in manifest.scopes if one != "chat:write.public")
    auth = manifest.oauth_config.model_copy(
        update={"scopes": manifest.oauth_config.scopes.model_copy(update={"bot": scopes})}
    )
    async with SlackLab(manifest=manifest.model_copy(update={"oauth_config": auth})) as lab:
        client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
        assert await refused(client.chat_postMessage(channel="C0OTHER", text="hi")) == "not_in_channel"
        await client.chat_postMessage(channel="C0MIGRATE", text="hi")


async def test_long_text_is_cut_with_a_warning(client: AsyncWebClient) -> None:
    """Above 40,000 characters the text is truncated and the answer says so."""
    answer = await client.chat_postMessage(channel="C0MIGRATE", text="x" * 40_001)

    assert len(answer["message"]["text"]) == 40_000
    assert answer["warning"] == "message_truncated"


async def test_ts_is_unique_and_rising(client: AsyncWebClient) -> None:
    """Messages posted in the same instant still get rising ts."""
    stamps = [(await client.chat_postMessage(channel="C0MIGRATE", text=str(n)))["ts"] for n in range(5)]

    assert stamps == sorted(set(stamps))
    assert all(len(ts.split(".")[1]) == 6 for ts in stamps)


async def test_texts_come_back_escaped(client: AsyncWebClient) -> None:
    """& < > are stored as entities, mentions and links stay what they are, and nothing is escaped twice."""
    answer = await client.chat_postMessage(
        channel="C0MIGRATE",
        text="a & b < c &amp; <@U0BOB> <!subteam^S0ONCALL> <https://x.example/?a=1|x>",
        blocks=[{"type": "header", "text": {"type": "plain_text", "text": "R&D <prod>"}}],
    )

    stored = answer["message"]
    assert stored["text"] == "a &amp; b &lt; c &amp; <@U0BOB> <!subteam^S0ONCALL> <https://x.example/?a=1|x>"
    assert stored["blocks"][0]["text"] == {"type": "plain_text", "text": "R&amp;D &lt;prod&gt;", "emoji": True}
    assert stored["blocks"][0]["block_id"]


async def test_host_names_become_links_unless_verbatim(client: AsyncWebClient) -> None:
    """In mrkdwn a bare host name is linked and @here pings, except with verbatim or in code."""
    text = "hv01.contoso.com @here `hv02.contoso.com`"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
    ]
    answer = await client.chat_postMessage(channel="C0MIGRATE", text="t", blocks=blocks)

    parsed, verbatim = (block["text"]["text"] for block in answer["message"]["blocks"])
    assert parsed == "<http://hv01.contoso.com|hv01.contoso.com> <!here> `hv02.contoso.com`"
    assert verbatim == text


async def test_metadata_is_full_only_on_request(client: AsyncWebClient) -> None:
    """history returns the event_payload only with include_all_metadata."""
    metadata = {"event_type": "job_card", "event_payload": {"job": 7}}
    await client.chat_postMessage(channel="C0MIGRATE", text="card", metadata=metadata)

    short = await client.conversations_history(channel="C0MIGRATE")
    full = await client.conversations_history(channel="C0MIGRATE", include_all_metadata=True)

    assert short["messages"][0]["metadata"] == {"event_type": "job_card"}
    assert full["messages"][0]["metadata"] == metadata


async def test_a_thread_hangs_on_its_parent(lab: SlackLab, client: AsyncWebClient) -> None:
    """Replies stay out of history unless broadcast, come back from replies, and cannot be replied to."""
    root = (await client.chat_postMessage(channel="C0MIGRATE", text="root"))["ts"]
    reply = (await client.chat_postMessage(channel="C0MIGRATE", text="quiet", thread_ts=root))["ts"]
    await client.chat_postMessage(channel="C0MIGRATE", text="loud", thread_ts=root, reply_broadcast=True)

    history = await client.conversations_history(channel="C0MIGRATE")
    replies = await client.conversations_replies(channel="C0MIGRATE", ts=root)

    assert [one["text"] for one in history["messages"]] == ["loud", "root"]
    assert history["messages"][1]["reply_count"] == 2
    assert [one["text"] for one in replies["messages"]] == ["root", "quiet", "loud"]
    call = client.chat_postMessage(channel="C0MIGRATE", text="deep", thread_ts=reply)
    assert await refused(call) == "cannot_reply_to_message"


async def test_an_ephemeral_is_seen_by_one_person_and_kept_by_nobody(lab: SlackLab, client: AsyncWebClient) -> None:
    """It is in no history, cannot be updated, is gone on reload, and needs its reader in the channel."""
    ts = (await client.chat_postEphemeral(channel="C0MIGRATE", user="U0ALICE", text="psst"))["message_ts"]
    alice, bob = lab.person("alice"), lab.person("bob")

    assert alice.reads("#migrations") == "migrate-bot (only visible to you): psst"
    assert bob.reads("#migrations") == ""
    assert (await client.conversations_history(channel="C0MIGRATE"))["messages"] == []
    assert await refused(client.chat_update(channel="C0MIGRATE", ts=ts, text="louder")) == "message_not_found"
    stranger = client.chat_postEphemeral(channel="C0OTHER", user="U0BOB", text="psst")
    assert await refused(stranger) == "user_not_in_channel"
    alice.reload()
    assert alice.reads("#migrations") == ""


async def test_a_person_can_be_written_to_directly(lab: SlackLab, client: AsyncWebClient) -> None:
    """Posting to a user id reaches the direct message, whose D id edits need."""
    answer = await client.chat_postMessage(channel="U0ALICE", text="for you")

    assert answer["channel"].startswith("D")
    assert lab.person("alice").reads("@app") == "migrate-bot: for you"
    assert await refused(client.chat_update(channel="U0ALICE", ts=answer["ts"], text="x")) == "channel_not_found"
    await client.chat_update(channel=answer["channel"], ts=answer["ts"], text="x")
