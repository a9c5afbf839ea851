"""Puts on its way what owners are to hear of their VMs, in the transaction that notes that they hear it; once each."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.domain.model.events import Event, event
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Move
from core.domain.reporting.owner_news import RELEVANT, owner_news
from core.engine.hosts.owner_book import OwnedVm, OwnerBook
from core.engine.recorder import TransitionRecorder
from core.errors import Outdated, StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

GATHER_S = 2.0
"""What happens within so long to VMs of one owner is one message."""
IDLE_S = 3600.0
AGAIN_S = 5.0
LOOK_BACK = timedelta(days=1)
"""Of jobs that ended longer ago nobody is told after a restart."""


@dataclass(slots=True)
class _Known:
    """What is relevant of a job's history, as far as it was read."""

    events: list[Event] = field(default_factory=list)
    newest: int = 0


class OwnerMessages:
    """The loop that tells owners. ``reshow`` is called for a job of which the card has news of owners."""

    def __init__(
        self,
        recorder: TransitionRecorder,
        clock: Clock,
        book: OwnerBook,
        *,
        may_hold: bool,
        reshow: Callable[[JobId], None],
    ) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._clock = clock
        self._book = book
        self._is_on = book.is_on
        self._may_hold = may_hold
        self._reshow = reshow
        self.changed = asyncio.Event()
        """Set when something happened to a job."""
        self._due: set[JobId] = set()
        self._unknown: set[JobId] = set()
        """The jobs with VMs whose owners are not known yet."""
        self._known: dict[JobId, _Known] = {}
        self._has_looked_back = False
        book.found = self._found

    def note_change(self, job_id: JobId) -> None:
        """Note that something happened in a job."""
        if self._is_on:
            self._due.add(job_id)
            self.changed.set()

    def _found(self) -> None:
        """Look again at the jobs that waited for what was found."""
        self._due |= self._unknown
        self.changed.set()

    async def turn(self) -> float:
        """Look at the jobs in which something happened; what goes wrong with one is no matter of the others."""
        if not self._is_on:
            return IDLE_S
        try:
            await self._look_back()
            if self._due:
                await self._clock.sleep(GATHER_S)
            for job_id in sorted(self._due):
                self._due.discard(job_id)  # before the look: what happens during it is looked at again
                try:
                    await self._look_at(job_id)
                except (Outdated, asyncio.CancelledError):
                    self._due.add(job_id)
                    raise
                except StoreError:
                    self._due.add(job_id)
                    raise
                except Exception:
                    log.exception("owners of VMs of %s cannot be told", job_id)
        except Outdated:
            return 0.0
        except StoreError as error:
            log.warning("messages to owners wait for the database: %s", error)
            return AGAIN_S
        return 0.0 if self._due else IDLE_S

    async def _look_back(self) -> None:
        if self._has_looked_back:
            return
        since = self._clock.now() - LOOK_BACK
        states = (JobState.PROPOSED, JobState.RUNNING, JobState.FINISHED)
        self._due |= {job.id for job in await self._store.jobs(*states, limit=10_000, ended_since=since)}
        self._has_looked_back = True

    async def _look_at(self, job_id: JobId) -> None:
        job = await self._store.job(job_id)
        if job.state is JobState.PROPOSED:
            self._look_for(job_id, [OwnedVm(one.vm_id, one.vm_name, one.source) for one in job.plan.moves])
            return
        self._unknown.discard(job_id)
        if job.state in {JobState.RUNNING, JobState.FINISHED}:
            moves = await self._with_owners(job, await self._store.moves(job_id))
            await self._tell(job, moves)
        if job.state.is_end:
            self._known.pop(job_id, None)

    def _look_for(self, job_id: JobId, vms: Sequence[OwnedVm]) -> None:
        """Have owners looked for; until they are known the job is looked at again with each answer."""
        self._book.want(vms)
        if any(self._book.of(vm) is None for vm in vms):
            self._unknown.add(job_id)
        else:
            self._unknown.discard(job_id)
        self._reshow(job_id)

    async def _with_owners(self, job: Job, moves: Sequence[Move]) -> Sequence[Move]:
        """Write down the owners that were not known yet when the job was approved."""
        if job.state is not JobState.RUNNING or all(move.owner is not None or move.state.is_end for move in moves):
            return moves
        vms = {move.id: OwnedVm(move.vm_id, move.vm_name, move.source) for move in moves if move.owner is None}
        self._look_for(job.id, list(vms.values()))
        found = {move_id: owner for move_id, vm in vms.items() if (owner := self._book.of(vm)) is not None}
        if not found:
            return moves

        async def step() -> None:
            now = [move for move in await self._store.moves(job.id) if move.owner is None and move.id in found]
            await self._store.change_moves([(move, replace(move, owner=found[move.id])) for move in now])

        await self._recorder.record_together(job.id, step)
        return await self._store.moves(job.id)

    async def _tell(self, job: Job, moves: Sequence[Move]) -> None:
        if not any(move.owner is not None and move.owner.hears for move in moves):
            return
        known = self._known.setdefault(job.id, _Known())
        for one in await self._store.events(job.id, after=known.newest):
            known.newest = one.id
            if one.kind in RELEVANT:
                known.events.append(one)
        news = owner_news(moves, known.events, may_hold=self._may_hold and job.state is JobState.RUNNING)
        if not news:
            return
        now = self._clock.now()
        # Storing the job makes this a compare-and-set: nobody else notes the same meanwhile.
        await self._store.change_job(job, job, *(event(data, now, job=job) for data in news))
        self._recorder.changed(job.id)
