"""Promises of ``migrate-bot drill`` in a browser: a link leads to its page, which tells what the team did."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from lab.drill import drilled
from lab.drills.drill import load_drill
from tests.browser.accessible import hindrances
from tests.browser.windows import Windows, types
from tests.support.eventually import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_drill_is_read_ended_and_told(browser: Browser, tmp_path: Path) -> None:
    """The briefing is a link away; "End the drill" shows who typed what, and what would have been better."""
    async with drilled(load_drill("slack-away"), tmp_path, speed=60.0) as (here, bot, stage):
        await here.slack.workspace.changes.wait_for(lambda: here.slack.sockets.connections, PATIENCE_S)
        playing = asyncio.create_task(stage.play(here, bot))
        windows = Windows(here, bot, browser)
        alice = await windows.open("alice")
        await types(alice, "/migrate web01 from HV01 to HV02")
        async with alice.context.expect_page() as opened:
            await alice.get_by_role("link", name="The drill").click()
        page = await opened.value
        page.on("pageerror", lambda error: windows.complaints.append(str(error)))
        page.on("console", lambda message: windows.complaints.append(message.text))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Slack is away")
        await page.evaluate("window.wasNeverReloaded = true")
        assert await hindrances(page) == []
        await page.get_by_role("button", name="End the drill").click()
        async with asyncio.timeout(PATIENCE_S):
            await playing
        await expect(page.get_by_text("Somebody ended it.")).to_be_visible()
        await expect(page.get_by_role("table", name="What the team did")).to_contain_text(
            "types /migrate web01 from HV01 to HV02"
        )
        await expect(page.get_by_text("web01 is on HV01.")).to_be_visible()
        await expect(page.get_by_text("Better: Nothing has to be done for them")).to_be_visible()
        await expect(page.locator("#drill")).not_to_contain_text("null")
        assert await hindrances(page) == []
        await windows.close()
        assert windows.complaints == []
