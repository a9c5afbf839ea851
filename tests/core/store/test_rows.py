"""Whatever a field can hold comes back from its column as it went in."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from types import UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine.default import DefaultDialect

from core.domain.model.event_data import EventData
from core.domain.model.event_json import DATA_OF
from core.domain.model.events import Event
from core.domain.model.job import Job, JobId
from core.domain.model.move import Attempt, Move
from core.domain.model.plan import Plan
from core.store import events, jobs, moves, rows
from core.store.column_types import PlainUuid
from core.store.jobs import PlanCache
from core.store.moves import MoveCache
from core.store.tables import attempts, metadata
from tests.support.store_examples import NOW, proposal

J1 = JobId("J1")

# NUL and lone surrogates are no database's; the contract suite says what becomes of them.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS,
    bool: st.booleans(),
    int: st.integers(0, 2**31 - 1),
    float: st.floats(0, allow_nan=False, allow_infinity=False),
    UUID: st.uuids(),
    datetime: st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    type(None): st.none(),
}


def of(shape: Any) -> st.SearchStrategy[Any]:
    """Return every value a type hint allows, for any dataclass of the domain, also of fields added later."""
    if isinstance(shape, NewType):
        return of(shape.__supertype__)
    if shape in PLAIN:
        return PLAIN[shape]
    if shape is EventData:
        return st.one_of(*map(of, DATA_OF.values()))
    if get_origin(shape) is Mapping:  # what a quote repeats: JSON of another event
        return st.dictionaries(WORDS, WORDS, max_size=2)
    if get_origin(shape) in {UnionType, Union}:
        return st.one_of(*map(of, get_args(shape)))
    if get_origin(shape) is tuple:
        first, *rest = get_args(shape)
        return st.lists(of(first), max_size=3).map(tuple) if rest == [...] else st.tuples(of(first), *map(of, rest))
    if get_origin(shape) is frozenset:
        return st.frozensets(of(get_args(shape)[0]), max_size=3)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return st.sampled_from(shape)
    if is_dataclass(shape) and isinstance(shape, type):
        hints = get_type_hints(shape)
        return st.builds(shape, **{field.name: of(hints[field.name]) for field in fields(shape)})
    raise AssertionError(shape)


PLANS, MOVES, ATTEMPTS, JOBS = of(Plan), of(Move), of(Attempt), of(Job)
EVENTS = of(Event)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """Return a connection to tables in memory, with no regard for references."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@settings(max_examples=60)
@given(JOBS)
def test_a_job_comes_back(connection: Connection, job: Job) -> None:
    """Plan, approvals, card and times, with the plan's hash."""
    stored = jobs.add(connection, job, ())
    read = jobs.read(connection, PlanCache(), stored.id)
    assert read == stored == replace(job, id=stored.id, version=1)
    assert read.plan.hash == job.plan.hash


@settings(max_examples=100)
@given(MOVES)
def test_a_move_comes_back(connection: Connection, move: Move) -> None:
    """With hold, disks and the look before."""
    moves.add(connection, J1, [move])
    read = moves.listed(connection, MoveCache(), None, open_only=False)[-1]
    assert read == replace(move, id=read.id, job_id=J1, version=1)


@settings(max_examples=60)
@given(ATTEMPTS)
def test_an_attempt_comes_back(connection: Connection, attempt: Attempt) -> None:
    """With its times, fault and the host's words."""
    with connection.begin_nested() as savepoint:
        attempt_id = rows.add(connection, attempts, rows.attempt_values(attempt))
        row = connection.execute(attempts.select().with_only_columns(*rows.ATTEMPT).where(attempts.c.id == attempt_id))
        assert rows.attempt_of(row.one()) == replace(attempt, id=attempt_id)
        savepoint.rollback()


@settings(max_examples=100)
@given(EVENTS)
def test_an_event_comes_back(connection: Connection, event: Event) -> None:
    """With its data."""
    with connection.begin_nested() as savepoint:
        events.add(connection, [replace(event, job_id=J1)])
        (read,) = events.of_job(connection, J1)
        assert read == replace(event, job_id=J1, id=read.id)
        savepoint.rollback()


def test_times_come_back_in_utc(connection: Connection) -> None:
    """A moment of any zone is the same moment, said in UTC."""
    job = replace(proposal(), created_at=NOW.astimezone(timezone(timedelta(hours=-7))))
    read = jobs.read(connection, PlanCache(), jobs.add(connection, job, ()).id)
    assert read.created_at == NOW
    assert read.created_at.tzinfo is UTC


def test_an_id_of_a_drivers_own_class_becomes_a_plain_one() -> None:
    """Its kind: whatever a driver calls a UUID, ours is what pypsrp can send."""

    class DriversUuid(UUID):
        pass

    given = DriversUuid(int=7)
    kept = PlainUuid().process_result_value(given, DefaultDialect())
    assert (type(kept), kept) == (UUID, given)
