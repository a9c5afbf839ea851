"""Carries out an owner's *Not now*, and the release of it."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.model.names import NameIndex, unmarked
from core.domain.model.ownership import OwnerHold
from core.domain.reporting.owners import as_words
from core.engine.api.decidable import STATE_WORDS
from core.engine.recorder import TransitionRecorder
from core.errors import NotAllowed, UnknownVm


class OwnerHolds:
    """What owners keep from starting; ``engine.owner_holds``.

    ``is_on`` false: owners may hold nothing; what one held before stays held until it is released.
    """

    def __init__(self, recorder: TransitionRecorder, *, is_on: bool) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._is_on = is_on

    async def holdable(self, job_id: JobId, ids: Collection[str]) -> tuple[Move, ...]:
        """Return the VMs of a job that somebody (by any id of theirs) may hold now.

        Raises:
            NotAllowed: there is none, with why.
            UnknownJob: there is no such job.

        """
        self._check_on()
        job = await self._running(job_id)
        mine = [move for move in await self._store.moves(job.id) if _is_of(move, ids)]
        if not mine:
            raise NotAllowed(f"As far as I know no VM of {job.id} is yours.")
        return tuple(_waiting(mine))

    async def hold(self, job_id: JobId, moves: Collection[MoveId], ids: Collection[str], by: str, words: str) -> str:
        """Hold these VMs with the owner's words: all of them, or none. Returns one sentence for him.

        A VM that began to move meanwhile is held no more. Raises NotAllowed, UnknownJob.
        """
        self._check_on()
        job = await self._running(job_id)
        now = self._recorder.clock.now()
        kept = OwnerHold(by, as_words(words), now)

        async def step() -> tuple[list[Move], list[Move]]:
            mine = [move for move in await self._store.moves(job.id) if move.id in moves and _is_of(move, ids)]
            if not mine:
                raise NotAllowed(f"As far as I know no VM of {job.id} is yours.")
            wanted = _waiting(mine)
            names = tuple(move.vm_name for move in wanted)
            said = event(event_data.OwnerHeld(vms=names, words=kept.words), now, job=job, actor=by)
            await self._store.change_moves([(move, replace(move, owner_hold=kept)) for move in wanted], said)
            return wanted, [move for move in mine if move not in wanted]

        held, late = await self._recorder.record_together(job.id, step)
        also = f" {_too_late(late)}" if late else ""
        if len(held) == 1:
            return f"{_names(held)} is held in {job.id}: it waits until somebody who may releases it.{also}"
        return f"{_names(held)} are held in {job.id}: they wait until somebody who may releases them.{also}"

    async def release(self, job_id: JobId, by: str, vm: str = "") -> str:
        """Let held VMs of a job start (none named: all of them). Returns one sentence.

        Raises:
            NotAllowed: none is held.
            UnknownJob, UnknownVm: there is no such thing.

        """
        job = await self._running(job_id)

        async def step() -> list[Move]:
            moves = await self._store.moves(job.id)
            meant = NameIndex(move.vm_name for move in moves).meant(vm) if vm else ()
            named = [
                one for one in moves if not vm or one.vm_name in meant or unmarked(vm).casefold() == str(one.vm_id)
            ]
            if not named:
                raise UnknownVm(f"{vm} is not in {job.id}.")
            held = [move for move in named if move.owner_hold is not None and not move.state.is_end]
            if not held:
                raise NotAllowed(f"{vm or f'No VM of {job.id}'} is {'not ' if vm else ''}held by its owner.")
            said = event_data.OwnerReleased(
                vms=tuple(move.vm_name for move in held), moves=tuple(move.id for move in held)
            )
            told = event(said, self._recorder.clock.now(), job=job, actor=by)
            await self._store.change_moves([(move, replace(move, owner_hold=None)) for move in held], told)
            return held

        held = await self._recorder.record_together(job.id, step)
        what = held[0].vm_name if len(held) == 1 else f"{len(held)} VMs"
        return f"{what} may start again in {job.id}, as soon as the hosts have room."

    async def holder_of(self, job_id: JobId, vm: str, ids: Collection[str]) -> bool:
        """Whether somebody holds each VM that a release would let go: that is theirs to take back."""
        moves = await self._store.moves(job_id)
        meant = NameIndex(move.vm_name for move in moves).meant(vm) if vm else ()
        held = [one for one in moves if one.owner_hold is not None and (not vm or one.vm_name in meant)]
        return bool(held) and all(one.owner_hold is not None and one.owner_hold.by in ids for one in held)

    def _check_on(self) -> None:
        if not self._is_on:
            hint = 'It takes owners = "hold" in [access] of my settings.'
            raise NotAllowed("Owners may not hold VMs here.", hint=hint)

    async def _running(self, job_id: JobId) -> Job:
        job = await self._store.job(job_id)
        if job.state is not JobState.RUNNING:
            state = STATE_WORDS.get(job.state, "is not approved yet")
            raise NotAllowed(f"{job.id} {state}: there is nothing to hold or to release.")
        return job


def _is_of(move: Move, ids: Collection[str]) -> bool:
    return move.owner is not None and move.owner.hears in ids


def _waiting(mine: Sequence[Move]) -> list[Move]:
    """Return what can still be held. Raises NotAllowed when that is nothing."""
    waiting = [move for move in mine if move.state is MoveState.QUEUED and not move.owner_hold and not move.cancel_by]
    if not waiting:
        raise NotAllowed(_too_late(mine))
    return waiting


def _too_late(moves: Sequence[Move]) -> str:
    """Say why none of these VMs can be held, in one sentence."""
    if all(move.owner_hold for move in moves):
        return f"{_names(moves)} {'is' if len(moves) == 1 else 'are'} held already."
    if any(move.state.holds_slots or move.state is MoveState.CLEANING for move in moves):
        return f"Too late: {_names(moves)} {'has' if len(moves) == 1 else 'have'} started to move already."
    return f"Too late: nothing of {_names(moves)} is waiting to start any more."


def _names(moves: Sequence[Move]) -> str:
    more = len(moves) - 3
    return ", ".join(move.vm_name for move in moves[:3]) + (f" and {more} more" if more > 0 else "")
