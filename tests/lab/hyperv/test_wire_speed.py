"""How fast a large host answers, and that it does not stop the others meanwhile."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from lab.hyperv.powershell.cmdlets import vm_objects
from lab.hyperv.powershell.cmdlets.objects import _select
from lab.hyperv.remoting.clixml import serialize
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.fleet import VM, Fleet
from lab.hyperv.world.world import World
from tests.lab.hyperv.conftest import host

NAMES = ["Id", "Name", "State", "OperationalStatus", "Status", "MemoryAssigned", "Uptime", "Path", "Version"]


def crowd(size: int) -> Fleet:
    vms = (VM(id=UUID(int=n, version=4), name=f"vm{n:05}", host="HV01", state=VMState.Off) for n in range(1, size + 1))
    return Fleet(hosts=(host("HV01"), host("HV02")), vms=tuple(vms))


def test_an_inventory_is_written_in_well_under_a_second() -> None:
    """200 VMs, read from the world and serialized, in processor time (other work on the machine does not count)."""
    world = World(crowd(200), lambda: 0.0)
    began = time.process_time()
    written = [serialize(_select(vm_objects.virtual_machine(view), NAMES)) for view in world.vms("HV01")]
    assert len(written) == 200
    assert time.process_time() - began < 0.5


async def test_a_large_list_arrives_whole(open_lab: Any, connect: Any) -> None:
    """1,000 VMs over the wire, in order, none twice."""
    lab = await open_lab(crowd(1000), has_tls=False)
    client = await connect(lab)
    result = await client.run("Get-VM", ("Select-Object", {"ExpandProperty": "Name"}))
    assert result.output == [f"vm{n:05}" for n in range(1, 1001)]
