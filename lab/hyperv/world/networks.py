"""The networks of hosts: their own addresses, where they listen for migrations, and whether one reaches another.

Sources: Microsoft docs: Set-VMHost (UseAnyNetworkForMigration is about incoming migrations), Add-VMMigrationNetwork,
Msvm_VirtualSystemMigrationService (MigrationServiceListenerIPAddressList). Unconfirmed: that a source does not choose
its own side of a connection by its own list.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

    from lab.hyperv.world.state import HostState

ANY: Final = ("0.0.0.0/0", "::/0")
"""How "any network" stands among the migration networks (seen: how the Hyper-V module reads it)."""


def interfaces(host: HostState) -> list[IPv4Interface | IPv6Interface]:
    """Return a host's addresses with their prefixes; one that names none has one in a network with all such others."""
    made = f"10.0.{host.number // 250}.{host.number % 250 + 1}/16"
    return [ip_interface(address) for address in host.spec.addresses or (made,)]


def migration_networks(host: HostState) -> list[IPv4Network | IPv6Network]:
    """Return the networks on which a host takes migrations."""
    return [ip_network(one, strict=False) for one in host.spec.migration_networks or ANY]


def listeners(host: HostState) -> tuple[str, ...]:
    """Return the addresses on which a host listens for migrations; empty means no listener."""
    if not host.spec.listener_on:
        return ()
    allowed = migration_networks(host)
    return tuple(str(one.ip) for one in interfaces(host) if any(one.ip in network for network in allowed))


def reaches(source: HostState, destination: HostState) -> bool:
    """Whether a source reaches an address on which the destination listens: one of its own networks, or by a router."""
    near = [one.network for one in interfaces(source)]
    near += [ip_network(one, strict=False) for one in source.spec.routes]
    return any(ip_address(one) in network for one in listeners(destination) for network in near)
