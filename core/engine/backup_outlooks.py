"""Puts together what the scheduler needs to order moves around backups: which are expected, how long moves take."""

from collections.abc import Mapping, Sequence

from core.domain.model.job import Job, JobId
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.planning.forecast import CAREFUL
from core.domain.planning.speeds import OVERHEAD_S
from core.domain.scheduling.around_backups import BackupOutlook
from core.domain.scheduling.links import Links
from core.engine.hosts.backup_rhythms import BackupRhythms
from core.engine.known_speeds import known_speeds
from core.ports import Store


class BackupOutlooks:
    """The outlooks of waiting moves. ``is_on``: whether the settings order moves around backups."""

    def __init__(
        self, store: Store, rhythms: BackupRhythms, *, is_on: bool, assumed_bytes_per_s: float, links: Links
    ) -> None:
        self._store = store
        self._rhythms = rhythms
        self._is_on = is_on
        self._assumed_bytes_per_s = assumed_bytes_per_s
        self._links = links

    async def of(self, moves: Sequence[Move], jobs: Mapping[JobId, Job]) -> dict[MoveId, BackupOutlook]:
        """Return them for moves that wait, of jobs that do not ignore backups. Raises StoreError."""
        heeding = {job.id for job in jobs.values() if self._heeds(job)}
        waiting = [move for move in moves if move.state is MoveState.QUEUED and move.job_id in heeding]
        if not waiting:
            return {}
        learned = await self._rhythms.of({move.vm_id for move in waiting})
        known = [move for move in waiting if learned[move.vm_id].expected]
        if not known:
            return {}
        speeds = await known_speeds(self._store, self._links, self._assumed_bytes_per_s)
        outlooks = {}
        for move in known:
            likely_s = OVERHEAD_S + move.size_bytes / speeds.nearest(move.source, move.destination)
            outlooks[move.id] = BackupOutlook(
                expected=learned[move.vm_id].expected,
                likely_s=likely_s,
                latest_s=CAREFUL * likely_s,
                newest=self._rhythms.newest(move.vm_id),
            )
        return outlooks

    def _heeds(self, job: Job) -> bool:
        wanted = job.plan.options.ignore_backups
        return self._is_on if wanted is None else not wanted
