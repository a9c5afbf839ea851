"""The smaller families of methods: conversations, users, user groups, files, scheduling, marks."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from tests.lab.slack.conftest import with_scopes


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


async def test_conversations_are_seen_as_far_as_the_app_may(client: AsyncWebClient) -> None:
    """Public channels are listed whether joined or not; private ones without the app do not exist."""
    public = await client.conversations_list(exclude_archived=True)
    private = await client.conversations_list(types="private_channel")
    info = await client.conversations_info(channel="C0OTHER", include_num_members=True)

    assert [one["name"] for one in public["channels"]] == ["migrations", "other"]
    assert private["channels"] == []
    assert (info["channel"]["is_member"], info["channel"]["num_members"]) == (False, 2)
    assert await refused(client.conversations_info(channel="C0PRIVATE")) == "channel_not_found"
    assert await refused(client.conversations_list(types="im")) == "missing_scope"


async def test_lists_come_in_pages(client: AsyncWebClient) -> None:
    """limit and cursor page through members."""
    first = await client.conversations_members(channel="C0MIGRATE", limit=4)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_members(channel="C0MIGRATE", limit=4, cursor=cursor)

    assert (len(first["members"]), len(second["members"])) == (4, 2)
    assert second["response_metadata"]["next_cursor"] == ""
    assert await refused(client.conversations_members(channel="C0MIGRATE", cursor="x")) == "invalid_cursor"


async def test_history_needs_membership_and_keeps_to_its_bounds(client: AsyncWebClient) -> None:
    """Not joined is not_in_channel; oldest and latest are exclusive unless inclusive."""
    stamps = [(await client.chat_postMessage(channel="C0MIGRATE", text=str(n)))["ts"] for n in range(3)]

    between = await client.conversations_history(channel="C0MIGRATE", oldest=stamps[0], latest=stamps[2])
    around = await client.conversations_history(channel="C0MIGRATE", oldest=stamps[0], latest=stamps[2], inclusive=True)

    assert [one["text"] for one in between["messages"]] == ["1"]
    assert [one["text"] for one in around["messages"]] == ["2", "1", "0"]
    assert await refused(client.conversations_history(channel="C0OTHER")) == "not_in_channel"
    assert await refused(client.conversations_replies(channel="C0MIGRATE", ts="1.000001")) == "thread_not_found"


async def test_joining_is_for_public_channels(lab: SlackLab, client: AsyncWebClient) -> None:
    """Public channels can be joined, private ones and archived ones cannot."""
    await client.conversations_join(channel="C0OTHER")

    assert lab.workspace.bot_id in lab.workspace.channel("#other").members
    private = await refused(client.conversations_join(channel="C0PRIVATE"))
    assert private == "method_not_supported_for_channel_type"
    assert await refused(client.conversations_join(channel="C0ARCHIVE")) == "is_archived"
    assert await refused(client.conversations_join(channel="C0NOWHERE")) == "channel_not_found"


async def test_direct_messages_are_opened(client: AsyncWebClient) -> None:
    """One user needs im:write, several mpim:write, and the same people lead to the same conversation."""
    first = await client.conversations_open(users=["U0ALICE"])
    again = await client.conversations_open(users=["U0ALICE"])

    assert first["channel"]["id"] == again["channel"]["id"]
    assert await refused(client.conversations_open(users=["U0ALICE", "U0BOB"])) == "missing_scope"
    assert await refused(client.conversations_open(users=["U0NOBODY"])) == "user_not_found"


async def test_people_can_be_looked_up(client: AsyncWebClient) -> None:
    """By id, by mail address, or all of them."""
    assert (await client.users_info(user="U0BOB"))["user"]["name"] == "bob"
    assert (await client.users_lookupByEmail(email="Carol@contoso.com"))["user"]["id"] == "U0CAROL"
    assert len((await client.users_list())["members"]) == 6
    assert await refused(client.users_info(user="U0NOBODY")) == "user_not_found"
    assert await refused(client.users_lookupByEmail(email="no@contoso.com")) == "users_not_found"


async def test_user_groups_say_who_is_in_them(lab: SlackLab, client: AsyncWebClient) -> None:
    """Members come with the disabled ones; unknown groups are no_such_subteam."""
    bob = lab.workspace.users["U0BOB"]
    lab.workspace.users["U0BOB"] = bob.model_copy(update={"deleted": True})

    assert (await client.usergroups_users_list(usergroup="S0APPROVE"))["users"] == ["U0BOB", "U0CAROL"]
    assert await refused(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    lab.workspace.set_group_users("S0APPROVE", ["U0DAVE"])
    groups = await client.usergroups_list(include_users=True)
    assert {one["id"]: one["users"] for one in groups["usergroups"]} == {
        "S0APPROVE": ["U0DAVE"],
        "S0ONCALL": ["U0DAVE"],
    }


async def test_user_groups_need_a_paid_plan() -> None:
    """On a free workspace both methods answer plan_upgrade_required."""
    async with SlackLab() as paid:
        free = paid.workspace.directory.model_copy(update={"user_groups_enabled": False})
    async with SlackLab(directory=free) as lab:
        client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
        assert await refused(client.usergroups_list()) == "plan_upgrade_required"


async def test_a_file_is_shared_into_a_thread(lab: SlackLab, client: AsyncWebClient) -> None:
    """files_upload_v2: three steps, and the file stands in the thread a moment later."""
    root = (await client.chat_postMessage(channel="C0MIGRATE", text="root"))["ts"]
    answer = await client.files_upload_v2(
        channel="C0MIGRATE",
        thread_ts=root,
        filename="plan.txt",
        content="web01",
        title="The plan",
        initial_comment="See",
    )
    channel = lab.workspace.channel("#migrations")
    (reply,) = await lab.workspace.changes.wait_for(lambda: channel.replies(root))

    assert answer["files"][0]["shares"] == {}
    assert lab.workspace.files.files[answer["file"]["id"]].content == b"web01"
    assert lab.transcript("#migrations").splitlines()[1:] == [
        "  ↳ migrate-bot:",
        "      See",
        "      📎 The plan (5 bytes)",
    ]
    assert reply.files[0]["name"] == "plan.txt"


async def test_files_are_checked(lab: SlackLab, client: AsyncWebClient, http: aiohttp.ClientSession) -> None:
    """No empty file, no wrong length, no second upload, no completion before the bytes came."""
    assert await refused(client.files_getUploadURLExternal(filename="a.log", length=0)) == "missing_argument"
    promised = await client.files_getUploadURLExternal(filename="a.log", length=3)
    files = [{"id": promised["file_id"], "title": "a"}]
    assert await refused(client.files_completeUploadExternal(files=files)) == "file_not_found"
    for content, status in ((b"four", 400), (b"abc", 200), (b"abc", 404)):
        async with http.post(promised["upload_url"], data=content) as response:
            assert response.status == status
    call = client.files_completeUploadExternal(files=files, channel_id="C0OTHER")
    assert await refused(call) == "not_in_channel"
    await client.files_completeUploadExternal(files=files)


async def test_a_scheduled_message_posts_in_time(lab: SlackLab, clock: ManualClock, client: AsyncWebClient) -> None:
    """It is listed until it posts; deleted ones and ones with metadata never do."""
    at = int(clock.now()) + 60
    metadata = {"event_type": "job", "event_payload": {}}
    await client.chat_scheduleMessage(channel="C0MIGRATE", text="later", post_at=at)
    await client.chat_scheduleMessage(channel="C0MIGRATE", text="never", post_at=at, metadata=metadata)
    gone = await client.chat_scheduleMessage(channel="C0MIGRATE", text="gone", post_at=at)
    listed = await client.chat_scheduledMessages_list(channel="C0MIGRATE")
    await client.chat_deleteScheduledMessage(channel="C0MIGRATE", scheduled_message_id=gone["scheduled_message_id"])
    clock.advance(60)

    assert [one["text"] for one in listed["scheduled_messages"]] == ["later", "never", "gone"]
    assert lab.transcript("#migrations") == "migrate-bot: later"
    assert (await client.chat_scheduledMessages_list())["scheduled_messages"] == []


@pytest.mark.parametrize(("delay_s", "error"), [(-1, "time_in_past"), (121 * 86_400, "time_too_far")])
async def test_schedules_have_a_horizon(clock: ManualClock, client: AsyncWebClient, delay_s: int, error: str) -> None:
    """Neither the past nor more than 120 days ahead."""
    call = client.chat_scheduleMessage(channel="C0MIGRATE", text="x", post_at=int(clock.now()) + delay_s)

    assert await refused(call) == error


async def test_thirty_scheduled_messages_per_five_minutes(clock: ManualClock, client: AsyncWebClient) -> None:
    """The thirty-first within five minutes of one channel is restricted_too_many."""
    at = int(clock.now()) + 600
    for number in range(30):
        await client.chat_scheduleMessage(channel="C0MIGRATE", text="x", post_at=at + number)

    assert (
        await refused(client.chat_scheduleMessage(channel="C0MIGRATE", text="x", post_at=at)) == "restricted_too_many"
    )


async def test_reactions_are_added_once(lab: SlackLab, client: AsyncWebClient) -> None:
    """A second time is already_reacted; the transcript shows the emoji."""
    ts = (await client.chat_postMessage(channel="C0MIGRATE", text="done"))["ts"]
    await client.reactions_add(channel="C0MIGRATE", timestamp=ts, name="tada")

    assert await refused(client.reactions_add(channel="C0MIGRATE", timestamp=ts, name="tada")) == "already_reacted"
    assert await refused(client.reactions_add(channel="C0MIGRATE", timestamp="1.0", name="x")) == "message_not_found"
    assert lab.transcript("#migrations").splitlines() == ["migrate-bot:", "  done", "  🎉 1"]


async def test_pins_and_bookmarks_with_their_scopes() -> None:
    """An app whose manifest asks for them can pin and bookmark, once each."""
    async with SlackLab(manifest=with_scopes("pins:write", "bookmarks:write")) as lab:
        client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
        ts = (await client.chat_postMessage(channel="C0MIGRATE", text="x"))["ts"]
        await client.pins_add(channel="C0MIGRATE", timestamp=ts)
        assert await refused(client.pins_add(channel="C0MIGRATE", timestamp=ts)) == "already_pinned"
        added = await client.bookmarks_add(channel_id="C0MIGRATE", title="Docs", type="link", link="https://x.example")
        assert added["bookmark"]["title"] == "Docs"
