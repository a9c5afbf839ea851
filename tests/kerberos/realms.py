"""Two domains as the tests know them: CONTOSO.COM and FABRIKAM.COM, their hosts and their accounts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName
from core.hyperv import PypsrpGateway
from lab.hyperv.remoting.auth import Admission, AuthenticatedConnection, Authenticator
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import Fleet, Host
from lab.kdc import Realms
from tests.support.engine_harness import host
from tests.support.fault_harness import settings_for

CONTOSO, FABRIKAM = "CONTOSO.COM", "FABRIKAM.COM"
PASSWORD = Host(name="any").password
SVC = f"svc-migrate@{CONTOSO}"
BRIEF_S = 8
"""How long the tickets of ``brief`` last: they are renewed after four seconds."""
BRIEF = f"brief@{CONTOSO}"
HOSTS = {f"HV{n:02d}": (f"hv{n:02d}.contoso.com", CONTOSO) for n in range(1, 7)} | {
    "FB01": ("fb01.fabrikam.com", FABRIKAM),
    "FB02": ("fb02.fabrikam.com", FABRIKAM),
}


@dataclass(frozen=True)
class World:
    """The realms, and the keys of every host and account."""

    realms: Realms
    folder: Path

    def keytab(self, name: str) -> Path:
        return self.folder / f"{name}.keytab"

    @property
    def keytabs(self) -> dict[str, Path]:
        return {name: self.keytab(name) for name in HOSTS}


@contextmanager
def build(folder: Path) -> Iterator[World]:
    with Realms(folder, CONTOSO, FABRIKAM) as realms:
        world = World(realms, folder)
        for name, (address, realm) in HOSTS.items():
            realms.add(f"host/{address}@{realm}")
            realms.keytab(world.keytab(name), f"host/{address}@{realm}")
        for account, flags in (("svc-migrate", ""), ("brief", f"-maxlife {BRIEF_S}s"), ("minute", "-maxlife 60s")):
            realms.add(f"{account}@{CONTOSO}", PASSWORD, f"+requires_preauth {flags}")
            realms.keytab(world.keytab(account), f"{account}@{CONTOSO}")
        realms.add(f"svc-migrate@{FABRIKAM}", PASSWORD, "+requires_preauth")
        yield world


def addresses(*names: str, **more: Any) -> dict[str, dict[str, Any]]:
    """Return the ``[hosts]`` tables that reach hosts by their own names."""
    return {name: {"address": HOSTS[name][0], **more} for name in names}


ALIAS = "vm-alias.contoso.com"
"""A name in DNS that is in no service principal."""


def kerberos(username: str = SVC, **more: Any) -> dict[str, Any]:
    """Return a ``[winrm]`` table."""
    return {"auth": "kerberos", "username": username, **more}


def fleet_of(*names: str, vms: Any = (), **changes: Any) -> Fleet:
    return Fleet(hosts=tuple(host(name, address=HOSTS[name][0], **changes) for name in names), vms=tuple(vms))


@dataclass
class Near:
    """A gateway and the hosts it speaks to."""

    lab: HyperVLab
    gateway: PypsrpGateway

    async def look(self, name: str) -> int:
        return len((await self.gateway.observe(HostName(name))).vms)


@asynccontextmanager
async def near(
    world: World,
    *names: str,
    tls: bool = False,
    password: str = PASSWORD,
    described: Fleet | None = None,
    **sections: Any,
) -> AsyncIterator[Near]:
    """Start hosts and a gateway to them, without a bot."""
    sections = {"hosts": addresses(*names), "winrm": kerberos(), **sections}
    async with HyperVLab(described or fleet_of(*names), has_tls=tls, keytabs=world.keytabs) as lab:
        settings = settings_for(lab, tls, sections)
        secret = type(settings.winrm_password)(password)
        gateway = PypsrpGateway(settings.model_copy(update={"winrm_password": secret}))
        try:
            yield Near(lab, gateway)
        finally:
            await gateway.close()


def tokens_seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note from now on what hosts are sent to log on with; nothing is an empty text."""
    seen: list[str] = []
    admit = Authenticator.admit

    def noted(self: Authenticator, connection: AuthenticatedConnection, authorization: str | None) -> Admission:
        seen.append(authorization or "")
        return admit(self, connection, authorization)

    monkeypatch.setattr(Authenticator, "admit", noted)
    return seen
