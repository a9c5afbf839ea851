"""Promises of the built pages (`make docs`), in a browser, as the bot answers them at /docs."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from bot import doc_pages
from tests.support.markdown_pages import ROOT

FOLDER = ROOT / "build" / "docs"
PAGES = sorted(file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.html"))

pytestmark = [
    pytest.mark.skipif(not PAGES, reason="build/docs is not there: `make docs` builds it"),
    pytest.mark.asyncio(loop_scope="module"),
]


class Reader:
    """Somebody who reads: what his browser asked of others, and what scripts complained of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.elsewhere.append(url)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.address}/docs/{path}", wait_until="load")


@pytest_asyncio.fixture(loop_scope="module")
async def reader(browser: Browser) -> AsyncIterator[Reader]:
    app = web.Application()
    doc_pages.add_to(app, FOLDER)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    window = await browser.new_context()
    reading = Reader(await window.new_page(), f"http://{host}:{port}")
    yield reading
    await window.close()
    await runner.cleanup()
    assert reading.elsewhere == []
    assert reading.complaints == []


async def test_no_page_asks_anything_of_another_server(reader: Reader) -> None:
    """Every page is opened: nothing is fetched from elsewhere, each picture is there, no script complains."""
    for path in PAGES:
        await reader.open(path)
        missing = await reader.page.evaluate(
            "[...document.images].filter((one) => one.complete && !one.naturalWidth).map((one) => one.src)"
        )
        assert missing == [], path


async def test_the_search_leads_to_a_page(reader: Reader) -> None:
    """From a page in a folder: what is found is opened."""
    await reader.open("guide/try.html")
    await reader.page.get_by_placeholder("Search").first.fill("CredSSP")
    await reader.page.keyboard.press("Enter")
    found = reader.page.locator("#search-results a").first
    await expect(found).to_be_visible()
    await found.click()
    await expect(reader.page.get_by_role("main")).to_contain_text("CredSSP")
    assert urlsplit(reader.page.url).path.startswith("/docs/")


async def test_a_job_is_played_and_stepped_through(reader: Reader) -> None:
    """It stands at its end; from the beginning each step says the next thing, and playing goes on by itself."""
    await reader.open("generated/timeline.html")
    player = reader.page.locator(".timeline-player")
    said, time = player.locator(".said li"), player.locator("output")
    await expect(time).to_have_text("08:26:11")
    await expect(said.last).to_contain_text("J1 is over")
    await expect(reader.page.get_by_role("img", name="A bar for each try")).to_be_hidden()
    await player.get_by_role("button", name="To the beginning").click()
    await expect(said).to_have_count(1)
    await player.get_by_role("button", name="One step on").click()
    await expect(said.last).to_contain_text("is moving")
    await player.get_by_role("button", name="One step back").click()
    await expect(time).to_have_text("08:00:00")
    await player.get_by_role("button", name="Play").click()
    await expect(time).not_to_have_text("08:00:00")
    await expect(said).not_to_have_count(1)
    await player.get_by_role("button", name="Pause").click()
    await expect(player.get_by_role("button", name="Play")).to_be_visible()
    await player.get_by_role("slider", name="Time").fill("900")
    await expect(player.locator(".chart .label", has_text="app01")).to_contain_text("moves")
    await expect(player.locator(".chart .label", has_text="HV01")).to_contain_text("3 of 3")
