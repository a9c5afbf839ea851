"""Where the promises of gateways are kept: a small fleet of the lab, and one gateway with the world behind it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from core.domain.model.host_calls import MoveOrder
from core.domain.model.inventory import HostName, VmId
from core.ports import HostGateway
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.fleet import GB, MB, VM, Adapter, Checkpoint, Disk, File, Fleet, Host, Volume
from lab.hyperv.world.world import World
from tests.support.eventually import PATIENCE_S, eventually

SOURCE, DESTINATION = HostName("HV01"), HostName("HV02")
WEB, OFF, TWIN, SPARE = (VmId(UUID(int=0x4000_8000_0000_0000_0000 + n)) for n in range(1, 5))
STRANGER = VmId(UUID(int=0x4000_8000_0000_0000_00FF))


def _disk(name: str, part: str = "", *, gb: int = 4) -> Disk:
    return Disk(path=f"D:\\VMs\\{name}\\Virtual Hard Disks\\{name}{part}.vhdx", size_bytes=gb * GB)


def _host(name: str, *files: File) -> Host:
    return Host(
        name=name,
        migration_enabled=True,
        bandwidth_bytes_per_s=100 * MB,
        switches=("Backup", "Production"),
        internal_switches=("Backup",),
        volumes=(Volume(root="C:", size_bytes=200 * GB), Volume(root="D:", size_bytes=1000 * GB)),
        files=files,
    )


FLEET = Fleet(
    hosts=(
        _host(
            SOURCE,
            File(path="D:\\VMs\\empty[1]", is_folder=True),
            File(path="D:\\VMs\\full\\desktop.ini", is_hidden=True),
            File(path="D:\\top", is_folder=True),
        ),
        _host(DESTINATION),
    ),
    vms=(
        VM(
            id=WEB,
            name="web01",
            host=SOURCE,
            memory_bytes=GB,
            disks=(_disk("web01"), _disk("web01", "-data", gb=2)),
            adapters=(Adapter(), Adapter(name="Unplugged", switch=None)),
        ),
        VM(
            id=OFF,
            name="old",
            host=SOURCE,
            state=VMState.Off,
            disks=(_disk("old"),),
            iso_path="D:\\ISO\\tools.iso",
            checkpoints=(Checkpoint(id=UUID(int=7), name="before", disks=(_disk("old"),)),),
            has_vtpm=True,
        ),
        VM(id=TWIN, name="web01", host=SOURCE, memory_bytes=GB, path="D:\\VMs\\twin", disks=(_disk("twin"),)),
        VM(id=SPARE, name="spare", host=SOURCE, memory_bytes=GB, disks=(_disk("spare"),)),
    ),
)


async def granted() -> bool:
    """Let every order go out."""
    return True


@dataclass
class Arena:
    """One gateway, the world behind it, and its time."""

    gateway: HostGateway
    world: World
    pass_time: Callable[[float], Awaitable[None]]
    """Let so many seconds pass for the hosts."""
    address: Callable[[HostName], str]

    def order(self, vm_id: VmId = WEB) -> MoveOrder:
        return MoveOrder(vm_id, self.address(DESTINATION), "D:\\Moved")

    async def start(self, vm_id: VmId = WEB) -> "asyncio.Task[object]":
        """Start a move and return once the source shows its job."""
        move = asyncio.create_task(self.gateway.move(SOURCE, self.order(vm_id), lambda _percent: None, granted))
        await self.until(lambda: any(m.vm_id == vm_id for m in self.world.migrations()))
        return move

    async def until(self, is_true: Callable[[], bool]) -> None:
        await eventually(is_true)  # the world has no event for each of its changes

    async def play_out(self) -> None:
        """Let every migration end."""
        async with asyncio.timeout(PATIENCE_S):
            while any(not m.is_done for m in self.world.migrations()):
                await self.pass_time(30)
                await asyncio.sleep(0.01)
