"""Keeps how fast each pair of hosts moved data lately."""

import math

from sqlalchemy import Connection, insert, select, update

from core.domain.model.inventory import HostName
from core.store.tables import speeds

WEIGHT = 0.3
"""How much the newest measurement counts against all earlier ones."""


def read(connection: Connection) -> dict[tuple[HostName, HostName], float]:
    """Read every pair's throughput in bytes per second."""
    found = connection.execute(select(speeds))
    return {(HostName(row.source), HostName(row.destination)): row.bytes_per_s for row in found}


def learn(connection: Connection, source: HostName, destination: HostName, bytes_per_s: float) -> None:
    """Fold one measurement in. One that is no speed (zero, negative, not finite) teaches nothing."""
    if not math.isfinite(bytes_per_s) or bytes_per_s <= 0:
        return
    pair = (speeds.c.source == source, speeds.c.destination == destination)
    known = connection.execute(select(speeds.c.bytes_per_s).where(*pair)).scalar()
    if known is None:
        connection.execute(insert(speeds).values(source=source, destination=destination, bytes_per_s=bytes_per_s))
    else:
        connection.execute(update(speeds).where(*pair).values(bytes_per_s=known + WEIGHT * (bytes_per_s - known)))
