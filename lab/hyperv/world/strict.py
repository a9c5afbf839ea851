"""Reads TOML or JSON into frozen dataclasses with pydantic, and says in one sentence what does not fit and where.

The data goes through pydantic as JSON in strict mode: a list is a tuple, a text is a Guid, but `true` is no number.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_type_hints

from pydantic import BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema, to_json

T = TypeVar("T")

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)\s*$", re.IGNORECASE)
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


class BadDescription(ValueError):
    """A description does not fit: one sentence that says where and why."""


def _read_size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if match is None:
        raise PydanticCustomError("size", "must be a number or a size such as '40 GB'")
    return int(float(match[1]) * _UNITS[match[2].upper()])


class _ByName:
    """Lets an enum be read by the names of its members as well; numbers go on to count."""

    def __get_pydantic_core_schema__(self, source: type[Enum], handler: GetCoreSchemaHandler) -> CoreSchema:
        members = {member.name.rstrip("_"): member.value for member in source}

        def number(value: Any) -> Any:
            if isinstance(value, bool):  # to the enum itself, true is 1
                raise PydanticCustomError("enum", "is no number")
            return members.get(value, value) if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(number, handler(source))


BY_NAME = _ByName()
Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]
Number = Annotated[float, Field(ge=0)]
Size = Annotated[int, BeforeValidator(_read_size), Field(ge=0)]
"""Bytes: a number, or a text such as `40 GB`."""


def read_as(kind: type[T], data: Mapping[str, Any], where: str) -> T:
    """Return `data` as the dataclass `kind`. Raises `BadDescription`."""
    try:
        return cast("T", _read(kind, "", data))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadDescription(_sentence(first, kind, where, first["loc"][1:])) from None


def changed(original: T, data: Mapping[str, Any], where: str) -> T:
    """Return a copy of a frozen description with the keys of `data` changed. Raises `BadDescription`."""
    kind = type(original)
    hints = get_type_hints(kind, include_extras=True)
    values = {}
    for key, value in data.items():
        if key not in hints:
            raise BadDescription(f"{where}: {_unknown_key(key, kind)}")
        try:
            values[key] = _read(hints[key], key, value)
        except ValidationError as error:
            first = error.errors()[0]
            raise BadDescription(_sentence(first, kind, where, first["loc"])) from None
    return cast("T", dataclasses.replace(cast("Any", original), **values))


def _read(kind: Any, key: str, value: Any) -> Any:
    return _adapter(kind).validate_json(to_json({key: value}))[key]


@cache
def _adapter(kind: Any) -> TypeAdapter[dict[str, Any]]:
    # A dataclass takes the configuration of what holds it.
    return TypeAdapter(dict[str, kind], config=ConfigDict(extra="forbid", strict=True))


_MUST_BE = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "uuid_type": "must be a Guid",
    "uuid_parsing": "must be a Guid",
}
_MUST = {
    "missing": "is missing.",
    "greater_than_equal": "must not be negative.",
    "tuple_type": "must be a list.",
    "dataclass_type": "must be a table.",
}


def _sentence(error: ErrorDetails, kind: Any, where: str, place: Sequence[str | int]) -> str:
    """Say one of pydantic's errors in one sentence, such as: fleet: 'vms' no. 1: 'host' is missing."""
    name = error["type"]
    if name == "value_error":
        return f"{_place(where, place)}: {error['ctx']['error']}"
    if name == "unexpected_keyword_argument":
        return f"{_place(where, place[:-1])}: {_unknown_key(str(place[-1]), _kind_at(kind, place[:-1]))}"
    if name in _MUST:
        return f"{_place(where, place)} {_MUST[name]}"
    said = f"must be one of {_choices(_kind_at(kind, place))}" if name == "enum" else _MUST_BE.get(name, error["msg"])
    return f"{_place(where, place)} {said}, not {error['input']!r}."


def _place(where: str, place: Sequence[str | int]) -> str:
    return where + "".join(f" no. {step + 1}" if isinstance(step, int) else f": {step!r}" for step in place)


def _unknown_key(key: str, kind: Any) -> str:
    return f"unknown key {key!r}; known keys are {', '.join(sorted(get_type_hints(kind)))}."


def _choices(kind: type[Enum]) -> str:
    return ", ".join(str(m.name.rstrip("_") if issubclass(kind, IntEnum) else m.value) for m in kind)


def _kind_at(kind: Any, place: Sequence[str | int]) -> Any:
    """Return the class of what stands at a place of a description."""
    for step in place:
        kind = get_type_hints(kind)[step] if isinstance(step, str) else kind
        kind = get_args(kind)[0] if get_args(kind) else kind
    return kind
