import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from lab.hyperv.world.fleet import load_fleet
from lab.process import BotProcess
from lab.site import Site
from lab.try_it import FLEET, tried
from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.windows import Windows
from tests.support.eventually import PATIENCE_S

SPEED = 60.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="write the pictures of docs/images anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium() is None:
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason="no chromium is installed"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    # The page and the lab are on loopback: no proxy of the surroundings between them.
    environment: dict[str, str | float | bool] = {
        key: value for key, value in os.environ.items() if "proxy" not in key.casefold()
    }
    expect.set_options(timeout=PATIENCE_S * 1000)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium(), args=list(ARGUMENTS), env=environment, timeout=PATIENCE_S * 1000
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Site, BotProcess]]:
    """What `migrate-bot try` starts, three times as fast."""
    folder = tmp_path_factory.mktemp("try")
    told: dict[str, Any] = {"stuck_after": "8s", "assumed_speed_mb_s": 600_000}
    async with tried(load_fleet(FLEET), folder, speed=SPEED, **told) as (here, bot):
        await here.slack.workspace.changes.wait_for(lambda: here.slack.sockets.connections, PATIENCE_S)
        yield here, bot


@pytest_asyncio.fixture(loop_scope="module")
async def windows(
    browser: Browser, running: tuple[Site, BotProcess], request: pytest.FixtureRequest
) -> AsyncIterator[Windows]:
    """No script of the page may complain, and no window may have been loaded anew."""
    opened = Windows(*running, browser, are_pictures_renewed=request.config.getoption("--pictures", default=False))
    yield opened
    await opened.close()
    assert opened.complaints == []
