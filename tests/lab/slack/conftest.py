import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.manifest import Manifest, load_manifest
from tests.support.eventually import PATIENCE_S


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk takes a proxy from the environment and ignores NO_PROXY."""
    for name in [one for one in os.environ if one.lower() in {"http_proxy", "https_proxy"}]:
        monkeypatch.delenv(name)


MORE = ("channels:join", "reactions:write", "users:read.email")
"""What the bot has no use for, and other apps do."""


def with_scopes(*more: str) -> Manifest:
    """Return the bot's manifest as of an app that asks for more."""
    manifest = load_manifest()
    scopes = manifest.oauth_config.scopes.model_copy(update={"bot": (*manifest.scopes, *more)})
    return manifest.model_copy(update={"oauth_config": manifest.oauth_config.model_copy(update={"scopes": scopes})})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def lab(clock: ManualClock) -> AsyncIterator[SlackLab]:
    async with SlackLab(clock=clock, manifest=with_scopes(*MORE)) as lab:
        yield lab


@pytest.fixture
def client(lab: SlackLab) -> AsyncWebClient:
    return AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def app(lab: SlackLab) -> AsyncIterator[AsyncApp]:
    """A Bolt app over Socket Mode; listeners may be added while it runs."""
    app = AsyncApp(client=AsyncWebClient(token=lab.bot_token, base_url=lab.api_url))
    handler = AsyncSocketModeHandler(app, lab.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call]


class RawSocket:
    """An app that speaks the frames of Socket Mode itself."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def frame(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            frame: dict[str, Any] = await self.socket.receive_json()
            return frame

    async def ack(self, envelope: dict[str, Any], payload: Any = None) -> None:
        body = {"envelope_id": envelope["envelope_id"]}
        await self.socket.send_json(body if payload is None else {**body, "payload": payload})


@pytest.fixture
async def connect(lab: SlackLab, http: aiohttp.ClientSession) -> Any:
    """Open raw websockets; each has already said hello."""

    async def url() -> str:
        headers = {"Authorization": f"Bearer {lab.app_token}"}
        async with http.post(f"{lab.api_url}apps.connections.open", headers=headers) as response:
            answer: dict[str, str] = await response.json()
            return answer["url"]

    @asynccontextmanager
    async def opened(suffix: str = "") -> AsyncIterator[RawSocket]:
        async with http.ws_connect(await url() + suffix, autoping=False) as socket:
            raw = RawSocket(socket)
            assert (await raw.frame())["type"] == "hello"
            # The server counts the connection right after its hello.
            await lab.workspace.changes.wait_for(lambda: lab.sockets.connections)
            yield raw

    opened.url = url  # type: ignore[attr-defined]
    return opened
