"""The gateway over real WinRM and PSRP, against the lab's hosts."""

from collections.abc import Awaitable, Callable

import pytest

from tests.contracts.gateway import CONTRACT, a_hanging_host_delays_nobody
from tests.contracts.gateway_arena import Arena
from tests.support.wire_harness import on_lab


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_contract(promise: Callable[[Arena], Awaitable[None]]) -> None:
    """What every HostGateway does."""
    hangs = promise is a_hanging_host_delays_nobody
    async with on_lab(operation_timeout=2 if hangs else 30) as (arena, _):
        await promise(arena)
