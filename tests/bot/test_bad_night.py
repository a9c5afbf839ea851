"""A night in which Slack takes nothing, loses the card and closes the channel."""

from pathlib import Path

from tests.bot.bad_night import page
from tests.support.markdown_pages import read


async def test_the_page_shows_the_night(tmp_path: Path) -> None:
    """docs/generated/bad-night.md is what happens: each page reaches somebody, and all else is told in order."""
    assert (await page(tmp_path)).splitlines() == read("docs/generated/bad-night.md").splitlines()
