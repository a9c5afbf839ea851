"""Looks over what a window shows: controls without a name, letters that are hard to tell from what is behind."""

from pathlib import Path

from playwright.async_api import Page

_LOOK = Path(__file__).with_name("hindrances.js").read_text(encoding="utf-8")


async def hindrances(page: Page) -> list[str]:
    """Return what would keep somebody from using what is on the screen."""
    found: list[str] = await page.evaluate(_LOOK)
    return found
