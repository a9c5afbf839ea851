"""Keeps how fast each pair of hosts, and each link, moved data lately."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, insert, select, update

from core.domain.model.inventory import HostName
from core.domain.planning.speeds import LinkSpeed
from core.store.tables import link_speeds, speeds

WEIGHT = 0.3
"""How much the newest measurement counts against all earlier ones."""

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


def learn(
    connection: Connection,
    source: HostName,
    destination: HostName,
    bytes_per_s: float,
    shared_by: Mapping[str, float],
) -> None:
    """Fold one measurement in. One that is no speed (zero, negative, not finite) teaches nothing.

    ``shared_by``: how many moves were on each of its links on average. One that shared a link was held back by it, so
    its pair learns from it only to be faster.
    """
    if not math.isfinite(bytes_per_s) or bytes_per_s <= 0:
        return
    is_held_back = any(number >= SHARED for number in shared_by.values())
    pair = {"source": source, "destination": destination}
    known = connection.execute(select(speeds.c.bytes_per_s).filter_by(**pair)).scalar()
    if known is None or bytes_per_s > known or not is_held_back:
        _fold(connection, speeds.c.bytes_per_s, pair, bytes_per_s)
    for link, number in shared_by.items():
        if number >= SHARED:
            _fold(connection, link_speeds.c.together_bytes_per_s, {"link": link}, bytes_per_s * number)
        elif not is_held_back:
            _fold(connection, link_speeds.c.alone_bytes_per_s, {"link": link}, bytes_per_s)


def _fold(connection: Connection, column: Column[float], of: Mapping[str, str], bytes_per_s: float) -> None:
    table = column.table
    row: Any = connection.execute(select(column).filter_by(**of)).first()
    if row is None:
        connection.execute(insert(table).values({**of, column.name: bytes_per_s}))
    else:
        folded = bytes_per_s if row[0] is None else row[0] + WEIGHT * (bytes_per_s - row[0])
        connection.execute(update(table).filter_by(**of).values({column.name: folded}))
