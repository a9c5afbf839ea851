"""Strict reading: turns TOML or JSON mappings into frozen descriptions and names the first thing that does not fit."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from enum import Enum, IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

T = TypeVar("T")

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)\s*$", re.IGNORECASE)
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


class BadDescription(ValueError):
    """A description does not fit: one sentence that says where and why."""


def read_as(kind: type[T], data: Mapping[str, Any], where: str) -> T:
    """Return `data` as the dataclass `kind`; sizes may be texts such as `40 GB`. Raises `BadDescription`."""
    hints = _hints(cast("Hashable", kind))
    fields = {field.name: field for field in dataclasses.fields(cast("Any", kind))}
    for key in data:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise BadDescription(f"{where}: unknown key {key!r}; known keys are {known}.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in data:
            raise BadDescription(f"{where}: {name!r} is missing.")
    values = {key: _value(hints[key], value, f"{where}: {key!r}") for key, value in data.items()}
    try:
        return kind(**values)
    except BadDescription as error:
        raise BadDescription(f"{where}: {error}") from None


def changed(original: T, data: Mapping[str, Any], where: str) -> T:
    """Return a copy of a frozen description with the keys of `data` changed. Raises `BadDescription`."""
    kind = type(original)
    hints = _hints(cast("Hashable", kind))
    for key in data:
        if key not in hints:
            raise BadDescription(f"{where}: unknown key {key!r}; known keys are {', '.join(sorted(hints))}.")
    values = {key: _value(hints[key], value, f"{where}: {key!r}") for key, value in data.items()}
    return cast("T", dataclasses.replace(cast("Any", original), **values))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        if value is None and len(options) < len(typing.get_args(hint)):
            return None
        return _value(options[0], value, where)
    if origin is tuple:
        return _tuple(typing.get_args(hint), value, where)
    if dataclasses.is_dataclass(hint):
        if isinstance(value, cast("type[Any]", hint)):
            return value
        if not isinstance(value, dict):
            raise BadDescription(f"{where} must be a table.")
        return read_as(cast("type[Any]", hint), value, where)
    return _plain(hint, value, where)


def _tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise BadDescription(f"{where} must be a list.")
    if arguments[-1] is Ellipsis:
        return tuple(_value(arguments[0], item, f"{where} no. {n}") for n, item in enumerate(value, 1))
    if len(value) != len(arguments):
        raise BadDescription(f"{where} must have {len(arguments)} items.")
    return tuple(_value(hint, item, where) for hint, item in zip(arguments, value, strict=True))


def _plain(hint: Any, value: Any, where: str) -> Any:
    if hint is UUID:
        return _uuid(value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(hint, value, where)
    if hint is int and isinstance(value, str):
        return _size(value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) is not (hint is bool) or not isinstance(value, hint):
        raise BadDescription(f"{where} must be {_KIND_NAMES[hint]}, not {value!r}.")
    if hint in (int, float) and value < 0:
        raise BadDescription(f"{where} must not be negative.")
    return value


_KIND_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _uuid(value: Any, where: str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadDescription(f"{where} must be a Guid, not {value!r}.") from None


def _member(kind: type[Enum], value: Any, where: str) -> Enum:
    if isinstance(value, kind):
        return value
    for member in kind:
        spellings = (member.name.rstrip("_"), member.value)
        if not isinstance(value, bool) and value in spellings:
            return member
    choices = ", ".join(str(m.name.rstrip("_") if issubclass(kind, IntEnum) else m.value) for m in kind)
    raise BadDescription(f"{where} must be one of {choices}, not {value!r}.")


def _size(value: str, where: str) -> int:
    match = _SIZE.match(value)
    if match is None:
        raise BadDescription(f"{where} must be a number or a size such as '40 GB', not {value!r}.")
    return int(float(match[1]) * _UNITS[match[2].upper()])
