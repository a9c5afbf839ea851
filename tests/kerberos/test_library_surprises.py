"""What no library told us it may raise ends no loop: it is told, and the work goes on."""

import logging
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.errors import ContactLost
from core.hyperv.session import Session
from tests.kerberos.realms import World, addresses, fleet_of, kerberos, near
from tests.support.fault_harness import ground, vm


class Surprise(Exception):
    """An exception of a library nobody has heard of."""


async def test_an_exception_nobody_foresaw_does_not_leave_the_gateway(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is lost contact, which is the careful reading, and the log has the whole of it."""

    def surprised(*_: Any, **__: Any) -> None:
        raise Surprise

    async with near(world, "HV01") as here:
        with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
            patched.setattr(Session, "run", surprised)
            with pytest.raises(ContactLost, match="broke while it spoke to HV01"):
                await here.look("HV01")
        assert "the gateway to HV01 broke" in caplog.text
        assert await here.look("HV01") == 0


async def test_the_loops_outlive_an_exception_nobody_foresaw(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway that breaks its promise: hosts are looked at again, and the move is followed to its end."""
    described = fleet_of("HV01", "HV02", vms=[vm(1, "web01", gb=2)])
    more: dict[str, Any] = {"keytabs": world.keytabs, "hosts": addresses("HV01", "HV02"), "winrm": kerberos()}
    async with ground(tmp_path, described, **more) as here:
        job = await here.ask("web01")
        observe = here.gateway.observe
        left = 4

        async def surprised(host: HostName) -> Any:
            nonlocal left
            left -= 1
            if left >= 0:
                raise Surprise
            return await observe(host)

        with caplog.at_level(logging.ERROR):
            monkeypatch.setattr(here.gateway, "observe", surprised)
            await here.approve(job)
            moves = await here.over(job)
        assert left < 0
        assert "looking at HV0" in caplog.text
        assert moves["web01"].state is MoveState.DONE
        here.once_each("web01")
