"""Simulated hosts in a process of their own: what they cost is not counted against the bot that is measured.

The bot's side is a HostGateway that reads answers in threads, as the real one does. Answers are held back to common
moments, so that all hosts that were asked answer in one instant.
"""

import asyncio
import contextlib
import itertools
import pickle
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from core.domain.model.host_calls import CancelReply, CompatibilityReply, FolderReceipt, MoveOrder, MoveReport
from core.domain.model.inventory import CheckLine, HostJob, HostName, Inspection, Snapshot, Vm, VmId
from core.errors import HostError, OrderWithdrawn
from core.ports import Permit
from lab.gateway import LabGateway
from lab.hyperv.world.fleet import Fleet
from lab.hyperv.world.world import World

INSTANT_S = 0.5
"""Answers leave at multiples of this."""
_LENGTH = 8


async def _send(writer: asyncio.StreamWriter, message: tuple[Any, ...]) -> None:
    data = pickle.dumps(message)
    writer.write(len(data).to_bytes(_LENGTH) + data)
    await writer.drain()


async def _receive(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(_LENGTH)))


class Hosts:
    """The hosts' side: carries out what is asked, in order of asking, and answers at common moments."""

    def __init__(self, gateway: LabGateway) -> None:
        self._gateway = gateway
        self._writer: asyncio.StreamWriter
        self._permits: dict[int, asyncio.Future[bool]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one bot until it is gone."""
        self._writer = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, number, *rest = pickle.loads(await _receive(reader))  # noqa: S301 (our own process)
                if kind == "call":
                    self._tasks[number] = asyncio.create_task(self._call(number, *rest))
                elif kind == "permit":
                    self._permits[number].set_result(rest[0])
                elif kind == "leave" and number in self._tasks:
                    self._tasks[number].cancel()

    async def _call(self, number: int, method: str, arguments: tuple[Any, ...]) -> None:
        loop = asyncio.get_running_loop()
        if method == "move":
            arguments = *arguments, lambda percent: self._tell(("progress", number, percent)), self._ask(number)
        try:
            answer = ("answer", number, await getattr(self._gateway, method)(*arguments))
        except HostError as error:
            answer = ("error", number, (type(error), error.host, error.message))
        await asyncio.sleep(INSTANT_S - loop.time() % INSTANT_S)
        await _send(self._writer, answer)
        self._tasks.pop(number, None)

    def _ask(self, number: int) -> Permit:
        async def may_start() -> bool:
            self._permits[number] = asyncio.get_running_loop().create_future()
            await _send(self._writer, ("permit?", number, None))
            return await self._permits[number]

        return may_start

    def _tell(self, message: tuple[Any, ...]) -> None:
        data = pickle.dumps(message)
        self._writer.write(len(data).to_bytes(_LENGTH) + data)


async def be_the_hosts(fleet: Fleet) -> None:
    """Serve the hosts of a fleet on a free port, which is printed, until this process is ended."""
    loop = asyncio.get_running_loop()
    world = World(fleet, loop.time, epoch=datetime.now(UTC))
    hosts = Hosts(LabGateway(world, lambda: datetime.now(UTC)))
    server = await asyncio.start_server(hosts.serve, "127.0.0.1", 0, limit=2**26)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class RemoteHosts:
    """The HostGateway port over hosts in another process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._moves: dict[int, tuple[Callable[[int], None], Permit]] = {}
        self._asked: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Hear what the hosts say; each answer is read in a thread."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._start(self._hear(await _receive(self._reader)))

    async def _hear(self, data: bytes) -> None:
        kind, number, said = await asyncio.to_thread(pickle.loads, data)
        if kind == "progress" and number in self._moves:
            self._moves[number][0](said)
        elif kind == "permit?" and number in self._moves:
            await _send(self._writer, ("permit", number, await self._moves[number][1]()))
        elif number in self._answers and not self._answers[number].done():
            if kind == "answer":
                self._answers[number].set_result(said)
            elif kind == "error":
                error, host, message = said
                self._answers[number].set_exception(error(host, message))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _ask(
        self, method: str, *arguments: Any, of_move: tuple[Callable[[int], None], Permit] | None = None
    ) -> Any:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        if of_move is not None:
            self._moves[number] = of_move
        await _send(self._writer, ("call", number, method, arguments))
        try:
            return await self._answers[number]
        except asyncio.CancelledError:
            self._start(_send(self._writer, ("leave", number)))
            raise
        finally:
            self._answers.pop(number, None)
            self._moves.pop(number, None)

    async def observe(self, host: HostName) -> Snapshot:
        """Ask the other process, as all of these do."""
        seen: Snapshot = await self._ask("observe", host)
        return seen

    async def inspect(
        self,
        host: HostName,
        vm_ids: Collection[VmId] | None = None,
        *,
        neighbours: bool = False,
        known: Snapshot | None = None,
    ) -> Inspection:
        """Ask, without neighbours."""
        del neighbours, known
        seen: Inspection = await self._ask("inspect", host, None if vm_ids is None else list(vm_ids))
        return seen

    async def machine_at(self, host: HostName, address: str) -> str:
        """Ask."""
        name: str = await self._ask("machine_at", host, address)
        return name

    async def find(self, host: HostName, vm_id: VmId) -> Vm | None:
        """Ask."""
        found: Vm | None = await self._ask("find", host, vm_id)
        return found

    async def jobs(self, host: HostName, vm_id: VmId) -> tuple[HostJob, ...]:
        """Ask."""
        jobs: tuple[HostJob, ...] = await self._ask("jobs", host, vm_id)
        return jobs

    async def expect_moves(self, sources: Mapping[HostName, int]) -> None:
        """Make nothing ready: sessions cost nothing here."""

    async def move(
        self, host: HostName, order: MoveOrder, on_progress: Callable[[int], None], may_start: Permit
    ) -> MoveReport:
        """Ask, and stay."""
        report: MoveReport = await self._ask("move", host, order, of_move=(on_progress, may_start))
        return report

    async def cancel(self, host: HostName, vm_id: VmId) -> CancelReply:
        """Ask."""
        reply: CancelReply = await self._ask("cancel", host, vm_id)
        return reply

    async def list_folder(self, host: HostName, path: str) -> tuple[str, ...] | None:
        """Ask."""
        paths: tuple[str, ...] | None = await self._ask("list_folder", host, path)
        return paths

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        """Ask."""
        receipt: FolderReceipt = await self._ask("remove_empty_folder", host, path)
        return receipt

    async def compatibility_info(self, host: HostName, vm_ids: Sequence[VmId]) -> tuple[bytes | HostError, ...]:
        """Ask."""
        infos: tuple[bytes | HostError, ...] = await self._ask("compatibility_info", host, vm_ids)
        return infos

    async def test_compatibility(
        self, host: HostName, infos: Sequence[bytes]
    ) -> tuple[CompatibilityReply | HostError, ...]:
        """Ask."""
        replies: tuple[CompatibilityReply | HostError, ...] = await self._ask("test_compatibility", host, infos)
        return replies

    async def test_migration(self, host: HostName, vm_id: VmId, destination: HostName) -> CompatibilityReply:
        """Ask."""
        reply: CompatibilityReply = await self._ask("test_migration", host, vm_id, destination)
        return reply

    async def notes(self, host: HostName, key: str) -> Mapping[VmId, tuple[str, ...]]:
        """Ask."""
        found: Mapping[VmId, tuple[str, ...]] = await self._ask("notes", host, key)
        return found

    async def check(self, host: HostName, peers: Sequence[HostName]) -> tuple[CheckLine, ...]:
        """Ask."""
        lines: tuple[CheckLine, ...] = await self._ask("check", host, peers)
        return lines

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(OrderWithdrawn("", "The gateway is closed."))


@asynccontextmanager
async def remote_hosts(port: int) -> AsyncIterator[RemoteHosts]:
    """Connect to hosts in another process."""
    hosts = RemoteHosts(*await asyncio.open_connection("127.0.0.1", port, limit=2**26))
    listening = asyncio.create_task(hosts.listen())
    try:
        yield hosts
    finally:
        listening.cancel()
