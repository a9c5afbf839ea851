"""Whether this process is on duty: it stands by while another bot works on the database, and notices when it lost it.

And how it goes off duty: in steps that keep the other bot waiting only for what must be over before.

With a file for a database there is nothing to stand by for: a second process is refused by the lock beside the file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.errors import StoreError, StoreLeased, StoreLost, StoreUnreachable
from core.ports import Store

log = logging.getLogger(__name__)

LOOP = "duty"
TRY_EVERY_S = 0.5
CLOSES_WITHIN_S = 0.2
"""For so long the doors may take to close before the rest is told to end: who is half in is answered or cut off."""


class DutyState(StrEnum):
    """What this process is to the database."""

    STARTING = "starting"
    STANDBY = "standby"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps that are taken at once, and how long the next phase waits for them; None: until all are done."""

    within_s: float | None
    steps: Sequence[Callable[[], Awaitable[None]]]


async def leave(*phases: Phase) -> None:
    """Take all steps, phase after phase, whatever breaks; one that takes longer goes on beside the next phases.

    Raises:
        Exception: the first that a step raised, when all are done.

    """
    begun: list[asyncio.Task[None]] = []
    for phase in phases:
        tasks = [asyncio.ensure_future(step()) for step in phase.steps]
        begun += tasks
        await asyncio.wait(tasks, timeout=phase.within_s)
    broken = [error for error in await asyncio.gather(*begun, return_exceptions=True) if error is not None]
    for error in broken[1:]:
        log.error("a step of stopping broke too", exc_info=error)
    if broken:
        raise broken[0]


class Duty:
    """The duty of one process. ``on_wait`` hears, with words, of each look while it stands by.

    ``was_on_duty``: this process worked on the database before, so the settings are right and a server that cannot be
    reached comes back; at a first start that is said at once instead.
    """

    def __init__(
        self, store: Store, *, on_wait: Callable[[str], None], every_s: float, was_on_duty: bool = False
    ) -> None:
        self.state = DutyState.STARTING
        self.waits_for = ""
        """Who has the database, or why it cannot be asked, while this process stands by."""
        self.lost = asyncio.Event()
        self._store = store
        self._on_wait = on_wait
        self._every_s = every_s
        self._was_on_duty = was_on_duty

    async def take(self) -> None:
        """Open the database, as soon as nobody else works on it.

        Raises:
            StoreError: it cannot be opened; or another process works on it, and there is no way to stand by.

        """
        while True:
            try:
                await self._store.open()
            except StoreLeased as error:
                self._stand_by(error)
            except StoreUnreachable as error:
                if self.state is DutyState.STARTING and not self._was_on_duty:
                    raise
                self._stand_by(error)
            else:
                break
            await asyncio.sleep(TRY_EVERY_S)
        if self.state is DutyState.STANDBY:
            log.info("on duty now: nobody else works on the database any more")
        self.state, self.waits_for = DutyState.LEADER, ""

    async def turn(self) -> float:
        """Show that the database is still ours."""
        try:
            await self._store.keep_ownership()
        except StoreLost as error:
            log.error("%s Another bot may take over; this one stops and stands by.", error.message)  # noqa: TRY400
            self.lost.set()
        return self._every_s

    def _stand_by(self, error: StoreError) -> None:
        if self.waits_for != error.message:
            log.info("standing by: %s", error.message)
        self.state, self.waits_for = DutyState.STANDBY, error.message
        self._on_wait(error.message)
