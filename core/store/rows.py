"""Turns jobs, moves, attempts and events into rows and back. Columns and fields share their names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Column, Connection, Table, insert

from core.domain.model.event_data import from_json, to_json
from core.domain.model.events import Event
from core.domain.model.job import Card, Job
from core.domain.model.move import Attempt, Move
from core.domain.model.plan import Plan
from core.store import tables

Values = dict[str, Any]
"""A row on its way in."""


def _names(of: type[Any], without: frozenset[str] = frozenset({"id"})) -> tuple[str, ...]:
    return tuple(field.name for field in fields(of) if field.name not in without)


def _columns(table: Table, of: type[Any]) -> tuple[Column[Any], ...]:
    return tuple(table.c[field.name] for field in fields(of))


_MOVE, _ATTEMPT, _EVENT = _names(Move), _names(Attempt), _names(Event)
# The plan lies in a table of its own; the card is changed by ``set_card`` and ``set_card_final`` only.
_JOB = _names(Job, frozenset({"id", "plan", "card", "is_card_final"}))

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


def job_of(row: Mapping[Any, Any], plan: Plan) -> Job:
    """Read a job's row."""
    rest = {name: row[name] for name in ("id", "is_card_final", *_JOB)}
    return Job(plan=plan, card=card_of(row), **rest)


def move_values(move: Move, *, version: int) -> Values:
    """Return a move's row without its id."""
    return _values(move, _MOVE) | {"version": version}


def move_of(row: Sequence[Any]) -> Move:
    """Read the columns ``MOVE``."""
    return Move(**dict(zip(_MOVE_FIELDS, row, strict=True)))


def attempt_values(attempt: Attempt) -> Values:
    """Return an attempt's row without its id."""
    return _values(attempt, _ATTEMPT)


def attempt_of(row: Sequence[Any]) -> Attempt:
    """Read the columns ``ATTEMPT``."""
    return Attempt(**dict(zip(_ATTEMPT_FIELDS, row, strict=True)))


def event_values(event: Event) -> Values:
    """Return an event's row without its id."""
    return _values(event, _EVENT) | {"kind": event.kind, "data": to_json(event.data)}


def event_of(row: Sequence[Any]) -> Event:
    """Read the columns ``EVENT``."""
    kind, data, *rest = row
    return Event(data=from_json(kind, data), **dict(zip(_EVENT_FIELDS, rest, strict=True)))


def _values(source: object, names: Iterable[str]) -> Values:
    return {name: getattr(source, name) for name in names}
