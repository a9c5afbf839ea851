"""What the bot does when hosts reject its login: it tells, holds, and does not try until the account is locked."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.errors import LoginRejected
from core.hyperv import LoginMemory, PypsrpGateway, lockout_guard
from lab.hyperv.remoting.auth import Authenticator
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.faults import WireFaultKind
from tests.support.fault_harness import fleet, ground, settings_for, vm


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the requests that carry a password, by host."""
    counts: Counter[str] = Counter()
    admit = Authenticator.admit

    def counted(self: Authenticator, connection: Any, authorization: str | None) -> Any:
        counts[self._machine] += bool(authorization)
        return admit(self, connection, authorization)

    monkeypatch.setattr(Authenticator, "admit", counted)
    return counts


async def test_a_wrong_password_is_tried_on_two_hosts_and_then_no_more(logins: Counter[str]) -> None:
    """Six hosts, one account, a wrong password, asked again and again: the account sees three tries at most."""
    described = fleet(count=6)
    async with HyperVLab(described, has_tls=False) as lab:
        settings = settings_for(lab, tls=False, sections={})
        wrong = type(settings.winrm_password)("wrong")
        gateway = PypsrpGateway(settings.model_copy(update={"winrm_password": wrong}))
        hosts = [HostName(host.name) for host in described.hosts]
        for _ in range(5):
            said = await asyncio.gather(*map(gateway.observe, hosts), return_exceptions=True)
            assert all(isinstance(error, LoginRejected) for error in said)
        assert logins.total() <= 3
        assert all("locked" in str(error) for error in said)
        assert not any("wrong" in str(error) for error in said)
        await gateway.close()


async def test_a_bot_that_is_started_again_and_again_does_not_lock_its_account(
    tmp_path: Path, logins: Counter[str]
) -> None:
    """Ten starts with a wrong password: the account sees three tries at most; the right one is tried at once."""
    described = fleet(count=6)
    async with HyperVLab(described, has_tls=False) as lab:
        right = settings_for(lab, tls=False, sections={})
        wrong = right.model_copy(update={"winrm_password": type(right.winrm_password)("wrong")})
        hosts = [HostName(host.name) for host in described.hosts]
        for _ in range(10):
            gateway = PypsrpGateway(wrong, logins=LoginMemory(tmp_path / "logins"))
            said = await asyncio.gather(*map(gateway.observe, hosts), return_exceptions=True)
            assert all(isinstance(error, LoginRejected) for error in said)
            await gateway.close()
        assert logins.total() <= 3
        gateway = PypsrpGateway(right, logins=LoginMemory(tmp_path / "logins"))
        assert {snapshot.host for snapshot in await asyncio.gather(*map(gateway.observe, hosts))} == set(hosts)
        await gateway.close()


async def test_a_rejected_login_holds_the_moves_of_that_host_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logins: Counter[str]
) -> None:
    """HTTP 401 from one host: its move is held with the words and a hint, another's is done, later both are."""
    monkeypatch.setattr(lockout_guard, "FIRST_PAUSE_S", 1.0)
    vms = (vm(1, "web01", gb=1), vm(2, "web02", "HV03", gb=1))
    async with ground(tmp_path, fleet(*vms, count=3)) as here:
        near, far = await here.ask("web01"), await here.ask("web02", source="HV03")
        here.order("HV03", WireFaultKind.STATUS, status=401)
        text = await here.silent("HV03", "rejects the login")
        assert "so that the account does not get locked" in text or "CONTOSO" in text
        assert "[winrm]" in here.engine._snapshot_cache.troubles[HostName("HV03")].hint
        await here.approve(far)
        await here.approve(near)
        assert (await here.over(near))["web01"].state is MoveState.DONE
        assert "rejects the login" in await here.is_held(far, "web02")
        here.end_trouble()
        moves = await here.over(far)
        assert (moves["web02"].state, moves["web02"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01", "web02")


async def test_a_login_that_is_rejected_in_the_middle_of_a_move_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source suddenly wants another password: the running move is followed to its end once it is right again."""
    monkeypatch.setattr(lockout_guard, "FIRST_PAUSE_S", 1.0)
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.order("HV01", WireFaultKind.STATUS, status=401)
        await here.silent("HV01", "rejects the login")
        here.lab.jump(3600)
        assert (await here.move(job, "web01")).state is MoveState.MOVING
        here.end_trouble()
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01")
