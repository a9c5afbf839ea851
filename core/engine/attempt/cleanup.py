"""Removes the empty folders that a move left, at once or, when a host does not answer, later."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from core.backoff import fixed, retry
from core.domain.attempt.cleanup import leftovers, unused_destination
from core.domain.model import event_data
from core.domain.model.event_data import Kept
from core.domain.model.events import event
from core.domain.model.host_calls import FolderFate, FolderReceipt
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Move
from core.engine.recorder import TransitionRecorder
from core.errors import HostError, StoreError
from core.ports import Clock, HostGateway

log = logging.getLogger(__name__)

TRIES = 3
PAUSE_S = 5.0

Fresh = Callable[[HostName], Awaitable[Snapshot | None]]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The receipts of a clean-up, and the folders the host did not let us look at: they are tried again later."""

    receipts: tuple[FolderReceipt, ...]
    waiting: tuple[str, ...] = ()
    why: str = ""
    """Of those that wait: what the host did instead."""

    @property
    def removed(self) -> tuple[str, ...]:
        """Folders that are gone now, for an event."""
        return tuple(receipt.path for receipt in self.receipts if receipt.fate is FolderFate.REMOVED)

    @property
    def kept(self) -> Kept:
        """Folders that stay and why, for an event."""
        return tuple((receipt.path, receipt.reason) for receipt in self.receipts if receipt.fate is FolderFate.KEPT)

    def kept_and_waiting(self, reason: str) -> Kept:
        """Return the folders that stay, those included that could not be looked at, for this reason."""
        return (*self.kept, *((path, reason) for path in self.waiting))


class FolderCleanup:
    """The clean-up of one host's folders. Only empty ones go: the host itself refuses any other, atomically."""

    def __init__(self, gateway: HostGateway, fresh: Fresh, clock: Clock, standing: Callable[[HostName], str]) -> None:
        self._gateway = gateway
        self._fresh = fresh
        self._clock = clock
        self._standing = standing

    async def after_success(self, move: Move) -> Cleaned:
        """Clean up the source of a move that succeeded."""
        if move.before is None:
            return Cleaned(())
        snapshot = await self._fresh(move.source)
        if snapshot is None:
            home = move.before.vm.config_path
            why = f"{move.source} {self._standing(move.source)}"
            return Cleaned((), move.leftovers or ((home,) if home else ()), why)
        plan = leftovers(move.before, snapshot.facts, [vm for vm in snapshot.vms if vm.id != move.vm_id])
        cleaned = await self._remove(move.source, plan.remove)
        kept = tuple(FolderReceipt(path, FolderFate.KEPT, reason) for path, reason in plan.keep)
        return Cleaned(kept + cleaned.receipts, cleaned.waiting, cleaned.why)

    async def after_failure(self, move: Move) -> Cleaned:
        """Clean up the folder made for a VM that did not come, provided no VM of the destination names it."""
        snapshot = await self._fresh(move.destination) if move.is_own_folder else None
        if snapshot is None or snapshot.vm(move.vm_id) is not None:
            return Cleaned(())
        return await self._remove(
            move.destination, unused_destination(move.path, snapshot.facts, snapshot.vms), is_once=True
        )

    async def _remove(self, host: HostName, folders: Iterable[str], *, is_once: bool = False) -> Cleaned:
        receipts: list[FolderReceipt] = []
        waiting: list[str] = []
        why = ""
        for path in folders:
            # A host that could not be asked about one folder is not asked about the next: all of them wait.
            if why:
                waiting.append(path)
                continue
            receipt = await self._try(host, path, 1 if is_once else TRIES)
            if isinstance(receipt, HostError):
                waiting.append(path)
                why = f"{host} {receipt.standing}"
            else:
                receipts.append(receipt)
        return Cleaned(tuple(receipts), tuple(waiting), why)

    async def _try(self, host: HostName, path: str, tries: int) -> FolderReceipt | HostError:
        """Return the receipt, or the last error when another try later may help."""

        async def once() -> FolderReceipt:
            try:
                return await self._gateway.remove_empty_folder(host, path)
            except HostError as error:
                if error.retry:
                    raise
                return FolderReceipt(path, FolderFate.KEPT, error.message)

        try:
            return await retry(once, HostError, wait=fixed(PAUSE_S), tries=tries, sleep=self._clock.sleep)
        except HostError as error:
            return error


FIRST_DELAY = timedelta(minutes=10)
"""When a clean-up that could not be done is tried again."""
TIMEOUT = timedelta(days=1)
_LOOK_EVERY_S = 300.0


class PostponedCleanups:
    """The loop that does the clean-ups which had to wait for a host."""

    def __init__(self, cleanup: FolderCleanup, recorder: TransitionRecorder, clock: Clock) -> None:
        self._cleanup = cleanup
        self._recorder = recorder
        self._clock = clock

    async def run(self) -> None:
        """Clean up for ever."""
        while True:
            try:
                for move in await self._recorder.store.moves_to_tidy(self._clock.steady_now()):
                    await self._tidy(move)
            except StoreError as error:
                log.warning("tidying waits for the database: %s", error)
            await self._clock.sleep(_LOOK_EVERY_S)

    async def _tidy(self, move: Move) -> None:
        cleaned = await self._cleanup.after_success(move)
        now = self._clock.now()
        age = now - (move.ended_at or now)
        if cleaned.waiting and age < TIMEOUT:
            # Twice as late each time: a host that was away for an hour is not asked every ten minutes for a day.
            tidy_at = self._clock.steady_now() + min(max(FIRST_DELAY, age), TIMEOUT - age)
            await self._recorder.record(
                move.id,
                lambda m: self._recorder.store.change_move(m, replace(m, leftovers=cleaned.waiting, tidy_at=tidy_at)),
            )
            return
        kept = cleaned.kept_and_waiting(f"{cleaned.why}; given up after a day")
        told = event(event_data.Tidied(host=move.source, removed=cleaned.removed, kept=kept), now, move=move)
        await self._recorder.record(
            move.id, lambda m: self._recorder.store.change_move(m, replace(m, leftovers=(), tidy_at=None), told)
        )
