"""Chooses where the VMs of a request go: reads what else the hosts have to do, lists folders, and weighs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.config import Settings
from core.domain.model.inventory import HostName, Inspection, VmDetails, VmId
from core.domain.model.plan import Options
from core.domain.planning.destinations import Destination
from core.domain.planning.forecast import slots_of
from core.domain.planning.other_moves import other_moves
from core.domain.planning.placement import Conditions, Placement, place
from core.domain.planning.speeds import Speeds
from core.engine.folder_lists import FolderLists
from core.engine.known_speeds import known_speeds
from core.ports import Clock, Store

_MANY = 8
"""From so many VMs on a placement takes long enough to be made beside everything else."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Where VMs are to stay if they can (``keep``), where they go or nowhere (``pinned``), and who says no to them."""

    keep: Mapping[VmId, HostName] = field(default_factory=dict)
    pinned: Mapping[VmId, HostName] = field(default_factory=dict)
    said_no: Mapping[VmId, frozenset[HostName]] = field(default_factory=dict)


_ANYWHERE = Stay()


class DestinationChoice:
    """The chooser of destinations."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._links = settings.known_links()

    def wants(self, options: Options) -> tuple[bool, bool]:
        """Return whether each VM gets a folder of its own, and whether disks keep their drive letters."""
        migration = self._settings.migration
        return (
            migration.put_in_subfolder if options.subfolder is None else options.subfolder,
            migration.preserve_drive_letters if options.keep_drives is None else options.keep_drives,
        )

    async def speeds(self) -> Speeds:
        """Return what was learned of each pair, and what is assumed of the others."""
        return await known_speeds(self._store, self._links, self._settings.migration.assumed_speed_mb_s * 1_000_000)

    async def choose(
        self,
        options: Options,
        details: Sequence[VmDetails],
        targets: Sequence[Destination],
        inspections: Mapping[HostName, Inspection],
        *,
        homes: Mapping[VmId, HostName],
        folders: FolderLists,
        settled: frozenset[VmId],
        stay: Stay = _ANYWHERE,
    ) -> Placement:
        """Place each VM; ``settled`` will not move whatever the host, ``stay`` says where they were."""
        own_folders, keeps_drives = self.wants(options)
        if len(targets) > 1 and not own_folders:
            await folders.list_targets(targets, details, inspections, keeps_drives=keeps_drives)
        snapshots = {host: inspection.snapshot for host, inspection in inspections.items()}
        open_moves = await self._store.moves(open_only=True)
        attempts = await self._store.attempts(open_only=True)
        speeds = await self.speeds()
        conditions = Conditions(
            homes=homes,
            slots=slots_of(snapshots),
            speeds=speeds,
            now=self._clock.now(),
            others=other_moves(open_moves, attempts, snapshots, speeds, self._clock.now()),
            taken=folders.taken,
            settled=settled,
            keeps_drives=keeps_drives,
            own_folders=own_folders,
            apart=options.apart,
            keep=stay.keep,
            pinned=stay.pinned,
            said_no=stay.said_no,
            at_once=options.parallel or self._settings.migration.max_parallel,
        )
        if len(details) < _MANY:
            return place(details, targets, inspections, conditions)
        return await asyncio.to_thread(place, details, targets, inspections, conditions)
