"""Promises of ``[slack] docs``: the built pages at /docs of the health port, when they are asked for."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from bot import doc_pages
from core.config import SlackSettings
from core.errors import SettingsError
from tests.bot.conftest import Opening
from tests.bot.test_health_on_lab import free_port


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    (folder / "guide").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>migrate-bot</h1>", encoding="utf-8")
    (folder / "guide" / "operate.html").write_text("<h1>Operate</h1>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("outside", encoding="utf-8")
    return folder


async def test_the_pages_are_answered_at_docs(office: Opening, pages: Path) -> None:
    """/docs leads to the first page; a page may ask nothing of elsewhere; nothing outside the folder is answered."""
    address = f"127.0.0.1:{free_port()}"
    async with (
        office(slack={"health": address, "docs": str(pages)}),
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        for path in ("/docs", "/docs/"):
            async with session.get(path) as answer:
                assert (answer.status, answer.url.path) == (200, "/docs/index.html")
                assert await answer.text() == "<h1>migrate-bot</h1>"
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        async with session.get("/docs/guide/operate.html") as answer:
            assert await answer.text() == "<h1>Operate</h1>"
        for path in ("/docs/../secret.txt", "/docs/%2e%2e/secret.txt", "/docs/guide", "/docs/missing.html"):
            async with session.get(path) as answer:
                assert answer.status in {403, 404}, path
        async with session.get("/health") as answer:
            assert answer.status == 200
            assert "Content-Security-Policy" not in answer.headers


async def test_the_pages_are_off_by_default(office: Opening) -> None:
    """Without the setting nothing is at /docs."""
    address = f"127.0.0.1:{free_port()}"
    async with (
        office(slack={"health": address}),
        aiohttp.ClientSession(f"http://{address}") as session,
        session.get("/docs") as answer,
    ):
        assert answer.status == 404


def test_a_folder_without_pages_is_said_at_the_start(tmp_path: Path) -> None:
    """A bot that is told of pages that are not there does not start, and says so."""
    with pytest.raises(SettingsError, match="no built pages"):
        doc_pages.add_to(web.Application(), tmp_path)


def test_pages_need_an_address() -> None:
    """Docs without health would be answered nowhere: the settings say so."""
    with pytest.raises(ValidationError, match="health, which is empty"):
        SlackSettings(docs="/opt/migrate-bot/docs")
