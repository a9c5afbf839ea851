"""Finds addresses at which a source cannot reach its destination, or reaches another machine than the one meant.

Move-VM on the source logs on to the destination by itself, at the address it is given (WinRM); then the two services do
(Kerberos or CredSSP). Both know hosts by name: a logon by itself to an address in numbers is refused (Microsoft docs:
about_Remote_Troubleshooting).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from core.domain.model.inventory import HostName, same_host
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity

_HERE = {"localhost", ".", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way from a source to a destination, as the source found it when it logged on there.

    ``machine``: what the machine there calls itself; empty: not known. ``trouble``: why the source could not log on.
    """

    source: HostName
    destination: HostName
    address: str
    machine: str = ""
    trouble: str = ""


def is_here(address: str) -> bool:
    """Whether every machine means itself by this address."""
    number = _number(address)
    return address.strip().casefold() in _HERE or (number is not None and number.is_loopback)


def in_numbers(address: str) -> bool:
    """Whether it is an IP address, and no name."""
    return _number(address) is not None


def name_advice(host: HostName, address: str, machine: str) -> str:
    """Say why hosts may not get along with this address of a host; empty when nothing speaks against it."""
    if is_here(address):
        return f"{address} is every machine itself"
    if in_numbers(address):
        return f"{address} is no name, and hosts log on to each other by name"
    if machine and not same_host(address, machine):
        return f"{host} is reached as {address} and calls itself {machine}; Kerberos knows it by that name"
    return ""


def address_findings(
    ways: Sequence[Way], machines: Mapping[HostName, str], moves: Sequence[PlannedMove]
) -> Iterator[Finding]:
    """Say which ways lead elsewhere or nowhere; ``machines``: what the destinations said of themselves to the bot."""
    advised = set[HostName]()
    for way in ways:
        source, host, meant = way.source, way.destination, machines.get(way.destination, "")
        change = f"Set hosts.{host}.migration_address to a name by which {source} reaches it."
        is_wrong = bool(way.machine and meant) and not same_host(way.machine, meant)
        if is_here(way.address) or is_wrong:
            text = f"At {way.address} {source} reaches {way.machine or 'itself'}, and not {host}. {change}"
            for move in moves:
                if (move.source, move.destination) == (source, host):
                    yield Finding(severity=Severity.BLOCKER, code=FindingCode.ADDRESS, text=text, vm_id=move.vm_id)
        elif way.trouble:
            text = (
                f"{source} could not log on to {host} as {way.address}, which a move does too: {way.trouble} {change}"
            )
            yield Finding(severity=Severity.WARNING, code=FindingCode.ADDRESS, text=text, host=host)
        elif (advice := name_advice(host, way.address, way.machine)) and host not in advised:
            advised.add(host)
            text = f"{advice}. {change}"
            yield Finding(severity=Severity.WARNING, code=FindingCode.ADDRESS, text=text, host=host)


def _number(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address.strip().strip("[]"))
    except ValueError:
        return None
