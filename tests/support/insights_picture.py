"""Draws the picture of the month that ``past_example`` tells: ``python -m tests.support.insights_picture``."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.messages.insights_image import picture
from core.domain.reporting.insights import Insights, insights
from core.store import SqlStore
from tests.support.databases import database_url
from tests.support.markdown_pages import ROOT
from tests.support.past_example import a_month

FILE = ROOT / "docs" / "images" / "insights.png"
_UNTIL = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


async def month() -> Insights:
    """Judge that month."""
    with tempfile.TemporaryDirectory() as folder:
        await a_month(Path(folder), _UNTIL)
        store = SqlStore(database_url(Path(folder) / "bot.db"))
        await store.open()
        try:
            return insights(await store.past(_UNTIL - timedelta(days=30), _UNTIL))
        finally:
            await store.close()


if __name__ == "__main__":
    FILE.write_bytes(picture(asyncio.run(month())))
