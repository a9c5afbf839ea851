"""Removes the empty folders that a move left, at once or, when a host does not answer, later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.backoff import fixed, retry
from core.domain.attempt.cleanup import (
    folders_made,
    leftovers,
    reserved,
    tidied_host,
    unused_destination,
    why_home,
)
from core.domain.model import event_data, windows_paths
from core.domain.model.event_data import Kept
from core.domain.model.events import event
from core.domain.model.host_calls import FolderFate, FolderReceipt
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Move, MoveId
from core.engine.recorder import TransitionRecorder
from core.errors import HostError, Standing, StoreError
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

    def __init__(
        self,
        gateway: HostGateway,
        fresh: Fresh,
        recorder: TransitionRecorder,
        *,
        standing: Callable[[HostName], Standing],
        own_paths: Mapping[HostName, str],
    ) -> None:
        self._gateway = gateway
        self._fresh = fresh
        self._recorder = recorder
        self._clock = recorder.clock
        self._standing = standing
        self._own_paths = own_paths

    async def after_success(self, move: Move) -> Cleaned:
        """Clean up the source of a move that succeeded, unless the VM is back there.

        What is there to remove is written down before: after a death in the middle the receipt still has all of it.
        """
        if move.before is None:
            return Cleaned(())
        home, snapshot = move.before.vm.config_path, await self._fresh(move.source)
        if snapshot is None:
            why = f"{move.source} {self._standing(move.source)}"
            return Cleaned((), move.leftovers or ((home,) if home else ()), why)
        coming = await self._coming(move.source)
        is_back = why_home(move, snapshot, coming)
        if is_back:
            return Cleaned((FolderReceipt(home, FolderFate.KEPT, is_back),) if home else ())
        meant = reserved(self._own_paths.get(move.source, ""), coming)
        others = [vm for vm in snapshot.vms if vm.id != move.vm_id]
        plan = leftovers(move.before, snapshot.facts, others, meant)
        if snapshot.unreadable:
            whose = f"may belong to a VM that cannot be read: {snapshot.unreadable[0].text}"
            stay = (*plan.keep, *((path, whose) for path in plan.remove))
            return Cleaned(tuple(FolderReceipt(path, FolderFate.KEPT, reason) for path, reason in stay))
        cleaned = await self._remove_noted(move, move.source, plan.remove)
        kept = tuple(FolderReceipt(path, FolderFate.KEPT, reason) for path, reason in plan.keep)
        return replace(cleaned, receipts=kept + cleaned.receipts)

    async def after_failure(self, move: Move) -> Cleaned:
        """Clean up the folder made for a VM that did not come, provided no VM of the destination names it."""
        host, snapshot = move.destination, await self._fresh(move.destination)
        if snapshot is None:
            waiting = move.leftovers or (*folders_made(move), *move.tried_folders)
            return Cleaned((), waiting, f"{host} {self._standing(host)}")
        if snapshot.vm(move.vm_id) is not None or snapshot.unreadable:
            return Cleaned(())
        made = (*folders_made(move), *move.tried_folders)
        return await self._remove_noted(move, host, await self._unused(move, made, snapshot))

    async def after_detour(self, move: Move) -> Cleaned:
        """Remove at the destination what earlier tries made, if a later one arrived in a folder beside it. Once.

        What holds files stays, and is named: the bot deletes none.
        """
        snapshot = await self._fresh(move.destination) if move.tried_folders else None
        if snapshot is None or snapshot.unreadable:
            return Cleaned(())
        folders = await self._unused(move, move.tried_folders, snapshot)
        there = await self._there(move.destination, folders)
        return Cleaned(()) if isinstance(there, HostError) else await self._remove(move.destination, there)

    async def _unused(self, move: Move, made: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
        meant = reserved(self._own_paths.get(snapshot.host, ""), await self._coming(snapshot.host))
        return unused_destination(made, move.vm_id, snapshot.facts, snapshot.vms, meant)

    async def _coming(self, host: HostName) -> Sequence[Move]:
        """Read what is on its way to a host; without that answer nothing is removed."""

        async def read() -> Sequence[Move]:
            return await self._recorder.store.moves_towards(host)

        return await self._recorder.patiently(read)

    async def _remove_noted(self, move: Move, host: HostName, folders: Sequence[str]) -> Cleaned:
        """Remove those of these folders that are there, after they were written down."""
        there = await self._there(host, folders)
        if isinstance(there, HostError):
            return Cleaned((), move.leftovers or tuple(folders), f"{host} {there.standing}")
        earlier = [path for path in folders if path in move.leftovers and path not in there]
        await self._note(move, (*earlier, *there))
        cleaned = await self._remove(host, there)
        gone = tuple(FolderReceipt(path, FolderFate.REMOVED) for path in earlier)
        return replace(cleaned, receipts=gone + cleaned.receipts)

    async def _there(self, host: HostName, folders: Sequence[str]) -> tuple[str, ...] | HostError:
        """Return which of these folders are there, or the error when another look later may help."""
        shown: dict[str, bool] = {}
        listed: dict[str, frozenset[str]] = {}
        for path in reversed(folders):  # a folder before those in it: what is not there has nothing in it
            up = windows_paths.parent(path)
            place = windows_paths.key(up)
            if not shown.get(place, True):
                shown[windows_paths.key(path)] = False
                continue
            if place not in listed:
                try:
                    listed[place] = frozenset(map(windows_paths.key, await self._gateway.list_folder(host, up) or ()))
                except HostError as error:
                    if error.retry:
                        return error
                    return tuple(folders)  # we may not look: the host itself says what was there
            shown[windows_paths.key(path)] = windows_paths.key(path) in listed[place]
        return tuple(path for path in folders if shown[windows_paths.key(path)])

    async def _note(self, move: Move, folders: tuple[str, ...]) -> None:
        """Write down what is to be removed, before the first of it goes."""
        if folders and folders != move.leftovers:
            store = self._recorder.store
            await self._recorder.record(move.id, lambda m: store.change_move(m, replace(m, leftovers=folders)))

    async def _remove(self, host: HostName, folders: Iterable[str]) -> Cleaned:
        receipts: list[FolderReceipt] = []
        waiting: list[str] = []
        why = ""
        for path in folders:
            # A host that could not be asked about one folder is not asked about the next: all of them wait.
            if why:
                waiting.append(path)
                continue
            receipt = await self._try(host, path)
            if isinstance(receipt, HostError):
                waiting.append(path)
                why = f"{host} {receipt.standing}"
            elif receipt.fate is FolderFate.GONE:
                receipts.append(FolderReceipt(path, FolderFate.REMOVED))  # it was there: our answer was lost
            else:
                receipts.append(receipt)
        return Cleaned(tuple(receipts), tuple(waiting), why)

    async def _try(self, host: HostName, path: str) -> FolderReceipt | HostError:
        """Return the receipt, or the last error when another try later may help."""

        async def once() -> FolderReceipt:
            try:
                return await self._gateway.remove_empty_folder(host, path)
            except HostError as error:
                if error.retry:
                    raise
                return FolderReceipt(path, FolderFate.KEPT, error.message)

        try:
            return await retry(once, HostError, wait=fixed(PAUSE_S), tries=TRIES, sleep=self._clock.sleep)
        except HostError as error:
            return error


FIRST_DELAY = timedelta(minutes=10)
"""When a clean-up that could not be done is tried again."""
TIMEOUT = timedelta(days=1)
_LOOK_EVERY_S = 300.0


class PostponedCleanups:
    """The loop that does the clean-ups which had to wait for a host, and those after moves that failed for good."""

    def __init__(self, cleanup: FolderCleanup, recorder: TransitionRecorder, clock: Clock) -> None:
        self._cleanup = cleanup
        self._recorder = recorder
        self._clock = clock
        self.wanted = asyncio.Event()
        """Set when there is one to do."""
        self._silent: set[HostName] = set()
        self._tried: set[MoveId] = set()

    async def turn(self) -> float:
        """Do one clean-up of each host, side by side; the next turn follows at once while there is more in this pass.

        A host that does not answer is left out of the rest of the pass: the folders of the others do not wait for it.
        """
        try:
            due = await self._recorder.store.moves_to_tidy(self._clock.steady_now())
        except StoreError as error:
            log.warning("tidying waits for the database: %s", error)
            return _LOOK_EVERY_S
        first: dict[HostName, Move] = {}
        for move in due:
            host = tidied_host(move)
            if host not in self._silent and move.id not in self._tried:
                first.setdefault(host, move)
        if first:
            await asyncio.gather(*map(self._try, first.values()))
            return 0.0
        self._silent.clear()
        self._tried.clear()
        return _LOOK_EVERY_S

    async def _try(self, move: Move) -> None:
        self._tried.add(move.id)
        try:
            await self._tidy(move)
        except StoreError as error:
            log.warning("the clean-up of %s waits for the database: %s", move.vm_name, error)
        except Exception:
            log.exception("the clean-up of %s broke; it is tried again", move.vm_name)

    async def _tidy(self, move: Move) -> None:
        host = tidied_host(move)
        has_moved = host == move.source
        cleaned = await (self._cleanup.after_success(move) if has_moved else self._cleanup.after_failure(move))
        if cleaned.waiting:
            self._silent.add(host)
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
        told = event(event_data.Tidied(host=host, removed=cleaned.removed, kept=kept), now, move=move)
        # That a failed move left nothing behind is worth no word.
        events = [told] if has_moved or cleaned.removed or cleaned.waiting else []
        await self._recorder.record(
            move.id, lambda m: self._recorder.store.change_move(m, replace(m, leftovers=(), tidy_at=None), *events)
        )
