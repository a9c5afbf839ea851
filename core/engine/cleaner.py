"""Removes the empty folders a moved VM left on its source, and brings back a receipt."""

from collections.abc import Awaitable, Callable

from core.domain.cleanup import leftovers
from core.domain.fleet import FolderFate, FolderReceipt, HostName, Snapshot
from core.domain.job import Move
from core.errors import HostError
from core.ports import Clock, HostGateway

TRIES = 3
PAUSE_S = 5.0


async def clean_up(
    gateway: HostGateway, fresh: Callable[[HostName], Awaitable[Snapshot | None]], move: Move, clock: Clock
) -> list[FolderReceipt]:
    """Try each folder once, deepest first; a host that does not answer is asked again a few times.

    A folder that is not empty stays: the host itself refuses, atomically.
    """
    if move.before is None:
        return []
    snapshot = await fresh(move.source)
    if snapshot is None:
        return [FolderReceipt(move.before.vm.config_path, FolderFate.KEPT, f"{move.source} does not answer")]
    others = [vm for vm in snapshot.vms if vm.id != move.vm_id]
    plan = leftovers(move.before, snapshot.facts, others)
    receipts = [FolderReceipt(path, FolderFate.KEPT, reason) for path, reason in plan.keep]
    return receipts + [await _remove(gateway, move.source, path, clock) for path in plan.remove]


async def _remove(gateway: HostGateway, host: HostName, path: str, clock: Clock) -> FolderReceipt:
    for attempt in range(1, TRIES + 1):
        try:
            return await gateway.remove_empty_folder(host, path)
        except HostError as error:
            if not error.retry or attempt == TRIES:
                return FolderReceipt(path, FolderFate.KEPT, error.message)
            await clock.sleep(PAUSE_S)
    raise AssertionError("the last try always returns")
