"""Puts together what orders moves around backups, for decisions and estimates: which come, how long moves take."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.domain.model.inventory import VmId
from core.domain.model.job import Job, JobId
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.model.plan import Options, PlannedMove
from core.domain.planning.forecast import CAREFUL
from core.domain.planning.speeds import OVERHEAD_S
from core.domain.planning.work import Pause
from core.domain.scheduling.around_backups import BackupOutlook, avoided
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.links import Links
from core.engine.hosts.backup_rhythms import BackupRhythms
from core.engine.known_speeds import known_speeds
from core.ports import Store

Spans = tuple[tuple[datetime, datetime], ...]


class BackupOutlooks:
    """The outlooks of waiting moves. ``is_on``: whether the settings order moves around backups."""

    def __init__(
        self, store: Store, rhythms: BackupRhythms, *, is_on: bool, assumed_bytes_per_s: float, links: Links
    ) -> None:
        self._store = store
        self._rhythms = rhythms
        self._is_on = is_on
        self._assumed_bytes_per_s = assumed_bytes_per_s
        self.links = links

    async def of(self, moves: Sequence[Move], jobs: Mapping[JobId, Job]) -> dict[MoveId, BackupOutlook]:
        """Return them for moves that wait, of jobs that do not ignore backups. Raises StoreError."""
        heeding = {job.id for job in jobs.values() if self._heeds(job.plan.options)}
        waiting = [move for move in moves if move.state is MoveState.QUEUED and move.job_id in heeding]
        found = await self._outlooks(waiting)
        return {move.id: found[move.vm_id] for move in waiting if move.vm_id in found}

    async def avoided(
        self, moves: Sequence[Move | PlannedMove], options: Options, now: datetime, calendar: Calendar | None
    ) -> dict[VmId, Spans]:
        """Return when moves of one job that wait, or are planned, will not start, by their VMs. Raises StoreError."""
        heeds = self._heeds(options)
        return {
            vm_id: avoided(outlook, now, options, calendar, heeds=heeds)
            for vm_id, outlook in (await self._outlooks(moves)).items()
        }

    async def _outlooks(self, moves: Sequence[Move | PlannedMove]) -> dict[VmId, BackupOutlook]:
        if not moves:
            return {}
        learned = await self._rhythms.of({move.vm_id for move in moves})
        known = [move for move in moves if learned[move.vm_id].expected]
        if not known:
            return {}
        speeds = await known_speeds(self._store, self.links, self._assumed_bytes_per_s)
        outlooks = {}
        for move in known:
            likely_s = OVERHEAD_S + move.size_bytes / speeds.nearest(move.source, move.destination)
            outlooks[move.vm_id] = BackupOutlook(
                expected=learned[move.vm_id].expected,
                likely_s=likely_s,
                latest_s=CAREFUL * likely_s,
                newest=self._rhythms.newest(move.vm_id),
            )
        return outlooks

    def _heeds(self, options: Options) -> bool:
        wanted = options.ignore_backups
        return self._is_on if wanted is None else not wanted


def seconds_from(spans: Spans, start: datetime) -> tuple[Pause, ...]:
    """Return spans in seconds from a moment on."""
    return tuple(((begin - start).total_seconds(), (end - start).total_seconds()) for begin, end in spans)
