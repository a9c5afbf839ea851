"""Bad days of a host or of the bot in the middle of a move, over real WinRM: each is survived, and told once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.model.move import MoveState
from core.errors import StoreOwned
from core.store import SqlStore
from lab.hyperv.world.faults import MoveFault
from tests.support.databases import database_url
from tests.support.fault_harness import changed, fleet, ground, vm, vm_id


class Address:
    """An address whose traffic goes to the port of one machine, and later to that of another."""

    def __init__(self) -> None:
        self.leads_to = 0
        self._lines: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Listen on a port; close it and every line whatever happens meanwhile."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.turn_to(0)
            await server.wait_closed()

    def turn_to(self, port: int) -> None:
        """Lead to another machine; lines that are open, or being opened, break."""
        self.leads_to = port
        for writer in self._lines:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = {writer}
        self._lines |= mine
        try:
            with suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", self.leads_to)
                mine.add(back)
                if not writer.is_closing():
                    self._lines |= mine
                    await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._lines -= mine
            for one in mine:
                one.close()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            to.write(data)
            await to.drain()
    to.close()


async def test_another_machine_answers_in_the_middle_of_a_move(tmp_path: Path) -> None:
    """The destination's address leads to another machine: nothing it shows is believed, the end is found later."""
    address, vms = Address(), fleet(vm(1, "web01", gb=20), count=3)
    async with address.open() as port, ground(tmp_path, vms, hosts={"HV02": {"port": port}}) as here:
        address.leads_to = here.lab.access("HV02").http_port
        await here.answers("HV02")
        await here.answers("HV03")
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        address.turn_to(here.lab.access("HV03").http_port)
        await here.silent("HV02", "HV03")
        here.lab.jump(3600)
        assert (await here.move(job, "web01")).state in {MoveState.MOVING, MoveState.VERIFYING}
        address.turn_to(here.lab.access("HV02").http_port)
        assert (await here.over(job))["web01"].state is MoveState.DONE
        here.once_each("web01")


async def test_the_management_service_restarts_in_the_middle_of_a_move(tmp_path: Path) -> None:
    """The move fails with the service, and no list is believed while it is away: tried once more, and done."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.lab.world.vmms.restart("HV01", 120.0)
        await here.silent("HV01")
        await here.started(2)
        here.lab.jump(3600)
        moves = await here.over(job)
        assert moves["web01"].state is MoveState.DONE
        assert here.where(1) == "HV02"
        assert [start.vm_name for start in here.lab.world.ledger.starts] == ["web01", "web01"]
        assert here.lab.world.ledger.violations == []


async def test_a_second_process_is_refused_in_the_middle_of_a_move(tmp_path: Path) -> None:
    """It may not even open the database; the first one's move is done, once."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        second = SqlStore(database_url(tmp_path / "bot.db"))
        with pytest.raises(StoreOwned):
            await second.open()
        here.lab.jump(3600)
        assert (await here.over(job))["web01"].state is MoveState.DONE
        here.once_each("web01")


async def test_a_destination_fills_up_in_the_middle_of_a_move(tmp_path: Path) -> None:
    """The move fails for want of room, is told in those words, and the VM stays where it was."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=500))) as here:
        here.spoil(MoveFault(vm=vm_id(1), cause="disk-full", at_percent=40, times=None))
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.lab.world.fill_volume("HV02", "D:\\", 10**6)
        here.lab.jump(24 * 3600)
        move = (await here.over(job))["web01"]
        assert move.state is MoveState.FAILED
        assert "space" in move.error
        assert here.where(1) == "HV01"
        here.once_each("web01")


async def test_no_session_is_left_in_the_middle_of_a_move(tmp_path: Path) -> None:
    """MaxShellsPerUser is reached and every session is forgotten: the move is followed when there is room again."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        usual = {name: here.lab.shells(name).quotas for name in ("HV01", "HV02")}
        for name, quotas in usual.items():
            shells = here.lab.shells(name)
            shells.quotas = replace(quotas, shells_per_user=0)
            for shell in list(shells):
                shells.remove(shell)
        await here.silent("HV01", "no further session")
        await here.silent("HV02", "no further session")
        here.lab.jump(3600)
        assert (await here.move(job, "web01")).state is MoveState.MOVING
        for name, quotas in usual.items():
            here.lab.shells(name).quotas = quotas
        assert (await here.over(job))["web01"].state is MoveState.DONE
        here.once_each("web01")


async def test_a_planned_vm_that_is_left_behind_is_no_second_vm(tmp_path: Path) -> None:
    """A failed move leaves its planned VM on the destination: that is not the VM on two hosts, and it moves later."""
    described = fleet(vm(1, "web01", gb=500))
    first = described.hosts[1]
    described = changed(described, "HV02", quirks=replace(first.quirks, planned_vm_remains=True))
    async with ground(tmp_path, described) as here:
        here.spoil(MoveFault(vm=vm_id(1), cause="network", at_percent=40))
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.lab.jump(24 * 3600)
        await here.started(2)
        here.lab.jump(24 * 3600)
        moves = await here.over(job)
        assert moves["web01"].state is MoveState.DONE
        assert here.where(1) == "HV02"
        assert here.lab.world.ledger.violations == []
