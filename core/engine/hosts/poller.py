"""Polls one host: often while open moves concern it, seldom otherwise, rarely while it is silent."""

import asyncio
import logging

from core.backoff import delay_s, doubling
from core.domain.model.inventory import HostName, Snapshot
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.errors import HostError
from core.ports import Clock, HostGateway
from core.tasks import wait_for

log = logging.getLogger(__name__)

LONGEST_SILENCE_S = 60.0
"""A silent host is asked again at least this often."""


class HostPoller:
    """The poll loop of one host. One call at a time serves everybody who wants to know."""

    def __init__(
        self,
        host: HostName,
        gateway: HostGateway,
        snapshot_cache: SnapshotCache,
        clock: Clock,
        *,
        poll_busy_s: float,
        poll_idle_s: float,
    ) -> None:
        self.host = host
        self.is_busy = False
        """Whether open moves concern this host; the dispatcher says."""
        self._gateway = gateway
        self._snapshot_cache = snapshot_cache
        self._clock = clock
        self._poll_busy_s = poll_busy_s
        self._poll_idle_s = poll_idle_s
        self._backoff = doubling(poll_busy_s, min(LONGEST_SILENCE_S, 64 * poll_busy_s))
        self._failures = 0
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[Snapshot | None]] = []

    async def fresh(self) -> Snapshot | None:
        """Return a snapshot asked for after this call began, or None when the host does not answer."""
        answer: asyncio.Future[Snapshot | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._wanted.set()
        return await answer

    def wake(self) -> None:
        """Ask the host soon: something changed there."""
        self._wanted.set()

    async def run(self) -> None:
        """Observe for ever."""
        try:
            while True:
                try:
                    await self._ask()
                except Exception:  # a bug must not leave a host unwatched while everything seems well
                    self._failures += 1
                    log.exception("looking at %s broke; it is looked at again", self.host)
                await self._pause()
        finally:
            self._answer(self._waiting, None)

    async def _ask(self) -> None:
        self._wanted.clear()
        waiting, self._waiting = self._waiting, []
        snapshot: Snapshot | None = None
        try:
            snapshot = await self._gateway.observe(self.host)
        except HostError as error:
            self._failures += 1
            if self._snapshot_cache.silent(self.host, error, self._clock.now()):
                log.warning("%s %s: %s", self.host, error.standing, error.message)
        else:
            if self._failures:
                log.info("%s can be looked at again", self.host)
            self._failures = 0
            self._snapshot_cache.put(snapshot)
        finally:
            self._answer(waiting, snapshot)

    async def _pause(self) -> None:
        """Wait until the next look: less for news, but a silent host is left in peace however many want to know."""
        if self._failures:
            await self._clock.sleep(delay_s(self._backoff, self._failures))
            return
        await wait_for(self._wanted, self._poll_busy_s if self.is_busy else self._poll_idle_s)

    @staticmethod
    def _answer(waiting: list[asyncio.Future[Snapshot | None]], snapshot: Snapshot | None) -> None:
        for answer in waiting:
            if not answer.done():
                answer.set_result(snapshot)
        waiting.clear()
