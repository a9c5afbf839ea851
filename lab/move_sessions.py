"""The sessions of moves as a client without a wire has them: what they cost, and how many wait for the next moves."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from core.domain.model.inventory import HostName
from lab.hyperv.remoting.shells import SessionPrices

KEEP_S = 90.0
"""For so long a session waits for a move that nobody expects, or expects no more."""


class MoveSessions:
    """Sessions at a price: kept when a move has ended, and opened beforehand for moves that are expected.

    ``spare`` is how many wait unused with one host; with 0 each move pays for a session of its own.
    """

    def __init__(self, prices: SessionPrices, spare: int) -> None:
        self.opened = 0
        self.most: Counter[HostName] = Counter()
        """The most sessions a host had at once."""
        self._price_s = prices.logon_s + prices.first_command_s
        self._spare = spare
        self._unused: Counter[HostName] = Counter()
        self._wanted_at = dict[HostName, float]()
        self._used: Counter[HostName] = Counter()
        self._opening: defaultdict[HostName, list[asyncio.Task[None]]] = defaultdict(list)

    def expect(self, sources: Mapping[HostName, int]) -> None:
        """Open what is missing for so many moves from each host; let go of what others did not want for a while."""
        now = asyncio.get_running_loop().time()
        for host, wanted_at in self._wanted_at.items():
            if host not in sources and now - wanted_at > KEEP_S:
                self._unused[host] = 0
        for host, moves in sources.items():
            self._wanted_at[host] = now
            missing = min(moves, self._spare) - self._unused[host] - len(self._opening[host])
            self._opening[host] += [asyncio.create_task(self._make_ready(host)) for _ in range(missing)]

    @asynccontextmanager
    async def one(self, host: HostName) -> AsyncIterator[None]:
        """Use a session: one that waits, one that is being opened, or a new one."""
        if self._unused[host]:
            self._unused[host] -= 1
        elif self._opening[host]:
            await self._opening[host].pop(0)
        else:
            await self._open()
        self._used[host] += 1
        self._note(host)
        try:
            yield
        finally:
            self._used[host] -= 1
            self._wanted_at[host] = asyncio.get_running_loop().time()
            self._unused[host] = min(self._unused[host] + 1, self._spare)

    async def close(self) -> None:
        """Open nothing more."""
        for task in [task for tasks in self._opening.values() for task in tasks]:
            task.cancel()

    async def _open(self) -> None:
        self.opened += 1
        await asyncio.sleep(self._price_s)

    async def _make_ready(self, host: HostName) -> None:
        await self._open()
        me = asyncio.current_task()
        if me in self._opening[host]:  # nobody took it meanwhile
            self._opening[host].remove(me)
            self._unused[host] += 1
            self._note(host)

    def _note(self, host: HostName) -> None:
        self.most[host] = max(self.most[host], self._unused[host] + self._used[host])
