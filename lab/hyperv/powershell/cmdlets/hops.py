"""Which hosts a cmdlet is asked about: its own, or others it must reach by its own WinRM session (the second hop)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.hyperv.remoting.records import Category
from lab.hyperv.world.errors import UnknownHost
from lab.hyperv.world.host_messages import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.hyperv.powershell.cmdlet import CmdletCall

_LOCAL = {"", ".", "localhost"}


def hosts_asked(call: CmdletCall) -> Iterator[str]:
    """Return the hosts of -ComputerName that this session may reach; an error is written for each other one."""
    session = call.session
    for name in call.get("ComputerName") or [session.host]:
        if name.lower() in _LOCAL:
            yield session.host
            continue
        try:
            host = session.world.canonical_host(name)
        except UnknownHost:
            text = CAUSES["hop-a-unreachable"].english.format(other=name)
            call.error(text, "OperationFailed", Category.NotSpecified)
            continue
        if host.lower() != session.host.lower() and (refusal := session.refuse_hop(host)) is not None:
            call.error(refusal, "AccessDenied", Category.PermissionDenied)
            continue
        yield host
