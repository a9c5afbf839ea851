"""Makes the moving picture of the README: alice asks in one window, bob approves in the other, the VMs move.

``python -m tests.browser.animation`` writes docs/images/try.gif.
"""

import asyncio
import io
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, async_playwright, expect

from lab.hyperv.world.fleet import load_fleet
from lab.try_it import FLEET, tried
from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.windows import COMPOSER, IMAGES, Windows, card
from tests.support.eventually import PATIENCE_S

_WIDTH, _HEIGHT, _GAP = 620, 600, 8
_LINE = "/migrate web01,db01 from HV01 to HV02"
_COLOURS = 96
_WATCHED = 6


class _Film:
    """Both windows side by side, picture after picture, each with how long it is shown."""

    def __init__(self, *pages: Page) -> None:
        self._pages = pages
        self._pictures: list[Image.Image] = []
        self._shown_ms: list[int] = []

    async def take(self, shown_ms: int) -> None:
        both = Image.new("RGB", (2 * _WIDTH + _GAP, _HEIGHT), "#1f2a44")
        for number, page in enumerate(self._pages):
            seen = Image.open(io.BytesIO(await page.screenshot(animations="disabled")))
            both.paste(seen, (number * (_WIDTH + _GAP), 0))
        self._pictures.append(both.quantize(_COLOURS, dither=Image.Dither.NONE))
        self._shown_ms.append(shown_ms)

    def save(self, file: Path) -> None:
        first, *rest = self._pictures
        first.save(file, save_all=True, append_images=rest, duration=self._shown_ms, loop=0, optimize=True)


async def _play(windows: Windows) -> None:
    alice, bob = [await windows.open(name, width=_WIDTH, height=_HEIGHT) for name in ("alice", "bob")]
    film = _Film(alice, bob)
    composer = alice.get_by_role("combobox", name=COMPOSER)
    await film.take(900)
    for end in (9, 14, 22, len(_LINE)):
        await composer.fill(_LINE[:end])
        await film.take(500)
    await film.take(900)
    await composer.press("Enter")
    await expect(card(bob, "move 2 VMs").get_by_role("button", name="Approve")).to_be_visible()
    await film.take(1800)
    await card(bob, "move 2 VMs").get_by_role("button", name="Approve").click()
    await film.take(1200)
    await bob.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await card(alice, "moving 2 VMs").get_by_role("button", name=re.compile("repl")).click()
    for _ in range(_WATCHED):
        await film.take(700)
        await asyncio.sleep(1.0)
    await expect(card(bob, "2 VMs moved")).to_be_visible()
    await film.take(3500)
    await asyncio.to_thread(film.save, IMAGES / "try.gif")


async def _main() -> None:
    expect.set_options(timeout=PATIENCE_S * 1000)
    with tempfile.TemporaryDirectory() as folder:
        async with tried(load_fleet(FLEET), Path(folder)) as (here, bot), async_playwright() as playwright:
            await here.slack.workspace.changes.wait_for(lambda: here.slack.sockets.connections, PATIENCE_S)
            browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
            await _play(Windows(here, bot, browser))
            await browser.close()


if __name__ == "__main__":
    asyncio.run(_main())
