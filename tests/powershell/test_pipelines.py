"""Every pipeline of the gateway in a real PowerShell, ordinary and restricted: it binds, runs and is read like ours."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from core.domain.model.host_calls import DiskTarget, MoveOrder
from core.domain.model.inventory import VmId
from core.hyperv import pipelines
from core.hyperv.pipelines import Pipeline
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import DESTINATION, SPARE, STRANGER, WEB
from tests.powershell.sessions import Place, described, place

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DISK = "D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx"
_SPARE_DISK = "D:\\VMs\\spare\\Virtual Hard Disks\\spare.vhdx"
_NONE = VmId(UUID(int=5))
_NEEDS = b'{"family": "arm", "name": "web01", "version": "9.0", "vm": "00000000-0000-0000-0000-000000000005"}'

_VMS: tuple[VmId | None, ...] = (None, WEB, _NONE)
READS: dict[str, tuple[Pipeline, ...]] = {
    **{
        name: (getattr(pipelines, name),)
        for name in (
            *("HOST", "VMS", "JOBS", "COUNTERS", "SWITCHES", "VOLUMES", "SECURITY", "MEMORY"),
            *("PASSED_DEVICES", "GPU_PARTITIONS", "FIBRE_CHANNEL", "PROCESSORS", "DRIVE_IMAGES", "COM_PORTS"),
            *("NETWORKS", "ADDRESSES"),
        )
    },
    "vm": (pipelines.vm(WEB), pipelines.vm(STRANGER), pipelines.vm(_NONE)),
    "disks": tuple(map(pipelines.disks, _VMS)),
    "adapters": tuple(map(pipelines.adapters, _VMS)),
    "dvd_drives": tuple(map(pipelines.dvd_drives, _VMS)),
    "checkpoints": tuple(map(pipelines.checkpoints, _VMS)),
    "checkpoint_disks": tuple(map(pipelines.checkpoint_disks, _VMS)),
    "checkpoint_files": tuple(map(pipelines.checkpoint_files, _VMS)),
    "system_files": tuple(map(pipelines.system_files, _VMS)),
    "disk_files": (pipelines.disk_files([_DISK]), pipelines.disk_files([_DISK, "D:\\no\\such.vhdx"])),
    "commands": (pipelines.commands(["Get-VM", "Move-VM", "Get-CimInstance"]), pipelines.commands(["Get-VM", "Nope"])),
    "peer": (pipelines.peer(DESTINATION), pipelines.peer("NOHOST")),
}
CALLS: dict[str, tuple[Pipeline, ...]] = {
    "folder": (pipelines.folder("D:\\none"),),
    "remove_empty_folder": (pipelines.remove_empty_folder("D:\\VMs"),),
    "stop_migration": (pipelines.stop_migration(_NONE),),
    "notes": (pipelines.notes("owner"),),
    "compatibility_info": (pipelines.compatibility_info([WEB]), pipelines.compatibility_info([WEB, _NONE, SPARE])),
    "test_compatibility": (
        pipelines.test_compatibility([_NEEDS]),
        pipelines.test_compatibility([b"nonsense", _NEEDS, b"x"]),
    ),
    "test_migration": (
        pipelines.test_migration(WEB, DESTINATION, 30),
        pipelines.test_migration(WEB, "NOHOST", 30),
        pipelines.test_migration(_NONE, DESTINATION, 30),
    ),
    "move_with_disks": tuple(
        pipelines.move_with_disks(MoveOrder(vm_id, address, path, (DiskTarget(_DISK, f"{folder}\\web01.vhdx"),)))
        for vm_id, address, path, folder in (
            (WEB, DESTINATION, "D:\\Moved", "\\\\evil\\share"),
            (WEB, DESTINATION, "D:\\Moved\\..\\x", "D:\\Moved"),
            (WEB, "evil/x", "D:\\Moved", "D:\\Moved"),
            (_NONE, DESTINATION, "D:\\Moved", "D:\\Moved"),
            (WEB, "NOHOST", "D:\\Moved", "D:\\Moved"),
        )
    ),
}
LAST = ("move",)
"""Changes the fleet, and so comes after everything else."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[Endpoint.FULL_LANGUAGE, Endpoint.JEA])
async def sides(powershell: PowerShell, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Place, Place]]:
    """Give the same fleet twice: behind a real PowerShell, and behind the lab's own engine."""
    async with place(powershell, request.param, speed=60) as real, place(None, request.param, speed=60) as ours:
        yield real, ours


async def test_no_pipeline_is_left_out() -> None:
    """A new pipeline of the gateway has to be tried here."""
    constants = {name for name, value in vars(pipelines).items() if isinstance(value, Pipeline)}
    makers = {
        name
        for name, value in inspect.getmembers(pipelines, inspect.isfunction)
        if not name.startswith("_") and inspect.signature(value).return_annotation is Pipeline
    }
    assert constants | makers == {*READS, *CALLS, *LAST}


@pytest.mark.parametrize("name", READS)
async def test_a_read_says_the_same_on_both(name: str, sides: tuple[Place, Place]) -> None:
    """Values, types as we read them, error ids, categories and texts agree."""
    for pipeline in READS[name]:
        real, ours = [described(await side.run(pipeline)) for side in sides]
        assert real == ours, pipeline


@pytest.mark.parametrize("name", CALLS)
async def test_a_function_refuses_the_same_on_both(name: str, sides: tuple[Place, Place]) -> None:
    """Our functions, called for what they refuse on any machine."""
    for pipeline in CALLS[name]:
        real, ours = [described(await side.call(pipeline)) for side in sides]
        assert real == ours, pipeline


def _orders(side: Place) -> dict[VmId, MoveOrder]:
    address = side.lab.fleet.address_of(side.lab.fleet.hosts[1])
    apart = DiskTarget(_SPARE_DISK, "D:\\Apart\\spare.vhdx")
    return {WEB: MoveOrder(WEB, address, "D:\\Moved"), SPARE: MoveOrder(SPARE, address, "D:\\Moved\\spare", (apart,))}


@pytest.mark.parametrize("vm_id", [WEB, SPARE], ids=["to one folder", "disk by disk"])
async def test_a_move_is_carried_out(vm_id: VmId, sides: tuple[Place, Place]) -> None:
    """The VM is on the other host in the end, and the percents only rise."""
    for side in sides:
        percents: list[int] = []
        order, has_role = _orders(side)[vm_id], not side.session._target.is_full_language
        pipeline = pipelines.move_with_disks(order) if order.disks and has_role else pipelines.move(order)
        reply = await asyncio.to_thread(side.session.run, pipeline, on_progress=percents.append)
        assert (reply.values, reply.words) == ([], ())
        assert percents == sorted(percents)
        assert percents
        assert side.lab.world.where_is(vm_id) == DESTINATION
