"""What people read: the transcript and the page."""

from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from tests.support.lab_blocks import actions, button, plain, section


def rich(*texts: str) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": one} for one in texts]}


def row(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "raw_text", "text": one} for one in texts]


RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [{"type": "text", "text": "Log of "}, {"type": "user", "user_id": "U0BOB"}],
        },
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "line 1\nline 2"}]},
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [rich("first"), rich("second")],
        },
    ],
}
BLOCKS = [
    {"type": "header", "text": plain("Move web01 & web02 :rocket:")},
    section(
        "*web01* to `HV02` for <@U0ALICE> in <#C0MIGRATE>, <!subteam^S0ONCALL>",
        fields=[{"type": "mrkdwn", "text": "*Size*\n12 GB"}, {"type": "plain_text", "text": "5 min"}],
        accessory=button(text="Details"),
    ),
    {"type": "divider"},
    {
        "type": "context",
        "elements": [
            {"type": "mrkdwn", "text": "<!date^1700000000^{date_num} {time_secs}|then>"},
            {"type": "mrkdwn", "text": "a &lt; b"},
        ],
    },
    RICH,
    {"type": "table", "rows": [row("VM", "State"), row("web01", "ok")]},
    {
        "type": "plan",
        "title": "Moves",
        "tasks": [
            {"type": "task_card", "task_id": "1", "title": "web01", "status": "complete"},
            {"type": "task_card", "task_id": "2", "title": "web02", "status": "in_progress"},
        ],
    },
    actions(button(text="Approve"), button("no", text="Reject")),
]


async def test_blocks_read_like_text(lab: SlackLab, client: AsyncWebClient) -> None:
    """Every block becomes lines a person can read: names, dates, buttons, tables, plans."""
    root = (await client.chat_postMessage(channel="C0MIGRATE", text="fallback", blocks=BLOCKS))["ts"]
    await client.chat_postMessage(channel="C0MIGRATE", text="first\nsecond", thread_ts=root)

    assert lab.transcript("#migrations").splitlines() == [
        "migrate-bot:",
        "  # Move web01 & web02 🚀",
        "  web01 to HV02 for @alice in #migrations, @vm-oncall",
        "  Size 12 GB  |  5 min  [Details]",
        "  ────────────────────────",
        "  2023-11-14 22:13:20 · a < b",
        "  Log of @bob",
        "      line 1",
        "      line 2",
        "  1. first",
        "  2. second",
        "  VM     State",
        "  web01  ok",
        "  Moves",
        "  ✔ web01",
        "  ◐ web02",
        "  [Approve] [Reject]",
        "  ↳ migrate-bot:",
        "      first",
        "      second",
    ]


async def test_mrkdwn_reads_like_text(lab: SlackLab, client: AsyncWebClient) -> None:
    """Marks are dropped, links show their label, quotes keep their sign, snake_case and * in code survive."""
    text = "_i_ ~s~ *b* snake_case_name `a * b` <https://x.example|label>\n"
    text += "&gt; quoted\n```\ncode *x*\n```\n5 * 3 * 2"
    await client.chat_postMessage(channel="C0MIGRATE", text=text)

    assert lab.transcript("#migrations").splitlines() == [
        "migrate-bot:",
        "  i s b snake_case_name a * b label",
        "  > quoted",
        "      code *x*",
        "  5 * 3 * 2",
    ]


async def test_the_page_escapes_everything(lab: SlackLab, client: AsyncWebClient, http: aiohttp.ClientSession) -> None:
    """Nothing an app or a person wrote can become markup; no script but the page's own may run."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    await client.chat_postMessage(
        channel="C0MIGRATE",
        text=evil,
        blocks=[
            {"type": "header", "text": plain(evil)},
            section(evil, accessory=button(text=evil)),
            {"type": "rich_text", "elements": [rich(evil)]},
        ],
    )
    await lab.person("alice").say("#migrations", evil)
    async with http.get(f"{lab.base_url}/channel/migrations?as=alice") as response:
        html = await response.text()
        policy = response.headers["Content-Security-Policy"]

    assert html.count("<script") == 1
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "default-src 'none'" in policy


async def test_the_page_shows_cards_threads_and_own_ephemerals(
    lab: SlackLab, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    """The page draws buttons and the thread; an ephemeral only for its reader."""
    root = (await client.chat_postMessage(channel="C0MIGRATE", text="f", blocks=BLOCKS))["ts"]
    await client.chat_postMessage(channel="C0MIGRATE", text="reply", thread_ts=root)
    await client.chat_postEphemeral(channel="C0MIGRATE", user="U0ALICE", text="psst")

    pages = {}
    for viewer in ("alice", "bob"):
        async with http.get(f"{lab.base_url}/channel/migrations?as={viewer}") as response:
            pages[viewer] = await response.text()

    assert '<span class="button ">' in pages["bob"]
    assert "1 reply" in pages["bob"]
    assert "psst" in pages["alice"]
    assert "psst" not in pages["bob"]
    async with http.get(f"{lab.base_url}/channel/nowhere") as missing:
        assert missing.status == 404


async def test_the_page_shows_pictures(lab: SlackLab, client: AsyncWebClient, http: aiohttp.ClientSession) -> None:
    """A PNG stands below its name, as in Slack; another file is only named."""
    for name, content in (("seen.png", b"\x89PNG\r\n\x1a\nrest"), ("read.txt", b"words")):
        await client.files_upload_v2(channel="C0MIGRATE", filename=name, content=content, title=name)
    async with http.get(f"{lab.base_url}/channel/migrations") as response:
        html = await response.text()
        assert "img-src data:" in response.headers["Content-Security-Policy"]
    assert html.count('<img class="picture" alt="" src="data:image/png;base64,') == 1
    assert "read.txt" in html
