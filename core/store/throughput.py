"""Keeps how fast each pair of hosts, and each link, moved data lately."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, insert, select, update

from core.domain.model.inventory import HostName
from core.domain.planning.speeds import WEIGHT, LinkSpeed, SharedSpeed, learn_shared
from core.store.tables import link_speeds, shared_speeds, speeds

SHARED = 1.5
"""From so many moves on a link on average on, a move shared it: it shows what the link carries, not its own pace."""


def read(connection: Connection) -> dict[tuple[HostName, HostName], float]:
    """Read every pair's throughput in bytes per second."""
    found = connection.execute(select(speeds))
    return {(HostName(row.source), HostName(row.destination)): row.bytes_per_s for row in found}


def read_links(connection: Connection) -> dict[str, LinkSpeed]:
    """Read every link's throughput by its name."""
    found = connection.execute(select(link_speeds))
    return {row.link: LinkSpeed(row.alone_bytes_per_s, row.together_bytes_per_s) for row in found}


def read_shared(connection: Connection) -> dict[tuple[HostName, HostName], SharedSpeed]:
    """Read every pair's throughput as if moves at one host share it."""
    found = connection.execute(select(shared_speeds))
    return {(HostName(row.source), HostName(row.destination)): _shared(row) for row in found}


def learn(
    connection: Connection,
    source: HostName,
    destination: HostName,
    bytes_per_s: float,
    shared_by: Mapping[str, float],
    *,
    at_host: float,
) -> None:
    """Fold one measurement in. One that is no speed (zero, negative, not finite) teaches nothing.

    ``shared_by``: how many moves were on each of its links on average. One that shared a link was held back by it, so
    its pair learns from it only to be faster. ``at_host``: how many were at the busier of its hosts.
    """
    if not math.isfinite(bytes_per_s) or bytes_per_s <= 0:
        return
    is_held_back = any(number >= SHARED for number in shared_by.values())
    pair = {"source": source, "destination": destination}
    known = connection.execute(select(speeds.c.bytes_per_s).filter_by(**pair)).scalar()
    if known is None or bytes_per_s > known or not is_held_back:
        if not is_held_back:
            _learn_shared(connection, pair, bytes_per_s, known, at_host)
        _fold(connection, speeds.c.bytes_per_s, pair, bytes_per_s)
    for link, number in shared_by.items():
        if number >= SHARED:
            _fold(connection, link_speeds.c.together_bytes_per_s, {"link": link}, bytes_per_s * number)
        elif not is_held_back:
            _fold(connection, link_speeds.c.alone_bytes_per_s, {"link": link}, bytes_per_s)


def _learn_shared(
    connection: Connection, pair: Mapping[str, str], bytes_per_s: float, equal: float | None, at_host: float
) -> None:
    row = connection.execute(select(shared_speeds).filter_by(**pair)).first()
    now = learn_shared(_shared(row) if row else None, equal, bytes_per_s, at_host)
    values = {"alone_bytes_per_s": now.alone, "off_shared": now.off_shared, "off_equal": now.off_equal}
    if row is None:
        connection.execute(insert(shared_speeds).values({**pair, **values}))
    else:
        connection.execute(update(shared_speeds).filter_by(**pair).values(values))


def _shared(row: Any) -> SharedSpeed:
    return SharedSpeed(alone=row.alone_bytes_per_s, off_shared=row.off_shared, off_equal=row.off_equal)


def _fold(connection: Connection, column: Column[float], of: Mapping[str, str], bytes_per_s: float) -> None:
    table = column.table
    row: Any = connection.execute(select(column).filter_by(**of)).first()
    if row is None:
        connection.execute(insert(table).values({**of, column.name: bytes_per_s}))
    else:
        folded = bytes_per_s if row[0] is None else row[0] + WEIGHT * (bytes_per_s - row[0])
        connection.execute(update(table).filter_by(**of).values({column.name: folded}))
