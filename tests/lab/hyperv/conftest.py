"""A lab behind real sockets, and pypsrp as the client any tool would be."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import pytest
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

T = TypeVar("T")

WEB01 = UUID("0b7a3d8e-52b8-4d0e-9d0f-4f6a4e1c0a01")


@dataclass
class Result:
    """What one pipeline said."""

    output: list[Any]
    errors: list[Any]
    state: int
    progress: list[Any]

    @property
    def texts(self) -> list[str]:
        return [str(error) for error in self.errors]

    @property
    def ids(self) -> list[str]:
        return [error.fq_error for error in self.errors]

    @property
    def only(self) -> dict[str, Any]:
        """The properties that Select-Object gave the only object."""
        (item,) = self.output
        return dict(item.extended_properties)


class Client:
    """One connection with one runspace pool; each call runs in a thread, as pypsrp blocks."""

    def __init__(self, connection: WSMan, configuration: str, **pool: Any) -> None:
        self.connection = connection
        self.pool = RunspacePool(connection, configuration_name=configuration, **pool)

    def start(self, *stages: tuple[str, dict[str, Any]] | str, script: str | None = None) -> PowerShell:
        """Begin a pipeline (blocking)."""
        shell = PowerShell(self.pool)
        if script is not None:
            shell.add_script(script)
        for stage in stages:
            name, parameters = (stage, {}) if isinstance(stage, str) else stage
            shell.add_cmdlet(name)
            shell.add_parameters(parameters)
        shell.begin_invoke()
        return shell

    def finish(self, shell: PowerShell) -> Result:
        """Stay with a pipeline until its end (blocking)."""
        shell.end_invoke()
        return Result(shell.output, shell.streams.error, shell.state, shell.streams.progress)

    async def run(self, *stages: tuple[str, dict[str, Any]] | str, script: str | None = None) -> Result:
        """Run cmdlets, given as names or (name, parameters), to the end."""
        return await asyncio.to_thread(lambda: self.finish(self.start(*stages, script=script)))

    async def call(self, function: Callable[[], T]) -> T:
        return await asyncio.to_thread(function)


def select(*names: str) -> tuple[str, dict[str, Any]]:
    return "Select-Object", {"Property": list(names)}


def move(vm_id: UUID = WEB01, **more: Any) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The pipeline of a shared-nothing move to HV02."""
    to = {"DestinationHost": "HV02", "IncludeStorage": None, "DestinationStoragePath": "D:\\VMs\\moved"}
    return ("Get-VM", {"Id": vm_id}), ("Move-VM", {**to, **more})


async def begin(client: Client, lab: HyperVLab, *stages: tuple[str, dict[str, Any]]) -> PowerShell:
    """Start a move and wait until the world has it."""
    known = len(lab.world.migrations())
    shell = await client.call(lambda: client.start(*(stages or move())))
    await eventually(lambda: len(lab.world.migrations()) > known)
    return shell


def host(name: str, **fields: Any) -> Host:
    return Host(**{"name": name, "migration_enabled": True, "bandwidth_bytes_per_s": 100 * MB, **fields})


def vm(number: int, name: str, on: str = "HV01", **fields: Any) -> VM:
    folder = f"D:\\VMs\\{name}-{number}"
    disk = Disk(path=f"{folder}\\Virtual Hard Disks\\{name}.vhdx", size_bytes=10 * GB)
    given = {"memory_bytes": GB, "path": folder, "disks": (disk,), **fields}
    return VM(id=UUID(int=number, version=4), name=name, host=on, **given)


def fleet(*vms: VM, first: Host | None = None, second: Host | None = None, **fields: Any) -> Fleet:
    """Two hosts; web01 on HV01, and what else a test wants."""
    folder = "D:\\VMs\\web01"
    disk = Disk(path=f"{folder}\\Virtual Hard Disks\\web01.vhdx", size_bytes=10 * GB)
    web01 = VM(id=WEB01, name="web01", host="HV01", memory_bytes=GB, path=folder, disks=(disk,))
    return Fleet(hosts=(first or host("HV01"), second or host("HV02")), vms=(web01, *vms), **fields)


@pytest.fixture
async def open_lab() -> AsyncIterator[Callable[..., Awaitable[HyperVLab]]]:
    """Start labs that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(described: Fleet | None = None, **options: Any) -> HyperVLab:
            return await stack.enter_async_context(HyperVLab(described or fleet(), **options))

        yield start


@pytest.fixture
async def lab(open_lab: Callable[..., Awaitable[HyperVLab]]) -> HyperVLab:
    """Two hosts and web01, in real time; tests jump."""
    return await open_lab(has_tls=False)


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Connect to hosts; sessions and sockets are closed after the test."""
    clients: list[Client] = []

    async def join(
        lab: HyperVLab,
        name: str = "HV01",
        *,
        is_open: bool = True,
        pool: dict[str, Any] | None = None,
        configuration: str = "",
        **options: Any,
    ) -> Client:
        access = lab.access(name)
        given: dict[str, Any] = {
            "port": access.http_port,
            "ssl": False,
            "auth": "basic",
            "encryption": "never",
            "username": access.user,
            "password": access.password,
            **options,
        }
        client = Client(WSMan(access.address, **given), configuration or access.configuration, **(pool or {}))
        clients.append(client)
        if is_open:
            await asyncio.to_thread(client.pool.open)
        return client

    yield join
    for client in clients:
        client.connection.close()


@pytest.fixture
async def client(lab: HyperVLab, connect: Callable[..., Awaitable[Client]]) -> Client:
    """A session on HV01 of `lab`, by Basic authentication."""
    return await connect(lab)
