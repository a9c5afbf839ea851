"""Tickets of a minute in moves of ten: the long half of what happens when tickets end, for ``make storm``."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName, VmId
from core.domain.model.move import MoveState
from tests.kerberos.realms import CONTOSO, World, addresses, fleet_of, kerberos
from tests.support.engine_harness import vm_id
from tests.support.fault_harness import ground, vm

MINUTE = f"minute@{CONTOSO}"
WITHIN_S = 280.0


def hosts_with(world: World) -> dict[str, Any]:
    winrm = kerberos(MINUTE, keytab_file=str(world.keytab("minute")))
    return {"keytabs": world.keytabs, "hosts": addresses("HV01", "HV02"), "winrm": winrm}


async def test_six_vms_move_for_ten_minutes_with_tickets_of_sixty_seconds(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten minutes of the hosts in two of ours: tickets end twice, each VM is moved once, nobody is called silent."""
    names = [f"web{n:02d}" for n in range(1, 7)]
    described = fleet_of("HV01", "HV02", vms=[vm(n, name, gb=10) for n, name in enumerate(names, 1)])
    with caplog.at_level(logging.WARNING):
        async with ground(tmp_path, described, speed=4.5, **hosts_with(world)) as here:
            began = time.monotonic()
            moves = await here.over(await here.go(*names), within_s=WITHIN_S)
            assert time.monotonic() - began > 120.0
            assert {(move.state, move.attempts) for move in moves.values()} == {(MoveState.DONE, 1)}
            here.once_each(*names)
    assert not [line for line in caplog.messages if "silent" in line or "lost sight" in line or "broke" in line]


async def test_a_cancel_at_the_moment_the_ticket_ends(world: World, tmp_path: Path) -> None:
    """A move of ten minutes is cancelled as the first ticket ends, by a session that idled all the time."""
    described = fleet_of("HV01", "HV02", vms=[vm(1, "web01", gb=60)])
    async with ground(tmp_path, described, speed=1.0, **hosts_with(world)) as here:
        since = time.monotonic()
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        await asyncio.sleep(max(0.0, since + 60.0 - time.monotonic()))
        reply = await here.gateway.cancel(HostName("HV01"), VmId(vm_id(1)))
        assert reply.found
        here.once_each("web01")


async def test_a_kdc_that_is_away_for_two_minutes_of_a_move(world: World, tmp_path: Path) -> None:
    """Contact is lost with the ticket and people read why; with the KDC back the move is followed to its end."""
    described = fleet_of("HV01", "HV02", vms=[vm(1, "web01", gb=20)])
    try:
        async with ground(tmp_path, described, speed=1.0, **hosts_with(world)) as here:
            job = await here.go("web01")
            await here.is_in(job, "web01", MoveState.MOVING)
            world.realms.stop(CONTOSO)
            away_until = time.monotonic() + 120.0
            await here.silent("HV01", "no KDC of the realm CONTOSO.COM answers", within_s=110.0)
            await asyncio.sleep(away_until - time.monotonic())
            assert (await here.move(job, "web01")).state is MoveState.MOVING
            world.realms.start(CONTOSO)
            await here.answers("HV01")
            here.lab.jump(600)
            moves = await here.over(job, within_s=WITHIN_S)
            assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
            here.once_each("web01")
    finally:
        if CONTOSO not in world.realms.running:
            world.realms.start(CONTOSO)
