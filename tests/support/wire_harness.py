"""Puts a gateway and the lab's real WinRM together."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from core.config import Settings
from core.hyperv import PypsrpGateway
from lab.hyperv.remoting.shells import Quotas
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import Fleet
from tests.contracts.gateway_arena import FLEET, Arena

EMPTY = "D:\\VMs\\empty[1]"
"""An empty folder of the contract's source host."""


def changed(**fields: Any) -> Fleet:
    """Return the contract's fleet with its source host changed."""
    source, *others = FLEET.hosts
    return replace(FLEET, hosts=(replace(source, **fields), *others))


def _confirm_start(winrm: dict[str, Any]) -> str:
    """Return a patience that covers a request to the host, as the settings demand."""
    return f"{max(45, 2 * int(winrm['operation_timeout']))}s"


def settings_for(
    lab: HyperVLab, password: str = "", *, reached_by: Mapping[str, str] | None = None, **winrm: Any
) -> Settings:
    """Log on to every host of the lab, over TLS with CredSSP unless told otherwise.

    ``reached_by``: how other hosts reach a host, where it is not its own name.
    """
    tls = winrm.get("tls", True)
    access = {host.name: lab.access(host.name) for host in lab.fleet.hosts}
    first = next(iter(access.values()))
    usual = {"auth": "credssp", "username": first.user, "ca_file": str(lab.ca_file), "operation_timeout": 30}
    hosts = {
        spec.name: {
            "address": access[spec.name].address,
            "port": access[spec.name].https_port if tls else access[spec.name].http_port,
            "migration_address": (reached_by or {}).get(spec.name, lab.fleet.address_of(spec)),
            "configuration": winrm.get("configuration", access[spec.name].configuration),
        }
        for spec in lab.fleet.hosts
    }
    given: dict[str, object] = {
        "winrm": usual | winrm,
        "migration": {"confirm_start": _confirm_start(usual | winrm)},
        "winrm_password": password or first.password,
        "hosts": hosts,
    }
    return Settings.model_validate(given)


@asynccontextmanager
async def on_lab(
    fleet: Fleet = FLEET, *, quotas: Quotas | None = None, password: str = "", **winrm: Any
) -> AsyncIterator[tuple[Arena, HyperVLab]]:
    """Start the lab and a gateway to it."""
    async with HyperVLab(fleet, quotas=quotas) as lab:
        gateway = PypsrpGateway(settings_for(lab, password, **winrm))

        async def pass_time(seconds: float) -> None:
            lab.jump(seconds)
            await asyncio.sleep(0)

        def address(host: str) -> str:
            return lab.fleet.address_of(next(spec for spec in lab.fleet.hosts if spec.name == host))

        try:
            yield Arena(gateway, lab.world, pass_time, address), lab
        finally:
            lab.world.trouble.clear()
            await gateway.close()
