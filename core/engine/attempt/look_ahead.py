"""Looks at the hosts of the moves that start next while the move before them is still being verified."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName, Inspection
from core.domain.model.move import Move, MoveId
from core.domain.scheduling.next_in_line import NextInLine
from core.engine.hosts.machines import Machines
from core.errors import HostError
from core.ports import Clock, HostGateway

MAX_AGE = timedelta(seconds=5)
"""An order goes out on what its hosts showed no longer ago."""

Pair = tuple[Inspection, Inspection]


async def look_at(gateway: HostGateway, machines: Machines, move: Move) -> Pair:
    """Inspect both hosts of a move, and the VM on its source.

    Raises:
        HostError: a host cannot be looked at, or another machine answers for it.

    """
    source, destination = await asyncio.gather(
        gateway.inspect(move.source, [move.vm_id]), gateway.inspect(move.destination, [])
    )
    for inspection in (source, destination):
        await machines.check(inspection.snapshot)
    return source, destination


@dataclass(frozen=True, slots=True)
class _Look:
    move: Move
    asked_at: datetime
    task: "asyncio.Task[Pair]"


class LookAhead:
    """The looks that were begun before their moves have a slot: a start need not wait for one then.

    They only ever speed up a start: whatever speaks against one is to be looked at anew.
    """

    def __init__(self, gateway: HostGateway, machines: Machines, clock: Clock) -> None:
        self._gateway = gateway
        self._machines = machines
        self._clock = clock
        self._line = NextInLine()
        self._looks: dict[MoveId, _Look] = {}
        self._started = set[MoveId]()
        """What has started since the line was known."""

    async def expect(self, line: NextInLine) -> None:
        """Take what starts next, and have what its start needs made ready."""
        self._line = line
        self._started.clear()
        await self._gateway.expect_moves(line.sources())

    def begin(self, ended: Move) -> None:
        """Look at the hosts of what starts when this move, whose command has returned, gives back its slots."""
        now = self._clock.steady_now()
        self._forget_old(now)
        for move in self._line.after(ended, self._looks.keys() | self._started):
            task = asyncio.create_task(look_at(self._gateway, self._machines, move), name=f"look ahead {move.vm_name}")
            task.add_done_callback(_heard)
            self._looks[move.id] = _Look(move, now, task)

    async def take(self, move: Move) -> Pair | None:
        """Return what was seen of a move's hosts a moment ago; None when it has to be asked for."""
        self._started.add(move.id)
        look = self._looks.pop(move.id, None)
        if look is None or self._is_old(look) or _hosts(look.move) != _hosts(move):
            return None
        with suppress(HostError):
            pair = await look.task
            return None if self._is_old(look) else pair
        return None

    async def close(self) -> None:
        """End what is under way."""
        tasks = [look.task for look in self._looks.values()]
        self._looks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_old(self, look: _Look) -> bool:
        return self._clock.steady_now() - look.asked_at > MAX_AGE

    def _forget_old(self, now: datetime) -> None:
        for move_id, look in tuple(self._looks.items()):
            if now - look.asked_at > MAX_AGE:
                look.task.cancel()
                del self._looks[move_id]


def _hosts(move: Move) -> tuple[HostName, HostName]:
    """Return what a look at a move looks at: where it goes to may have changed since."""
    return move.source, move.destination


def _heard(task: "asyncio.Task[Pair]") -> None:
    """Take note of how a look ended that nobody may ever ask for."""
    if not task.cancelled():
        task.exception()
