"""Finds destinations whose migration networks a source has no address in: then only a router could lead there.

A host takes migrations on the networks that are set for it, or on any (Microsoft docs: Set-VMHost,
UseAnyNetworkForMigration, which is about incoming ones). Which of its addresses a source uses itself is not documented.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from core.domain.model.inventory import HostName, Inspection
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity


def network_findings(moves: Sequence[PlannedMove], inspections: Mapping[HostName, Inspection]) -> Iterator[Finding]:
    """Say which sources have no network in common with a destination, and of which hosts that is not known."""
    apart = defaultdict[HostName, list[HostName]](list)
    untold = dict[HostName, str]()
    for source, destination in dict.fromkeys((move.source, move.destination) for move in moves):
        here, there = inspections.get(source), inspections.get(destination)
        if here is None or there is None:
            continue
        untold |= {source: here.networks.unread} if here.networks.own is None else {}
        untold |= {destination: there.networks.unread} if there.networks.for_migration is None else {}
        if are_apart(here, there):
            apart[destination].append(source)
    for destination, sources in apart.items():
        taken = ", ".join(inspections[destination].networks.for_migration or ())
        who, have = " and ".join(sources), "has" if len(sources) == 1 else "have"
        text = (
            f"{destination} takes migrations only on {taken}, where {who} {have} no address: without a router that"
            f" leads there migrations fail. Allow a network they share on {destination}, with Add-VMMigrationNetwork."
        )
        yield Finding(severity=Severity.WARNING, code=FindingCode.NO_COMMON_NETWORK, text=text, host=destination)
    for host, why in untold.items():
        if why:
            text = f"{host} does not tell its networks: whether migrations find a way was not checked. {why}"
            yield Finding(severity=Severity.NOTE, code=FindingCode.NETWORKS_UNREAD, text=text, host=host)


def are_apart(source: Inspection, destination: Inspection) -> bool:
    """Whether none of the addresses that a destination listens on is in a network of the source."""
    own, taken = source.networks.own, destination.networks.for_migration
    if not own or not taken or any(ip_network(one).prefixlen == 0 for one in taken):
        return False  # not known; or any network: the way the source logs on to it is one of them
    near = [ip_network(one) for one in own]
    told = [one for text in destination.snapshot.facts.listeners or () if (one := _telling(text))]
    return bool(told) and not any(one in network for one in told for network in near)


def _telling(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address that tells where it is: a link-local one of version 6 does not, as every link has them."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.is_link_local else address
