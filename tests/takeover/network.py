"""A stretch of network between a bot and its database, that can swallow everything without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url


class Stretch:
    """A TCP proxy. While ``is_open`` is unset nothing passes, either way, and nobody is told."""

    def __init__(self, host: str, port: int) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.port = 0
        self._to = host, port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        onward_reader, onward_writer = await asyncio.open_connection(*self._to)
        self._writers |= {writer, onward_writer}
        for source, target in ((reader, onward_writer), (onward_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(1 << 16):
                await self.is_open.wait()
                target.write(data)
                await target.drain()
        await self.is_open.wait()
        target.close()

    async def close(self) -> None:
        """Drop every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def stretch(url: str) -> AsyncIterator[tuple[Stretch, str]]:
    """Lay one in front of a database; yields it with the URL that leads through it."""
    parsed = make_url(url)
    network = Stretch(parsed.host or "127.0.0.1", parsed.port or 5432)
    server = await asyncio.start_server(network.carry, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    through = parsed.set(host="127.0.0.1", port=network.port)
    try:
        yield network, through.render_as_string(hide_password=False)
    finally:
        network.is_open.set()
        server.close()
        await network.close()
        await server.wait_closed()
