"""Records every transition with its events, however long that takes, and tells whoever listens that a job changed."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.backoff import random_doubling, retry
from core.domain.model.job import JobId
from core.domain.model.move import Move, MoveId
from core.errors import AttemptClosed, Outdated, StartWithdrawn, StoreBusy, StoreError, StoreFull
from core.ports import Clock, Store

log = logging.getLogger(__name__)

Listener = Callable[[JobId], None]
T = TypeVar("T")


def _complain(error: BaseException) -> None:
    if not isinstance(error, Outdated):
        log.error("the database did not take a change, trying again: %s", error)


_BACKOFF = random_doubling(0.05, 10)


class TransitionRecorder:
    """A store that does not give up: a move that ran has to be written down, however long that takes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call this with the job's id after every change."""
        self._listeners.append(listener)

    def changed(self, job_id: JobId) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            try:
                listener(job_id)
            except Exception:
                # What is recorded stays so, whatever becomes of those who show it.
                log.exception("a listener to changes of %s broke", job_id)

    async def record(self, move_id: MoveId, step: Callable[[Move], Awaitable[Move]]) -> Move:
        """Carry out one step on the move as it is now; read it again and repeat when somebody else changed it first.

        Whatever the database says is waited out, but that this is not ours to write: what already happened on a host
        cannot be taken back.
        """

        async def once() -> Move:
            return await step(await self.store.move(move_id))

        move = await self.patiently(once)
        self.changed(move.job_id)
        return move

    @staticmethod
    async def patiently(step: Callable[[], Awaitable[T]]) -> T:
        """Ask the database until it answers, whatever it says meanwhile, but that this is not ours to write."""
        return await retry(step, StoreError, but=(AttemptClosed, StartWithdrawn), wait=_BACKOFF, on_error=_complain)

    async def record_wish(self, move_id: MoveId, step: Callable[[Move], Awaitable[Move]]) -> Move:
        """Carry out a step that a person waits for: only what passes soon is waited out, the rest is their answer."""

        async def once() -> Move:
            return await step(await self.store.move(move_id))

        move = await _patiently(once)
        self.changed(move.job_id)
        return move

    async def record_together(self, job_id: JobId, step: Callable[[], Awaitable[T]]) -> T:
        """Carry out one step that reads and changes several moves of a job; repeat it as ``record_wish`` does."""
        result = await _patiently(step)
        self.changed(job_id)
        return result


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    return await retry(step, Outdated, StoreBusy, StoreFull, wait=_BACKOFF, on_error=_complain)
