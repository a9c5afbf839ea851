"""Looks whose the files are that a move found in its way at the destination."""

import logging

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.leftovers import CODE, beside, homes_beside, in_the_light_of, in_the_way
from core.domain.model import windows_paths
from core.domain.model.move import Fault, Move
from core.domain.planning.room import disk_targets
from core.engine.attempt.context import AttemptContext
from core.errors import HostError
from core.ports import HostGateway

log = logging.getLogger(__name__)


async def look_at_leftovers(context: AttemptContext, diagnosis: Diagnosis) -> tuple[Diagnosis, Move | None]:
    """Return what a collision is about, and the move as its next try should go; None: as it was."""
    move = context.move
    if diagnosis.code != CODE or diagnosis.fault is not Fault.OPERATOR or move.before is None:
        return diagnosis, None
    if windows_paths.is_on_share(move.path):
        return diagnosis, None
    try:
        present = await _present(context.services.gateway, move)
        used = await _used(context.services.gateway, move) if present else {}
        taken = await _taken(context.services.gateway, move) if present else []
    except HostError as error:
        log.info("nobody could say whose the files are that %s met: %s", move.vm_name, error)
        return diagnosis, None
    wanted = [path for path, _ in disk_targets(move.path, move.disks, move.before)]
    wanted += [path for path in present if windows_paths.name(path).casefold().startswith(f"{move.vm_id}.")]
    found = in_the_way(present, wanted, used, has_tried=move.attempts > 0)
    way_out = beside(move, context.attempt.number, taken)
    told = in_the_light_of(diagnosis, found, move, way_out)
    return told, way_out if told.fault is Fault.NEVER_STARTED else None


async def _present(gateway: HostGateway, move: Move) -> list[str]:
    """List the files in the folders that the move writes to."""
    if move.before is None:
        return []
    folders = [windows_paths.parent(path) for path, _ in disk_targets(move.path, move.disks, move.before)]
    folders.append(windows_paths.join(move.path, "Virtual Machines"))
    once = {windows_paths.key(folder): folder for folder in folders}
    return [path for folder in once.values() for path in await gateway.list_folder(move.destination, folder) or ()]


async def _taken(gateway: HostGateway, move: Move) -> list[str]:
    """List what lies where a folder beside the one of the move would be made."""
    homes = homes_beside(move)
    return [path for home in homes for path in await gateway.list_folder(move.destination, home) or ()]


async def _used(gateway: HostGateway, move: Move) -> dict[str, str]:
    """Name the destination's VMs by the keys of their disk files, parents too: a linked clone's parent is live."""
    inspection = await gateway.inspect(move.destination)
    return {windows_paths.key(file.path): details.vm.name for details in inspection.details for file in details.files}
