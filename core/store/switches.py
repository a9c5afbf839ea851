"""Keeps switches, such as the big red stop, where a restart finds them."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from core.domain.model.events import Event
from core.store import events
from core.store.tables import switches

_IDENTITY = "database"


def read(connection: Connection, name: str) -> str:
    """Read a switch; empty when it was never set."""
    value: str | None = connection.execute(select(switches.c.value).where(switches.c.name == name)).scalar()
    return value or ""


def identity(connection: Connection, *, is_new: bool = False) -> str:
    """Return the id of this database; made once, and anew when it was put back from a copy."""
    known = read(connection, _IDENTITY)
    if known and not is_new:
        return known
    made = uuid4().hex[:12]
    write(connection, _IDENTITY, made, ())
    return made


def write(connection: Connection, name: str, value: str, happened: Sequence[Event]) -> None:
    """Set a switch."""
    if connection.execute(update(switches).where(switches.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(switches).values(name=name, value=value))
    events.add(connection, happened)
