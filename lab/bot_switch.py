"""The bot's process behind HTTP: whether it runs, what it logged last, and killing and starting it again."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from lab.process import BotProcess

_LOG_LINES = 40


class _Switch(BaseModel):
    """An order to the bot's process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Literal["kill", "stop", "start"]


class BotSwitch:
    """Turns one bot off and on. Its process is given later, as it needs the site that serves this."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        """`words` are those of the bot's command, by kind; the page offers them while somebody types."""
        self.process: BotProcess | None = None
        self._words = {kind: list(some) for kind, some in words.items()}
        self._turn = asyncio.Lock()
        self.app = web.Application()
        self.app.router.add_get("/state", self._state)
        self.app.router.add_get("/words", self._tell_words)
        self.app.router.add_post("/switch", self._switch)

    async def _tell_words(self, _: web.Request) -> web.Response:
        return web.json_response(self._words)

    async def _state(self, _: web.Request) -> web.Response:
        if self.process is None:
            return web.json_response({"is_running": False, "log": []})
        text = await asyncio.to_thread(self.process.log.read_text, encoding="utf-8", errors="replace")
        return web.json_response({"is_running": self.process.is_running, "log": text.splitlines()[-_LOG_LINES:]})

    async def _switch(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return web.json_response({"error": "send application/json"}, status=415)
        try:
            order = _Switch.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response({"error": str(error)}, status=400)
        process = self.process
        if process is None:
            return web.json_response({"error": "there is no bot yet"}, status=409)
        async with self._turn:  # two people may press at once
            if order.do == "kill":
                await process.kill()
            elif order.do == "stop":
                await process.stop()
            elif not process.is_running:
                await process.start()
        return web.json_response({"is_running": process.is_running})
