"""Lists the folders of destinations that VMs may land in, each once for a plan, and keeps which hosts show none."""

import asyncio
from collections.abc import Mapping, Sequence

from core.domain.model import windows_paths
from core.domain.model.inventory import HostName, Inspection, VmDetails
from core.domain.model.plan import PlannedMove
from core.domain.planning.destinations import Destination, folders_of_disks
from core.domain.planning.room import disk_targets
from core.domain.planning.short_names import Spelling, short_parts, spelling
from core.errors import CommandFailed, EndpointRefused
from core.ports import HostGateway
from core.tasks import compute


class FolderLists:
    """The files in destination folders, as preflight has them (``taken``), and hosts that show none (``unseen``)."""

    def __init__(self, gateway: HostGateway) -> None:
        self._gateway = gateway
        self.taken: dict[tuple[HostName, str], frozenset[str]] = {}
        self.unseen: dict[HostName, str] = {}

    async def names(self, host: HostName, path: str) -> frozenset[str]:
        """Return what lies in a folder; nothing when the host shows none."""
        return frozenset(windows_paths.name_key(item) for item in await self._list(host, path) or ())

    async def list_targets(
        self,
        targets: Sequence[Destination],
        details: Sequence[VmDetails],
        inspections: Mapping[HostName, Inspection],
        *,
        keeps_drives: bool,
    ) -> None:
        """List the folders that disks of several VMs may share, on every destination they may go to."""

        def shared() -> dict[tuple[HostName, str], str]:
            return {
                (target.host, windows_paths.key(folder)): folder
                for target in targets
                for folder in folders_of_disks(
                    target, details, inspections[target.host].volumes if keeps_drives else ()
                )
            }

        await self._list_all(await compute(len(details) * len(targets), shared))

    async def attachments(
        self, hosts: Sequence[HostName], details: Sequence[VmDetails]
    ) -> dict[HostName, dict[str, bool]]:
        """Look on each host for the images that VMs have mounted; a share, and a host that shows none, tell nothing."""
        paths = {windows_paths.key(image): image for row in details for image in row.images}
        local = {key: path for key, path in paths.items() if not windows_paths.is_on_share(path)}
        folders = {windows_paths.key(up): up for up in map(windows_paths.parent, local.values())}
        places = {(host, key): folder for host in hosts for key, folder in folders.items()}
        seen = await asyncio.gather(*(self._list_if_shown(host, path) for (host, _), path in places.items()))
        shown = {place: items for place, items in zip(places, seen, strict=True) if items is not None}
        found: dict[HostName, dict[str, bool]] = {host: {} for host in hosts}
        for host in hosts:
            for key, path in local.items():
                folder = shown.get((host, windows_paths.key(windows_paths.parent(path))))
                if folder is not None:
                    found[host][key] = key in folder
        return found

    async def spellings(self, targets: Sequence[Destination]) -> dict[tuple[HostName, str], tuple[Spelling, str]]:
        """Find out how folders are called whose names may be short ones; others need no look."""
        places = [(target.host, part) for target in targets for part in short_parts(target.path)]
        judged = await asyncio.gather(*(self._spelling(host, path) for host, path in places))
        return dict(zip(places, judged, strict=True))

    async def _spelling(self, host: HostName, path: str) -> tuple[Spelling, str]:
        try:
            within = await self._gateway.list_folder(host, path)
            how, real = spelling(path, within, None)
            if real:
                return how, real
            return spelling(path, within, await self._gateway.list_folder(host, windows_paths.parent(path)))
        except (EndpointRefused, CommandFailed):
            return Spelling.UNKNOWN, ""

    async def list_disks(self, moves: Sequence[PlannedMove], inspections: Mapping[HostName, Inspection]) -> None:
        """List the folders that the disks of a plan land in, as far as they are not listed yet."""
        folders = await compute(len(moves), _folders, moves, inspections)
        await self._list_all({place: path for place, path in folders.items() if place not in self.taken})

    async def _list_if_shown(self, host: HostName, path: str) -> frozenset[str] | None:
        """Return what lies in a folder, None when the host does not show that folder; no folder is an empty one."""
        try:
            return frozenset(windows_paths.key(item) for item in await self._gateway.list_folder(host, path) or ())
        except (EndpointRefused, CommandFailed):
            return None

    async def _list_all(self, folders: Mapping[tuple[HostName, str], str]) -> None:
        found = await asyncio.gather(*(self._list(host, path) for (host, _), path in folders.items()))
        for place, items in zip(folders, found, strict=True):
            self.taken[place] = frozenset(windows_paths.key(item) for item in items or ())

    async def _list(self, host: HostName, path: str) -> tuple[str, ...] | None:
        """List a folder; a host whose endpoint shows none (JEA) is noted, and no reason not to plan."""
        try:
            return await self._gateway.list_folder(host, path)
        except EndpointRefused as error:
            self.unseen[host] = error.message
            return None


def _folders(
    moves: Sequence[PlannedMove], inspections: Mapping[HostName, Inspection]
) -> dict[tuple[HostName, str], str]:
    """Return the folders that the disks of a plan land in."""
    folders: dict[tuple[HostName, str], str] = {}
    for move in moves:
        row = inspections[move.source].of(move.vm_id)
        for path, _ in disk_targets(move.path, move.disks, row) if row else ():
            folder = windows_paths.parent(path)
            folders[move.destination, windows_paths.key(folder)] = folder
    return folders
