"""The .NET types that parameters of the lab's cmdlets take, and how PowerShell converts values to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from lab.hyperv.powershell.binding import ParameterType
from lab.hyperv.remoting.dotnet_values import Array, EnumValue, NetObject, NoteObject, Value

if TYPE_CHECKING:
    from collections.abc import Callable


def _string(value: Value) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str | int | float | UUID | EnumValue | NetObject | NoteObject):
        return str(value)
    raise ValueError("not a text")


def _items(value: Value) -> list[Value]:
    if isinstance(value, Array):
        return list(value.items)
    return list(value) if isinstance(value, list | tuple) else [value]


def _strings(value: Value) -> list[str]:
    return [_string(item) for item in _items(value)]


def _guid(value: Value) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        return UUID(value.strip("{}"))
    raise ValueError("not a Guid")


def _switch(value: Value) -> bool:
    # A switch sent without a value arrives as null.
    if value is None or isinstance(value, bool):
        return value is not False
    raise ValueError("not a switch")


def _boolean(value: Value) -> bool:
    if isinstance(value, bool | int):
        return bool(value)
    raise ValueError("not a boolean")


def _integer(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("not an integer")  # noqa: TRY004  # one error for every value that does not convert
    return int(value)


def _hashtable(value: Value) -> dict[str, Value]:
    if isinstance(value, dict):
        return value
    raise ValueError("not a hashtable")


def _hashtables(value: Value) -> list[dict[str, Value]]:
    return [_hashtable(item) for item in _items(value)]


def _is(kind: type | tuple[type, ...]) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, kind) and not (isinstance(value, bool) and kind is int)


def _octets(value: Value) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    return bytes([_integer(item) for item in _items(value)])


def _guids(value: Value) -> list[UUID]:
    return [_guid(item) for item in _items(value)]


def _octet_lists(value: Value) -> list[bytes]:
    return [_octets(item) for item in ([value] if isinstance(value, bytes) else _items(value))]


STRING: Final = ParameterType("System.String", _is(str), _string)
STRINGS: Final = ParameterType("System.String[]", _is(str), _strings)
GUID: Final = ParameterType("System.Guid", _is(UUID), _guid)
GUIDS: Final = ParameterType("System.Guid[]", _is(UUID), _guids)
NULLABLE_GUID: Final = ParameterType("System.Nullable`1[System.Guid]", _is(UUID), _guid)
SWITCH: Final = ParameterType("System.Management.Automation.SwitchParameter", _is(bool), _switch)
BOOLEAN: Final = ParameterType("System.Boolean", _is(bool), _boolean)
INTEGER: Final = ParameterType("System.Int32", _is(int), _integer)
BYTES: Final = ParameterType("System.Byte[]", _is(bytes), _octets)
BYTE_LISTS: Final = ParameterType("System.Byte[][]", _is(bytes), _octet_lists)
HASHTABLES: Final = ParameterType("System.Collections.Hashtable[]", _is(dict), _hashtables)
DICTIONARY: Final = ParameterType("System.Collections.IDictionary", _is(dict), _hashtable)
ANY: Final = ParameterType("System.Object", lambda _: True, lambda value: value)
ANYTHING: Final = ParameterType("System.Object[]", lambda _: True, _items)


def object_type(name: str) -> ParameterType:
    """Return the type of live objects of one class; a deserialized copy from the client is none."""

    def convert(value: Value) -> NetObject:
        if isinstance(value, NetObject) and name in value.type.names:
            return value
        raise ValueError(f"not a {name}")

    return ParameterType(name, lambda value: isinstance(value, NetObject) and name in value.type.names, convert)


def objects_type(name: str) -> ParameterType:
    """Return the type of arrays of such objects."""
    one = object_type(name)
    return ParameterType(f"{name}[]", one.accepts, lambda value: [one.convert(item) for item in _items(value)])
