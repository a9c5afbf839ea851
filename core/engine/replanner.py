"""Places anew what waits for a destination that dropped out, among the approved destinations of its job and no others.

Which those are and what waits is decided by ``core.domain.scheduling.dropout``, where it goes by the placement. All
moves of a job change in one transaction with the event that says so, each only while it still waits as it was seen.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.config import Settings
from core.domain.model import event_data, windows_paths
from core.domain.model.events import Event, event
from core.domain.model.inventory import HostName, Inspection, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Attempt, Move, MoveState, transit
from core.domain.planning.destinations import Destination, keep_drives, subfolder
from core.domain.planning.placement import Placement
from core.domain.scheduling.dropout import Dropout, approved_hosts, has_not_begun
from core.engine.destination_choice import DestinationChoice, Stay
from core.engine.folder_lists import FolderLists
from core.engine.recorder import TransitionRecorder
from core.errors import HostError, Outdated, StoreError
from core.ports import HostGateway

log = logging.getLogger(__name__)

_PAUSE_S = 3600.0
_AGAIN = timedelta(minutes=1)
"""How soon it is looked again for another place for what found none, or whose hosts did not answer."""

Change = tuple[Move, Move]


class Replanner:
    """The loop that finds another destination for what waits for one that dropped out."""

    def __init__(
        self, settings: Settings, recorder: TransitionRecorder, gateway: HostGateway, choice: DestinationChoice
    ) -> None:
        self._settings = settings
        self._recorder, self._store, self._clock = recorder, recorder.store, recorder.clock
        self._gateway = gateway
        self._choice = choice
        self._due: dict[tuple[JobId, HostName], Dropout] = {}
        self._tried: dict[tuple[JobId, HostName], datetime] = {}
        self.changed = asyncio.Event()

    def note(self, dropped_out: Sequence[Dropout]) -> None:
        """Note which destinations dropped out, as a decision saw it."""
        now = self._clock.steady_now()
        found = {(one.job_id, one.host): one for one in dropped_out}
        self._tried = {key: at for key, at in self._tried.items() if key in found}
        self._due = {
            key: one for key, one in found.items() if key not in self._tried or now - self._tried[key] >= _AGAIN
        }
        if self._due:
            self.changed.set()

    async def turn(self) -> float:
        """Place anew what is due."""
        due, self._due = self._due, {}
        for key, dropout in due.items():
            self._tried[key] = self._clock.steady_now()
            try:
                await self._place_anew(dropout)
            except (HostError, Outdated) as error:
                log.info("%s is not placed anew now: %s", dropout.job_id, error)
            except StoreError as error:
                log.warning("%s could not be placed anew, looking again soon: %s", dropout.job_id, error)
        return _PAUSE_S

    # ------------------------------------------------------------------ inside

    async def _place_anew(self, dropout: Dropout) -> None:
        job, moves = await self._store.job(dropout.job_id), await self._store.moves(dropout.job_id)
        if job.state is not JobState.RUNNING or job.paused_by:
            return
        queued = [move for move in moves if has_not_begun(move, ())]
        lost = [move for move in queued if move.id in dropout.waiting and move.destination == dropout.host]
        waiting = [move for move in lost if has_not_begun(move, await self._tries(move))]
        targets = self._targets(job, moves)
        inspections = await self._inspect(target.host for target in targets)
        unseen = [target for target in targets if target.host not in inspections and target.host != dropout.host]
        targets = [target for target in targets if target.host in inspections]
        homes = await self._homes(queued)
        folders = FolderLists(self._gateway)
        placed = Placement({})
        if targets:
            placed = await self._choose(job, queued, waiting, targets, inspections | homes, folders)
        found = await self._changes(job, queued, waiting, placed, inspections | homes, folders)
        left = [move for move in waiting if move.id not in {before.id for before, _ in found}]
        # Who has no room where it should go, and none elsewhere, does not get there by waiting.
        stuck = [] if unseen else [move for move in left if move.id in dropout.full and _has_no_place(move, placed)]
        await self._write_down(job, dropout, found, left, stuck)

    def _targets(self, job: Job, moves: Sequence[Move]) -> list[Destination]:
        """Return the approved destinations that are in the settings, with the folder VMs go to there."""
        approved = approved_hosts(job, moves)
        folders = {one.destination: _base(one.path, is_own=one.is_own_folder) for one in job.plan.moves}
        folders |= {move.destination: _base(move.path, is_own=move.is_own_folder) for move in moves}
        known = {HostName(name) for name in self._settings.hosts}
        return [Destination(host, path) for host, path in folders.items() if host in approved & known]

    async def _tries(self, move: Move) -> Sequence[Attempt]:
        return await self._store.attempts(move.id) if move.started_at else ()

    async def _inspect(self, hosts: Iterable[HostName]) -> dict[HostName, Inspection]:
        """Look at destinations; one that does not answer is left out."""
        found = await asyncio.gather(*(self._gateway.inspect(host, []) for host in hosts), return_exceptions=True)
        return _answers(found)

    async def _homes(self, queued: Sequence[Move]) -> dict[HostName, Inspection]:
        """Look at the VMs on their sources; what does not answer is left out."""
        by_source = defaultdict[HostName, list[VmId]](list)
        for move in queued:
            by_source[move.source].append(move.vm_id)
        asked = (self._gateway.inspect(host, ids) for host, ids in by_source.items())
        return _answers(await asyncio.gather(*asked, return_exceptions=True))

    async def _choose(  # noqa: PLR0917
        self,
        job: Job,
        queued: Sequence[Move],
        waiting: Sequence[Move],
        targets: Sequence[Destination],
        inspections: Mapping[HostName, Inspection],
        folders: FolderLists,
    ) -> Placement:
        """Place what waits for the lost host; all others of the job take their room where they go."""
        wanted = {move.id for move in waiting}
        rows = [
            (move, row)
            for move in queued
            if move.source in inspections and (row := inspections[move.source].of(move.vm_id)) is not None
        ]
        return await self._choice.choose(
            job.plan.options,
            [row for _, row in rows],
            targets,
            inspections,
            homes={move.vm_id: move.source for move, _ in rows},
            folders=folders,
            settled=frozenset(),
            stay=Stay(
                keep={move.vm_id: move.destination for move, _ in rows},
                pinned={move.vm_id: move.destination for move, _ in rows if move.id not in wanted},
            ),
        )

    async def _changes(  # noqa: PLR0917
        self,
        job: Job,
        queued: Sequence[Move],
        waiting: Sequence[Move],
        placed: Placement,
        inspections: Mapping[HostName, Inspection],
        folders: FolderLists,
    ) -> list[Change]:
        """Return the moves that go elsewhere, as they were and as they are to be."""
        _, wants_drives = self._choice.wants(job.plan.options)
        taken: dict[HostName, set[str]] = {}
        found = []
        for move in waiting:
            target = placed.chosen.get(move.vm_id)
            if target is None or move.vm_id in placed.unplaced or target.host == move.destination:
                continue
            path = target.path
            if move.is_own_folder:
                if target.host not in taken:
                    others = (other.path for other in queued if other.destination == target.host)
                    listed = await folders.names(target.host, path)
                    taken[target.host] = {*listed, *map(windows_paths.name_key, others)}
                path = subfolder(path, move.vm_name, taken[target.host])
            row = inspections[move.source].of(move.vm_id)
            disks = keep_drives(row, path, inspections[target.host].volumes) if wants_drives and row else ()
            after = replace(
                move, destination=target.host, path=path, disks=disks, hold=None, not_before=None, error="", hint=""
            )
            found.append((move, after))
        return found

    async def _write_down(
        self, job: Job, dropout: Dropout, found: Sequence[Change], left: Sequence[Move], stuck: Sequence[Move]
    ) -> None:
        now, events, changes = self._clock.now(), list[Event](), list(found)
        if found:
            said = event_data.Replanned(
                host=dropout.host,
                reason=dropout.reason,
                moved=tuple((after.vm_name, after.destination) for _, after in found),
                waiting=tuple(move.vm_name for move in left),
            )
            events.append(event(said, now, job=job))
        for move in stuck:
            hint = "No other destination of the plan takes it: make room and ask again."
            words = move.error or dropout.reason
            after = transit(move, MoveState.UNMIGRATABLE, hold=None, ended_at=now, error=words, hint=hint)
            changes.append((move, after))
            ended = event_data.Unmigratable(words=words, hint=hint, code="preflight", where=move.source)
            events.append(event(ended, now, move=move))
        if not changes:
            return
        await self._store.change_moves(changes, *events)
        self._recorder.changed(job.id)


def _base(path: str, *, is_own: bool) -> str:
    return windows_paths.parent(path) if is_own else path


def _has_no_place(move: Move, placed: Placement) -> bool:
    return move.vm_id in placed.unplaced or move.vm_id not in placed.chosen


def _answers(found: Sequence[Inspection | BaseException]) -> dict[HostName, Inspection]:
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, HostError):
            raise one
    return {one.host: one for one in found if isinstance(one, Inspection)}
