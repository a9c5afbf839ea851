"""Windows of a real browser, each of somebody else, on one workspace; and what every one of them must hold to."""

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageChops, ImageStat
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, expect

from lab.process import BotProcess
from lab.site import Site
from tests.support.eventually import PATIENCE_S

ZONE = "Europe/Berlin"
IMAGES = Path(__file__).parents[2] / "docs" / "images"
LIKENESS = 12.0
"""How far a picture may be from that of the pages, of 255 on average and looked at from afar: other letters, times and
percentages are less, a part that is missing is more."""
_FROM_AFAR = (64, 44)
COMPOSER = "Message, or / for a command"


@dataclass
class Windows:
    """The open windows of one test."""

    here: Site
    bot: BotProcess
    browser: Browser
    are_pictures_renewed: bool = False
    complaints: list[str] = field(default_factory=list)
    _who: set[str] = field(default_factory=set)
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def open(self, who: str, *, width: int = 1280, height: int = 860, channel: str = "migrations") -> Page:
        """Open a window as somebody; what its scripts complain about is kept."""
        context = await self.browser.new_context(viewport={"width": width, "height": height}, timezone_id=ZONE)
        self._contexts.append(context)
        self._who.add(who)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)

        def complain(error: Error) -> None:
            self.complaints.append(f"{who}: {error}")

        def listen(message: ConsoleMessage) -> None:
            # What somebody does may be on its way when the bot takes its form or card off the screen: that is answered
            # with 404, which the page tells in words and the browser in its console.
            url = str(message.location.get("url", ""))
            is_late = "/control/" in url and "404" in message.text
            if message.type in {"error", "warning"} and not is_late:
                self.complaints.append(f"{who}: {message.text} {url}")

        page.on("pageerror", complain)
        page.on("console", listen)
        await page.goto(f"{self.here.slack.base_url}/?as={who}&in={channel}")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(channel)
        await page.evaluate("window.wasNeverReloaded = true")
        return page

    async def picture(self, page: Page, name: str) -> None:
        """Compare what is on the screen with the picture of the pages, or renew that."""
        seen = await page.screenshot(animations="disabled")
        stored = IMAGES / f"try-{name}.png"
        if self.are_pictures_renewed:
            Image.open(io.BytesIO(seen)).convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(
                stored, optimize=True
            )
        differs = ImageChops.difference(_from_afar(io.BytesIO(seen)), _from_afar(stored))
        assert ImageStat.Stat(differs).mean[0] < LIKENESS, f"{name} is not what docs/images shows"

    async def close(self) -> None:
        for context in self._contexts:
            for page in context.pages:
                assert await page.evaluate("window.wasNeverReloaded"), page.url
            await context.close()
        self._contexts.clear()
        for person in (self.here.slack.person(name) for name in self._who):
            if person.view is not None:
                await person.close(everything=True)


def _from_afar(picture: Path | io.BytesIO) -> Image.Image:
    return Image.open(picture).convert("L").resize(_FROM_AFAR, Image.Resampling.BOX)


async def types(page: Page, line: str) -> None:
    """Type a line into the composer and send it."""
    composer = page.get_by_role("combobox", name=COMPOSER)
    await composer.fill(line)
    await composer.press("Enter")


def card(page: Page, words: str) -> Locator:
    """Find the channel's newest message of the bot that holds these words in its headline."""
    return (
        page.get_by_role("log", name="Messages").locator("article").filter(has=page.get_by_role("heading", name=words))
    )


async def presses(card_: Locator, label: str, answer: str = "") -> None:
    """Press a button of a message, and answer its dialog."""
    await card_.get_by_role("button", name=label, exact=True).click()
    if answer:
        await card_.page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()
