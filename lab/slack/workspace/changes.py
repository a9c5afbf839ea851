"""Tells whoever waits that something changed in the workspace, so that nobody has to poll."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what happened, where, to what, and who sees it.

    Kinds: `message.posted`, `message.updated`, `message.deleted`, `message.reacted`, `ephemeral.posted`, `view.opened`,
    `view.updated`, `view.closed`, `home.published`, `failure.seen`, `event.acked`, `event.missed`, `envelope.sent`,
    `socket.opened`, `socket.closed`, `call`. The subject is the ts, view id, event type or method.
    """

    kind: str
    channel_id: str = ""
    subject: str = ""
    user_id: str = ""


class Changes:
    """The stream of changes, for whoever waits for one."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Change]] = set()

    def publish(self, change: Change) -> None:
        for queue in tuple(self._queues):
            queue.put_nowait(change)

    @contextmanager
    def subscribed(self) -> Iterator[asyncio.Queue[Change]]:
        """Collect every change from now on until the block ends."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def stream(self) -> AsyncGenerator[Change, None]:
        """Every change from now on."""
        with self.subscribed() as queue:
            while True:
                yield await queue.get()

    async def wait_for(self, predicate: Callable[[], T | None], timeout_s: float = 60.0) -> T:
        """Return the first truthy answer of `predicate`, asked now and after every change.

        Raise TimeoutError, naming the last changes, when `timeout_s` real seconds pass first.
        """
        seen: list[Change] = []
        with self.subscribed() as queue, suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while True:
                    if answer := predicate():
                        return answer
                    seen.append(await queue.get())
        last = ", ".join(f"{change.kind} {change.subject}".strip() for change in seen[-8:]) or "nothing"
        raise TimeoutError(f"waited {timeout_s:g} s in vain; last changes: {last}")
