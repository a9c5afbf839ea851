"""Makes one line of what preflight found of several hosts alike. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from core.domain.model.inventory import HostName
from core.domain.model.plan import Finding

_NUMBERED = re.compile(r"(.*?)(\d+)")
_NAMED = 4
"""So many hosts, or ranges of them, are named."""
_RANGE = 3
"""So many in a row are a range."""


def alike(findings: Sequence[Finding]) -> list[Finding]:
    """Join findings about hosts that differ by the host's name alone; each stands where the first of them stood."""
    together: dict[object, list[Finding]] = {}
    for number, one in enumerate(findings):
        is_of_host = one.vm_id is None and one.host is not None and one.host in one.text
        key = (one.severity, one.code, one.text.replace(one.host or "", "\0")) if is_of_host else number
        together.setdefault(key, []).append(one)
    return [_joined(ones) if len(ones) > 1 else ones[0] for ones in together.values()]


def _joined(ones: Sequence[Finding]) -> Finding:
    first = ones[0].host or HostName("")
    others = host_names(sorted({one.host for one in ones[1:] if one.host}))
    return replace(ones[0], text=ones[0].text.replace(first, f"{first} (likewise {others})", 1))


def host_names(hosts: Sequence[str]) -> str:
    """Name sorted hosts in short: ``HV12 to HV18``, ``HV12, HV15 and HV18``, and how many more there are of many."""
    parts: list[list[str]] = []
    for host in hosts:
        if parts and _follows(parts[-1][-1], host):
            parts[-1].append(host)
        else:
            parts.append([host])
    named = [text for part in parts for text in ([f"{part[0]} to {part[-1]}"] if len(part) >= _RANGE else part)]
    if len(named) > _NAMED:
        return f"{', '.join(named[:_NAMED])} and others, {len(hosts)} in all"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def _follows(before: str, after: str) -> bool:
    """Whether a host's name is the one before it with the next number, written with as many digits."""
    one, two = _NUMBERED.fullmatch(before), _NUMBERED.fullmatch(after)
    return bool(one and two and one[1] == two[1] and len(one[2]) == len(two[2]) and int(two[2]) == int(one[2]) + 1)
