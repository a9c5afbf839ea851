"""The lab's gateway without a wire keeps the promises of the real one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lab.gateway import LabGateway
from lab.hyperv.world.world import World
from lab.virtual_time import VirtualClock, VirtualTimeLoop, run_virtually
from tests.contracts.gateway import CONTRACT
from tests.contracts.gateway_arena import FLEET, Arena


def _address(host: str) -> str:
    return FLEET.address_of(next(spec for spec in FLEET.hosts if spec.name == host))


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
def test_contract(promise: Callable[[Arena], Awaitable[None]]) -> None:
    """What every HostGateway does."""

    async def main(loop: VirtualTimeLoop) -> Any:
        clock = VirtualClock(loop)
        world = World(FLEET, loop.time, epoch=clock.now())
        await promise(Arena(LabGateway(world, clock.steady_now), world, asyncio.sleep, _address))

    run_virtually(main)
