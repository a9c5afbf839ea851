"""Turns jobs, moves, attempts and events into rows and back. Columns and fields share their names."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Table, insert
from sqlalchemy.util.concurrency import await_only, in_greenlet

from core.domain.model.event_json import from_json, to_json
from core.domain.model.events import Event
from core.domain.model.job import Card, Job
from core.domain.model.move import Attempt, Move
from core.domain.model.plan import Plan
from core.errors import UnreadableRow
from core.store import tables
from core.store.column_types import Unreadable

T = TypeVar("T")
log = logging.getLogger(__name__)

AT_ONCE = 200
"""So many rows are read without a pause: a few milliseconds."""

Values = dict[str, Any]
"""A row on its way in."""


def _names(of: type[Any], without: frozenset[str] = frozenset({"id"})) -> tuple[str, ...]:
    return tuple(field.name for field in fields(of) if field.name not in without)


def _columns(table: Table, of: type[Any]) -> tuple[Column[Any], ...]:
    return tuple(table.c[field.name] for field in fields(of))


_MOVE, _ATTEMPT, _EVENT = _names(Move), _names(Attempt), _names(Event)
# The plan lies in a table of its own; the card is changed by ``set_card`` and ``set_card_final`` only.
CARD_FLAGS = ("is_card_final", "is_card_again")
_JOB = _names(Job, frozenset({"id", "plan", "card", *CARD_FLAGS}))

# What to select, in the order of the fields.
MOVE = _columns(tables.moves, Move)
ATTEMPT = _columns(tables.attempts, Attempt)
EVENT = (tables.events.c.kind, *_columns(tables.events, Event))
_MOVE_FIELDS, _ATTEMPT_FIELDS = _names(Move, frozenset()), _names(Attempt, frozenset())
_EVENT_FIELDS = _names(Event, frozenset({"data"}))


def add(connection: Connection, table: Table, values: Values) -> Any:
    """Insert one row and return the id it was given."""
    key: Any = connection.execute(insert(table), values).inserted_primary_key
    return key[0]


def job_values(job: Job, *, version: int) -> Values:
    """Return a job's row without its id, plan and card."""
    return _values(job, _JOB) | {"version": version}


def card_values(card: Card | None) -> Values:
    """Return the columns of a card."""
    return {"card_channel": card.channel if card else None, "card_ts": card.ts if card else None}


def card_of(row: Mapping[Any, Any]) -> Card | None:
    """Read the card of a job's row."""
    return None if row["card_ts"] is None else Card(row["card_channel"], row["card_ts"])


def job_of(row: Mapping[Any, Any], plan: Plan | Unreadable) -> Job:
    """Read a job's row. Raises UnreadableRow."""
    rest = _readable("jobs", {name: row[name] for name in ("id", *CARD_FLAGS, *_JOB)})
    if isinstance(plan, Unreadable):
        raise UnreadableRow(f"The plan of {row['id']} cannot be read ({plan.why}).")
    return Job(plan=plan, card=card_of(row), **rest)


def move_values(move: Move, *, version: int) -> Values:
    """Return a move's row without its id."""
    return _values(move, _MOVE) | {"version": version}


def move_of(row: Sequence[Any]) -> Move:
    """Read the columns ``MOVE``. Raises UnreadableRow."""
    return Move(**_readable("moves", dict(zip(_MOVE_FIELDS, row, strict=True)), _DISPENSABLE))


def attempt_values(attempt: Attempt) -> Values:
    """Return an attempt's row without its id."""
    return _values(attempt, _ATTEMPT)


def attempt_of(row: Sequence[Any]) -> Attempt:
    """Read the columns ``ATTEMPT``. Raises UnreadableRow."""
    return Attempt(**_readable("attempts", dict(zip(_ATTEMPT_FIELDS, row, strict=True))))


def event_values(event: Event) -> Values:
    """Return an event's row without its id."""
    return _values(event, _EVENT) | {"kind": event.kind, "data": to_json(event.data)}


def event_of(row: Sequence[Any]) -> Event:
    """Read the columns ``EVENT``; of data that cannot be read every field has its default."""
    kind, data, *rest = row
    values = data if isinstance(data, dict) else {}
    return Event(data=from_json(kind, values), **_readable("events", dict(zip(_EVENT_FIELDS, rest, strict=True))))


def in_turns(found: Iterable[T], at_once: int = AT_ONCE) -> Iterator[T]:
    """Hand rows on, and give everybody else a turn now and then: a transaction goes through thousands on their loop."""
    for number, row in enumerate(found, 1):
        yield row
        if number % at_once == 0 and in_greenlet():
            await_only(asyncio.sleep(0))


def readable(make: Callable[[Any], T], found: Iterable[Any]) -> Iterator[T]:
    """Make what can be made of rows; one that cannot be read is left out, and named in the log."""
    for row in in_turns(found):
        try:
            yield make(row)
        except UnreadableRow as error:
            complain(error.message)


@cache
def complain(text: str) -> None:
    """Name an unreadable row in the log, once."""
    log.error("%s It is left out; all others go on.", text)


_DISPENSABLE: Mapping[str, Any] = {
    "hold": None,
    "busy_code": None,
    "before": None,
    "leftovers": (),
    "tried_folders": (),
    "owner": None,
}
"""What a move can do without: why it waits is found out again, and what is not known is not compared or cleaned up."""


def _readable(table: str, values: Values, dispensable: Mapping[str, Any] = MappingProxyType({})) -> Values:
    for name, value in values.items():
        if type(value) is not Unreadable:
            continue
        text = f"Row {values['id']} of {table} cannot be read: its {name} is {value.why}."
        if name not in dispensable:
            raise UnreadableRow(text)
        complain(text)
        values[name] = dispensable[name]
    return values


def _values(source: object, names: Iterable[str]) -> Values:
    return {name: getattr(source, name) for name in names}
