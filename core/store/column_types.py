"""Maps our types to columns: moments, words, names of enums, job ids, and dataclasses as JSON.

Every database gives back exactly what was put in, with two exceptions that no database agrees on: half a surrogate pair
and the character NUL, which a host's words may hold, become U+FFFD.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError
from sqlalchemy import DateTime, Dialect, Integer, String, Text, TypeDecorator, Uuid

from core.domain.model.job import JobId
from core.errors import UnknownJob

_JOB_ID = re.compile(r"\s*[jJ]?([0-9]{1,15})\s*")
_LONGEST_SHOWN = 20


def job_number(job_id: JobId) -> int:
    """Read ``J12``, ``j12`` or ``12``.

    Raises:
        UnknownJob: it is none of these.

    """
    found = _JOB_ID.fullmatch(job_id)
    if found is None:
        raise UnknownJob(f"There is no job {job_id[:_LONGEST_SHOWN]}.", hint="Job ids look like J12.")
    return int(found[1])


def storable(text: str) -> str:
    """Replace what a database cannot hold: lone surrogates and NUL."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd")


class JobNumber(TypeDecorator[JobId]):
    """``J12`` outside, 12 inside."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: JobId | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Take off the J."""
        return None if value is None else job_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> JobId | None:  # noqa: ARG002
        """Put on the J."""
        return None if value is None else JobId(f"J{value}")


class PlainUuid(TypeDecorator[UUID]):
    """A ``uuid.UUID`` and nothing else: some drivers bring a class of their own, which pypsrp cannot send to a host."""

    impl = Uuid
    cache_ok = True

    def process_result_value(self, value: UUID | None, dialect: Dialect) -> UUID | None:  # noqa: ARG002
        """Make one of whatever the driver gave."""
        return value if value is None or type(value) is UUID else UUID(int=value.int)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, with its zone, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a moment without a zone: nobody could say when it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back where the database keeps none."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text of any length from anywhere."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Make it storable: a host's odd words must never keep a move from ending."""
        return None if value is None else storable(value)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a value that cannot be read, so that it costs its own row only. ``why``: a word, never the value."""

    why: str


class Json(TypeDecorator[Any]):
    """A value of ``shape`` (a dataclass, or a tuple of them) as JSON text; None is NULL."""

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any) -> None:
        super().__init__()
        self.shape = shape
        self.adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the JSON."""
        if value is None:
            return None
        try:
            return self.adapter.dump_json(value, fallback=str).decode()
        except PydanticSerializationError:
            plain = self.adapter.dump_python(value, mode="json", fallback=str)
            return storable(json.dumps(plain, ensure_ascii=False))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read the JSON."""
        if value is None:
            return None
        try:
            return () if value == "[]" else self.adapter.validate_json(value)
        except ValueError as error:  # pydantic's own is one
            return Unreadable(type(error).__name__)


class Choice(TypeDecorator[Any]):
    """An enum by its value, unchecked by the database: a new member needs no new schema.

    A member that only a newer version knows is what the enum makes of a missing one, or cannot be read.
    """

    impl = String(32)
    cache_ok = True

    def __init__(self, of: type[StrEnum]) -> None:
        super().__init__()
        self.of = of

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the value."""
        return None if value is None else self.of(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read the member."""
        if value is None:
            return None
        try:
            return self.of(value)
        except ValueError:
            return Unreadable("unknown")


def choice(of: type[StrEnum]) -> Choice:
    """Store an enum by its value."""
    return Choice(of)
