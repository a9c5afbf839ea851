"""What the bot does with a host of very many VMs: it reads them all, and nobody waits meanwhile."""

import asyncio
import time
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from pypsrp.complex_objects import GenericComplexObject
from pypsrp.serializer import Serializer

from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.hyperv import pipelines
from core.hyperv.connection_settings import targets_of
from core.hyperv.session import Session, _QuickSerializer
from lab.hyperv.powershell.cmdlets import vm_objects
from lab.hyperv.powershell.cmdlets.objects import _select
from lab.hyperv.remoting.clixml import serialize
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.faults import WireFaultKind
from lab.hyperv.world.fleet import VM
from tests.support.fault_harness import fleet, ground, settings_for, vm

CROWD = HostName("HV03")
MANY = 800
TEN_THOUSAND = 10_000
PIPELINE_S = 60.0
"""How long one pipeline may be silent with the default settings."""


def crowd(size: int) -> list[VM]:
    ids = range(0x100, 0x100 + size)
    return [
        VM(id=UUID(int=n, version=4), name=f"vm{n:05}", host=CROWD, state=VMState.Off, path=f"D:\\VMs\\{n}")
        for n in ids
    ]


async def test_a_crowd_on_one_host_holds_up_nobody(tmp_path: Path) -> None:
    """While a long list trickles in, a VM moves between other hosts and the loop stays awake."""
    described = fleet(vm(1, "web01", gb=1), *crowd(MANY), count=3)
    longest = 0.0

    async def feel_the_pulse() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.02)

    async with ground(tmp_path, described, migration={"poll_idle": "60s"}) as here:
        pulse = asyncio.create_task(feel_the_pulse())
        here.order(CROWD, WireFaultKind.SLOW, operation="Receive", delay_s=0.4)
        moves = await here.over(await here.go("web01"))
        assert moves["web01"].state is MoveState.DONE
        await here.answers(CROWD)
        pulse.cancel()
        snapshot = here.engine._snapshot_cache.snapshots[CROWD]
        assert len({vm.id for vm in snapshot.vms}) == MANY
        assert longest < 5.0  # the lab's own writing is in it; a bot that read in its loop would stand for longer


async def test_a_long_list_is_no_silence() -> None:
    """A list that takes longer than a host may be silent is read to its end, as long as it goes on."""
    ticks = count()
    async with HyperVLab(fleet(*crowd(MANY), count=3), has_tls=False) as lab:
        target = targets_of(settings_for(lab, tls=False, sections={}))[CROWD]
        session = Session(target, clock=lambda: float(next(ticks)))

        def read() -> int:
            session.open()
            found = session.run(pipelines.VMS, timeout_s=4).values
            session.close()
            return len(found)

        assert await asyncio.to_thread(read) == MANY
    assert next(ticks) > 8


async def test_ten_thousand_vms_fit_into_the_time_a_host_has() -> None:
    """What reading one VM costs, ten thousand times, is well under the time after which the bot gives up."""
    size = 500
    async with HyperVLab(fleet(*crowd(size), count=3), has_tls=False) as lab:
        session = Session(targets_of(settings_for(lab, tls=False, sections={}))[CROWD])

        def read() -> tuple[float, int]:
            session.open()
            session.run(pipelines.HOST)
            began = time.thread_time()
            found = session.run(pipelines.VMS).values
            used_s = time.thread_time() - began
            session.close()
            return used_s, len(found)

        used_s, found = await asyncio.to_thread(read)
    assert found == size
    assert used_s * TEN_THOUSAND / size < PIPELINE_S


def test_plain_values_are_read_as_the_library_reads_them() -> None:
    """The quick way gives the very same values."""

    async def world() -> str:
        async with HyperVLab(fleet(*crowd(1), count=3), has_tls=False) as lab:
            (view,) = lab.world.vms(CROWD)
            return serialize(_select(vm_objects.virtual_machine(view), list(pipelines.VM_PROPERTIES)))

    xml = asyncio.run(world())
    slow, quick = Serializer().deserialize(xml), _QuickSerializer().deserialize(xml)
    assert set(slow.extended_properties) == set(pipelines.VM_PROPERTIES)
    assert {name: plain(value) for name, value in quick.extended_properties.items()} == {
        name: plain(value) for name, value in slow.extended_properties.items()
    }


def plain(value: Any) -> Any:
    """Return what can be compared: type and value, down to the numbers of enums."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, GenericComplexObject):
        return value.to_string, value.types, plain(value.property_sets)
    return type(value), value
