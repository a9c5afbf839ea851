"""Removes the empty folders a moved VM left on its source, and those a failed move left where it should have gone."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from core.domain.cleanup import leftovers, unused_destination
from core.domain.fleet import FolderFate, FolderReceipt, HostName, Snapshot
from core.domain.job import Move
from core.errors import HostError
from core.ports import Clock, HostGateway

TRIES = 3
PAUSE_S = 5.0

Fresh = Callable[[HostName], Awaitable[Snapshot | None]]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Receipts of what was looked at, and the folders the host did not let us look at: they are tried again later."""

    receipts: tuple[FolderReceipt, ...]
    waiting: tuple[str, ...] = ()
    why: str = ""
    """Of those that wait: what the host did instead."""

    @property
    def removed(self) -> list[str]:
        """Folders that are gone now, for an event."""
        return [receipt.path for receipt in self.receipts if receipt.fate is FolderFate.REMOVED]

    @property
    def kept(self) -> list[list[str]]:
        """Folders that stay and why, for an event."""
        return [[receipt.path, receipt.reason] for receipt in self.receipts if receipt.fate is FolderFate.KEPT]


class Cleaner:
    """Only empty folders go: the host itself refuses any other, atomically."""

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
        attempt = 1
        while True:
            try:
                return await self._gateway.remove_empty_folder(host, path)
            except HostError as error:
                if not error.retry:
                    return FolderReceipt(path, FolderFate.KEPT, error.message)
                if attempt >= tries:
                    return error
            attempt += 1
            await self._clock.sleep(PAUSE_S)
