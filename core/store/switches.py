"""Keeps switches, such as the big red stop, where a restart finds them."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from core.domain.model.events import Event
from core.store import events
from core.store.tables import switches


def read(connection: Connection, name: str) -> str:
    """Read a switch; empty when it was never set."""
    value: str | None = connection.execute(select(switches.c.value).where(switches.c.name == name)).scalar()
    return value or ""


def write(connection: Connection, name: str, value: str, happened: Sequence[Event]) -> None:
    """Set a switch."""
    if connection.execute(update(switches).where(switches.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(switches).values(name=name, value=value))
    events.add(connection, happened)
