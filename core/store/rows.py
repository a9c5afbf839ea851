"""Turns jobs, moves, attempts and events into rows and back. Columns and fields share their names."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Table, insert

from core.domain.job import Attempt, Card, Event, Job, Move
from core.domain.plan import Plan

Row = Mapping[Any, Any]

_MOVE = tuple(field.name for field in fields(Move) if field.name != "id")
_ATTEMPT = tuple(field.name for field in fields(Attempt) if field.name != "id")
_EVENT = tuple(field.name for field in fields(Event) if field.name != "id")
# The plan lies in a table of its own; the card is changed by ``set_card`` and ``set_card_final`` only.
_JOB = tuple(field.name for field in fields(Job) if field.name not in {"id", "plan", "card", "is_card_final"})


def add(connection: Connection, table: Table, values: Row) -> Any:
    """Insert one row and return the id it was given."""
    key: Any = connection.execute(insert(table).values(values)).inserted_primary_key
    return key[0]


def job_values(job: Job, *, version: int) -> dict[str, Any]:
    """Return a job's row without its id, plan and card."""
    return _values(job, _JOB) | {"version": version}


def card_values(card: Card | None) -> dict[str, Any]:
    """Return the columns of a card."""
    return {"card_channel": card.channel if card else None, "card_ts": card.ts if card else None}


def card_of(row: Row) -> Card | None:
    """Read the card of a job's row."""
    return None if row["card_ts"] is None else Card(row["card_channel"], row["card_ts"])


def job_of(row: Row, plan: Plan) -> Job:
    """Read a job's row."""
    rest = {name: row[name] for name in ("id", "is_card_final", *_JOB)}
    return Job(plan=plan, card=card_of(row), **rest)


def move_values(move: Move, *, version: int) -> dict[str, Any]:
    """Return a move's row without its id."""
    return _values(move, _MOVE) | {"version": version}


def move_of(row: Row) -> Move:
    """Read a move's row."""
    return Move(**row)


def attempt_values(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt's row without its id."""
    return _values(attempt, _ATTEMPT)


def attempt_of(row: Row) -> Attempt:
    """Read an attempt's row."""
    return Attempt(**row)


def event_values(event: Event) -> dict[str, Any]:
    """Return an event's row without its id."""
    return _values(event, _EVENT)


def event_of(row: Row) -> Event:
    """Read an event's row."""
    return Event(**row)


def _values(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}
