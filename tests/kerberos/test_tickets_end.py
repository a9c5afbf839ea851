"""What happens when tickets end: logged on anew before, and nobody notices; or people read what is missing."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from core.domain.model.inventory import HostName, VmId
from core.domain.model.move import MoveState
from core.errors import CannotLogOn
from tests.kerberos.realms import (
    BRIEF,
    BRIEF_S,
    CONTOSO,
    PASSWORD,
    SVC,
    World,
    addresses,
    fleet_of,
    kerberos,
    near,
)
from tests.support.engine_harness import vm_id
from tests.support.fault_harness import ground, vm

PAST_END_S = BRIEF_S + 1.5


async def end(since: float) -> None:
    """Wait until the tickets that were got by then have ended."""
    await asyncio.sleep(max(0.0, since + PAST_END_S - time.monotonic()))


async def test_six_moves_outlive_their_tickets(world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Six VMs, two at once, while tickets end several times: each is moved once, no host is called silent."""
    described = fleet_of("HV01", "HV02", vms=[vm(n, f"web{n:02d}", gb=2) for n in range(1, 7)])
    names = [f"web{n:02d}" for n in range(1, 7)]
    hosts = addresses("HV01", "HV02")
    winrm = kerberos(BRIEF, keytab_file=str(world.keytab("brief")))
    with caplog.at_level(logging.WARNING):
        async with ground(tmp_path, described, keytabs=world.keytabs, hosts=hosts, winrm=winrm, speed=8.0) as here:
            began = time.monotonic()
            moves = await here.over(await here.go(*names))
            assert time.monotonic() - began > 1.5 * BRIEF_S
            assert {move.state for move in moves.values()} == {MoveState.DONE}
            assert {move.attempts for move in moves.values()} == {1}
            here.once_each(*names)
    assert not [line for line in caplog.messages if "silent" in line or "lost sight" in line or "broke" in line]


async def test_idle_readers_and_a_cancel_work_at_the_first_try(world: World) -> None:
    """Past the end of the ticket a session that idled answers, and a cancel, which is never repeated, is taken."""
    described = fleet_of("HV01", "HV02", vms=[vm(1, "web01", gb=60)])

    async def idle(*, tls: bool) -> None:
        async with near(world, "HV01", "HV02", tls=tls, winrm=kerberos(BRIEF), described=described) as here:
            await asyncio.gather(here.look("HV01"), here.look("HV02"))
            since, shells = time.monotonic(), {shell.id for shell in here.lab.shells("HV01")}
            await end(since)
            reply = await here.gateway.cancel(HostName("HV01"), VmId(vm_id(1)))
            assert not reply.found  # Stop-VMMigration itself says that nothing is to be stopped
            assert await here.look("HV01") == 1
            assert await here.look("HV02") == 0
            assert shells <= {shell.id for shell in here.lab.shells("HV01")}

    await asyncio.gather(idle(tls=False), idle(tls=True))


async def test_a_cache_that_its_owner_renews(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever owns the cache runs kinit in time, and nobody notices."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache}")
    world.realms.kinit(SVC, PASSWORD, cache, ["-l", f"{BRIEF_S}s"])
    since = time.monotonic()
    async with near(world, "HV01", password="", winrm=kerberos("")) as here:
        await here.look("HV01")
        shells = {shell.id for shell in here.lab.shells("HV01")}
        world.realms.kinit(SVC, PASSWORD, cache)
        await end(since)
        assert await here.look("HV01") == 0
        assert {shell.id for shell in here.lab.shells("HV01")} == shells


async def test_a_cache_that_nobody_renews(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """People read which ticket in which cache has ended; kinit, and the next try works."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache}")
    world.realms.kinit(SVC, PASSWORD, cache, ["-l", f"{BRIEF_S}s"])
    since = time.monotonic()
    async with near(world, "HV01", password="", winrm=kerberos("")) as here:
        await here.look("HV01")
        await end(since)
        words = f"the ticket of {SVC} in the cache FILE:{cache} has ended"
        for _ in range(2):
            with pytest.raises(CannotLogOn, match=words) as caught:
                await here.look("HV01")
        assert "kinit" in caught.value.hint
        world.realms.kinit(SVC, PASSWORD, cache)
        assert await here.look("HV01") == 0


async def test_a_kdc_that_is_away_while_tickets_last(world: World) -> None:
    """Warm sessions go on to the end of their ticket and say what is missing then; new ones say it at once."""
    try:
        async with near(world, "HV01", "HV02", winrm=kerberos(BRIEF)) as here:
            await here.look("HV01")
            since = time.monotonic()
            world.realms.stop(CONTOSO)
            with pytest.raises(CannotLogOn, match=r"no KDC of the realm CONTOSO\.COM answers"):
                await here.look("HV02")
            while time.monotonic() < since + BRIEF_S * 0.4:
                assert await here.look("HV01") == 0
                await asyncio.sleep(0.3)
            await end(since)
            with pytest.raises(CannotLogOn, match=r"no KDC of the realm CONTOSO\.COM answers"):
                await here.look("HV01")
            world.realms.start(CONTOSO)
            assert await here.look("HV01") == await here.look("HV02") == 0
    finally:
        if CONTOSO not in world.realms.running:
            world.realms.start(CONTOSO)


async def test_a_password_that_changes_is_noticed_at_the_renewal_and_locks_nobody(world: World) -> None:
    """The renewal is a login like any other: the secret is tried twice at most; the old ticket serves to its end."""
    user = f"changing@{CONTOSO}"
    world.realms.administer("addpol -maxfailure 4 -failurecountinterval 0 -lockoutduration 0 tight", CONTOSO)
    world.realms.add(user, PASSWORD, f"+requires_preauth -maxlife {BRIEF_S}s -policy tight")
    names = ["HV01", "HV02", "HV03"]
    async with near(world, *names, winrm=kerberos(user)) as here:
        for name in names:
            await here.look(name)
        since = time.monotonic()
        world.realms.administer(f'cpw -pw "{PASSWORD}2" {user}', CONTOSO)
        while time.monotonic() < since + PAST_END_S:
            await asyncio.gather(*map(here.look, names), return_exceptions=True)
            await asyncio.sleep(0.2)
        told = await asyncio.gather(*map(here.look, names), return_exceptions=True)
    assert all("is wrong" in str(error) or "locked" in str(error) for error in told), told
    failures = world.realms.administer(f"getprinc {user}", CONTOSO)
    assert "Failed password attempts: 4" not in failures
